"""So many at once for each tenant, and no more."""

import asyncio
from uuid import UUID

import pytest

from csapi.kit.lanes import Lanes
from csapi.kit.problems import Problem

ONE, TWO = UUID(int=1), UUID(int=2)


async def occupy(lanes: Lanes, tenant: UUID, entered: list[UUID], leave: asyncio.Event) -> None:
    async with lanes.enter(tenant):
        entered.append(tenant)
        await leave.wait()


async def test_others_wait_for_their_turn_and_tenants_not_for_each_other() -> None:
    lanes, entered, leave = Lanes(2), list[UUID](), asyncio.Event()
    tasks = [asyncio.create_task(occupy(lanes, ONE, entered, leave)) for _ in range(5)]
    tasks.append(asyncio.create_task(occupy(lanes, TWO, entered, leave)))
    await asyncio.sleep(0.01)
    assert sorted(entered) == [ONE, ONE, TWO]
    leave.set()
    await asyncio.gather(*tasks)
    assert len(entered) == 6
    assert not lanes._turns
    assert not lanes._present


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
    async with lanes.enter(ONE):
        pass
    assert not lanes._turns


async def test_who_hangs_up_while_waiting_takes_no_turn() -> None:
    lanes, leave = Lanes(1), asyncio.Event()
    first = asyncio.create_task(occupy(lanes, ONE, [], leave))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(occupy(lanes, ONE, [], leave))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    leave.set()
    await first
    async with asyncio.timeout(1), lanes.enter(ONE):
        pass
