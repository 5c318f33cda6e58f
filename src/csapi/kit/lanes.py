"""A bounded number of things at once for each tenant, so that none keeps the others out."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from csapi.kit.pressure import Pressure
from csapi.kit.problems import Problem

WAIT_SECONDS = 10.0
# So long after its last request a tenant still counts as one who is there.
PRESENT_SECONDS = 1.0
# What took longer is long work: where processors are short, as much time passes before the next.
LONG_SECONDS = 0.05
LONGEST_REST_SECONDS = 3.0
MANY_QUERIES = (
    "{size} queries of this tenant are running already. Ask for fewer at once, or several in one "
    "POST /v1/query/batch."
)
MANY_BATCHES = (
    "{size} batches of this tenant are being taken in already, and this one was not: nothing of it "
    "is stored. Send it again, with fewer at once."
)
MANY_PAPERS = "{size} papers of this tenant are being set already. Ask for one after another."
QUERIES, BATCHES = ("too_many_queries", MANY_QUERIES), ("rate_limited", MANY_BATCHES)
PAPERS = ("too_many_queries", MANY_PAPERS)


class Crowd:
    """Which tenants are there, and which of them rest after long work: of all kinds of work of a
    process together, since whoever reads waits for processors as whoever writes does."""

    def __init__(self, pressure: Pressure | None = None) -> None:
        self._pressure = pressure
        self._last: dict[UUID, float] = {}
        self._rests_until: dict[UUID, float] = {}

    def seen(self, tenant_id: UUID) -> None:
        # Kept in the order of time.
        self._last.pop(tenant_id, None)
        self._last[tenant_id] = time.monotonic()

    def is_alone(self, tenant_id: UUID) -> bool:
        now = time.monotonic()
        while self._last and now - next(iter(self._last.values())) > PRESENT_SECONDS:
            del self._last[next(iter(self._last))]
        return self._last.keys() <= {tenant_id}

    def owe(self, tenant_id: UUID, used_seconds: float) -> None:
        """After long work, as much time again where the event loop is late."""
        is_pressed = self._pressure is not None and self._pressure.is_high
        if is_pressed and used_seconds >= LONG_SECONDS:
            rest = min(self.rest_seconds(tenant_id) + used_seconds, LONGEST_REST_SECONDS)
            self._rests_until[tenant_id] = time.monotonic() + rest

    def rest_seconds(self, tenant_id: UUID) -> float:
        """How long it still rests."""
        left = self._rests_until.get(tenant_id, 0.0) - time.monotonic()
        if left > 0:
            return left
        self._rests_until.pop(tenant_id, None)
        return 0.0


class Lanes:
    """At most `size` at once for a tenant that is alone in this process, and `shared` for each
    while others are there. Who comes next waits for a turn, and is refused when that takes too
    long.

    While others are there, a tenant that rests has no turn: one without end of work leaves half of
    what it could take. Lanes of several kinds of work share their `crowd`.
    """

    def __init__(
        self,
        size: int,
        shared: int | None = None,
        *,
        wait_seconds: float = WAIT_SECONDS,
        refusal: tuple[str, str] = QUERIES,
        crowd: Crowd | None = None,
    ) -> None:
        self.size = size
        self._shared = size if shared is None else min(size, shared)
        self._wait_seconds = wait_seconds
        self._refusal = refusal
        self._crowd = Crowd() if crowd is None else crowd
        self._running: dict[UUID, int] = {}
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def enter(self, tenant_id: UUID) -> AsyncIterator[None]:
        await self._turn(tenant_id)
        began = time.monotonic()
        try:
            yield
        finally:
            self._crowd.owe(tenant_id, time.monotonic() - began)
            self._leave(tenant_id)

    def _room(self, tenant_id: UUID) -> bool:
        running = self._running.get(tenant_id, 0)
        if self._running.keys() <= {tenant_id} and self._crowd.is_alone(tenant_id):
            return running < self.size
        return running < self._shared and not self._crowd.rest_seconds(tenant_id)

    async def _turn(self, tenant_id: UUID) -> None:
        self._crowd.seen(tenant_id)
        if tenant_id not in self._waiting and self._room(tenant_id):
            self._running[tenant_id] = self._running.get(tenant_id, 0) + 1
            return
        turn = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(tenant_id, deque())
        waiting.append(turn)
        self._pass_on(tenant_id)
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                # The turn came in the same moment: it goes to the next.
                self._leave(tenant_id)
            else:
                # Whoever left in the same moment may have passed it over already.
                with suppress(ValueError):
                    waiting.remove(turn)
                self._forget(tenant_id)
            if isinstance(error, TimeoutError):
                code, detail = self._refusal
                size = self._running.get(tenant_id, 0)
                raise Problem(code, detail.format(size=size)) from None
            raise

    def _leave(self, tenant_id: UUID) -> None:
        self._crowd.seen(tenant_id)
        self._running[tenant_id] -= 1
        self._pass_on(tenant_id)

    def _pass_on(self, tenant_id: UUID) -> None:
        """Give turns to those who wait, as many as there is room for; after a rest, then."""
        waiting = self._waiting.get(tenant_id, ())
        while waiting and self._room(tenant_id):
            turn = waiting.popleft()
            if not turn.done():
                self._running[tenant_id] = self._running.get(tenant_id, 0) + 1
                turn.set_result(None)
        if waiting and (rest := self._crowd.rest_seconds(tenant_id)):
            asyncio.get_running_loop().call_later(rest, self._pass_on, tenant_id)
        self._forget(tenant_id)

    def _forget(self, tenant_id: UUID) -> None:
        if not self._waiting.get(tenant_id):
            self._waiting.pop(tenant_id, None)
        if not self._running.get(tenant_id):
            self._running.pop(tenant_id, None)
