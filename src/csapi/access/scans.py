"""Looking again by the clock: which tenants, and when next.

A mark says that a tenant is looked at, and when. Who claims it moves it on, so that one process
looks, and a look that was cut short is made up for by the next.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.db import acquire
from csapi.kit.turns import Sweeps

log = logging.getLogger(__name__)


class Scan(StrEnum):
    """What is looked for."""

    sla = "sla"
    radar = "radar"
    audit = "audit"
    retention = "retention"


# The worker reads ids and instants of all tenants, and nothing else of them.
DUE = """
SELECT w.tenant_id, t.timezone FROM scan_marks w JOIN tenants t ON t.tenant_id = w.tenant_id
WHERE w.scan = $1 AND w.due_at <= $2 ORDER BY w.due_at LIMIT 50"""
CLAIM = """
UPDATE scan_marks SET due_at = $4
WHERE tenant_id = $1 AND scan = $2 AND due_at <= $3 RETURNING scan"""
BEGIN = """
INSERT INTO scan_marks (tenant_id, scan, due_at) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id, scan) DO NOTHING"""
END = "DELETE FROM scan_marks WHERE tenant_id = $1 AND scan = $2"
UNSCANNED = """
SELECT t.tenant_id, t.timezone FROM tenants t WHERE NOT EXISTS (
  SELECT FROM scan_marks w WHERE w.tenant_id = t.tenant_id AND w.scan = $1) LIMIT 500"""


async def due(pool: asyncpg.Pool, scan: Scan, now: datetime) -> Sequence[tuple[UUID, str]]:
    """Tenants to look at, with their zones."""
    async with acquire(pool) as connection:
        rows = await connection.fetch(DUE, scan.value, now)
    return [(row["tenant_id"], row["timezone"]) for row in rows]


async def claim(
    pool: asyncpg.Pool, tenant_id: UUID, scan: Scan, now: datetime, following: datetime
) -> bool:
    """Whether it is ours to look, until `following`."""
    async with tenant_transaction(pool, tenant_id) as connection:
        place = tenant_id, scan.value, now, following
        return await connection.fetchval(CLAIM, *place) is not None


async def begin(connection: asyncpg.Connection, tenant_id: UUID, scan: Scan, at: datetime) -> None:
    """From `at` on; nothing where somebody looks already."""
    await connection.execute(BEGIN, tenant_id, scan.value, at)


async def end(connection: asyncpg.Connection, tenant_id: UUID, scan: Scan) -> None:
    await connection.execute(END, tenant_id, scan.value)


async def unscanned(pool: asyncpg.Pool, scan: Scan) -> Sequence[tuple[UUID, str]]:
    """Tenants that nobody looks at yet, with their zones."""
    async with acquire(pool) as connection:
        rows = await connection.fetch(UNSCANNED, scan.value)
    return [(row["tenant_id"], row["timezone"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Look:
    """Whom to look at, and from when it is seen."""

    tenant_id: UUID
    timezone: str
    now: datetime


# When next, by the clock of a zone; and what is done.
Following = Callable[[str, datetime], datetime]
Work = Callable[[Look], Awaitable[object]]


class Scanner:
    """Looks at the tenants whose time has come, one after another. Safe in any number of processes:
    a look that fails is made good by the next."""

    def __init__(self, pool: asyncpg.Pool, scan: Scan, following: Following, work: Work) -> None:
        self._pool = pool
        self._scan = scan
        self._following = following
        self._work = work
        self._sweeps = Sweeps()

    async def sweep(self) -> int:
        """The number of tenants that were looked at. Another call leaves it to the first."""
        return await self._sweeps.work_off(lambda: due(self._pool, self._scan, now()), self._look)

    async def sweep_all(self) -> int:
        """Take in the tenants that nobody looks at yet, and sweep."""
        for tenant_id, timezone in await unscanned(self._pool, self._scan):
            async with tenant_transaction(self._pool, tenant_id) as connection:
                await begin(connection, tenant_id, self._scan, self._following(timezone, now()))
        return await self.sweep()

    async def _look(self, of: tuple[UUID, str]) -> bool:
        tenant_id, timezone = of
        at = now()
        following = self._following(timezone, at)
        if not await claim(self._pool, tenant_id, self._scan, at, following):
            return False
        try:
            await self._work(Look(tenant_id, timezone, at))
        except Exception as error:  # noqa: BLE001  the others are looked at all the same
            log.warning("scan %s failed: %s", self._scan.value, type(error).__name__)
        return True
