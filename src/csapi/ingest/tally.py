"""How many items came, and what became of them, by tenant, day and resource.

Kept in the process and added up in the database once a minute, beside the requests: taking in pays
a few microseconds for it. A process that is killed forgets its last minute.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction

log = logging.getLogger(__name__)

FLUSH_SECONDS = 60.0
# Beyond so many numbers that could not be written they are given up.
MOST_KEPT = 100_000

Place = tuple[UUID, date, str, str]

ADD = """
INSERT INTO ingest_counts AS c (tenant_id, day, resource, status, n)
SELECT $1, day, resource, status, n
FROM unnest($2::date[], $3::text[], $4::text[], $5::bigint[]) AS i (day, resource, status, n)
ORDER BY day, resource, status
ON CONFLICT (tenant_id, day, resource, status) DO UPDATE SET n = c.n + excluded.n"""


class Tally:
    def __init__(self, pool: asyncpg.Pool, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._pool = pool
        self._flush_seconds = flush_seconds
        self._counts: Counter[Place] = Counter()
        self._flushing: asyncio.Task[None] | None = None

    def add(self, tenant_id: UUID, resource: str, counts: Mapping[str, int], now: datetime) -> None:
        """Count what became of items, by status. Keeps nobody waiting. Days are those of UTC."""
        day = now.date()
        for status, count in counts.items():
            self._counts[tenant_id, day, resource, status] += count
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(self._flush_seconds)
        await self.flush()

    async def flush(self) -> None:
        counts, self._counts = self._counts, Counter()
        tenants: dict[UUID, list[tuple[date, str, str, int]]] = {}
        for (tenant_id, day, resource, status), count in counts.items():
            tenants.setdefault(tenant_id, []).append((day, resource, status, count))
        for tenant_id, rows in tenants.items():
            try:
                async with tenant_transaction(self._pool, tenant_id) as connection:
                    columns = [list(values) for values in zip(*rows, strict=True)]
                    await connection.execute(ADD, tenant_id, *columns)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                log.warning("counts of ingest not written")
                if len(self._counts) < MOST_KEPT:
                    for day, resource, status, count in rows:
                        self._counts[tenant_id, day, resource, status] += count

    async def close(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
        await self.flush()
