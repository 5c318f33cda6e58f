"""Schedules in the database: when each is open, and for whom which is in force.

Both are written in the transaction of the schedule. The caller holds the tenant's exclusive lock:
every derivation reads them under the shared one.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec

from csapi.facts.business_hours import BUSINESS_KINDS
from csapi.facts.expansion import Span, horizon, in_force, open_spans
from csapi.facts.kinds import Reference, Scope
from csapi.facts.origins import resources_of
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.schedule import SCHEDULES, Schedule
from csapi.facts.schedule_tables import business_intervals, schedule_periods

Connection = Any
# A schedule and a period in which it is in force, by rank: the first of two wins.
Claim = tuple[datetime, datetime, int]

SCHEDULES_OF = """
SELECT surrogate, source, external_id, item::text AS item, teams::text AS teams,
  inboxes::text AS inboxes, is_default, expanded_to
FROM schedules WHERE tenant_id = $1 AND NOT is_deleted AND NOT is_stub
ORDER BY source, external_id"""

DELETE_INTERVALS = (
    "DELETE FROM business_intervals WHERE tenant_id = $1 AND schedule = ANY($2::int[])"
)

OPEN_SO_FAR = """
SELECT open_before_ms + (extract(epoch FROM ends_at - starts_at) * 1000)::bigint
FROM business_intervals WHERE tenant_id = $1 AND schedule = $2 ORDER BY starts_at DESC LIMIT 1"""

ADD_INTERVALS = f"""
INSERT INTO business_intervals ({", ".join(business_intervals.columns.keys())})
SELECT $1, $2::int, to_timestamp(starts_at), to_timestamp(ends_at), open_before_ms
FROM unnest($3::float8[], $4::float8[], $5::bigint[]) AS i (starts_at, ends_at, open_before_ms)"""

SET_EXPANDED = """
UPDATE schedules SET expanded_to = $3 WHERE tenant_id = $1 AND surrogate = ANY($2::int[])"""

DELETE_PERIODS = "DELETE FROM schedule_periods WHERE tenant_id = $1"

ADD_PERIODS = f"""
INSERT INTO schedule_periods ({", ".join(schedule_periods.columns.keys())})
SELECT $1, *
FROM unnest($2::smallint[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::int[])"""

# Of records whose facts have business time.
HAS_RECORDS = "SELECT " + " OR ".join(
    f"EXISTS (SELECT 1 FROM {SUBJECT_KINDS[resource].table} WHERE tenant_id = $1)"
    for resource in resources_of(BUSINESS_KINDS)
)

SET_APPLIED = "UPDATE schedules SET is_applied = true WHERE tenant_id = $1 AND NOT is_applied"

MARK_SCHEDULE = f"""
INSERT INTO reference_marks (tenant_id, reference, member)
VALUES ($1, {Reference.SCHEDULE}::smallint, $2)"""

HAS_UNAPPLIED = """
SELECT EXISTS (
  SELECT 1 FROM schedules WHERE tenant_id = $1 AND NOT is_stub AND NOT is_applied)"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A schedule as it is stored."""

    surrogate: int
    schedule: Schedule
    teams: list[int]
    inboxes: list[int]
    is_default: bool
    expanded_to: datetime | None

    def scopes(self) -> Iterable[tuple[Scope, int]]:
        yield from ((Scope.TEAM, team) for team in self.teams)
        yield from ((Scope.INBOX, inbox) for inbox in self.inboxes)
        if self.is_default:
            yield Scope.DEFAULT, 0


async def read_schedules(connection: Connection, tenant_id: UUID) -> list[Stored]:
    """The schedules of a tenant, deleted ones left out, in the order of their names."""
    return [
        Stored(
            surrogate=row["surrogate"],
            schedule=SCHEDULES.decoder.decode(row["item"]),
            teams=msgspec.json.decode(row["teams"] or "[]", type=list[int]),
            inboxes=msgspec.json.decode(row["inboxes"] or "[]", type=list[int]),
            is_default=row["is_default"],
            expanded_to=row["expanded_to"],
        )
        for row in await connection.fetch(SCHEDULES_OF, tenant_id)
    ]


async def replace_expansion(
    connection: Connection, tenant_id: UUID, written: Sequence[int], now: datetime
) -> None:
    """Expand the written schedules anew, and say anew which is in force for whom."""
    until = horizon(now)
    await connection.execute(DELETE_INTERVALS, tenant_id, written)
    await connection.execute(SET_EXPANDED, tenant_id, written, until)
    stored = await read_schedules(connection, tenant_id)
    for each in stored:
        if each.surrogate in written and (periods := in_force(each.schedule, until)):
            # A few hundredths of a second of arithmetic: not on the event loop.
            spans = await asyncio.to_thread(open_spans, each.schedule, periods[0][0], until)
            await add_intervals(connection, tenant_id, each.surrogate, spans, 0)
    await replace_periods(connection, tenant_id, stored)


async def extend_expansion(connection: Connection, tenant_id: UUID, now: datetime) -> int:
    """Expand schedules further; what was expanded before stays. Gives the number of schedules.

    Holidays and zones change with the libraries that know them: the past must not change with them.
    """
    until = horizon(now)
    stored = await read_schedules(connection, tenant_id)
    short = [each for each in stored if each.expanded_to and each.expanded_to < until]
    for each in short:
        spans = await asyncio.to_thread(open_spans, each.schedule, each.expanded_to or until, until)
        before = await connection.fetchval(OPEN_SO_FAR, tenant_id, each.surrogate)
        await add_intervals(connection, tenant_id, each.surrogate, spans, before or 0)
    if short:
        names = [each.surrogate for each in short]
        await connection.execute(SET_EXPANDED, tenant_id, names, until)
        await replace_periods(connection, tenant_id, await read_schedules(connection, tenant_id))
    return len(short)


async def add_intervals(
    connection: Connection, tenant_id: UUID, surrogate: int, spans: Sequence[Span], before_ms: int
) -> None:
    opened: list[int] = []
    for start, end in spans:
        opened.append(before_ms)
        before_ms += (end - start) * 1000
    starts, ends = [float(start) for start, _ in spans], [float(end) for _, end in spans]
    await connection.execute(ADD_INTERVALS, tenant_id, surrogate, starts, ends, opened)


async def replace_periods(
    connection: Connection, tenant_id: UUID, stored: Sequence[Stored]
) -> None:
    claims: dict[tuple[Scope, int], list[Claim]] = {}
    for each in stored:
        periods = in_force(each.schedule, each.expanded_to) if each.expanded_to else []
        for scope in each.scopes():
            claims.setdefault(scope, []).extend((*period, each.surrogate) for period in periods)
    await connection.execute(DELETE_PERIODS, tenant_id)
    if rows := list(resolved(claims)):
        arrays = [list(values) for values in zip(*rows, strict=True)]
        await connection.execute(ADD_PERIODS, tenant_id, *arrays)


def resolved(
    claims: Mapping[tuple[Scope, int], Sequence[Claim]],
) -> Iterable[tuple[int, int, datetime, datetime, int]]:
    """Periods that do not overlap: of several schedules for one team or inbox the one that came
    into force last, of those the first by name (the order of the claims)."""
    for (scope, member), wanted in claims.items():
        edges = sorted({edge for start, end, _ in wanted for edge in (start, end)})
        for start, end in pairwise(edges):
            there = [claim for claim in wanted if claim[0] <= start and end <= claim[1]]
            if there:
                yield int(scope), member, start, end, max(there, key=lambda claim: claim[0])[2]


async def settle(connection: Connection, tenant_id: UUID) -> None:
    """After a write of schedules: where no record is there yet, all facts will be up to date."""
    if not await connection.fetchval(HAS_RECORDS, tenant_id):
        await connection.execute(SET_APPLIED, tenant_id)


async def ask_for_recompute(connection: Connection, tenant_id: UUID, surrogate: int) -> None:
    """Let the worker derive all facts with business time again, by the schedules as they are."""
    await connection.execute(SET_APPLIED, tenant_id)
    await connection.execute(MARK_SCHEDULE, tenant_id, surrogate)


async def is_business_time_current(connection: Connection, tenant_id: UUID) -> bool:
    """Whether business time is what the schedules say now, apart from what is marked.

    Where not, a schedule was changed and nobody asked for a recompute: facts keep what they had.
    """
    return not await connection.fetchval(HAS_UNAPPLIED, tenant_id)
