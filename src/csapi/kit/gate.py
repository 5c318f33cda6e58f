"""A bounded number of requests at work in a process; who comes next waits a moment, in a bounded
queue, and is told to come again."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from csapi.kit.problems import Problem

WAIT_SECONDS = 2.0
# Clients that were refused together do not come back together.
SOONEST_SECONDS, LATEST_SECONDS = 1, 5


def overloaded(detail: str) -> Problem:
    spread = LATEST_SECONDS - SOONEST_SECONDS + 1
    retry_after = SOONEST_SECONDS + secrets.randbelow(spread)
    return Problem("overloaded", detail, headers={"Retry-After": str(retry_after)})


class Gate:
    """At most `size` at work and twice as many waiting."""

    def __init__(self, size: int, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self.size = size
        self.at_work = 0
        self._most_waiting = 2 * size
        self._wait_seconds = wait_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Raises Problem `overloaded`."""
        await self._turn()
        try:
            yield
        finally:
            self._leave()

    async def _turn(self) -> None:
        if self.at_work < self.size:
            self.at_work += 1
            return
        if len(self._waiting) >= self._most_waiting:
            raise overloaded("Too many requests are waiting already. Nothing was done.")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The turn came in the same moment: it goes to the next.
                self._leave()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            if isinstance(error, TimeoutError):
                raise overloaded("The request waited too long. Nothing was done.") from None
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                # Whoever leaves hands on the place.
                turn.set_result(None)
                return
        self.at_work -= 1
