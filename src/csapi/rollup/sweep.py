"""Finding whose work waits, and doing it fairly: one bucket of each tenant in turn."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import asyncpg

from csapi.facts.kinds import Grain
from csapi.kit.db import acquire
from csapi.metrics.periods import day_bounds, month_bounds
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.subjects import derive_marked

log = logging.getLogger(__name__)

BUCKETS_PER_ROUND = 200

# The tenant's own days: the worker reads ids and zones of all tenants, and nothing else of them.
WAITING_DAYS = f"""
SELECT tenant_id, timezone, local_day FROM (
  SELECT m.tenant_id, t.timezone, (m.bucket AT TIME ZONE t.timezone)::date AS local_day,
         min(m.marked_at) AS since,
         row_number() OVER (PARTITION BY m.tenant_id ORDER BY min(m.marked_at)) AS turn
  FROM marks m JOIN tenants t ON t.tenant_id = m.tenant_id
  WHERE m.grain = {Grain.SLOT} AND m.marked_at < clock_timestamp() - $1::float8 * interval '1 s'
  GROUP BY 1, 2, 3
) AS waiting ORDER BY turn, since LIMIT {BUCKETS_PER_ROUND}"""

# A month comes after its days: while a slot of it is marked, it would be rebuilt for nothing.
WAITING_MONTHS = f"""
SELECT DISTINCT m.tenant_id, t.timezone, (m.bucket AT TIME ZONE t.timezone)::date AS local_day
FROM marks m JOIN tenants t ON t.tenant_id = m.tenant_id
WHERE m.grain = {Grain.MONTH} AND NOT EXISTS (
  SELECT 1 FROM marks s WHERE s.tenant_id = m.tenant_id AND s.grain = {Grain.SLOT}
    AND s.bucket >= m.bucket
    AND s.bucket < (m.bucket AT TIME ZONE t.timezone + interval '1 month') AT TIME ZONE t.timezone
) LIMIT {BUCKETS_PER_ROUND}"""


async def waiting_buckets(connection: asyncpg.Connection, settled_seconds: float) -> list[Bucket]:
    """Buckets with marks, those of the tenants in turn; marks younger than that may wait."""
    days = await connection.fetch(WAITING_DAYS, settled_seconds)
    months = [] if days else await connection.fetch(WAITING_MONTHS)
    return [named(row, Grain.DAY) for row in days] + [named(row, Grain.MONTH) for row in months]


def named(row: asyncpg.Record, grain: Grain) -> Bucket:
    zone = ZoneInfo(row["timezone"])
    bounds = day_bounds if grain is Grain.DAY else month_bounds
    start: datetime = bounds(row["local_day"], zone)[0]
    return Bucket(row["tenant_id"], row["timezone"], grain, start.astimezone(UTC))


class Drainer:
    """Works off marks until none waits. Safe in any number of processes."""

    def __init__(self, pool: asyncpg.Pool, *, lanes: int = 2, settled_seconds: float = 1.0) -> None:
        self._pool = pool
        self._lanes = asyncio.Semaphore(lanes)
        self._settled_seconds = settled_seconds
        self._lock = asyncio.Lock()

    async def drain(self) -> int:
        """Rebuild what waits; the number of buckets rebuilt. One drain at a time in a process."""
        async with self._lock:
            await derive_marked(self._pool)
            total = 0
            while True:
                async with acquire(self._pool) as connection:
                    waiting = await waiting_buckets(connection, self._settled_seconds)
                done = sum(await self._work_off(waiting))
                total += done
                if not done:
                    return total

    async def _work_off(self, waiting: Sequence[Bucket]) -> list[bool]:
        return await asyncio.gather(*(self._rebuild(bucket) for bucket in waiting))

    async def _rebuild(self, bucket: Bucket) -> bool:
        async with self._lanes:
            try:
                return await rebuild(self._pool, bucket)
            except asyncpg.PostgresError:
                # One bucket that cannot be rebuilt must not hold up the others: its marks stay.
                log.exception("rebuild failed", extra={"tenant_id": str(bucket.tenant_id)})
                return False
