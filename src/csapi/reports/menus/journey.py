"""A customer's journey: everything that is known of one customer, in the order of time.

It is read from the facts that numbers are counted from, so that what left the numbers (tests, spam,
what was deleted) is not in it, and each entry names the record that it comes from.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from msgspec import Meta

from csapi.facts.kinds import VALUE_SCALE, Kind, Resource
from csapi.kit.cursors import cursor_at, place_before
from csapi.kit.problems import Problem
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.periods import PeriodError, read_bound
from csapi.metrics.plan import EPOCH
from csapi.metrics.question import MemberGroup
from csapi.reports.fillings import Group
from csapi.reports.menus.customers import read_refs
from csapi.reports.menus.steps import (
    OUTCOMES,
    STEPS,
    SURVEYS,
    Journey,
    JourneyEntry,
    JourneyParams,
)
from csapi.reports.ranges import known_zone
from csapi.reports.read import Name, read_names
from csapi.reports.records_names import RecordNames, record_names
from csapi.reports.records_paging import MICROSECOND, Micros, Whole, micros_of
from csapi.reports.refusals import refuse
from csapi.reports.schemas import QueryPage
from csapi.reports.service import Desk, slowness_told, snapshot_of
from csapi.reports.shape import scaled

NAMED = tuple(
    MemberGroup(each, DIMENSIONS[each]) for each in ("channel", "agent", "team", "topic", "type")
)

# A merged customer stands for the one that it was merged into.
PEOPLE = """
SELECT coalesce(c.merged_into, c.surrogate) AS person,
  (SELECT array_agg(o.surrogate ORDER BY o.surrogate) FROM customers o
   WHERE o.tenant_id = $1 AND o.merged_into = coalesce(c.merged_into, c.surrogate)) AS merged
FROM customers c WHERE c.tenant_id = $1 AND c.id = $2"""


def of_person(table: str, *links: tuple[str, str]) -> str:
    """The records that name the customer, or a record that does."""
    named = [f"SELECT r.id FROM {table} r WHERE r.tenant_id = $1 AND r.customer = ANY($2)"]
    named += [
        f"SELECT r.id FROM {other} o JOIN {table} r ON r.tenant_id = $1 AND r.{column} = o.id"
        for column, other in links
    ]
    return " UNION ".join(named)


STEPS_SQL = f"""
WITH own_tickets AS MATERIALIZED ({of_person("tickets")}),
own_calls AS MATERIALIZED ({of_person("calls")}),
asked AS MATERIALIZED (
  {of_person("feedback_requests", ("ticket", "own_tickets"), ("call", "own_calls"))}
), subjects AS MATERIALIZED (
  SELECT id FROM own_tickets UNION SELECT id FROM own_calls UNION SELECT id FROM asked
  UNION {
    of_person("feedback", ("ticket", "own_tickets"), ("call", "own_calls"), ("request", "asked"))
}
  UNION {of_person("forms")} UNION {of_person("sessions")} UNION {of_person("kb_events")}
)
SELECT f.subject, f.kind, f.ordinal, f.resource, f.outcome, f.occurred_at AS at, f.value,
  f.channel, coalesce(f.actor_agent, f.owner_agent) AS agent,
  coalesce(f.actor_team, f.owner_team) AS team, f.topic, f.type
FROM subjects s CROSS JOIN LATERAL (
  SELECT f.* FROM facts f
  WHERE f.tenant_id = $1 AND f.subject = s.id AND f.kind = ANY($3::smallint[])
    AND f.customer = ANY($2)
  OFFSET 0) AS f
WHERE ($4::timestamptz IS NULL OR f.occurred_at >= $4)
  AND ($5::timestamptz IS NULL OR f.occurred_at < $5)
  AND ($6::timestamptz IS NULL
    OR (f.occurred_at, f.subject, f.kind, f.ordinal) > ($6, $7::uuid, $8::smallint, $9::int))
ORDER BY f.occurred_at, f.subject, f.kind, f.ordinal LIMIT $10"""

Place = tuple[datetime, UUID, int, int]
Small = Annotated[int, Meta(ge=0, le=2**15 - 1)]


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of a journey is asked for, and the place behind which its page starts."""

    since: datetime | None
    until: datetime | None
    after: Place | None


def span_of(wanted: JourneyParams, timezone: str, customer_id: UUID) -> Span:
    """Raises Problem."""
    zone = known_zone(wanted.timezone or timezone)
    after = None
    place = place_before(wanted, tuple[Micros, UUID, Small, Whole], customer_id)
    if place is not None:
        after = EPOCH + place[0] * MICROSECOND, *place[1:]
    try:
        since = None if wanted.from_ is None else read_bound(wanted.from_, zone, "from")
        until = None if wanted.to is None else read_bound(wanted.to, zone, "to")
    except PeriodError as error:
        refuse(f"/{error.field}", "invalid_value", error.message)
    return Span(since, until, after)


async def journey(desk: Desk, customer_id: UUID, wanted: JourneyParams) -> Journey:
    """A page of a journey, from one snapshot. Raises Problem: there is no such customer."""
    span = span_of(wanted, desk.timezone, customer_id)
    kinds = [int(kind) for kind, step in STEPS.items() if not wanted.step or step in wanted.step]
    async with snapshot_of(desk) as snapshot:
        connection, tenant_id = snapshot.connection, desk.tenant_id
        found = await connection.fetchrow(PEOPLE, tenant_id, customer_id)
        if found is None:
            raise Problem("not_found", "There is no such customer for this key.")
        merged = found["merged"] or []
        everybody = [found["person"], *merged]
        place = span.after or (None, None, None, None)
        with slowness_told():
            rows = await connection.fetch(
                STEPS_SQL, tenant_id, everybody, kinds, span.since, span.until, *place,
                wanted.limit + 1,
            )  # fmt: skip
        page = rows[: wanted.limit]
        data = await entries_of(connection, tenant_id, page)
        refs = await read_refs(snapshot, everybody)
    cursor = None
    if len(rows) > wanted.limit:
        last = page[-1]
        ended = micros_of(last["at"]), last["subject"], last["kind"], last["ordinal"]
        cursor = cursor_at(wanted, ended, customer_id)
    return Journey(
        customer=refs[found["person"]],
        merged=[refs[each] for each in merged],
        data=data,
        page=QueryPage(next_cursor=cursor),
    )


async def entries_of(
    connection: asyncpg.Connection, tenant_id: UUID, rows: Sequence[Any]
) -> list[JourneyEntry]:
    """Steps with names in the place of numbers."""
    subjects: dict[Resource, set[UUID]] = defaultdict(set)
    for row in rows:
        subjects[Resource(row["resource"])].add(row["subject"])
    listed = {resource: sorted(ids) for resource, ids in sorted(subjects.items())}
    records = await record_names(connection, tenant_id, listed, [])
    members = [Group(tuple(row[each.id] for each in NAMED), (), {}) for row in rows]
    names = await read_names(connection, tenant_id, NAMED, members)
    return [entry_of(row, records, names) for row in rows]


def entry_of(row: Any, records: RecordNames, names: Mapping[tuple[str, int], Name]) -> JourneyEntry:
    kind = Kind(row["kind"])
    record, ticket = records.records.get((row["resource"], row["subject"]), (None, None))
    survey, outcomes = SURVEYS.get(kind), OUTCOMES.get(kind)
    keys = {each.id: key_of(names, each.id, row[each.id]) for each in NAMED}
    return JourneyEntry(
        step=STEPS[kind],
        occurred_at=row["at"],
        record=record,
        ticket=ticket,
        survey=survey,
        rating=None if survey is None else scaled(row["value"], VALUE_SCALE),
        outcome=None if outcomes is None else outcomes(row["outcome"]).name.lower(),
        **keys,
    )


def key_of(names: Mapping[tuple[str, int], Name], dimension: str, member: int | None) -> str | None:
    if member is None:
        return None
    found = names.get((dimension, member))
    return f"unknown:{member}" if found is None else found[0]
