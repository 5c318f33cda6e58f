"""Facts of past calls by the hundred thousand, made in SQL, with the names that they point at."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Dimension, Grain, Kind, Resource
from csapi.facts.outcomes import CallOutcome, ContactOutcome, HandlingOutcome

FACTS_PER_CALL = 5
AGENTS, TEAMS, QUEUES, TOPICS, CUSTOMERS = 50, 20, 6, 12, 20_000
TEAM, QUEUE, TOPIC, CHANNEL = 100, 200, 300, 400

# One call in ten is abandoned, and leaves two facts instead of five.
FACTS = f"""
INSERT INTO facts (tenant_id, subject, kind, ordinal, resource, outcome, definition_version,
  occurred_at, actor_agent, actor_team, owner_agent, owner_team, channel, queue, topic, customer,
  duration_ms, value, gap_next_ms)
SELECT $1, subject, kind, 0, {Resource.CALL}, outcome, 1, at, agent, {TEAM} + agent % {TEAMS},
  agent, {TEAM} + agent % {TEAMS}, {CHANNEL}, {QUEUE} + number % {QUEUES},
  {TOPIC} + (number * 13) % {TOPICS}, 1 + (number * 7919) % {CUSTOMERS}, duration, value, following
FROM (
  SELECT number, uuidv7() AS subject, number % 10 = 0 AS is_lost,
    CASE WHEN number % 10 > 0 THEN 1 + ((number * 104729) % {AGENTS})::int END AS agent,
    $2::timestamptz + number * ($3::timestamptz - $2) / $4::bigint AS at,
    1000 * (random() * 90)::int AS wait, 1000 * (30 + random() * 900)::int AS talk,
    1000 * (random() * 120)::int AS work, (random() * 1e9)::bigint AS previous,
    (random() * 1e9)::bigint AS until_next
  FROM generate_series(0::bigint, $4 - 1) AS number OFFSET 0
) AS calls CROSS JOIN LATERAL (VALUES
  ({Kind.CALL}, CASE WHEN is_lost THEN {CallOutcome.ABANDONED} ELSE {CallOutcome.ANSWERED} END,
   wait, CASE WHEN NOT is_lost THEN 10000 * (talk / 1000 % 2) END, NULL, true),
  ({Kind.CONTACT}, {ContactOutcome.IDENTIFIED}, previous, NULL, until_next, true),
  ({Kind.TALK}, {HandlingOutcome.ONE_LEG}, talk, NULL, NULL, NOT is_lost),
  ({Kind.AFTER_CALL_WORK}, {HandlingOutcome.ONE_LEG}, work, NULL, NULL, NOT is_lost),
  ({Kind.HANDLE}, {HandlingOutcome.ONE_LEG}, talk + work, NULL, NULL, NOT is_lost)
) AS facts (kind, outcome, duration, value, following, counts)
WHERE counts"""

SURROGATES = (
    "INSERT INTO {table} (tenant_id, source, external_id, surrogate, name) "
    "SELECT $1, 'seed', $2 || number, number, initcap($2) || ' ' || number "
    "FROM generate_series($3::int, $4::int) AS number"
)
MEMBERS = (
    "INSERT INTO members (tenant_id, member, dimension, key) "
    "SELECT $1, number, $2, $3 || number FROM generate_series($4::int, $5::int) AS number"
)
MARKS = (
    "INSERT INTO marks (tenant_id, grain, bucket) "
    f"SELECT DISTINCT tenant_id, {Grain.SLOT}, date_bin('15 minutes', occurred_at, 'epoch') "
    "FROM facts WHERE tenant_id = $1"
)


@dataclass(frozen=True, slots=True)
class History:
    """How many facts, spread evenly over [start, end)."""

    facts: int
    start: datetime
    end: datetime

    @property
    def days(self) -> int:
        return (self.end - self.start) // timedelta(days=1)

    @property
    def calls(self) -> int:
        return round(self.facts / (0.9 * FACTS_PER_CALL + 0.1 * 2))


async def seed(admin: asyncpg.Connection, tenant_id: UUID, history: History) -> None:
    """Names and facts, without marks."""
    for table, name, first, count in (
        ("agents", "agent", 1, AGENTS),
        ("teams", "team", TEAM, TEAMS),
    ):
        sql = SURROGATES.format(table=table)
        await admin.execute(sql, tenant_id, name, first, first + count - 1)
    for dimension, name, first, count in (
        (Dimension.QUEUE, "queue", QUEUE, QUEUES),
        (Dimension.TOPIC, "topic", TOPIC, TOPICS),
        (Dimension.CHANNEL, "channel", CHANNEL, 1),
    ):
        await admin.execute(MEMBERS, tenant_id, int(dimension), name, first, first + count - 1)
    await admin.execute(FACTS, tenant_id, history.start, history.end, history.calls)


async def mark(admin: asyncpg.Connection, tenant_id: UUID) -> None:
    """As if all of it had just come in."""
    await admin.execute(MARKS, tenant_id)
