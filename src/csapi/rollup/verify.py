"""Holding what is stored against what it was made from: raw to facts, facts to summaries.

Everything of one tenant is read in one snapshot. What is marked is pending, not wrong.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.audit import Flaw, checked_chain
from csapi.access.tenancy import tenant_scope
from csapi.facts.kinds import SLA_KINDS, Grain, Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.schedule_periods import is_business_time_current
from csapi.facts.sla_targets import are_targets_current
from csapi.facts.sql import FACT_COLUMNS
from csapi.kit.db import Statement
from csapi.metrics.cuboids import CUBOIDS, SLOT_CUBOIDS, Cuboid
from csapi.metrics.rebuild import SLOT, bucket_rows_from_facts, mismatches, slot_rows
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.held import EVER, Span, held_by
from csapi.rollup.parts import Part, chunks

Cuboids = tuple[Cuboid, ...]


def own_columns(*, with_business_time: bool) -> str:
    """The columns that tell a fact from what it should be.

    The gaps of a contact depend on other subjects and are compared by themselves. Business time
    may be that of schedules which have changed since.
    """
    columns = []
    for name in FACT_COLUMNS:
        if name in ("duration_ms", "gap_next_ms"):
            columns.append(f"CASE WHEN kind <> {Kind.CONTACT} THEN {name} END AS {name}")
        elif name == "business_ms" and not with_business_time:
            columns.append("NULL::bigint AS business_ms")
        else:
            columns.append(name)
    return ", ".join(columns)


TARGET_KINDS = ", ".join(str(int(kind)) for kind in SLA_KINDS)

ORPHANS = """
SELECT DISTINCT f.subject FROM facts f
WHERE f.tenant_id = $1 AND f.resource = $2
  AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.tenant_id = $1 AND r.id = f.subject)"""

WRONG_GAPS = f"""
SELECT subject FROM (
  SELECT subject, occurred_at, duration_ms, gap_next_ms,
    occurred_at - lag(occurred_at) OVER w AS previous,
    lead(occurred_at) OVER w - occurred_at AS next
  FROM facts WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer IS NOT NULL
  WINDOW w AS (PARTITION BY customer ORDER BY occurred_at, ordinal, subject)
) AS contacts
WHERE occurred_at >= $2 AND (duration_ms, gap_next_ms) IS DISTINCT FROM (
  (extract(epoch FROM previous) * 1000)::bigint, (extract(epoch FROM next) * 1000)::bigint)
UNION ALL
SELECT subject FROM facts
WHERE tenant_id = $1 AND kind = {Kind.CONTACT} AND customer IS NULL AND occurred_at >= $2
  AND (duration_ms IS NOT NULL OR gap_next_ms IS NOT NULL)"""

# Of what is older the records are gone (docs/retention.md), and nothing is read but summaries.
FROZEN_BEFORE = "SELECT max(frozen_before) FROM freezes WHERE tenant_id = $1"
FROZEN_DAYS = f"""
SELECT count(*) FROM rollup_buckets
WHERE tenant_id = $1 AND grain = {Grain.DAY} AND bucket >= $2 AND bucket < $3"""


@dataclass
class Findings:
    """What was looked at, what waits, and what is wrong."""

    buckets_checked: int = 0
    # Days whose records are gone (docs/retention.md): nothing is left to hold them against.
    buckets_frozen: int = 0
    subjects_checked: int = 0
    entries_checked: int = 0
    pending: int = 0
    wrong_subjects: dict[UUID, dict[Resource, set[UUID]]] = field(default_factory=dict)
    wrong_buckets: dict[UUID, set[tuple[Grain, datetime]]] = field(default_factory=dict)
    # Of the audit log's chain: the first entry that is not as it was written.
    flaws: dict[UUID, Flaw] = field(default_factory=dict)

    @property
    def mismatches(self) -> int:
        subjects = sum(len(ids) for found in self.wrong_subjects.values() for ids in found.values())
        buckets = sum(len(buckets) for buckets in self.wrong_buckets.values())
        return subjects + buckets + len(self.flaws)


def differing(derivation: str, *, with_business_time: bool, with_targets: bool) -> str:
    """Subjects of $2 whose stored facts are not what their history gives, bit for bit; facts from
    before $3 are left out."""
    columns = ", ".join(FACT_COLUMNS)
    own = own_columns(with_business_time=with_business_time)
    # Targets may be those of policies or schedules that have changed since.
    compared = "occurred_at >= $3::timestamptz"
    if not with_targets:
        compared += f" AND kind NOT IN ({TARGET_KINDS})"
    return f"""
WITH expected AS MATERIALIZED (SELECT {own} FROM ({derivation}) AS derived WHERE {compared}),
stored AS MATERIALIZED (
  SELECT {own} FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[]) AND {compared}
)
SELECT DISTINCT subject FROM (
  (SELECT {columns} FROM expected EXCEPT ALL SELECT {columns} FROM stored)
  UNION ALL (SELECT {columns} FROM stored EXCEPT ALL SELECT {columns} FROM expected)
) AS d"""


async def verify_tenant(
    connection: asyncpg.Connection, tenant_id: UUID, timezone: str, findings: Findings
) -> None:
    """Check one tenant in one snapshot, and add to `findings`."""
    async with tenant_scope(connection, tenant_id, readonly=True, many_rows=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        marked = await pending_subjects(connection, tenant_id)
        findings.pending += len(marked.subjects) + marked.references
        wrong = await wrong_subjects(connection, tenant_id, findings)
        if marked.references == 0:
            kept = {resource: ids - marked.subjects for resource, ids in wrong.items()}
            if any(kept.values()):
                findings.wrong_subjects[tenant_id] = kept
        await check_summaries(connection, tenant_id, timezone, findings)
        await check_chain(connection, tenant_id, findings)


async def check_chain(connection: asyncpg.Connection, tenant_id: UUID, findings: Findings) -> None:
    """Hold each entry of the audit log against its hash and the one before."""
    checked = await checked_chain(connection, tenant_id, {})
    findings.entries_checked += checked.entries
    if checked.flaw is not None:
        findings.flaws[tenant_id] = checked.flaw


@dataclass(frozen=True, slots=True)
class Marked:
    subjects: set[UUID]
    references: int


async def pending_subjects(connection: asyncpg.Connection, tenant_id: UUID) -> Marked:
    rows = await connection.fetch(
        "SELECT DISTINCT subject FROM subject_marks WHERE tenant_id = $1", tenant_id
    )
    references = await connection.fetchval(
        "SELECT count(*) FROM reference_marks WHERE tenant_id = $1", tenant_id
    )
    return Marked({row["subject"] for row in rows}, references)


async def wrong_subjects(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    findings: Findings,
    part: Part | None = None,
) -> dict[Resource, set[UUID]]:
    """Whose facts are not what their history gives. Of a part the subjects alone are looked at:
    facts without one, and the gaps between contacts, take reading everything."""
    wrong: dict[Resource, set[UUID]] = defaultdict(set)
    has_hours = await is_business_time_current(connection, tenant_id)
    has_targets = await are_targets_current(connection, tenant_id)
    frozen = await connection.fetchval(FROZEN_BEFORE, tenant_id) or EVER[0]
    for resource, kind in SUBJECT_KINDS.items():
        sql = differing(kind.derivation, with_business_time=has_hours, with_targets=has_targets)
        async for ids in chunks(connection, tenant_id, resource, part):
            findings.subjects_checked += len(ids)
            found = await connection.fetch(sql, tenant_id, ids, frozen)
            wrong[resource] |= {row["subject"] for row in found}
        if part is not None:
            continue
        orphans = await connection.fetch(ORPHANS.format(table=kind.table), tenant_id, int(resource))
        wrong[resource] |= {row["subject"] for row in orphans}
    if part is not None:
        return wrong
    gaps = {row["subject"] for row in await connection.fetch(WRONG_GAPS, tenant_id, frozen)}
    for resource in (Resource.TICKET, Resource.CALL):
        table = SUBJECT_KINDS[resource].table
        rows = await connection.fetch(
            f"SELECT id FROM {table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
            tenant_id,
            list(gaps),
        )
        wrong[resource] |= {row["id"] for row in rows}
    return wrong


async def check_summaries(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    timezone: str,
    findings: Findings,
    span: Span = EVER,
) -> None:
    """Hold the summaries of what lies in `span` against their facts; what is frozen has none."""
    frozen = await connection.fetchval(FROZEN_BEFORE, tenant_id)
    if frozen is not None and frozen > span[0]:
        until = min(frozen, span[1])
        findings.buckets_frozen += await connection.fetchval(FROZEN_DAYS, tenant_id, span[0], until)
        span = until, span[1]
    held = await held_by(connection, tenant_id, timezone, span)
    findings.pending += len(held.marked_slots) + len(held.marked_months)
    wrong: set[tuple[Grain, datetime]] = set()

    async def compare(
        grain: Grain,
        start: datetime,
        end: datetime,
        expected: Statement,
        cuboids: Cuboids = CUBOIDS,
    ) -> None:
        statement = mismatches(expected, grain, start, end, tenant_id, cuboids)
        findings.buckets_checked += 1
        if await connection.fetchval(statement.sql, *statement.arguments):
            wrong.add((grain, start))

    async def compare_slots(start: datetime, end: datetime, slots: list[datetime]) -> None:
        day = day_start(timezone, local_date(timezone, start))
        cuboids = CUBOIDS if day in held.slotted else SLOT_CUBOIDS
        expected = slot_rows(tenant_id, slots, held.attributes, cuboids)
        await compare(Grain.SLOT, start, end, expected, cuboids)

    for day in held.clean_days():
        end = day_start(timezone, local_date(timezone, day), 1)
        expected = bucket_rows_from_facts(tenant_id, Grain.DAY, day, end, held.attributes)
        await compare(Grain.DAY, day, end, expected)
        await compare_slots(day, end, [day + n * SLOT for n in range((end - day) // SLOT)])
    for slot in held.clean_slots_of_dirty_days():
        await compare_slots(slot, slot + SLOT, [slot])
    for month in held.clean_months():
        end = month_start(timezone, local_date(timezone, month), 1)
        expected = bucket_rows_from_facts(tenant_id, Grain.MONTH, month, end, held.attributes)
        await compare(Grain.MONTH, month, end, expected)
    if wrong:
        findings.wrong_buckets.setdefault(tenant_id, set()).update(wrong)
