"""Long work aside: the loop goes on, one piece at a time, and what it knows comes along."""

import asyncio
import contextvars
import threading
import time

import pytest

from csapi.kit.turns import STRIDE, Sweeps, aside, give_way, work_off

WHO = contextvars.ContextVar[str]("who")


async def test_the_loop_goes_on_meanwhile() -> None:
    go_on = threading.Event()
    working = asyncio.create_task(aside(go_on.wait, 10))
    await asyncio.sleep(0)
    assert not working.done()
    go_on.set()
    assert await working


async def test_one_after_another_whatever_there_is_to_do() -> None:
    present: list[int] = []
    most: list[int] = []

    def work(number: int) -> int:
        present.append(number)
        most.append(len(present))
        time.sleep(0.001)
        present.remove(number)
        return number

    assert await asyncio.gather(*(aside(work, number) for number in range(20))) == [*range(20)]
    assert max(most) == 1


async def test_failures_and_context_come_back_and_along() -> None:
    WHO.set("ann")
    assert await aside(WHO.get) == "ann"
    with pytest.raises(ZeroDivisionError):
        await aside(divmod, 1, 0)


async def test_a_batch_lets_others_have_their_turn() -> None:
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    for index in range(10 * STRIDE):
        await give_way(index)
    task.cancel()
    assert others >= 10


async def test_what_is_due_is_worked_off_until_nothing_is_free() -> None:
    waiting, tries = [1, 2, 3, 4], 0

    async def due() -> list[int]:
        return list(waiting)

    async def serve(each: int) -> bool:
        nonlocal tries
        tries += 1
        if each == 4:
            return False
        waiting.remove(each)
        return True

    assert await work_off(due, serve) == 3
    assert (waiting, tries) == ([4], 5)


async def test_a_further_sweep_leaves_it_to_those_under_way() -> None:
    sweeps, go_on, waiting = Sweeps(at_once=2), asyncio.Event(), [1, 2]

    async def due() -> list[int]:
        return list(waiting)

    async def serve(each: int) -> bool:
        if each not in waiting:
            return False
        waiting.remove(each)
        await go_on.wait()
        if not waiting:
            raise ValueError("its place is free again")
        return True

    under_way = [asyncio.create_task(sweeps.work_off(due, serve)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await sweeps.work_off(due, serve) == 0
    go_on.set()
    ended = await asyncio.gather(*under_way, return_exceptions=True)
    assert all(isinstance(each, ValueError) for each in ended)
    waiting += [3]
    with pytest.raises(ValueError, match="free again"):
        await sweeps.work_off(due, serve)
