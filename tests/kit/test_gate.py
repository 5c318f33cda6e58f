"""A bounded number at work and in the queue."""

import asyncio
from collections import Counter

import pytest

from csapi.kit.gate import LATEST_SECONDS, Gate
from csapi.kit.problems import Problem


async def through(gate: Gate, seconds: float = 0.01) -> str:
    try:
        async with gate.enter():
            await asyncio.sleep(seconds)
    except Problem as problem:
        soon = 1 <= int(problem.headers["Retry-After"]) <= LATEST_SECONDS
        return problem.code if soon else "late"
    return "done"


async def test_what_finds_no_place_is_refused_at_once() -> None:
    gate = Gate(2)
    ended = Counter(await asyncio.gather(*(through(gate) for _ in range(20))))
    assert ended == {"done": 6, "overloaded": 14}
    assert (gate.at_work, gate.waiting) == (0, 0)
    assert await through(gate) == "done"


async def test_who_waits_too_long_is_refused() -> None:
    gate = Gate(1, wait_seconds=0.02)
    ended = await asyncio.gather(through(gate, 0.2), through(gate))
    assert ended[0] == "done"
    assert ended[1] == "overloaded"
    assert (gate.at_work, gate.waiting) == (0, 0)


async def test_who_goes_away_leaves_the_place_to_the_next() -> None:
    gate = Gate(1)
    first = asyncio.create_task(through(gate, 0.05))
    await asyncio.sleep(0)
    second, third = (asyncio.create_task(through(gate)) for _ in range(2))
    await asyncio.sleep(0)
    second.cancel()
    assert await first == "done"
    assert await third == "done"
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (gate.at_work, gate.waiting) == (0, 0)
