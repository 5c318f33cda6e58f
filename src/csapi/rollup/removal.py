"""Removing records whose whole story is older than the horizon, and their facts.

Their buckets are frozen. What is told of a record that stays must not change, so a record stays
with whatever it is linked to: see docs/retention.md for what goes and what stays.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.derive import lock_customers
from csapi.facts.derive_sql import OLD_CUSTOMERS
from csapi.facts.kinds import Kind, Resource
from csapi.facts.registry import RECORD_KINDS, SUBJECT_KINDS

BATCH = 5_000
BEGINNING = UUID(int=0)

# In this order nothing is left that refers to what is gone.
REMOVED = (
    Resource.FEEDBACK,
    Resource.QUALITY_REVIEW,
    Resource.TASK,
    Resource.FEEDBACK_REQUEST,
    Resource.CALL,
    Resource.TICKET,
)
# Facts that say that something lasts still, whenever it began.
LASTING = ", ".join(str(int(each)) for each in (Kind.OPEN_TICKET, Kind.WAITING, Kind.OWED))
# The widest window in which a contact counts as repeated is a year.
FOLLOWED_DAYS = 366

NEXT = "SELECT id FROM {table} WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
LOCK = """
SELECT id FROM {table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])
ORDER BY source, external_id FOR UPDATE SKIP LOCKED"""
DELETE_ROWS = "DELETE FROM {table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])"
DELETE_EVENTS = "DELETE FROM ticket_events WHERE tenant_id = $1 AND ticket = ANY($2::uuid[])"
DELETE_FACTS = "DELETE FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[])"
DELETE_MARKS = "DELETE FROM subject_marks WHERE tenant_id = $1 AND subject = ANY($2::uuid[])"
COUNT = "UPDATE retention SET removed = removed + $2 WHERE tenant_id = $1"


def busy(resource: Resource, alias: str) -> str:
    """Whether a record has something at or after $2, or can have: it lasts still, or is the contact
    that another one is counted from."""
    open_ended = ""
    if resource is Resource.TASK:
        open_ended = f"{alias}.completed_at IS NULL OR "
    elif resource is Resource.TICKET:
        open_ended = f"""EXISTS (SELECT FROM ticket_events e
    WHERE e.tenant_id = $1 AND e.ticket = {alias}.id AND e.occurred_at >= $2) OR """
    return f"""({open_ended}EXISTS (SELECT FROM facts f
  WHERE f.tenant_id = $1 AND f.subject = {alias}.id AND (
    f.occurred_at >= $2 OR f.kind IN ({LASTING})
    OR (f.kind = {Kind.CONTACT} AND f.customer IS NOT NULL AND CASE WHEN f.gap_next_ms IS NULL
        THEN f.occurred_at >= $2 - interval '{FOLLOWED_DAYS} days'
        ELSE f.occurred_at + f.gap_next_ms * interval '1 millisecond' >= $2 END))))"""


def referring(table: str) -> Iterator[tuple[str, str]]:
    """Table and column of all records that name one of `table`."""
    for kind in RECORD_KINDS:
        for column in kind.links:
            if column.link == table:
                yield kind.table, column.name


def goes(resource: Resource) -> str:
    """The records among $3 that go. Tombstones stay: they hold nothing, and keep what they stand
    for from coming back."""
    kind = SUBJECT_KINDS[resource]
    parents = {each.table: number for number, each in SUBJECT_KINDS.items()}
    kept = [
        f"NOT EXISTS (SELECT FROM {column.link} p WHERE p.tenant_id = $1 AND p.id = "
        f"r.{column.name} AND {busy(parents[column.link or ''], 'p')})"
        for column in kind.links
    ]
    kept += [
        f"NOT EXISTS (SELECT FROM {table} c WHERE c.tenant_id = $1 AND c.{column} = r.id)"
        for table, column in referring(kind.table)
    ]
    has_facts = "EXISTS (SELECT FROM facts f WHERE f.tenant_id = $1 AND f.subject = r.id)"
    conditions = [
        "NOT r.is_stub AND NOT r.is_deleted",
        f"(r.received_at < $2 OR {has_facts})",
        f"NOT {busy(resource, 'r')}",
        *kept,
    ]
    return f"""
SELECT r.id FROM {kind.table} r
WHERE r.tenant_id = $1 AND r.id = ANY($3::uuid[]) AND {" AND ".join(conditions)}"""


GOES = {resource: goes(resource) for resource in REMOVED}


async def remove(pool: asyncpg.Pool, tenant_id: UUID, horizon: datetime) -> tuple[int, int]:
    """Remove what goes, in batches that commit one by one: it can be cut short anywhere, and goes
    on from what is left. Gives how many records went, and how many others had in hand."""
    removed = skipped = 0
    for resource in REMOVED:
        after: UUID | None = BEGINNING
        while after is not None:
            after, gone, held = await remove_batch(pool, tenant_id, resource, horizon, after)
            removed += gone
            skipped += held
    return removed, skipped


async def remove_batch(
    pool: asyncpg.Pool, tenant_id: UUID, resource: Resource, horizon: datetime, after: UUID
) -> tuple[UUID | None, int, int]:
    """Where the next batch begins, if anywhere; how many went; how many others had in hand.

    What is linked to a record takes its lock first, so that what is seen under it stays so.
    """
    table = SUBJECT_KINDS[resource].table
    async with tenant_transaction(pool, tenant_id, many_rows=True) as connection:
        await connection.execute("SET LOCAL statement_timeout = '300s'")
        seen = await connection.fetch(NEXT.format(table=table), tenant_id, after, BATCH)
        ids = [row["id"] for row in seen]
        if not ids:
            return None, 0, 0
        found = await going(connection, tenant_id, resource, horizon, ids)
        if not found:
            return ids[-1], 0, 0
        rows = await connection.fetch(LOCK.format(table=table), tenant_id, found)
        locked = [row["id"] for row in rows]
        people = await connection.fetch(OLD_CUSTOMERS, tenant_id, locked)
        await lock_customers(connection, tenant_id, {row[0] for row in people})
        gone = await going(connection, tenant_id, resource, horizon, locked)
        if resource is Resource.TICKET:
            await connection.execute(DELETE_EVENTS, tenant_id, gone)
        for statement in (DELETE_FACTS, DELETE_MARKS, DELETE_ROWS.format(table=table)):
            await connection.execute(statement, tenant_id, gone)
        await connection.execute(COUNT, tenant_id, len(gone))
    return ids[-1], len(gone), len(found) - len(locked)


async def going(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    resource: Resource,
    horizon: datetime,
    ids: Sequence[UUID],
) -> list[UUID]:
    rows = await connection.fetch(GOES[resource], tenant_id, horizon, ids)
    return [row["id"] for row in rows]
