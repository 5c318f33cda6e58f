"""Each night a part of what is stored is held against what it was made from, and that is told.

A night's part is bounded: some thousand subjects of each resource, the latest days, and some of the
days before. It goes on where the night before stopped, so that all of it has its turn.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.scans import Look, Scan, Scanner
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Resource
from csapi.kit.telemetry import Sample
from csapi.kit.zones import day_start, local_date, next_clock
from csapi.rollup.parts import Part
from csapi.rollup.verify import (
    Findings,
    check_chain,
    check_summaries,
    pending_subjects,
    wrong_subjects,
)

AUDIT_AT = time(2, 30)
SUBJECTS_PER_NIGHT = 5_000
LATEST_DAYS, FURTHER_DAYS = 2, 14
STATEMENT_SECONDS = 120
KEPT_DAYS = 90
EXAMPLES_KEPT = 20

LAST = "SELECT reached FROM audits WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1"
OLDEST = "SELECT min(bucket) FROM rollup_buckets WHERE tenant_id = $1 AND grain = 2"
ADD = """
INSERT INTO audits (tenant_id, started_at, finished_at, subjects_checked, buckets_checked, pending,
  mismatches, first_day, last_day, examples, reached)
VALUES ($1, $2, clock_timestamp(), $3, $4, $5, $6, $7, $8, $9::text::json, $10::text::json)"""
DROP_OLD = "DELETE FROM audits WHERE tenant_id = $1 AND started_at < $2"


class Reached(msgspec.Struct):
    """Where the next night goes on: after which subject of a resource, before which day."""

    subjects: dict[int, UUID] = {}
    before: date | None = None


class Example(msgspec.Struct):
    """What differs: a subject of a resource, or a bucket of a grain."""

    kind: str
    name: str


@dataclass(slots=True)
class Night:
    """What a tenant's night looks at, and what it found."""

    findings: Findings
    reached: Reached = field(default_factory=Reached)
    examples: list[Example] = field(default_factory=list)
    first_day: date | None = None
    last_day: date | None = None


async def audit_tenant(pool: asyncpg.Pool, look: Look) -> Findings:
    """Look at a part of one tenant in one snapshot, and keep what was found."""
    night = Night(Findings())
    async with tenant_transaction(
        pool, look.tenant_id, readonly=True, many_rows=True
    ) as connection:
        await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
        before = await connection.fetchval(LAST, look.tenant_id)
        reached = Reached() if before is None else msgspec.json.decode(before, type=Reached)
        await check_facts(connection, look, night, reached)
        await check_days(connection, look, night, reached)
        await check_chain(connection, look.tenant_id, night.findings)
    for flaw in night.findings.flaws.values():
        name = f"entry {flaw.sequence} {flaw.reason}"
        night.examples.insert(0, Example("audit log", name))
    await keep(pool, look, night)
    return night.findings


async def check_facts(
    connection: asyncpg.Connection, look: Look, night: Night, reached: Reached
) -> None:
    marked = await pending_subjects(connection, look.tenant_id)
    night.findings.pending += len(marked.subjects) + marked.references
    part = Part(reached.subjects, SUBJECTS_PER_NIGHT)
    found = await wrong_subjects(connection, look.tenant_id, night.findings, part)
    night.reached.subjects = part.reached
    if marked.references:
        return
    wrong = {resource: ids - marked.subjects for resource, ids in found.items()}
    if any(wrong.values()):
        night.findings.wrong_subjects[look.tenant_id] = wrong
    named = [(resource, id_) for resource, ids in wrong.items() for id_ in sorted(ids)]
    night.examples += [Example(Resource(each).name.lower(), str(id_)) for each, id_ in named]


async def check_days(
    connection: asyncpg.Connection, look: Look, night: Night, reached: Reached
) -> None:
    """The latest days, and further ones back from where the night before stopped."""
    zone, today = look.timezone, local_date(look.timezone, look.now)
    latest = today - timedelta(days=LATEST_DAYS)
    last = latest if reached.before is None or reached.before > latest else reached.before
    first = last - timedelta(days=FURTHER_DAYS)
    for start, end in ((latest, today), (first, last)):
        span = day_start(zone, start), day_start(zone, end)
        await check_summaries(connection, look.tenant_id, zone, night.findings, span)
    oldest = await connection.fetchval(OLDEST, look.tenant_id)
    is_through = oldest is None or day_start(zone, first) <= oldest
    night.reached.before = None if is_through else first
    night.first_day, night.last_day = first, today - timedelta(days=1)
    wrong = night.findings.wrong_buckets.get(look.tenant_id, set())
    night.examples += [
        Example(f"{grain.name.lower()} bucket", bucket.isoformat())
        for grain, bucket in sorted(wrong)
    ]


async def keep(pool: asyncpg.Pool, look: Look, night: Night) -> None:
    findings = night.findings
    values: tuple[Any, ...] = (
        look.now,
        findings.subjects_checked,
        findings.buckets_checked,
        findings.pending,
        findings.mismatches,
        night.first_day,
        night.last_day,
        msgspec.json.encode(night.examples[:EXAMPLES_KEPT]).decode(),
        msgspec.json.encode(night.reached).decode(),
    )
    async with tenant_transaction(pool, look.tenant_id) as connection:
        await connection.execute(ADD, look.tenant_id, *values)
        oldest = look.now - timedelta(days=KEPT_DAYS)
        await connection.execute(DROP_OLD, look.tenant_id, oldest)


def next_night(timezone: str, at: datetime) -> datetime:
    """The next half past two in the morning."""
    return next_clock(timezone, AUDIT_AT, at)


class Auditor:
    """Looks at each tenant in its night. Safe in any number of processes."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._tenants = 0
        self._seen = Findings()
        self._mismatches = 0

        async def work(look: Look) -> object:
            found = await audit_tenant(pool, look)
            self._tenants += 1
            self._mismatches += found.mismatches
            self._seen.subjects_checked += found.subjects_checked
            self._seen.buckets_checked += found.buckets_checked
            self._seen.entries_checked += found.entries_checked
            return found

        self._scanner = Scanner(pool, Scan.audit, next_night, work)

    async def sweep(self) -> int:
        """Take in tenants that are new, and look at those whose night it is; how many."""
        return await self._scanner.sweep_all()

    async def told(self) -> list[Sample]:
        """What this process has looked at since it started, and how much of it was wrong."""
        checked = "csapi_audit_checked_total"
        what = "What nightly audits have looked at."
        counts = {
            "subject": self._seen.subjects_checked,
            "bucket": self._seen.buckets_checked,
            "audit_entry": self._seen.entries_checked,
            "tenant": self._tenants,
        }
        return [
            Sample(
                "csapi_summary_mismatches_total",
                "Subjects, buckets and audit logs that are not what they were made from: 0.",
                self._mismatches,
                kind="counter",
            ),
            *(
                Sample(checked, what, count, f'{{what="{name}"}}', "counter")
                for name, count in counts.items()
            ),
        ]
