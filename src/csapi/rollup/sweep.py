"""Finding whose work waits, and doing it fairly: one bucket of each tenant in turn."""

import asyncio
import logging
import time
from collections.abc import Sequence

import asyncpg

from csapi.facts.kinds import Grain
from csapi.kit.db import acquire
from csapi.metrics.cuboids import BUSY_DAY_FACTS
from csapi.metrics.zones import day_start, local_date
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.definitions import redefine
from csapi.rollup.subjects import derive_marked

log = logging.getLogger(__name__)

SLOTS_PER_TENANT = 500
REDEFINE_SECONDS = 600.0
# Buckets that rest after a rebuild are looked at again so often, and for so long.
PAUSE_SECONDS = 0.2
LINGER_SECONDS = 5.0
SLOTS_PER_ROUND = 5_000

# The worker reads ids and zones of all tenants, and nothing else of them.
WAITING_SLOTS = f"""
SELECT tenant_id, timezone, bucket FROM (
  SELECT m.tenant_id, t.timezone, m.bucket, min(m.marked_at) AS since,
         row_number() OVER (PARTITION BY m.tenant_id ORDER BY min(m.marked_at)) AS turn
  FROM marks m JOIN tenants t ON t.tenant_id = m.tenant_id
  WHERE m.grain = {Grain.SLOT} AND m.marked_at < clock_timestamp() - $1::float8 * interval '1 s'
  GROUP BY 1, 2, 3
) AS waiting WHERE turn <= {SLOTS_PER_TENANT} ORDER BY turn, since LIMIT {SLOTS_PER_ROUND}"""

# Those of whose days none has waited: before that they would be rebuilt for nothing. Younger marks
# do not count: where somebody always writes, there always is one.
WAITING_MONTHS = f"""
SELECT m.tenant_id, t.timezone, m.bucket
FROM (SELECT DISTINCT tenant_id, bucket FROM marks WHERE grain = {Grain.MONTH}) AS m
JOIN tenants t ON t.tenant_id = m.tenant_id
WHERE NOT EXISTS (
  SELECT FROM marks s WHERE s.tenant_id = m.tenant_id AND s.grain = {Grain.SLOT}
    AND s.marked_at < clock_timestamp() - $1::float8 * interval '1 s' AND s.bucket >= m.bucket
    AND s.bucket < (m.bucket AT TIME ZONE t.timezone + interval '1 month') AT TIME ZONE t.timezone)
LIMIT {SLOTS_PER_ROUND}"""


async def waiting_buckets(connection: asyncpg.Connection, settled_seconds: float) -> list[Bucket]:
    """Days with marked slots, those of the tenants in turn; marks younger than that may wait. Then
    months."""
    slots = await connection.fetch(WAITING_SLOTS, settled_seconds)
    days = {
        Bucket(
            row["tenant_id"],
            row["timezone"],
            Grain.DAY,
            day_start(row["timezone"], local_date(row["timezone"], row["bucket"])),
        ): None
        for row in slots
    }
    rows = await connection.fetch(WAITING_MONTHS, settled_seconds)
    months = [Bucket(row["tenant_id"], row["timezone"], Grain.MONTH, row["bucket"]) for row in rows]
    return [*days, *months]


class Drainer:
    """Works off marks until none waits. Safe in any number of processes.

    Marks younger than settled_seconds may wait; with `rested`, a bucket that was just rebuilt, too.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        lanes: int = 2,
        settled_seconds: float = 1.0,
        rested: bool = True,
        busy_day_facts: int = BUSY_DAY_FACTS,
    ) -> None:
        self._pool = pool
        self._lanes = asyncio.Semaphore(lanes)
        self._settled_seconds = settled_seconds
        self._rested = rested
        self._busy_day_facts = busy_day_facts
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._redefine_after = 0.0

    @property
    def is_awaited(self) -> bool:
        """Whether a drain waits for another one: it will see all that is there now."""
        return self._waiting > 0

    async def drain(self) -> int:
        """Rebuild what waits; the number of buckets rebuilt. One drain at a time in a process."""
        self._waiting += 1
        try:
            await self._lock.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._drain()
        finally:
            self._lock.release()

    async def _drain(self) -> int:
        total, busy_until = 0, 0.0
        while True:
            has_more = await self._redefine()
            await derive_marked(self._pool)
            async with acquire(self._pool) as connection:
                waiting = await waiting_buckets(connection, self._settled_seconds)
            done = sum(await self._work_off(waiting))
            total += done
            if done or has_more:
                busy_until = time.monotonic() + LINGER_SECONDS
            elif not waiting or time.monotonic() > busy_until:
                return total
            else:
                await asyncio.sleep(PAUSE_SECONDS)

    async def _redefine(self) -> bool:
        """Look for facts of other derivations: at the start, while there are any, and rarely."""
        if time.monotonic() < self._redefine_after:
            return False
        marked = await redefine(self._pool)
        if marked is None:
            self._redefine_after = time.monotonic() + REDEFINE_SECONDS
        return bool(marked)

    async def _work_off(self, waiting: Sequence[Bucket]) -> list[bool]:
        return await asyncio.gather(*(self._rebuild(bucket) for bucket in waiting))

    async def _rebuild(self, bucket: Bucket) -> bool:
        async with self._lanes:
            try:
                return await rebuild(
                    self._pool,
                    bucket,
                    rested=self._rested,
                    busy_day_facts=self._busy_day_facts,
                )
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                # One bucket that cannot be rebuilt must not hold up the others: its marks stay.
                log.exception("rebuild failed", extra={"fields": {"tenant": str(bucket.tenant_id)}})
                return False
