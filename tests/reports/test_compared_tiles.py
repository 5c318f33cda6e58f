"""Comparisons in a matrix and in the tiles of a first screen: those of the rows, cell by cell."""

from typing import Any

import asyncpg
import pytest
from tests.conftest import Listen, Tenant
from tests.reports.compared import FEBRUARY, ask, push, ratings

from csapi.kit.clock import now
from csapi.reports.kpi_schemas import KpiCompare, KpiSet
from csapi.reports.kpis import SETS, kpis
from csapi.reports.schemas import TimeRange
from csapi.reports.service import Desk

PREVIOUS = {"to": "previous_period"}


@pytest.fixture
def rated(tenant: Tenant) -> Tenant:
    items = [*ratings(1, "ann", 27, 28), *ratings(1, "bob", 10, 10)]
    items += [*ratings(2, "ann", 5, 21), *ratings(2, "cleo", 8, 10)]
    push(tenant, "feedback", items)
    return tenant


def test_a_matrix_has_both_sides_of_each_cell(rated: Tenant) -> None:
    question: dict[str, Any] = {
        "dimensions": ["agent", "time:month"],
        "compare": PREVIOUS,
        "order_by": [{"by": "agent", "direction": "asc"}],
        "include": ["confidence"],
    }
    rows = ask(rated, "csat_score", "csat_responses", **question)
    answer = ask(rated, "csat_score", "csat_responses", **question, shape="matrix")
    matrix = answer["matrix"]
    assert [each["key"] for each in matrix["rows"]] == ["ann", "bob", "cleo"]
    assert answer["meta"]["compare"]["to"] == "previous_period"
    assert answer["meta"]["statistics"]["tests"] == rows["meta"]["statistics"]["tests"]
    found = {row["dimensions"]["agent"]["key"]: row["metrics"] for row in rows["data"]}
    for metric in matrix["metrics"]:
        for place, agent in enumerate(["ann", "bob", "cleo"]):
            cell = found[agent][metric["metric"]]
            theirs = cell["compare"]
            assert metric["values"][place] == [cell["value"]]
            assert metric["compare_values"][place] == [theirs["value"]]
            assert metric["compare_n"][place] == [theirs["n"]]
            assert metric["deltas"][place] == [theirs["delta"]]
            assert metric["verdicts"][place] == [theirs["verdict"]]
            ends = [metric["ci95_low"][place][0], metric["ci95_high"][place][0]]
            assert ends == (cell["ci95"] or [None, None])
    assert matrix["metrics"][0]["verdicts"][0] == ["worsened"]
    plain = ask(rated, "csat_score", dimensions=["agent", "time:month"], shape="matrix")
    assert {"compare_values", "ci95_low"}.isdisjoint(plain["matrix"]["metrics"][0])


def test_a_matrix_that_compares_too_much_is_refused(rated: Tenant) -> None:
    refused = ask(rated, "csat_score", dimensions=["time:15min", "agent"], shape="matrix",
                  compare=PREVIOUS, status=422)  # fmt: skip
    assert refused["code"] == "range_too_long"


def test_tiles_say_what_a_query_says(rated: Tenant) -> None:
    params = {"set": "call_center", **FEBRUARY, "timezone": "UTC"}
    plain = rated.http.get("/v1/kpis", params=params).json()
    assert not any("compare" in tile for tile in plain["data"])
    assert "compare" not in plain["meta"]
    for to in KpiCompare:
        report = rated.http.get("/v1/kpis", params=params | {"compare": to.value}).json()
        asked = ask(rated, *SETS[KpiSet.call_center], compare={"to": to.value})
        (row,) = asked["data"]
        assert report["meta"]["compare"] == asked["meta"]["compare"]
        for tile in report["data"]:
            assert tile["compare"] == row["metrics"][tile["id"]]["compare"]
    tile = next(each for each in report["data"] if each["id"] == "csat_score")
    assert tile["compare"]["value"] is None
    for wrong in ("segment", "range", "yesterday"):
        refused = rated.http.get("/v1/kpis", params=params | {"compare": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["allowed"] == [each.value for each in KpiCompare]


@pytest.mark.parametrize(
    ("days", "grain"),
    [
        (("2026-02-01", "2026-03-01"), "day"),
        (("2026-01-01", "2026-04-01"), "week"),
        (("2024-01-01", "2026-04-01"), "month"),
    ],
)
def test_lines_of_tiles_are_the_query_by_time(
    rated: Tenant, days: tuple[str, str], grain: str
) -> None:
    since, until = days
    params = {"set": "call_center", "from": since, "to": until, "timezone": "UTC"}
    report = rated.http.get("/v1/kpis", params=params | {"sparkline": "true"}).json()
    asked = ask(
        rated, *SETS[KpiSet.call_center], range={"from": since, "to": until},
        dimensions=[f"time:{grain}"],
    )  # fmt: skip
    for tile in report["data"]:
        line = tile["sparkline"]
        assert line["grain"] == grain
        assert [(point["start"], point["value"], point["n"]) for point in line["points"]] == [
            (
                row["dimensions"][f"time:{grain}"]["start"],
                row["metrics"][tile["id"]]["value"],
                row["metrics"][tile["id"]]["n"],
            )
            for row in asked["data"]
        ]
    plain = rated.http.get("/v1/kpis", params=params).json()
    assert not any("sparkline" in tile for tile in plain["data"])


def test_no_tile_stands_alone_that_misleads_alone(rated: Tenant) -> None:
    for chosen in KpiSet:
        report = rated.http.get("/v1/kpis", params={"set": chosen.value}).json()
        (tile,) = [each for each in report["data"] if each["id"].startswith("csat_")][:1] or [None]
        if tile is not None:
            assert "feedback_response_rate" in tile["pairs_with"]
    (metric,) = [
        each for each in rated.http.get("/v1/metrics").json()["data"] if each["id"] == "csat_score"
    ]
    assert metric["pairs_with"] == ["ticket_resolutions", "feedback_response_rate"]


@pytest.mark.parametrize(
    ("compare", "sparkline", "count"),
    [(None, False, 2), (KpiCompare.previous_period, False, 4), (None, True, 4)],
)
async def test_statements_of_a_first_screen(
    compare: KpiCompare | None,
    *,
    sparkline: bool,
    count: int,
    rated: Tenant,
    product_pool: asyncpg.Pool,
    listen: Listen,
) -> None:
    """The other side takes as many as the one asked for, and so do all lines."""
    desk = Desk(product_pool, rated.tenant_id, "UTC", now(), live_slots_max=1000)
    range_ = TimeRange(from_=FEBRUARY["from"], to=FEBRUARY["to"])
    # The first answer also reads what the tenant has settled, and that is kept for seconds.
    await kpis(desk, KpiSet.call_center, range_, "UTC", compare, sparkline=sparkline)
    sent = listen()
    await kpis(desk, KpiSet.call_center, range_, "UTC", compare, sparkline=sparkline)
    assert len(sent) == count, sent
