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

log = logging.getLogger(__name__)

AT_ONCE, AT_ONCE_OF_TENANT = 64, 4
# After so long an endpoint gives its place to others, and comes up again.
TURN_SECONDS = 20.0
BUSY = (429, 503)
NETWORK = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Deliverer:
    """Begins what is due with each call of sweep(), and waits for none of it."""

    def __init__(self, pool: asyncpg.Pool, client: Client) -> None:
        self._pool = pool
        self._client = client
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._tenants: Counter[UUID] = Counter()
        self._chance = random.SystemRandom().random

    async def sweep(self) -> int:
        """The number of endpoints that are being served from now on."""
        free = AT_ONCE - len(self._tasks)
        if free <= 0:
            return 0
        begun = 0
        # Of a tenant whose places are taken more may wait than there are places.
        for tenant_id, endpoint in await due(self._pool, list(self._tasks), AT_ONCE * 4):
            if begun == free:
                break
            if self._tenants[tenant_id] >= AT_ONCE_OF_TENANT or endpoint in self._tasks:
                continue
            self._begin(tenant_id, endpoint)
            begun += 1
        return begun

    def _begin(self, tenant_id: UUID, endpoint: UUID) -> None:
        self._tenants[tenant_id] += 1
        task = asyncio.create_task(self._serve(tenant_id, endpoint))
        self._tasks[endpoint] = task

        def done(_: asyncio.Task[None]) -> None:
            del self._tasks[endpoint]
            self._tenants[tenant_id] -= 1
            if not self._tenants[tenant_id]:
                del self._tenants[tenant_id]

        task.add_done_callback(done)

    async def _serve(self, tenant_id: UUID, endpoint: UUID) -> None:
        ends_at = time.monotonic() + TURN_SECONDS
        try:
            while time.monotonic() < ends_at:
                task = await claim(self._pool, tenant_id, endpoint)
                if task is None:
                    break
                await self._attempt(task)
        except NETWORK as error:
            # Leases run out, and it is tried again.
            log.warning("webhooks stopped: %s", type(error).__name__)
        except Exception:
            log.exception("webhooks failed")

    async def _attempt(self, task: Task) -> None:
        began = now()
        message_id, timestamp = str(task.event), int(began.timestamp())
        headers = signed_headers(task.secrets, message_id, timestamp, task.body)
        outcome = await self._client.send(task.url, task.body, headers)
        asked = retry_seconds(outcome.retry_after, began) if outcome.status in BUSY else None
        pause = pause_after(task.attempt, self._chance(), asked)
        await record(self._pool, task, outcome, began, pause, GIVE_UP_AFTER)

    async def settled(self) -> None:
        """Wait until nobody is being served."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self) -> None:
        """Stop. What is under way is tried again by whoever comes next."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._client.close()
