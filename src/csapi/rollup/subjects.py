"""Deriving facts again, for subjects whose references changed behind them."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import apply_attribute, mark_everything
from csapi.facts.business_hours import BUSINESS_KINDS, is_timed
from csapi.facts.derive import derive_again
from csapi.facts.kinds import MarkReason, Reference, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.sla_targets import MARK_TICKETS, MARK_TICKETS_WITH_HOURS
from csapi.facts.staff_cost import MARK_BY_COST
from csapi.kit.db import acquire
from csapi.kit.faultpoints import faultpoint

log = logging.getLogger(__name__)

SUBJECTS_PER_CHUNK = 500
BEGINNING = UUID(int=0)

MARKED_TENANTS = """
SELECT tenant_id FROM reference_marks UNION SELECT tenant_id FROM subject_marks"""

# Attributes take longer: their marks stay until all records are through (spread_attributes).
EAT_REFERENCES = f"""
DELETE FROM reference_marks WHERE tenant_id = $1 AND id IN (
  SELECT id FROM reference_marks WHERE tenant_id = $1 AND reference <> {Reference.ATTRIBUTE}
  ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
) RETURNING reference, member"""

DECLARED = f"""
SELECT id, member FROM reference_marks
WHERE tenant_id = $1 AND reference = {Reference.ATTRIBUTE} ORDER BY id"""

EAT_REFERENCE = """
DELETE FROM reference_marks WHERE tenant_id = $1 AND id = $2"""

MARK_BY_AGENT = """
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT DISTINCT tenant_id, resource, subject FROM facts
WHERE tenant_id = $1 AND (actor_agent = ANY($2::int[]) OR owner_agent = ANY($2::int[]))"""


def mark_by_customer(table: str, resource: Resource, column: str = "customer") -> str:
    return (
        f"SELECT tenant_id, {int(resource)}::smallint, id FROM {table} "
        f"WHERE tenant_id = $1 AND {column} = ANY($2::bigint[])"
    )


# Whose records those of the given customers are, too.
MERGED_INTO = """
SELECT surrogate FROM customers WHERE tenant_id = $1 AND merged_into = ANY($2::bigint[])"""

MARK_BY_CUSTOMER = "INSERT INTO subject_marks (tenant_id, resource, subject) " + " UNION ALL ".join(
    [
        mark_by_customer("customers", Resource.CUSTOMER, "surrogate"),
        *(
            mark_by_customer(kind.table, resource)
            for resource, kind in SUBJECT_KINDS.items()
            if kind.customer_place is not None
        ),
    ]
)

# Requests and feedback without a customer of their own take that of their ticket or call.
MARK_FEEDBACK_BY_CUSTOMER = f"""
WITH work AS MATERIALIZED (
  SELECT array_agg(id) AS ids FROM (
    SELECT id FROM tickets WHERE tenant_id = $1 AND customer = ANY($2::bigint[])
    UNION ALL SELECT id FROM calls WHERE tenant_id = $1 AND customer = ANY($2::bigint[])) AS w
), requests AS MATERIALIZED (
  SELECT id FROM feedback_requests r, work
  WHERE r.tenant_id = $1 AND (r.ticket = ANY(work.ids) OR r.call = ANY(work.ids)
    OR r.customer = ANY($2::bigint[]))
)
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT $1::uuid, {Resource.FEEDBACK_REQUEST}::smallint, id FROM requests
UNION ALL
SELECT $1, {Resource.FEEDBACK}, f.id FROM feedback f, work
WHERE f.tenant_id = $1 AND (f.ticket = ANY(work.ids) OR f.call = ANY(work.ids)
  OR f.request IN (SELECT id FROM requests))"""

MARK_BY_KIND = f"""
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT DISTINCT tenant_id, resource, subject FROM facts
WHERE tenant_id = $1 AND kind = ANY($2::smallint[])
  AND ({is_timed("kind", "duration_ms", "negative_ms")})"""

PICK_SUBJECTS = f"""
SELECT DISTINCT resource, subject FROM subject_marks
WHERE tenant_id = $1 LIMIT {SUBJECTS_PER_CHUNK}"""

BACKGROUND = f"SET LOCAL csapi.mark_reason = {MarkReason.DERIVED_AGAIN}"

EAT_SUBJECTS = """
DELETE FROM subject_marks WHERE tenant_id = $1 AND subject = ANY($2::uuid[])"""


async def derive_marked(pool: asyncpg.Pool) -> int:
    """Work off reference marks and subject marks of all tenants; the number of subjects done."""
    async with acquire(pool) as connection:
        tenants = [row["tenant_id"] for row in await connection.fetch(MARKED_TENANTS)]
    done = 0
    for tenant_id in tenants:
        try:
            done += await derive_tenant(pool, tenant_id)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            # The marks stay: the next round tries again, and the other tenants go on.
            log.exception("derivation failed", extra={"fields": {"tenant": str(tenant_id)}})
    return done


async def derive_tenant(pool: asyncpg.Pool, tenant_id: UUID) -> int:
    done = 0
    while await spread_references(pool, tenant_id):
        pass
    await spread_attributes(pool, tenant_id)
    while count := await derive_chunk(pool, tenant_id):
        done += count
    return done


async def spread_references(pool: asyncpg.Pool, tenant_id: UUID) -> int:
    """Turn reference marks into marks of the subjects they concern, all or nothing."""
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute("SET LOCAL statement_timeout = '300s'")
        eaten = await connection.fetch(EAT_REFERENCES, tenant_id)
        faultpoint("spread.eaten")
        members: dict[Reference, list[int]] = defaultdict(list)
        for row in eaten:
            members[Reference(row["reference"])].append(row["member"])
        if agents := members.get(Reference.AGENT):
            await connection.execute(MARK_BY_AGENT, tenant_id, agents)
        if customers := members.get(Reference.CUSTOMER):
            rows = await connection.fetch(MERGED_INTO, tenant_id, customers)
            customers += [row["surrogate"] for row in rows]
            await connection.execute(MARK_BY_CUSTOMER, tenant_id, customers)
            await connection.execute(MARK_FEEDBACK_BY_CUSTOMER, tenant_id, customers)
        if Reference.SCHEDULE in members:
            kinds = [int(kind) for kind in BUSINESS_KINDS]
            await connection.execute(MARK_BY_KIND, tenant_id, kinds)
            await connection.execute(MARK_TICKETS_WITH_HOURS, tenant_id)
        if Reference.SLA in members:
            await connection.execute(MARK_TICKETS, tenant_id)
        if since := members.get(Reference.COST):
            await connection.execute(MARK_BY_COST, tenant_id, min(since))
        faultpoint("spread.marked")
    return len(eaten)


async def spread_attributes(pool: asyncpg.Pool, tenant_id: UUID) -> int:
    """Read newly declared attributes out of all earlier records, step by step; how many.

    A reference mark stays until its last step: what dies on the way begins again.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        declared = await connection.fetch(DECLARED, tenant_id)
    for row in declared:
        for kind in SUBJECT_KINDS.values():
            after: UUID | None = BEGINNING
            while after is not None:
                async with tenant_transaction(pool, tenant_id, many_rows=True) as connection:
                    after = await apply_attribute(connection, tenant_id, row["member"], kind, after)
                    faultpoint("attribute.applied")
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute("SET LOCAL statement_timeout = '300s'")
            await mark_everything(connection, tenant_id)
            faultpoint("attribute.marked")
            await connection.execute(EAT_REFERENCE, tenant_id, row["id"])
    return len(declared)


async def derive_chunk(pool: asyncpg.Pool, tenant_id: UUID) -> int:
    """Derive some marked subjects again: lock their rows, eat their marks, derive, commit."""
    async with tenant_transaction(pool, tenant_id, lock="shared", many_rows=True) as connection:
        await connection.execute(BACKGROUND)
        picked: dict[Resource, list[UUID]] = defaultdict(list)
        for row in await connection.fetch(PICK_SUBJECTS, tenant_id):
            picked[Resource(row["resource"])].append(row["subject"])
        if not picked:
            return 0
        await lock_subjects(connection, tenant_id, picked)
        faultpoint("derive.locked")
        everyone = [subject for ids in picked.values() for subject in ids]
        await connection.execute(EAT_SUBJECTS, tenant_id, everyone)
        faultpoint("derive.eaten")
        await derive_again(connection, tenant_id, picked)
        faultpoint("derive.derived")
    return len(everyone)


async def lock_subjects(
    connection: asyncpg.Connection, tenant_id: UUID, subjects: Mapping[Resource, Sequence[UUID]]
) -> None:
    """Lock the rows of subjects. Customers wait: their rows come after those of agents."""
    for resource, kind in SUBJECT_KINDS.items():
        if resource in subjects and resource is not Resource.CUSTOMER:
            await connection.execute(
                f"SELECT 1 FROM {kind.table} WHERE tenant_id = $1 "
                "AND id = ANY($2::uuid[]) ORDER BY source, external_id FOR NO KEY UPDATE",
                tenant_id,
                list(subjects[resource]),
            )
