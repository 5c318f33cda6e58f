"""A bounded number of things at once for each tenant, so that none keeps the others out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from csapi.kit.problems import Problem

WAIT_SECONDS = 10.0


class Lanes:
    """At most `size` at once for each tenant in this process. Others wait for their turn, and are
    refused when that takes too long."""

    def __init__(self, size: int, wait_seconds: float = WAIT_SECONDS) -> None:
        self.size = size
        self._wait_seconds = wait_seconds
        self._turns: dict[UUID, asyncio.Semaphore] = {}
        self._present: dict[UUID, int] = {}

    @asynccontextmanager
    async def enter(self, tenant_id: UUID) -> AsyncIterator[None]:
        turns = self._turns.setdefault(tenant_id, asyncio.Semaphore(self.size))
        self._present[tenant_id] = self._present.get(tenant_id, 0) + 1
        try:
            await self._wait(turns)
            try:
                yield
            finally:
                turns.release()
        finally:
            self._present[tenant_id] -= 1
            if self._present[tenant_id] == 0:
                del self._present[tenant_id], self._turns[tenant_id]

    async def _wait(self, turns: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await turns.acquire()
        except TimeoutError:
            raise Problem(
                "too_many_queries",
                f"{self.size} queries of this tenant are running already. Ask for fewer at once, "
                "or several in one POST /v1/query/batch.",
            ) from None
