"""The worker's part: delivers what waits. Safe in any number of processes.

Nobody waits for a slow receiver but its own tenant: each endpoint is served by a task of its own,
one delivery after another, at most a few of a tenant at once.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from uuid import UUID

import asyncpg

from csapi.connect.webhooks.client import Client
from csapi.connect.webhooks.queue import Task, claim, due, record
from csapi.connect.webhooks.signing import signed_headers
from csapi.connect.webhooks.timing import GIVE_UP_AFTER, pause_after, retry_seconds
from csapi.kit.clock import now
from csapi.kit.traces import Trace, at_work, begun

log = logging.getLogger(__name__)

AT_ONCE, AT_ONCE_OF_TENANT = 64, 4
# After so long an endpoint gives its place to others, and comes up again.
TURN_SECONDS = 20.0
# What has been sent should not be sent again since no connection was free for a moment.
RECORD_TRIES, RECORD_PAUSE = 4, 1.0
BUSY = (429, 503)
NETWORK = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Deliverer:
    """Begins what is due with each call of sweep(), and waits for none of it."""

    def __init__(self, pool: asyncpg.Pool, client: Client) -> None:
        self._pool = pool
        self._client = client
        self._tasks: dict[UUID, asyncio.Task[int]] = {}
        self._tenants: Counter[UUID] = Counter()
        self._further: asyncio.Task[None] | None = None
        self._chance = random.SystemRandom().random

    async def sweep(self) -> int:
        """The number of endpoints that are being served from now on."""
        begun = 0
        # Of a tenant whose places are taken more may wait than there are places.
        for tenant_id, endpoint in await due(self._pool, list(self._tasks), AT_ONCE * 4):
            if len(self._tasks) >= AT_ONCE:
                break
            if self._tenants[tenant_id] < AT_ONCE_OF_TENANT and endpoint not in self._tasks:
                self._begin(tenant_id, endpoint)
                begun += 1
        return begun

    def _begin(self, tenant_id: UUID, endpoint: UUID) -> None:
        self._tenants[tenant_id] += 1
        task = asyncio.create_task(self._serve(tenant_id, endpoint))
        self._tasks[endpoint] = task

        def done(ended: asyncio.Task[int]) -> None:
            del self._tasks[endpoint]
            self._tenants[tenant_id] -= 1
            if not self._tenants[tenant_id]:
                del self._tenants[tenant_id]
            # Whoever did nothing has met a database that is away, or another worker.
            if not ended.cancelled() and ended.result():
                self._go_on()

        task.add_done_callback(done)

    def _go_on(self) -> None:
        """A place is free: somebody else may have waited for it."""
        if self._further is None or self._further.done():
            self._further = asyncio.create_task(self._sweep_quietly())

    async def _sweep_quietly(self) -> None:
        try:
            await self.sweep()
        except NETWORK as error:
            log.warning("webhooks stopped: %s", type(error).__name__)

    async def _serve(self, tenant_id: UUID, endpoint: UUID) -> int:
        """The number of attempts that were made."""
        ends_at, made = time.monotonic() + TURN_SECONDS, 0
        try:
            while time.monotonic() < ends_at:
                task = await claim(self._pool, tenant_id, endpoint)
                if task is None:
                    break
                await self._attempt(task)
                made += 1
        except NETWORK as error:
            # Leases run out, and it is tried again.
            log.warning("webhooks stopped: %s", type(error).__name__)
            return 0
        except Exception:
            log.exception("webhooks failed")
            return 0
        return made

    async def _attempt(self, task: Task) -> None:
        began = now()
        message_id, timestamp = str(task.event), int(began.timestamp())
        # All attempts at a message are one trace, of which the receiver knows the id already.
        trace = begun(Trace(task.event.hex, ""))
        at_work.set(trace)
        headers = signed_headers(task.secrets, message_id, timestamp, task.body)
        headers["traceparent"] = trace.traceparent
        outcome = await self._client.send(task.url, task.body, headers)
        asked = retry_seconds(outcome.retry_after, began) if outcome.status in BUSY else None
        pause = pause_after(task.attempt, self._chance(), asked)
        for left in reversed(range(RECORD_TRIES)):
            try:
                await record(self._pool, task, outcome, began, pause, GIVE_UP_AFTER)
            except NETWORK:
                if left == 0:
                    raise
                await asyncio.sleep(RECORD_PAUSE)
            else:
                return

    async def settled(self) -> None:
        """Wait until nobody is being served."""
        while waiting := self._under_way():
            await asyncio.wait(waiting)

    def _under_way(self) -> list[asyncio.Task[int] | asyncio.Task[None]]:
        further = self._further
        return [*self._tasks.values(), *([] if further is None or further.done() else [further])]

    async def close(self) -> None:
        """Stop. What is under way is tried again by whoever comes next."""
        while under_way := self._under_way():
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        self._client.close()
