"""Facts from raw records, in the transaction that changes them.

Order inside a transaction, everywhere: ticket rows, call rows, request rows, feedback rows,
customer rows, then facts. Rows of one table are locked in the order of (source, external_id).
All contact facts of a customer are written under the customer's lock: their gaps depend on
each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from csapi.facts.kinds import Grain, Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.sql import FACT_COLUMNS

Connection = Any
Contact = tuple[int, datetime]

SLOT = "date_bin('15 minutes', occurred_at, 'epoch')"
MARK_SLOTS = (
    f"INSERT INTO marks (tenant_id, grain, bucket) "
    f"SELECT DISTINCT $1::uuid, {Grain.SLOT}::smallint, {SLOT} FROM moved"
)
CONTACTS_MOVED = (
    f"SELECT customer, occurred_at FROM moved WHERE kind = {Kind.CONTACT} AND customer IS NOT NULL"
)

DELETE_FACTS = f"""
WITH moved AS (
  DELETE FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[])
  RETURNING kind, customer, occurred_at
), marked AS ({MARK_SLOTS})
{CONTACTS_MOVED}"""

INSERT_FACTS = {
    resource: f"""
WITH moved AS (
  INSERT INTO facts ({", ".join(FACT_COLUMNS)}) {kind.derivation}
  RETURNING kind, customer, occurred_at
), marked AS ({MARK_SLOTS})
{CONTACTS_MOVED}"""
    for resource, kind in SUBJECT_KINDS.items()
}

LOCK_CUSTOMERS = """
SELECT 1 FROM customers WHERE tenant_id = $1 AND surrogate = ANY($2::bigint[])
ORDER BY source, external_id FOR NO KEY UPDATE"""

OLD_CUSTOMERS = """
SELECT DISTINCT customer FROM facts
WHERE tenant_id = $1 AND subject = ANY($2::uuid[]) AND customer IS NOT NULL"""

BEFORE = "(p.occurred_at, p.ordinal, p.subject) < (f.occurred_at, f.ordinal, f.subject)"
AFTER = "(p.occurred_at, p.ordinal, p.subject) > (f.occurred_at, f.ordinal, f.subject)"


def neighbour(condition: str, direction: str) -> str:
    return (
        f"SELECT p.occurred_at FROM facts p WHERE p.tenant_id = $1 AND p.kind = {Kind.CONTACT} "
        f"AND p.customer IS NOT NULL AND p.customer = f.customer AND {condition} "
        f"ORDER BY p.occurred_at {direction}, p.ordinal {direction}, p.subject {direction} LIMIT 1"
    )


# Only contacts at a moved instant, or next to one, can have other gaps than before.
REFRESH_GAPS = f"""
WITH instants AS (
  SELECT DISTINCT customer, at FROM unnest($2::bigint[], $3::timestamptz[]) AS i (customer, at)
), near AS (
  SELECT n.subject, n.customer, n.occurred_at, n.ordinal
  FROM instants i CROSS JOIN LATERAL (
    (SELECT subject, customer, occurred_at, ordinal FROM facts
     WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer IS NOT NULL
       AND customer = i.customer AND occurred_at < i.at
     ORDER BY occurred_at DESC, ordinal DESC, subject DESC LIMIT 1)
    UNION ALL
    (SELECT subject, customer, occurred_at, ordinal FROM facts
     WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer IS NOT NULL
       AND customer = i.customer AND occurred_at = i.at)
    UNION ALL
    (SELECT subject, customer, occurred_at, ordinal FROM facts
     WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer IS NOT NULL
       AND customer = i.customer AND occurred_at > i.at
     ORDER BY occurred_at, ordinal, subject LIMIT 1)
  ) n
), gaps AS (
  SELECT DISTINCT f.subject,
    (extract(epoch FROM f.occurred_at - before.occurred_at) * 1000)::bigint AS previous_ms,
    (extract(epoch FROM after.occurred_at - f.occurred_at) * 1000)::bigint AS next_ms
  FROM near f
  LEFT JOIN LATERAL ({neighbour(BEFORE, "DESC")}) before ON true
  LEFT JOIN LATERAL ({neighbour(AFTER, "ASC")}) after ON true
), moved AS (
  UPDATE facts SET duration_ms = gaps.previous_ms, gap_next_ms = gaps.next_ms
  FROM gaps
  WHERE facts.tenant_id = $1 AND facts.subject = gaps.subject AND facts.kind = {Kind.CONTACT}
    AND (facts.duration_ms, facts.gap_next_ms) IS DISTINCT FROM (gaps.previous_ms, gaps.next_ms)
  RETURNING facts.occurred_at
), marked AS ({MARK_SLOTS})
SELECT count(*) FROM moved"""


def people_statement(kind_sql: str) -> str:
    return f"SELECT DISTINCT customer FROM ({kind_sql}) AS p WHERE customer IS NOT NULL"


async def people_of(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> set[int]:
    """The customers that the subjects belong to, before and after."""
    everyone = [subject for ids in subjects.values() for subject in ids]
    found = {row[0] for row in await connection.fetch(OLD_CUSTOMERS, tenant_id, everyone)}
    for resource, ids in subjects.items():
        sql = people_statement(SUBJECT_KINDS[resource].people)
        found |= {row[0] for row in await connection.fetch(sql, tenant_id, list(ids))}
    return found


async def lock_customers(connection: Connection, tenant_id: UUID, customers: Iterable[int]) -> None:
    if ids := list(customers):
        await connection.execute(LOCK_CUSTOMERS, tenant_id, ids)


async def derive_new(
    connection: Connection,
    tenant_id: UUID,
    resource: Resource,
    subjects: Sequence[UUID],
    customers: set[int],
) -> None:
    """Write the facts of subjects that have none yet. Their rows are locked by the caller."""
    await lock_customers(connection, tenant_id, customers)
    contacts = await connection.fetch(INSERT_FACTS[resource], tenant_id, list(subjects))
    await refresh_gaps(connection, tenant_id, contacts)


async def derive_again(
    connection: Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> None:
    """Replace the facts of subjects, and mark the slots of the old and of the new ones.

    The rows of the subjects are locked by the caller.
    """
    chosen = {resource: ids for resource, ids in sorted(subjects.items()) if ids}
    if not chosen:
        return
    await lock_customers(connection, tenant_id, await people_of(connection, tenant_id, chosen))
    everyone = [subject for ids in chosen.values() for subject in ids]
    contacts = list(await connection.fetch(DELETE_FACTS, tenant_id, everyone))
    for resource, ids in chosen.items():
        contacts += await connection.fetch(INSERT_FACTS[resource], tenant_id, list(ids))
    await refresh_gaps(connection, tenant_id, contacts)


async def refresh_gaps(
    connection: Connection, tenant_id: UUID, contacts: Sequence[Contact]
) -> None:
    if contacts:
        await connection.execute(
            REFRESH_GAPS, tenant_id, [row[0] for row in contacts], [row[1] for row in contacts]
        )
