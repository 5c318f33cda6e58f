"""Deleting all rows of a tenant, in chunks; what is left is a receipt.

The worker may delete nothing of its own accord: the functions of migration 0039 delete rows of the
transaction's tenant, from tables that the database itself lists, and only after the tenant has
closed. They count what they delete in the transaction that deletes it, so a worker that is stopped
half-way loses no count, and say that all is gone only after looking into every table.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire

log = logging.getLogger(__name__)

ROWS_PER_STEP = 10_000
# What comes to be while it is deleted, by a job that was under way, goes in the next pass.
MOST_PASSES = 5

# As begin_tenant_deletion() has it.
DUE = """
SELECT tenant_id FROM tenant_closings
WHERE closes_at <= clock_timestamp() - interval '2 minutes' ORDER BY closes_at"""
UNFINISHED = "SELECT id FROM list_closed_tenants() WHERE finished_at IS NULL"
RECEIPTS = """
SELECT id, name, requested_at, closes_at, started_at, finished_at, deleted::text AS deleted
FROM list_closed_tenants()"""
BEGIN = "SELECT begin_tenant_deletion()"
DELETE_SOME = "SELECT delete_tenant_rows($1, $2)"
FINISH = "SELECT finish_tenant_deletion()"
TABLES = """
SELECT c.relname::text AS name,
  array(SELECT k.confrelid::regclass::text FROM pg_constraint k
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid) AS needs
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
WHERE c.relnamespace = 'csapi'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is left of a tenant. deleted: rows by table; finished_at: when all tables were empty."""

    id: UUID
    name: str
    requested_at: datetime
    closes_at: datetime
    started_at: datetime
    finished_at: datetime | None
    deleted: dict[str, int]


async def receipts(connection: asyncpg.Connection) -> list[Receipt]:
    """Those of all tenants that have closed, for the operator."""
    rows = await connection.fetch(RECEIPTS)
    return [
        Receipt(
            id=row["id"],
            name=row["name"],
            requested_at=row["requested_at"],
            closes_at=row["closes_at"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            deleted=msgspec.json.decode(row["deleted"]),
        )
        for row in rows
    ]


async def tenant_tables(connection: asyncpg.Connection) -> Sequence[str]:
    """All tables with rows of tenants, by the catalog: those that jobs begin with first, and what
    refers to others before them."""
    rows = await connection.fetch(TABLES)
    needed_by: dict[str, set[str]] = {row["name"]: set() for row in rows}
    for row in rows:
        for needed in row["needs"]:
            needed_by[needed.removeprefix("csapi.")].add(row["name"])
    order = TopologicalSorter(needed_by).static_order()
    return sorted(order, key=lambda name: not name.endswith("marks"))


async def delete_rows(pool: asyncpg.Pool, tenant_id: UUID, table: str, most: int) -> int:
    """All rows of a closed tenant in one table, so many at a time; how many there were."""
    total = 0
    while True:
        async with tenant_transaction(pool, tenant_id) as connection:
            gone: int = await connection.fetchval(DELETE_SOME, table, most)
        total += gone
        if gone < most:
            return total


async def delete_tenant(pool: asyncpg.Pool, tenant_id: UUID, most: int = ROWS_PER_STEP) -> bool:
    """Whether nothing is left of it."""
    async with acquire(pool) as connection:
        tables = await tenant_tables(connection)
    total = 0
    for _ in range(MOST_PASSES):
        for table in tables:
            total += await delete_rows(pool, tenant_id, table, most)
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            if await connection.fetchval(FINISH):
                fields = {"tenant": str(tenant_id), "rows": total}
                log.info("tenant deleted", extra={"fields": fields})
                return True
    return False


async def delete_closed(pool: asyncpg.Pool, most: int = ROWS_PER_STEP) -> int:
    """Delete the tenants whose time is over; how many are gone. What was stopped goes on."""
    async with acquire(pool) as connection:
        due = [row[0] for row in await connection.fetch(DUE)]
    for tenant_id in due:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.fetchval(BEGIN)
    async with acquire(pool) as connection:
        waiting = [row[0] for row in await connection.fetch(UNFINISHED)]
    return sum([await _tried(pool, tenant_id, most) for tenant_id in waiting])


async def _tried(pool: asyncpg.Pool, tenant_id: UUID, most: int) -> bool:
    """One that cannot be deleted must not hold up the others."""
    try:
        return await delete_tenant(pool, tenant_id, most)
    except asyncpg.PostgresError:
        log.exception("tenant not deleted", extra={"fields": {"tenant": str(tenant_id)}})
        return False
