"""Long work, kept from holding up short answers: all of them share one event loop."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# After so many items of a batch others have their turn: a few milliseconds.
STRIDE = 20
# What is worked out of so many rows is worked out at once; others must not wait for more.
FEW_ROWS = 100


@cache
def side(name: str) -> ThreadPoolExecutor:
    """One thread, whatever there is to do: the event loop competes with few at most."""
    return ThreadPoolExecutor(1, thread_name_prefix=name)


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of long work, done beside the event loop, one after another."""
    return await _in_side("aside", partial(work, *args, **kwargs))


async def far_aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same for work that takes so long that what is long elsewhere must not wait for it."""
    return await _in_side("far_aside", partial(work, *args, **kwargs))


async def _in_side(name: str, work: Callable[[], T]) -> T:
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(side(name), context.run, work)


async def give_way(index: int) -> None:
    """Between the items of a batch: let others have their turn now and then."""
    if index % STRIDE == STRIDE - 1:
        await asyncio.sleep(0)


Due = Callable[[], Awaitable[Sequence[T]]]
Serve = Callable[[T], Awaitable[bool]]


async def work_off(due: Due[T], serve: Serve[T]) -> int:
    """Serve what is due until nothing is, or nothing of it is free to be served; how many were."""
    total = 0
    while waiting := await due():
        done = 0
        for each in waiting:
            done += await serve(each)
        total += done
        if not done:
            break
    return total


class Sweeps:
    """Sweeps of one kind in a process, so many at once: a further one leaves it to those, which see
    all that is due before they end."""

    def __init__(self, at_once: int = 1) -> None:
        self._free = at_once

    async def work_off(self, due: Due[T], serve: Serve[T]) -> int:
        """As work_off(); 0 where no place is free."""
        if not self._free:
            return 0
        self._free -= 1
        try:
            return await work_off(due, serve)
        finally:
            self._free += 1
