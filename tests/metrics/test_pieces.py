"""Large files: what is read in pieces is what one answer says, row by row and to the last digit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.metrics.conftest import World
from tests.metrics.world import NOW, TIMEZONE

from csapi.access.tenancy import tenant_transaction
from csapi.kit.problems import Problem
from csapi.reports.encoders import csv_lines, ndjson_lines
from csapi.reports.exports.schemas import ExportFormat
from csapi.reports.exports.sources import rows_of_query
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, Snapshot, answer_on

FEW = 5
COUNTS = [{"id": "calls_offered"}, {"id": "csat_score"}]
STOCK = {"id": "backlog_open"}
LIMITED = ("metrics.compile", "reports.groups", "reports.fillings")


@contextmanager
def few_rows(monkeypatch: pytest.MonkeyPatch, most: int = FEW) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for module in LIMITED:
            patch.setattr(f"csapi.{module}.MOST_GROUPS", most)
        patch.setattr("csapi.reports.exports.pieces.ROWS", most // 2)
        patch.setattr("csapi.reports.exports.pieces.FIRST_MEMBERS", 3)
        yield


def asked(**more: Any) -> Query:
    query = {
        "metrics": COUNTS,
        "time": {"range": {"preset": "last_90_days"}},
        "include": ["totals"],
        "limit": 10_000,
        **more,
    }
    return msgspec.convert(query, Query)


def desk_of(pool: asyncpg.Pool, world: World, state: str = "mixed") -> Desk:
    return Desk(pool, world.tenants[state], TIMEZONE, NOW, live_slots_max=20_000)


async def written(snapshot: Snapshot, query: Query, format_: ExportFormat) -> tuple[Any, int]:
    source = await rows_of_query(snapshot, query, format_)
    lines = [line async for line in source.lines]
    assert source.rows == sum(line.is_row for line in lines)
    return [line.content for line in lines], source.rows or 0


TIMED = {"id": "service_level"}
WAIT = {"id": "first_response_time", "agg": "p90"}
SPEED = {"id": "average_speed_of_answer", "agg": "max"}


@pytest.mark.parametrize(
    "more",
    [
        {"dimensions": ["agent", "time:week"]},
        {"dimensions": ["time:week", "agent"]},
        {"dimensions": ["time:week", "time:month", "team"]},
        {"dimensions": ["time:month", "channel", "agent"]},
        {"dimensions": ["team", "time:day_of_week"], "metrics": [TIMED, WAIT], "most": 7},
        {"dimensions": ["agent", "time:week"], "metrics": [*COUNTS, STOCK], "most": 30},
        {"dimensions": ["agent", "channel"], "metrics": [TIMED, WAIT], "include": ["confidence"]},
        {"dimensions": ["topic.parent", "agent"]},
        {"dimensions": ["topic.department", "agent"], "most": 3},
        {"dimensions": ["tag", "agent"], "metrics": [TIMED]},
        {"dimensions": ["agent", "tag"], "metrics": [TIMED]},
        {"dimensions": ["customer", "channel"], "metrics": [TIMED, SPEED]},
        {"dimensions": ["customer.country", "agent"], "metrics": [TIMED], "most": 3},
        {"dimensions": ["custom.manager", "agent"], "metrics": [TIMED]},
        {"dimensions": ["time:week", "channel"], "metrics": [{"id": "contact_mix"}]},
        {
            "dimensions": ["agent", "time:week"],
            "filters": {"dimension": "team", "op": "in", "values": ["north"]},
        },
    ],
)
async def test_pieces_are_the_answer(
    more: Any, recorded: World, api_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = more.get("most", FEW)
    query = asked(**{name: value for name, value in more.items() if name != "most"})
    desk = desk_of(api_pool, recorded)
    async with tenant_transaction(api_pool, desk.tenant_id, readonly=True) as connection:
        snapshot = Snapshot(connection, desk)
        whole = await answer_on(snapshot, query)
        assert len(whole.data) > most
        with few_rows(monkeypatch, most):
            table, rows = await written(snapshot, query, ExportFormat.csv)
            lines, _ = await written(snapshot, query, ExportFormat.ndjson)
    assert table == [content for content, _ in csv_lines(query, whole)]
    assert rows == len(whole.data) + (whole.totals is not None)
    assert lines[:-1] == [content for content, is_row in ndjson_lines(whole) if is_row]
    end = msgspec.json.decode(lines[-1])
    assert end["page"] == {"next_cursor": None}
    for name in ("exact", "data_through", "warnings", "definitions", "columns", "maturity"):
        assert (
            end["meta"][name] == msgspec.to_builtins(getattr(whole.meta, name), str_keys=True)
            or name == "data_through"
        )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"dimensions": ["agent"], "order_by": [{"by": "agent"}]}, "without order_by"),
        ({"dimensions": ["agent"], "compare": {"to": "previous_period"}}, "without compare"),
        (
            {"dimensions": ["time:hour_of_day", "agent"], "metrics": [TIMED]},
            "of_day after",
        ),
        ({"dimensions": ["agent"], "metrics": [{"id": "contact_mix"}]}, "a share of all rows"),
        ({"dimensions": ["time:week", "agent"], "metrics": [STOCK]}, "name time:week last"),
    ],
)
async def test_what_takes_all_rows_at_once(
    more: Any, words: str, recorded: World, api_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, desk = asked(**more), desk_of(api_pool, recorded)
    async with tenant_transaction(api_pool, desk.tenant_id, readonly=True) as connection:
        with few_rows(monkeypatch, 2), pytest.raises(Problem) as refusal:
            await written(Snapshot(connection, desk), query, ExportFormat.csv)
    assert refusal.value.code == "range_too_long"
    assert words in refusal.value.detail


async def test_how_far_it_is(
    recorded: World, api_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Estimated while it is read; never less than what is there."""
    query, desk = asked(dimensions=["time:week", "agent"]), desk_of(api_pool, recorded)
    async with tenant_transaction(api_pool, desk.tenant_id, readonly=True) as connection:
        with few_rows(monkeypatch):
            source = await rows_of_query(Snapshot(connection, desk), query, ExportFormat.csv)
            assert source.rows is None
            count, seen = 0, set[int | None]()
            async for line in source.lines:
                count += line.is_row
                seen.add(source.rows)
                assert source.rows is None or source.rows >= count
    assert source.rows == count
    assert len(seen) > 2
