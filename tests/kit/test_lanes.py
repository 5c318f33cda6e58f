"""So many at once for each tenant, and no more; fewer where others want their share."""

import asyncio
import time
from uuid import UUID

import pytest

from csapi.kit import lanes as module
from csapi.kit.lanes import BATCHES, Crowd, Lanes
from csapi.kit.pressure import Pressure
from csapi.kit.problems import Problem

ONE, TWO = UUID(int=1), UUID(int=2)


async def occupy(lanes: Lanes, tenant: UUID, entered: list[UUID], leave: asyncio.Event) -> None:
    async with lanes.enter(tenant):
        entered.append(tenant)
        await leave.wait()


def nothing_is_left(lanes: Lanes) -> bool:
    return not lanes._running and not lanes._waiting


async def test_others_wait_for_their_turn_and_tenants_not_for_each_other() -> None:
    lanes, entered, leave = Lanes(2), list[UUID](), asyncio.Event()
    tasks = [asyncio.create_task(occupy(lanes, ONE, entered, leave)) for _ in range(5)]
    tasks.append(asyncio.create_task(occupy(lanes, TWO, entered, leave)))
    await asyncio.sleep(0.01)
    assert sorted(entered) == [ONE, ONE, TWO]
    leave.set()
    await asyncio.gather(*tasks)
    assert len(entered) == 6
    assert nothing_is_left(lanes)


async def test_who_waits_too_long_is_refused_and_leaves_no_trace() -> None:
    lanes, leave = Lanes(1, wait_seconds=0.01), asyncio.Event()
    first = asyncio.create_task(occupy(lanes, ONE, [], leave))
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refusal:
        await occupy(lanes, ONE, [], leave)
    assert (refusal.value.code, refusal.value.status) == ("too_many_queries", 429)
    assert refusal.value.headers["Retry-After"]
    leave.set()
    await first
    assert nothing_is_left(lanes)


async def test_a_tenant_alone_may_use_what_it_shares_with_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PRESENT_SECONDS", 0.05)
    lanes, leave = Lanes(3, 1), asyncio.Event()
    alone: list[UUID] = []
    tasks = [asyncio.create_task(occupy(lanes, ONE, alone, leave)) for _ in range(4)]
    await asyncio.sleep(0)
    assert len(alone) == 3
    leave.set()
    await asyncio.gather(*tasks)

    async with lanes.enter(TWO):
        pass
    leave, beside = asyncio.Event(), list[UUID]()
    tasks = [asyncio.create_task(occupy(lanes, ONE, beside, leave)) for _ in range(4)]
    await asyncio.sleep(0.01)
    assert len(beside) == 1
    await asyncio.sleep(0.1)
    leave.set()
    await asyncio.gather(*tasks)
    assert len(beside) == 4
    assert nothing_is_left(lanes)


async def test_who_gives_up_waiting_keeps_nobody_waiting() -> None:
    lanes, entered, leave = Lanes(1), list[UUID](), asyncio.Event()
    tasks = [asyncio.create_task(occupy(lanes, ONE, entered, leave)) for _ in range(4)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    leave.set()
    await asyncio.sleep(0)
    # Its turn has come, and it goes.
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[3].exception() is None
    assert nothing_is_left(lanes)


async def test_a_refused_batch_is_told_that_nothing_is_stored() -> None:
    lanes, leave = Lanes(1, wait_seconds=0.01, refusal=BATCHES), asyncio.Event()
    first = asyncio.create_task(occupy(lanes, ONE, [], leave))
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refusal:
        await occupy(lanes, ONE, [], leave)
    assert (refusal.value.code, refusal.value.status) == ("rate_limited", 429)
    assert "nothing of it is stored" in refusal.value.detail
    leave.set()
    await first


async def test_long_work_leaves_room_for_others_where_processors_are_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LONG_SECONDS", 0.02)
    pressure = Pressure()
    lanes = Lanes(4, 1, crowd=Crowd(pressure))

    async def seconds_between_two(*, seconds: float) -> float:
        async with lanes.enter(TWO):
            pass
        async with lanes.enter(ONE):
            await asyncio.sleep(seconds)
        left = time.monotonic()
        async with lanes.enter(ONE):
            return time.monotonic() - left

    assert await seconds_between_two(seconds=0.1) < 0.05
    pressure.late_seconds = 1.0
    assert await seconds_between_two(seconds=0.1) >= 0.09
    assert await seconds_between_two(seconds=0.0) < 0.05
    await asyncio.sleep(0.01)
    assert nothing_is_left(lanes)
