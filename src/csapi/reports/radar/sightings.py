"""When topics were first seen, and a few of their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.kit.db import Statement
from csapi.metrics.compile import Compiler
from csapi.metrics.periods import EARLIEST, LONGEST_DAYS
from csapi.metrics.topics import Through
from csapi.metrics.zones import day_start
from csapi.reports.drivers.params import DriverLevel
from csapi.reports.drivers.reading import CONTACTS, answered, asked_of
from csapi.reports.radar.params import RadarParams, Window
from csapi.reports.radar.reading import Daily, Topics, all_seeing, over
from csapi.reports.radar.renames import first_day
from csapi.reports.records_names import record_names
from csapi.reports.schemas import RecordRef
from csapi.reports.service import Snapshot

EXAMPLES = 3
MONTH = timedelta(days=31)
Subject = tuple[Resource, UUID]
Span = tuple[datetime, datetime]

FIND_TOPICS = f"""
SELECT key, member FROM members
WHERE tenant_id = $1 AND dimension = {Dimension.TOPIC} AND key = ANY($2::text[])"""

# By the index of a kind over time, in the month or on the day of the first one: it stops there.
FIRST_SEEN = f"""
SELECT w.key, min(seen.at) AS at
FROM unnest($2::text[], $3::int[], $4::timestamptz[], $5::timestamptz[])
  AS w (key, member, since, until)
CROSS JOIN LATERAL (
  SELECT f.occurred_at AS at FROM facts f
  WHERE f.tenant_id = $1 AND f.kind = {Kind.CONTACT} AND f.topic = w.member
    AND f.occurred_at >= w.since AND f.occurred_at < w.until
  ORDER BY f.occurred_at LIMIT 1) AS seen
GROUP BY w.key"""


@dataclass(frozen=True, slots=True)
class Members:
    """Which members of facts are looked at as each topic, in pairs."""

    keys: Sequence[str]
    members: Sequence[int]


async def members_of(snapshot: Snapshot, wanted: RadarParams, topics: Sequence[str]) -> Members:
    """Of main topics also all that stand below."""
    rows = await snapshot.connection.fetch(FIND_TOPICS, snapshot.desk.tenant_id, topics)
    found = [(row["key"], row["member"]) for row in rows]
    if wanted.level is DriverLevel.main_topic:
        tree = await snapshot.topics([wanted.dimension])
        found = [
            (key, each) for key, member in found for each in tree.chosen(Through.parent, {member})
        ]
    return Members([key for key, _ in found], [member for _, member in found])


async def first_spans(
    snapshot: Snapshot, wanted: RadarParams, window: Window, daily: Daily, topics: Sequence[str]
) -> dict[str, Span]:
    """The month or the day on which each was first seen, wherever it came."""
    months = await first_months(snapshot, wanted, window, topics)
    is_all = not (wanted.channel or wanted.inbox or wanted.segment)
    known, zone = day_start(window.timezone, window.history), window.timezone
    spans: dict[str, Span] = {}
    for key, month in months.items():
        spans[key] = month, month + MONTH
        day = first_day(daily.topics.get(key, ()))
        if is_all and day is not None and month >= known:
            spans[key] = (
                day_start(zone, window.history, day),
                day_start(zone, window.history, day + 1),
            )
    return spans


async def first_months(
    snapshot: Snapshot, wanted: RadarParams, window: Window, topics: Sequence[str]
) -> dict[str, datetime]:
    """When those months began."""
    anywhere, name = RadarParams(level=wanted.level), wanted.dimension
    first = max(window.start - timedelta(days=LONGEST_DAYS - 62), date(EARLIEST, 1, 2))
    query = asked_of(anywhere, [CONTACTS], ["time:month", name], None, topics)
    answer = await answered(all_seeing(snapshot), over(query, first, window))
    found: dict[str, datetime] = {}
    for row in answer.data:
        key, start = row.dimensions[name].key, row.dimensions["time:month"].start
        if key is not None and start is not None and row.metrics[CONTACTS.id].n:
            found[key] = min(start, found.get(key, start))
    return found


async def first_seen(
    snapshot: Snapshot, members: Members, spans: Mapping[str, Span]
) -> dict[str, datetime]:
    found = [
        (key, member, *spans[key])
        for key, member in zip(members.keys, members.members, strict=True)
        if key in spans
    ]
    columns = [list(each) for each in zip(*found, strict=True)] or [[], [], [], []]
    rows = await snapshot.connection.fetch(FIRST_SEEN, snapshot.desk.tenant_id, *columns)
    return {row["key"]: row["at"] for row in rows}


def examples_statement(tenant_id: UUID, found: Topics, members: Members) -> Statement:
    """The latest contacts of each topic in the window."""
    compiler, period = Compiler(tenant_id, found.question), found.window.period
    add = compiler.arguments.add
    start, end = add(period.start, "timestamptz"), add(period.end, "timestamptz")
    wanted = f"unnest({add(members.keys, 'text[]')}, {add(members.members, 'int[]')})"
    sql = f"""
SELECT key, resource, subject FROM (
  SELECT w.key, f.resource, f.subject,
    row_number() OVER (PARTITION BY w.key ORDER BY f.occurred_at DESC, f.subject) AS place
  FROM facts f JOIN {wanted} AS w (key, member) ON w.member = f.topic
  WHERE f.tenant_id = {compiler.tenant} AND f.kind = ANY ({compiler.kinds})
    AND f.occurred_at >= {start} AND f.occurred_at < {end} AND {compiler.wanted()}) AS latest
WHERE place <= {EXAMPLES} ORDER BY key, place"""
    return Statement(sql, tuple(compiler.arguments.values))


async def topic_examples(
    snapshot: Snapshot, found: Topics, members: Members
) -> dict[str, list[Subject]]:
    statement = examples_statement(snapshot.desk.tenant_id, found, members)
    examples: dict[str, list[Subject]] = {}
    for row in await snapshot.connection.fetch(statement.sql, *statement.arguments):
        examples.setdefault(row["key"], []).append((Resource(row["resource"]), row["subject"]))
    return examples


async def named(snapshot: Snapshot, subjects: Sequence[Subject]) -> dict[Subject, RecordRef]:
    """Records by what their sources call them: one statement for all."""
    by_resource: dict[Resource, set[UUID]] = {}
    for resource, subject in subjects:
        by_resource.setdefault(resource, set()).add(subject)
    listed = {resource: sorted(ids) for resource, ids in sorted(by_resource.items())}
    names = await record_names(snapshot.connection, snapshot.desk.tenant_id, listed, ())
    return {
        (Resource(resource), subject): record
        for (resource, subject), (record, _) in names.records.items()
    }
