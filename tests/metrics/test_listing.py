"""The statements that list what is in a cell: which indexes they use, and how many there are."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen
from tests.metrics.conftest import World
from tests.metrics.test_statements import PERIOD, TENANT, asked, question, scans
from tests.metrics.world import NOW, TIMEZONE

from csapi.access.tenancy import tenant_transaction
from csapi.kit.cursors import decode_cursor, encode_cursor
from csapi.kit.db import Statement
from csapi.kit.problems import Problem
from csapi.metrics.compile import Compiler, cuboid_for
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.listing import Listing, Place
from csapi.metrics.percentiles import exact_statement
from csapi.metrics.periods import TimeGrain
from csapi.metrics.plan import from_facts
from csapi.metrics.question import Asked, Cell, MemberGroup, Question, time_group
from csapi.reports.records import records
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.service import Desk

AFTER = Place(datetime(2026, 2, 1, tzinfo=UTC), UUID(int=1), 10, 0, 0)


def in_cell(metric: Asked) -> Question:
    """Of a team, or of none, from ten to eleven o'clock."""
    hours = time_group(TimeGrain.hour_of_day, PERIOD)
    cell = Cell((MemberGroup("team", DIMENSIONS["team"]), hours), ((5, None), (10,)))
    return replace(question(metric), cell=cell, with_totals=False)


def statements() -> Iterator[tuple[str, Statement]]:
    for name, metric in {
        "facts": asked("service_level"),
        "longest": asked("slowest_response_time", "max"),
        "percentile": asked("first_response_time", "p90"),
        "subjects": asked("tickets_solved"),
        "customers": asked("contacts_per_customer"),
        "stock": asked("backlog_open"),
    }.items():
        wanted = in_cell(metric)
        listing = Listing(wanted, extreme=60_000, with_excluded=True)
        yield f"first page of {name}", listing.page(TENANT, None, 101)
        yield f"next page of {name}", listing.page(TENANT, AFTER, 101)
        yield f"digest of {name}", listing.digest(TENANT)
        pieces = from_facts(PERIOD.start, PERIOD.end)
        yield f"value of {name}", Compiler(TENANT, wanted).parts(pieces, cuboid_for(wanted))
        if metric.percentile and metric.formula.spread:
            yield "spread", exact_statement(TENANT, wanted, metric.formula.spread, [metric])


def statements_beside_rows() -> Iterator[tuple[str, Statement]]:
    for name in ("backlog_age", "churn_rate", "median_wait", "sla_at_risk"):
        listing = Listing(in_cell(asked(name)))
        yield f"next page of {name}", listing.page(TENANT, AFTER, 101)
        yield f"digest of {name}", listing.digest(TENANT)


@pytest.mark.parametrize("named", list(statements_beside_rows()), ids=lambda named: named[0])
async def test_a_tenant_is_an_index_condition_of_every_scan(
    named: tuple[str, Statement], world: World, api_pool: asyncpg.Pool
) -> None:
    tenant_id, statement = world.tenants["clean"], named[1]
    arguments = [tenant_id if each == TENANT else each for each in statement.arguments]
    async with tenant_transaction(api_pool, tenant_id) as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {statement.sql}", *arguments)
        plan = msgspec.json.decode(row[0])[0]["Plan"]
        found = list(scans(plan))
        assert "Seq Scan" not in {each["Node Type"] for each in found}
        indexed = [each for each in found if "Index Name" in each]
        assert indexed
        assert all("tenant_id" in each["Index Cond"] for each in indexed)


@pytest.mark.parametrize("named", list(statements()), ids=lambda named: named[0])
async def test_tenant_and_range_are_index_conditions(
    named: tuple[str, Statement], world: World, api_pool: asyncpg.Pool
) -> None:
    tenant_id, statement = world.tenants["clean"], named[1]
    arguments = [tenant_id if each == TENANT else each for each in statement.arguments]
    async with tenant_transaction(api_pool, tenant_id) as connection:
        for mode in ("force_generic_plan", "force_custom_plan"):
            await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
            (row,) = await connection.fetch(f"EXPLAIN (FORMAT JSON) {statement.sql}", *arguments)
            plan = msgspec.json.decode(row[0])[0]["Plan"]
            found = [each for each in scans(plan) if each.get("Relation Name") == "facts"]
            assert len(found) == 1
            # A bitmap's heap scan has the condition under another name.
            condition = found[0].get("Index Cond") or found[0]["Recheck Cond"]
            assert "tenant_id" in condition
            assert "occurred_at" in condition


def test_a_next_page_reads_from_where_the_last_one_ended() -> None:
    listing = Listing(in_cell(asked("service_level")))
    assert [AFTER.at] in listing.page(TENANT, AFTER, 101).arguments
    assert [PERIOD.start] in listing.page(TENANT, None, 101).arguments


NORTH = {"dimensions": ["team"], "cell": {"team": "north"}}


@pytest.mark.parametrize(
    ("metric", "more", "count"),
    [
        # What is settled, what waits, the value, the page, the records, the keys of their agents.
        ({"id": "calls_offered"}, {}, 6),
        # The cell's members; a digest of the list.
        ({"id": "calls_offered"}, NORTH, 7),
        # Of a first page of several also how its range is.
        ({"id": "calls_offered"}, {**NORTH, "limit": 3}, 10),
        # The percentile.
        ({"id": "first_response_time", "agg": "p90"}, {}, 7),
        # The first change ever, what waits before the range, the balance at its start.
        ({"id": "backlog_open"}, {"limit": 1000}, 9),
        # The ages; the whole; the waits.
        ({"id": "backlog_age"}, {}, 7),
        ({"id": "contact_mix"}, {}, 7),
        ({"id": "median_wait"}, {}, 7),
    ],
)
async def test_statements_of_a_page(
    metric: dict[str, Any],
    more: dict[str, Any],
    count: int,
    world: World,
    api_pool: asyncpg.Pool,
    listen: Listen,
) -> None:
    sent = listen()
    desk = Desk(api_pool, world.tenants["clean"], TIMEZONE, NOW, live_slots_max=1000)
    time = {"range": {"preset": "last_90_days"}}
    query = {"metrics": [metric], "time": time, "limit": 1000, **more}
    found = await records(desk, msgspec.convert(query, RecordsQuery))
    assert found.data
    assert len(sent) == count, sent


async def test_a_further_page_costs_about_a_page(
    recorded: World, api_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value and the digest of the list are read once; then only stretches of time."""
    desk = Desk(api_pool, recorded.tenants["clean"], TIMEZONE, NOW, live_slots_max=1000)
    query = {
        "metrics": [{"id": "calls_offered"}],
        "time": {"range": {"from": "2024-01-01", "to": "2027-01-01"}},
        "limit": 2,
    }
    sent: list[tuple[str, Any]] = []
    execute = asyncpg.Connection._execute

    async def noted(self: Any, query: str, args: Any, *more: Any, **kwargs: Any) -> Any:
        sent.append((query, args))
        return await execute(self, query, args, *more, **kwargs)

    found = first = await records(desk, msgspec.convert(query, RecordsQuery))
    listed, pages = list(first.data), 1
    monkeypatch.setattr(asyncpg.Connection, "_execute", noted)
    while found.page.next_cursor is not None:
        sent.clear()
        more = {**query, "cursor": found.page.next_cursor}
        found = await records(desk, msgspec.convert(more, RecordsQuery))
        listed, pages = [*listed, *found.data], pages + 1
        assert found.value == first.value
        read = [(sql, args) for sql, args in sent if "FROM facts f\n" in sql]
        assert all("ORDER BY at, subject" in sql for sql, _ in read)
        # What waits, the sequences, the records, the keys of their members; and the stretches.
        assert len(sent) == 4 + len(read)
        assert read
    assert pages > 25
    assert sum(each.contribution.numerator for each in listed) == first.value.numerator
    assert sum(each.contribution.n or 0 for each in listed) == first.value.n


async def test_a_cursor_that_was_tampered_with_deceives_nobody_else(
    recorded: World, api_pool: asyncpg.Pool
) -> None:
    desk = Desk(api_pool, recorded.tenants["clean"], TIMEZONE, NOW, live_slots_max=1000)
    query = {
        "metrics": [{"id": "service_level"}],
        "time": {"range": {"preset": "last_90_days"}},
        "limit": 5,
    }
    first = await records(desk, msgspec.convert(query, RecordsQuery))
    cursor = first.page.next_cursor or ""
    parts = decode_cursor(cursor, list[Any])
    for parts_of_value in ([], [1] * 50, [2**63 - 1] * len(parts[2][3]), [0] * len(parts[2][3])):
        seen = [*parts[2][:3], parts_of_value, parts[2][4]]
        forged = encode_cursor(*parts[:2], seen, *parts[3:])
        again = await records(desk, msgspec.convert({**query, "cursor": forged}, RecordsQuery))
        assert again.data
    seen = [parts[2][0], parts[2][1] ^ 1, "other", *parts[2][3:]]
    forged = encode_cursor(*parts[:2], seen, *parts[3:])
    with pytest.raises(Problem) as refusal:
        await records(desk, msgspec.convert({**query, "cursor": forged}, RecordsQuery))
    assert refusal.value.code == "snapshot_moved"
