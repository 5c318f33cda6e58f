"""What the records themselves tell, without any metric.

Ids of records begin with the instant at which each first came: a range of ids is a range of time,
and an index serves it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.reports.records_names import ref
from csapi.reports.schemas import RecordRef
from csapi.reports.trust.schemas import ArrivalDelay, Audit, AuditDifference, ReceivedItems

EXAMPLES = 5
LATE, AHEAD = "interval '24 hours'", "interval '1 second'"
# What is sent out of order may come in a moment.
GRACE = timedelta(hours=1)
TOO_LONG_MS = 12 * 3_600_000
OF_RANGE = "tenant_id = $1 AND id >= $2 AND id < $3"
REAL = "NOT is_stub AND NOT is_deleted"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Records with an instant at which they happened, by which their way to us is timed."""

    resource: str
    table: str
    at: str
    real: str = REAL


ARRIVALS = (
    Arrivals("tickets", "tickets", "created_at"),
    Arrivals("ticket-events", "ticket_events", "occurred_at", "true"),
    Arrivals("calls", "calls", "coalesce(ended_at, queue_entered_at)"),
    Arrivals("feedback", "feedback", "responded_at"),
)


@dataclass(frozen=True, slots=True)
class Counted:
    """So many of how many, and some of them."""

    count: int
    of: int
    examples: Sequence[RecordRef] = ()


def arrival_sql(kind: Arrivals) -> str:
    return f"""
SELECT count(*) AS n, count(*) FILTER (WHERE late > {LATE}) AS late,
  count(*) FILTER (WHERE late < -{AHEAD}) AS ahead,
  percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (
    ORDER BY greatest(extract(epoch FROM late), 0)::float8) AS seconds
FROM (SELECT uuid_extract_timestamp(id) - {kind.at} AS late FROM {kind.table}
  WHERE {OF_RANGE} AND {kind.real}) AS arrived
WHERE late IS NOT NULL"""


def ahead_sql(kind: Arrivals) -> str:
    name = "event_id" if kind.table == "ticket_events" else "external_id"
    return f"""
SELECT id, source, {name} AS external_id FROM {kind.table}
WHERE {OF_RANGE} AND {kind.real} AND uuid_extract_timestamp(id) < {kind.at} - {AHEAD}
ORDER BY id DESC LIMIT {EXAMPLES}"""


def count_sql(table: str, wrong: str, looked_at: str = REAL) -> str:
    return f"""
SELECT count(*) FILTER (WHERE {wrong}) AS count, count(*) AS of FROM {table}
WHERE {OF_RANGE} AND {looked_at}"""


def examples_sql(table: str, wrong: str, looked_at: str = REAL) -> str:
    return f"""
SELECT id, source, external_id FROM {table}
WHERE {OF_RANGE} AND {looked_at} AND {wrong} ORDER BY id DESC LIMIT {EXAMPLES}"""


IMPOSSIBLE_CALL = (
    "(ended_at < queue_entered_at OR negative_wait_ms IS NOT NULL OR "
    f"greatest(talk_ms, hold_ms, after_call_work_ms, handle_ms) > {TOO_LONG_MS})"
)
UNLINKED = "(request IS NULL AND ticket IS NULL AND call IS NULL)"
# Sources all of whose tickets of the range came without a single event.
SNAPSHOTS = f"""
SELECT source, count(*) AS tickets, (array_agg(id ORDER BY id DESC))[1] AS id,
  (array_agg(external_id ORDER BY id DESC))[1] AS external_id,
  bool_or(EXISTS (SELECT FROM ticket_events e WHERE e.tenant_id = $1 AND e.ticket = t.id))
    AS has_events
FROM tickets t WHERE {OF_RANGE} AND {REAL} GROUP BY source ORDER BY source"""
UNKNOWN_AGENTS = """
SELECT count(*) FILTER (WHERE is_stub) AS count, count(*) AS of FROM agents
WHERE tenant_id = $1 AND NOT is_deleted AND id < $2"""
UNKNOWN_AGENT_EXAMPLES = f"""
SELECT id, source, external_id FROM agents
WHERE tenant_id = $1 AND NOT is_deleted AND is_stub AND id < $2 ORDER BY id DESC LIMIT {EXAMPLES}"""
BOT_WORDS = (
    "(^|[^a-z])(bot|chatbot|robot|auto[- ]?responder|auto[- ]?reply|automation|no[- ]?reply|"
    "system|ai[- ]agent|assistant[- ]bot)([^a-z]|$)"
)
# By their names, or since they reply faster than anybody types.
BOTS = """
SELECT id, source, external_id, is_bot,
  lower(coalesce(name, external_id)) ~ $2 OR external_id = ANY($3::text[]) AS is_like_bot
FROM agents WHERE tenant_id = $1 AND NOT is_deleted ORDER BY id DESC"""
RECEIVED = """
SELECT resource, status, sum(n)::bigint AS n FROM ingest_counts
WHERE tenant_id = $1 AND day >= $2 AND day <= $3 GROUP BY resource, status"""
AUDIT = """
SELECT started_at, finished_at, subjects_checked, buckets_checked, pending, mismatches, first_day,
  last_day, examples::text AS examples
FROM audits WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1"""
AUDITS = """
SELECT count(*) AS audits, count(*) FILTER (WHERE mismatches > 0) AS mismatched FROM audits
WHERE tenant_id = $1"""


@dataclass(slots=True)
class Records:
    """What first came in a range of time, of one tenant."""

    connection: asyncpg.Connection
    tenant_id: UUID
    first: UUID
    last: UUID
    settled: UUID

    async def arrivals(self) -> tuple[list[ArrivalDelay], Counted, Counted]:
        """By resource, and in all: what is late, and what came before it happened."""
        delays, late, ahead, total = [], 0, 0, 0
        examples: list[RecordRef] = []
        for kind in ARRIVALS:
            row = await self._row(arrival_sql(kind))
            p50, p90, p99 = row["seconds"] or (None, None, None)
            delays.append(
                ArrivalDelay(
                    resource=kind.resource,
                    n=row["n"],
                    late=row["late"],
                    p50_seconds=p50,
                    p90_seconds=p90,
                    p99_seconds=p99,
                )
            )
            late, ahead, total = late + row["late"], ahead + row["ahead"], total + row["n"]
            if row["ahead"] and len(examples) < EXAMPLES:
                examples += await self._refs(kind.resource, ahead_sql(kind))
        return delays, Counted(late, total), Counted(ahead, total, examples[:EXAMPLES])

    async def stubs(self, resource: str, table: str) -> Counted:
        """What others name, and what never came itself."""
        wrong, looked_at = "is_stub", "NOT is_deleted"
        last = min(self.last, self.settled)
        row = await self._row(count_sql(table, wrong, looked_at), last)
        examples: Sequence[RecordRef] = ()
        if row["count"]:
            examples = await self._refs(resource, examples_sql(table, wrong, looked_at), last)
        return Counted(row["count"], row["of"], examples)

    async def wrong(self, resource: str, table: str, wrong: str) -> Counted:
        row = await self._row(count_sql(table, wrong))
        examples: Sequence[RecordRef] = ()
        if row["count"]:
            examples = await self._refs(resource, examples_sql(table, wrong))
        return Counted(row["count"], row["of"], examples)

    async def unknown_agents(self) -> Counted:
        place = self.tenant_id, self.settled
        row = await self.connection.fetchrow(UNKNOWN_AGENTS, *place)
        rows = await self.connection.fetch(UNKNOWN_AGENT_EXAMPLES, *place) if row["count"] else ()
        return Counted(row["count"], row["of"], refs("agents", rows))

    async def snapshots(self) -> Counted:
        rows = await self.connection.fetch(SNAPSHOTS, self.tenant_id, self.first, self.last)
        silent = [row for row in rows if not row["has_events"]]
        return Counted(len(silent), len(rows), refs("tickets", silent[:EXAMPLES]))

    async def bots(self, quick: Sequence[str]) -> Counted:
        """Agents that count as people and are like bots; quick: keys of who replies at once."""
        rows = await self.connection.fetch(BOTS, self.tenant_id, BOT_WORDS, list(quick))
        people = [row for row in rows if not row["is_bot"]]
        found = [row for row in people if row["is_like_bot"]]
        return Counted(len(found), len(people), refs("agents", found[:EXAMPLES]))

    async def received(self, start: datetime, end: datetime) -> list[ReceivedItems]:
        days = start.date(), (end - timedelta(microseconds=1)).date()
        rows = await self.connection.fetch(RECEIVED, self.tenant_id, *days)
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            found.setdefault(row["resource"], {})[row["status"]] = row["n"]
        return [
            ReceivedItems(
                resource=resource,
                created=counts.get("created", 0),
                updated=counts.get("updated", 0),
                duplicate=counts.get("duplicate", 0),
                stale=counts.get("stale", 0),
                rejected=counts.get("rejected", 0),
            )
            for resource, counts in sorted(found.items())
        ]

    async def audits(self) -> tuple[Audit | None, int, int]:
        """The last one, how many there were, and how many of them found something."""
        row = await self.connection.fetchrow(AUDIT, self.tenant_id)
        counts = await self.connection.fetchrow(AUDITS, self.tenant_id)
        return audit_of(row), counts["audits"], counts["mismatched"]

    async def _row(self, sql: str, last: UUID | None = None) -> Any:
        return await self.connection.fetchrow(sql, self.tenant_id, self.first, last or self.last)

    async def _refs(self, resource: str, sql: str, last: UUID | None = None) -> list[RecordRef]:
        rows = await self.connection.fetch(sql, self.tenant_id, self.first, last or self.last)
        return refs(resource, rows)


def audit_of(row: Any) -> Audit | None:
    if row is None:
        return None
    examples = msgspec.json.decode(row["examples"], type=list[AuditDifference])
    return Audit(**{**row, "examples": examples})


def refs(resource: str, rows: Sequence[Any]) -> list[RecordRef]:
    return [ref(resource, row["id"], row["source"], row["external_id"]) for row in rows]
