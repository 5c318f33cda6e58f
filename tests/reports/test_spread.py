"""How durations are spread, and when contacts come."""

import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, WAITS, ask, push_calls, values

from csapi.metrics.bins import bins_within
from csapi.reports.histograms import EDGES

WAIT = "average_speed_of_answer"
DRAINED_SECONDS = 30


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def counted(waits: list[float]) -> list[int]:
    edges = [-1, *EDGES, float("inf")]
    return [sum(low < wait <= high for wait in waits) for low, high in pairwise(edges)]


def histogram(tenant: Tenant, *metrics: Any, **more: Any) -> Any:
    return ask(tenant, *metrics, include=["histograms"], **more)["histograms"]


def test_every_edge_is_one_of_the_bins() -> None:
    assert list(EDGES) == sorted(set(EDGES))
    assert all(bins_within(edge * 1000) is not None for edge in EDGES)


def test_it_counts_each_duration_once_from_facts_and_from_summaries(calls: Tenant) -> None:
    waits: list[float] = [wait for each in WAITS.values() for wait in each]
    extra = [0, 1, 1.001, 45, 45.5, 3_600, 90_000]
    items = [
        {"source": "pbx", "external_id": f"x{n}", "queue_entered_at": "2026-01-08T10:00:00Z",
         "outcome": "answered", "wait_seconds": wait, "agent": "a9"}
        for n, wait in enumerate(extra)
    ]  # fmt: skip
    assert calls.http.post("/v1/calls/batch", json=items).json()["summary"]["created"] == 7
    sources, deadline = set(), time.monotonic() + DRAINED_SECONDS
    while "summary" not in sources and time.monotonic() < deadline:
        found = ask(calls, WAIT, include=["histograms"])
        assert found["histograms"][WAIT] == {
            "edges_seconds": list(EDGES), "counts": counted([*waits, *extra]), "n": 14,
        }  # fmt: skip
        sources.add(found["meta"]["source"])
        time.sleep(0.2)
    assert "summary" in sources


def test_it_is_of_what_the_filters_leave_whatever_the_rows(calls: Tenant) -> None:
    only = {"dimension": "agent", "op": "in", "values": ["a1"]}
    for more in ({}, {"dimensions": ["time:day"]}, {"dimensions": ["agent"], "limit": 1}):
        found = histogram(calls, WAIT, "calls_offered", filters=only, **more)
        assert list(found) == [WAIT]
        assert found[WAIT]["counts"] == counted([10, 20, 30])


def test_zeros_that_a_metric_leaves_out(calls: Tenant) -> None:
    zero = {"source": "pbx", "external_id": "z", "queue_entered_at": "2026-01-08T10:00:00Z",
            "outcome": "answered", "wait_seconds": 0}  # fmt: skip
    assert calls.http.post("/v1/calls", json=zero).status_code == 201
    queued = {"id": WAIT, "as": "queued", "params": {"queued_only": True}}
    found = histogram(calls, {"id": WAIT, "as": "all"}, queued)
    assert (found["all"]["counts"][0], found["all"]["n"]) == (1, 8)
    assert (found["queued"]["counts"][0], found["queued"]["n"]) == (0, 7)
    assert found["queued"]["counts"][1:] == found["all"]["counts"][1:]


def test_only_durations_are_spread(tenant: Tenant) -> None:
    refused = ask(tenant, "calls_offered", include=["totals", "histograms"], status=422)
    assert (refused["errors"][0]["pointer"], refused["code"]) == ("/include/1", "not_supported")
    query = {"metrics": [{"id": "calls_offered"}], "time": TIME, "include": ["histograms"]}
    assert tenant.http.put("/v1/queries/q", json=query).status_code == 422


@pytest.mark.parametrize("agg", ["p1", "p50", "p99"])
def test_any_percentile_says_how_precise_it_is(calls: Tenant, agg: str) -> None:
    waits = sorted(wait for each in WAITS.values() for wait in each)
    place = int(agg[1:]) * (len(waits) - 1)
    low, high = waits[place // 100], waits[-(-place // 100)]
    (row,) = ask(calls, {"id": WAIT, "agg": agg})["data"]
    cell = row["metrics"][WAIT]
    assert cell["value"] == pytest.approx(low + (high - low) * (place % 100) / 100)
    assert (cell["precision"], cell["relative_error"]) == ("exact", None)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
def test_arrivals_by_weekday_and_hour_with_how_often_each_came(calls: Tenant, zone: str) -> None:
    when = {"range": {"from": "2026-01-01", "to": "2026-01-12"}, "timezone": zone}
    dimensions = ["time:day_of_week", "time:hour_of_day"]
    metrics = ("calls_offered", WAIT)
    found = ask(calls, *metrics, dimensions=dimensions, shape="matrix", time=when)["matrix"]
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))
    expected = [[0] * 24 for _ in range(7)]
    for instant in (start + timedelta(hours=n) for n in range(11 * 24)):
        expected[instant.weekday()][instant.hour] += 1
    assert found["occurrences"] == expected
    offered, wait = found["metrics"]
    assert sum(map(sum, offered["values"])) == 8
    for day in range(7):
        for hour in range(24):
            value, times = offered["values"][day][hour], expected[day][hour]
            assert offered["averages"][day][hour] == value / times
    assert wait["averages"] is None
    turned = ask(calls, *metrics, dimensions=dimensions[::-1], shape="matrix", time=when)["matrix"]
    assert turned["occurrences"] == [list(column) for column in zip(*expected, strict=True)]


def test_other_matrices_have_no_occurrences(calls: Tenant) -> None:
    found = ask(calls, "calls_offered", dimensions=["agent", "time:hour_of_day"], shape="matrix")
    assert found["matrix"]["occurrences"] is None
    assert found["matrix"]["metrics"][0]["averages"] is None


def test_a_sparkline_is_a_series_of_days(calls: Tenant) -> None:
    (line,) = ask(calls, "calls_offered", shape="series", dimensions=["time:day"])["series"]
    rows = ask(calls, "calls_offered", dimensions=["time:day"])
    assert line["values"] == values(rows, "calls_offered")
    assert len(line["values"]) == 31
