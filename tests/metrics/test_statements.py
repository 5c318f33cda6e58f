"""How many statements an answer takes, what they look like, and which indexes they use."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen
from tests.metrics.conftest import World
from tests.metrics.world import NOW, TIMEZONE
from tests.plans import Node, nodes

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Grain
from csapi.kit.db import Statement
from csapi.metrics.catalog import METRICS
from csapi.metrics.compile import Compiler, cuboid_for
from csapi.metrics.cuboids import CUBOIDS
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.percentiles import binned_statement, exact_statement
from csapi.metrics.periods import TimeGrain, explicit_period
from csapi.metrics.plan import Marked, Pieces, Planner, from_facts
from csapi.metrics.question import Asked, Condition, MemberGroup, Question, Test, time_group
from csapi.metrics.rebuild import bucket_rows_from_facts, bucket_rows_from_finer, slot_rows
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer

TENANT = UUID("00000000-0000-7000-8000-000000000000")
PERIOD = explicit_period("2026-01-01", "2026-03-10", TIMEZONE)
DIRTY = datetime(2026, 2, 10, 9, 15, tzinfo=UTC)


def asked(metric_id: str, agg: str | None = None) -> Asked:
    metric = METRICS[metric_id]
    return Asked(metric_id, metric, metric.defaults, metric.build(metric.defaults), agg)


def question(*metrics: Asked, by: str | None = None, grain: TimeGrain | None = None) -> Question:
    groups: list[Any] = [time_group(grain, PERIOD)] if grain else []
    condition = None
    if by:
        groups.append(MemberGroup(by, DIMENSIONS[by]))
        condition = Condition(test=Test(DIMENSIONS[by], (5, 6)))
    return Question(PERIOD, TIMEZONE, metrics, tuple(groups), condition, with_totals=True)


def pieces_of(asked_for: Question) -> Pieces:
    cuboid = cuboid_for(asked_for)
    if cuboid is None:
        return from_facts(PERIOD.start, PERIOD.end)
    planner = Planner(TIMEZONE, cuboid, Marked([DIRTY]), asked_for.cuts)
    return planner.split(PERIOD.start, PERIOD.end)


def parts_statement(asked_for: Question) -> Statement:
    return Compiler(TENANT, asked_for).parts(pieces_of(asked_for), cuboid_for(asked_for))


GOLDEN = """SELECT g0, (grouping(g0) > 0) AS is_total, \
coalesce(sum(n) FILTER (WHERE kind = 10 AND outcome IN (2)), 0)::bigint AS p0, \
coalesce(sum(within_4999) FILTER (WHERE kind = 10 AND outcome IN (2)), 0)::bigint AS p1, \
coalesce(sum(n) FILTER (WHERE kind = 10), 0)::bigint AS p2
FROM (SELECT k0 AS g0, rows.* FROM (
SELECT x.* FROM unnest($3::timestamptz[], $4::timestamptz[]) AS run (starts_at, ends_at) \
CROSS JOIN LATERAL (
  SELECT x.bucket AS at, x.kind, x.outcome, nullif(x.key1, 0)::bigint AS k0, x.n AS n, \
coalesce(CASE WHEN x.counts IS NULL THEN width_bucket(319::smallint, x.bins) \
ELSE x.counts[width_bucket(319::smallint, x.bins)] END, 0) AS within_4999 FROM summaries x
  WHERE x.tenant_id = $1::uuid AND x.cuboid = 3 AND x.grain = 3
    AND x.bucket >= run.starts_at AND x.bucket < run.ends_at AND x.kind = ANY ($2::smallint[])
    AND x.key1 = ANY ($5::bigint[])
  OFFSET 0) AS x
UNION ALL
SELECT x.* FROM unnest($6::timestamptz[], $7::timestamptz[]) AS run (starts_at, ends_at) \
CROSS JOIN LATERAL (
  SELECT x.bucket AS at, x.kind, x.outcome, nullif(x.key1, 0)::bigint AS k0, x.n AS n, \
coalesce(CASE WHEN x.counts IS NULL THEN width_bucket(319::smallint, x.bins) \
ELSE x.counts[width_bucket(319::smallint, x.bins)] END, 0) AS within_4999 FROM summaries x
  WHERE x.tenant_id = $1::uuid AND x.cuboid = 3 AND x.grain = 2
    AND x.bucket >= run.starts_at AND x.bucket < run.ends_at AND x.kind = ANY ($2::smallint[])
    AND x.key1 = ANY ($8::bigint[])
  OFFSET 0) AS x
UNION ALL
SELECT f.* FROM unnest($10::timestamptz[], $11::timestamptz[]) AS run (starts_at, ends_at) \
CROSS JOIN LATERAL (
  SELECT f.occurred_at AS at, f.kind, f.outcome, f.actor_team::bigint AS k0, 1 AS n, \
coalesce(f.duration_ms <= 4999, false)::int AS within_4999 FROM facts f
  WHERE f.tenant_id = $1::uuid AND f.kind = ANY ($2::smallint[])
    AND f.occurred_at >= run.starts_at AND f.occurred_at < run.ends_at
    AND true AND coalesce(f.actor_team, 0) = ANY ($9::bigint[])
  OFFSET 0) AS f
) AS rows) AS keyed
GROUP BY GROUPING SETS ((g0), ())
LIMIT 50002"""


def test_golden_statement() -> None:
    assert parts_statement(question(asked("abandonment_rate"), by="team")).sql == GOLDEN


def test_a_statement_does_not_depend_on_its_values() -> None:
    metrics = asked("calls_offered"), asked("first_response_time")
    first = parts_statement(question(*metrics, grain=TimeGrain.day))
    second = parts_statement(question(*metrics, grain=TimeGrain.week))
    assert first.sql == second.sql
    assert first.arguments != second.arguments


def statements() -> Iterator[tuple[str, Statement]]:
    call, response = asked("service_level"), asked("first_response_time", "p90")
    for name, wanted in {
        "total": question(call),
        "by day": question(call, response, grain=TimeGrain.day),
        "by team": question(call, response, by="team"),
        "by customer": question(call, response, by="customer"),
        "by hour": question(call, grain=TimeGrain.hour_of_day),
    }.items():
        yield name, parts_statement(wanted)
    by_team = question(response, by="team")
    spread = response.formula.spread
    assert spread is not None
    yield "exact", exact_statement(TENANT, by_team, spread, [response])
    cuboid = cuboid_for(by_team)
    yield (
        "binned",
        binned_statement(TENANT, by_team, spread, [response], pieces_of(by_team), cuboid),
    )
    start, end = PERIOD.start, PERIOD.end
    yield "rebuild slots", slot_rows(TENANT, [DIRTY, DIRTY + timedelta(hours=1)], [1], CUBOIDS)
    yield "rebuild day", bucket_rows_from_facts(TENANT, Grain.DAY, start, end, [1])
    yield "rebuild month", bucket_rows_from_finer(TENANT, Grain.DAY, Grain.MONTH, start, end)


def scans(plan: Node) -> list[Node]:
    return [
        each
        for each in nodes(plan)
        if each.get("Relation Name") in ("facts", "summaries") or "Index Name" in each
    ]


@pytest.mark.parametrize("named", list(statements()), ids=lambda named: named[0])
@pytest.mark.parametrize("is_generic", [False, True])
async def test_tenant_and_range_are_index_conditions(
    named: tuple[str, Statement], *, is_generic: bool, world: World, api_pool: asyncpg.Pool
) -> None:
    tenant_id = world.tenants["clean"]
    statement = named[1]
    arguments = [tenant_id if each == TENANT else each for each in statement.arguments]
    async with tenant_transaction(api_pool, tenant_id) as connection:
        # The tables are small here: without this a scan of all of them is the right plan.
        await connection.execute("SET LOCAL enable_seqscan = off")
        mode = "force_generic_plan" if is_generic else "force_custom_plan"
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {statement.sql}", *arguments)
    found = [each for each in scans(msgspec.json.decode(row[0])[0]["Plan"]) if "Index Cond" in each]
    assert found
    for scan in found:
        condition = scan["Index Cond"]
        assert "tenant_id" in condition
        assert "occurred_at" in condition or "bucket" in condition, condition


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 2),
        ({"dimensions": ["time:day"], "include": ["totals"]}, 2),
        ({"dimensions": ["agent", "channel"]}, 3),
        ({"filters": {"dimension": "team", "op": "in", "values": ["north"]}}, 3),
        ({"dimensions": ["custom.manager"]}, 4),
    ],
)
async def test_statements_of_an_answer(
    more: dict[str, Any],
    count: int,
    world: World,
    api_pool: asyncpg.Pool,
    listen: Listen,
) -> None:
    desk = Desk(api_pool, world.tenants["clean"], TIMEZONE, NOW, live_slots_max=1000)
    metrics = ("tickets_created", "service_level", "csat_score", "average_talk_time")
    query = {
        "metrics": [{"id": each} for each in metrics],
        "time": {"range": {"preset": "last_30_days"}},
        **more,
    }
    # The first answer also reads what the tenant has settled, and that is kept for seconds.
    await answer(desk, msgspec.convert(query, Query))
    sent = listen()
    await answer(desk, msgspec.convert(query, Query))
    assert len(sent) == count, sent
