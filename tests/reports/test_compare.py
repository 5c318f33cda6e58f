"""Comparisons over HTTP: which ranges and records, how rows pair up, what differences mean."""

import csv
import io
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Tenant
from tests.reports.compared import FEBRUARY, JANUARY, ask, calls, post, push, ratings

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, Snapshot, answer_on

PREVIOUS = {"to": "previous_period"}


@pytest.fixture
def rated(tenant: Tenant) -> Tenant:
    """January: 27 of 28 good. February: 18 of 21, of two agents."""
    items = [*ratings(1, "ann", 17, 18), *ratings(1, "bob", 10, 10)]
    items += [*ratings(2, "ann", 10, 11), *ratings(2, "cleo", 8, 10)]
    push(tenant, "feedback", items)
    return tenant


def only(answer: Any, name: str) -> Any:
    (row,) = answer["data"]
    return row["metrics"][name]


def test_golden_numbers(rated: Tenant) -> None:
    answer = ask(rated, "csat_score", compare=PREVIOUS, include=["confidence"])
    cell = only(answer, "csat_score")
    assert (cell["value"], cell["numerator"], cell["denominator"]) == (18 / 21, 18, 21)
    assert cell["ci95"] == pytest.approx([0.654, 0.950], abs=5e-4)
    compared = cell["compare"]
    assert (compared["value"], compared["n"]) == (27 / 28, 28)
    assert compared["ci95"] == pytest.approx([0.823, 0.994], abs=5e-4)
    assert compared["delta"] == pytest.approx(-0.107, abs=5e-4)
    assert compared["relative_change"] == pytest.approx(-1 / 9)
    assert compared["delta_ci95"] == pytest.approx([-0.313, 0.062], abs=5e-4)
    assert compared["p_value"] == compared["p_adjusted"] == pytest.approx(0.30, abs=5e-3)
    assert compared["significant"] is False
    assert (compared["verdict"], compared["verdict_reason"]) == ("unclear", "not_significant")
    meta = answer["meta"]
    assert meta["compare"] == {
        "to": "previous_period",
        "start": "2026-01-01T00:00:00Z",
        "end": "2026-02-01T00:00:00Z",
        "timezone": "UTC",
        "alignment": "position",
        "unmatched_buckets": 0,
        "exact": True,
        "pending_buckets": meta["compare"]["pending_buckets"],
    }
    assert meta["statistics"] == {
        "level": 0.95,
        "minimum_n": 20,
        "correction": "holm",
        "samples": {"csat_score": "share"},
        "tests": {"csat_score": 1},
    }


def test_a_plain_answer_has_none_of_it(rated: Tenant) -> None:
    answer = ask(rated, "csat_score")
    assert not only(answer, "csat_score").keys() & {"compare", "ci95", "ci95_reason"}
    assert not answer["data"][0].keys() & {"presence", "compare_dimensions"}
    assert not answer["meta"].keys() & {"compare", "statistics"}


def test_rows_of_one_side_alone(rated: Tenant) -> None:
    answer = ask(
        rated, "csat_score", "csat_responses", dimensions=["agent"], compare=PREVIOUS,
        include=["totals"],
    )  # fmt: skip
    rows = {row["dimensions"]["agent"]["key"]: row for row in answer["data"]}
    assert {key: row["presence"] for key, row in rows.items()} == {
        "ann": "both", "bob": "gone", "cleo": "new",
    }  # fmt: skip
    assert rows["bob"]["dimensions"]["agent"]["label"] == "bob"
    gone, new = rows["bob"]["metrics"], rows["cleo"]["metrics"]
    assert (gone["csat_score"]["value"], gone["csat_responses"]["value"]) == (None, 0)
    assert gone["csat_responses"]["compare"]["delta"] == -10
    assert new["csat_score"]["compare"]["null_reason"] == "no_observations"
    assert new["csat_score"]["compare"]["verdict_reason"] == "no_value"
    assert new["csat_responses"]["compare"]["value"] == 0
    assert rows["ann"]["metrics"]["csat_score"]["compare"]["verdict_reason"] == "too_few"
    assert answer["totals"]["csat_score"]["compare"]["value"] == 27 / 28
    assert answer["totals"]["csat_responses"]["compare"]["delta"] == -7


def test_what_top_leaves_out_is_compared_too(rated: Tenant) -> None:
    top = {"n": 1, "by": "csat_responses", "other": True}
    for dimensions in (["agent"], ["time:month", "agent"]):
        answer = ask(rated, "csat_responses", dimensions=dimensions, compare=PREVIOUS, top=top)
        (row,) = answer["data"]
        cell = row["metrics"]["csat_responses"]
        assert (row["dimensions"]["agent"]["key"], cell["value"]) == ("ann", 11)
        assert cell["compare"]["value"] == 18
        other = answer["other"]["csat_responses"]
        assert (other["value"], other["compare"]["value"]) == (10, 10)


def test_significant_differences_have_a_direction(tenant: Tenant) -> None:
    push(tenant, "feedback", [*ratings(1, "ann", 60, 100), *ratings(2, "ann", 90, 100)])
    answer = ask(
        tenant, "csat_score", "csat_bottom_2_box", "rating_average", "sentiment_share",
        compare=PREVIOUS,
    )  # fmt: skip
    cells = {name: each["compare"] for name, each in answer["data"][0]["metrics"].items()}
    for name in ("csat_score", "csat_bottom_2_box", "rating_average"):
        assert cells[name]["significant"] is True
        assert cells[name]["verdict"] == "improved"
    assert cells["csat_bottom_2_box"]["delta"] == -0.3
    assert cells["rating_average"]["delta"] == 1.2
    low, high = cells["rating_average"]["delta_ci95"]
    assert 0 < low < 1.2 < high


def test_many_rows_are_corrected_together(tenant: Tenant) -> None:
    """One difference alone is significant, among eight of its kind it is not."""
    agents = [f"a{number}" for number in range(8)]
    push(tenant, "feedback", [each for a in agents for each in ratings(1, a, 20, 30)])
    items = [each for a in agents[1:] for each in ratings(2, a, 20, 30)]
    push(tenant, "feedback", [*ratings(2, "a0", 28, 30), *items])
    alone = ask(
        tenant, "csat_score", compare=PREVIOUS,
        filters={"dimension": "agent", "op": "in", "values": ["a0"]},
    )  # fmt: skip
    assert only(alone, "csat_score")["compare"]["verdict"] == "improved"
    answer = ask(tenant, "csat_score", dimensions=["agent"], compare=PREVIOUS, limit=3)
    compared = answer["data"][0]["metrics"]["csat_score"]["compare"]
    assert answer["meta"]["statistics"]["tests"] == {"csat_score": 8}
    assert compared["p_adjusted"] == pytest.approx(8 * compared["p_value"])
    assert compared["p_value"] < 0.05
    assert compared["verdict_reason"] == "not_significant"
    following = ask(
        tenant, "csat_score", dimensions=["agent"], compare=PREVIOUS, limit=3,
        cursor=answer["page"]["next_cursor"],
    )  # fmt: skip
    assert [row["dimensions"]["agent"]["key"] for row in following["data"]] == ["a3", "a4", "a5"]
    push(tenant, "feedback", [each | {"external_id": "late"} for each in ratings(1, "a7", 1, 1)])
    moved = ask(
        tenant, "csat_score", dimensions=["agent"], compare=PREVIOUS, limit=3, status=409,
        cursor=answer["page"]["next_cursor"],
    )  # fmt: skip
    assert moved["code"] == "snapshot_moved"


def test_counts_of_unlike_ranges_have_no_verdict(tenant: Tenant) -> None:
    push(tenant, "calls", [*calls("2026-01-05", 10), *calls("2026-02-02", 60)])
    month = only(ask(tenant, "calls_answered", compare=PREVIOUS), "calls_answered")["compare"]
    assert (month["delta"], month["relative_change"]) == (50, 5)
    assert (month["verdict"], month["verdict_reason"]) == ("unclear", "not_comparable")
    week = {"from": "2026-02-02", "to": "2026-02-09"}
    earlier = {"to": "range", "range": {"from": "2026-01-05", "to": "2026-01-12"}}
    found = only(ask(tenant, "calls_answered", range=week, compare=earlier), "calls_answered")
    assert found["compare"]["verdict"] == "improved"
    low, high = found["compare"]["delta_ci95"]
    assert 30 < low < 50 < high < 70
    neutral = only(ask(tenant, "calls_offered", range=week, compare=earlier), "calls_offered")
    assert neutral["compare"]["significant"] is True
    assert (neutral["compare"]["verdict"], neutral["compare"]["verdict_reason"]) == (
        None, "neutral",
    )  # fmt: skip


def test_a_range_that_is_not_over_has_no_verdict_on_counts(tenant: Tenant) -> None:
    push(tenant, "calls", [*calls("2026-02-02", 60)])
    future = {"from": "2098-02-02", "to": "2098-02-09"}
    earlier = {"to": "range", "range": {"from": "2026-02-02", "to": "2026-02-09"}}
    found = ask(tenant, "calls_answered", "first_contact_resolution_rate", range=future,
                compare=earlier)  # fmt: skip
    compared = found["data"][0]["metrics"]["calls_answered"]["compare"]
    assert (compared["delta"], compared["verdict_reason"]) == (-60, "not_final")


def test_weekdays_and_leap_days(tenant: Tenant) -> None:
    push(tenant, "calls", [*calls("2023-02-28", 1), *calls("2024-02-28", 2),
                           *calls("2024-02-29", 3), *calls("2024-03-01", 4),
                           *calls("2023-03-01", 5), *calls("2024-02-22", 6)])  # fmt: skip
    year = {"from": "2024-02-28", "to": "2024-03-02"}
    answer = ask(tenant, "calls_offered", range=year, dimensions=["time:day"],
                 compare={"to": "previous_year"}, include=["totals"])  # fmt: skip
    rows = answer["data"]
    assert [row["metrics"]["calls_offered"]["value"] for row in rows] == [2, 3, 4]
    compared = [row["metrics"]["calls_offered"]["compare"] for row in rows]
    assert [each["value"] for each in compared] == [1, None, 5]
    assert compared[1]["null_reason"] == "no_counterpart"
    assert [row["presence"] for row in rows] == ["both", "unmatched", "both"]
    assert rows[2]["compare_dimensions"]["time:day"]["key"] == "2023-03-01"
    assert answer["totals"]["calls_offered"]["compare"]["value"] == 6
    assert answer["meta"]["compare"]["alignment"] == "local_date"
    back = ask(tenant, "calls_offered", range={"from": "2025-02-28", "to": "2025-03-02"},
               dimensions=["time:day"], compare={"to": "previous_year"},
               include=["totals"])  # fmt: skip
    assert [row["metrics"]["calls_offered"]["compare"]["value"] for row in back["data"]] == [2, 4]
    assert back["totals"]["calls_offered"]["compare"]["value"] == 9
    assert back["meta"]["compare"]["unmatched_buckets"] == 1
    week = ask(tenant, "calls_offered", range=year, dimensions=["time:day"],
               compare={"to": "same_weekdays"})  # fmt: skip
    assert [row["metrics"]["calls_offered"]["compare"]["value"] for row in week["data"]] == [
        0,
        6,
        0,
    ]


def test_segments_and_the_rest(rated: Tenant) -> None:
    def agents(*names: str) -> Any:
        return {"dimension": "agent", "op": "in", "values": list(names)}

    both = {"from": "2026-01-01", "to": "2026-03-01"}
    against = {"to": "segment", "filters": agents("bob")}
    answer = ask(rated, "csat_score", "csat_responses", range=both, filters=agents("ann"),
                 compare=against)  # fmt: skip
    cells = answer["data"][0]["metrics"]
    assert (cells["csat_score"]["value"], cells["csat_score"]["compare"]["value"]) == (27 / 29, 1)
    assert cells["csat_responses"]["compare"]["verdict_reason"] in ("not_comparable", "neutral")
    rest = ask(rated, "csat_responses", range=both, filters=agents("ann"), compare={"to": "rest"})
    assert only(rest, "csat_responses")["compare"]["value"] == 20
    among = {"to": "rest", "filters": agents("ann", "cleo")}
    rest = ask(rated, "csat_responses", range=both, filters=agents("ann"), compare=among)
    assert only(rest, "csat_responses")["compare"]["value"] == 10
    unknown = ask(rated, "csat_responses", filters=agents("ann"),
                  compare={"to": "segment", "filters": agents("nobody")})  # fmt: skip
    assert "nobody" in unknown["meta"]["warnings"][0]


@pytest.mark.parametrize(
    ("compare", "pointer"),
    [
        ({"to": "range"}, "/compare/range"),
        ({"to": "previous_year", "range": JANUARY}, "/compare/range"),
        ({"to": "range", "range": {"from": "2026-01-01"}}, "/compare/range/to"),
        ({"to": "segment"}, "/compare/filters"),
        ({"to": "rest"}, "/filters"),
        ({"to": "previous_period", "filters": {"dimension": "agent"}}, "/compare/filters"),
        ({"to": "segment", "filters": {"dimension": "agent"}}, "/compare/filters/op"),
        ({"to": "segment", "filters": {"dimension": "rating", "op": "is_null"}},
         "/compare/filters/dimension"),
        ({"to": "yesterday"}, "/compare/to"),
        ({}, "/compare"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(tenant: Tenant, compare: Any, pointer: str) -> None:
    refused = ask(tenant, "calls_offered", compare=compare, status=422)
    assert refused["errors"][0]["pointer"].startswith(pointer)


def test_before_all_time(tenant: Tenant) -> None:
    first = {"from": "1980-01-01", "to": "1980-02-01"}
    refused = ask(tenant, "calls_offered", range=first, compare=PREVIOUS, status=422)
    assert refused["errors"][0]["pointer"] == "/compare/to"


def test_too_many_buckets_of_the_other_side(tenant: Tenant) -> None:
    long = {"to": "range", "range": {"from": "2020-01-01", "to": "2026-01-01"}}
    refused = ask(tenant, "calls_offered", dimensions=["time:15min"], compare=long, status=422,
                  range={"from": "2026-02-01", "to": "2026-02-02"})  # fmt: skip
    assert refused["errors"][0]["pointer"] == "/compare/range"


def test_a_batch_compares_too(rated: Tenant) -> None:
    query = {"metrics": [{"id": "csat_score"}], "time": {"range": FEBRUARY}, "compare": PREVIOUS}
    bad = {**query, "compare": {"to": "segment"}}
    results = post(rated, "/v1/query/batch", queries={"good": query, "bad": bad})["results"]
    found = results["good"]["answer"]["data"][0]["metrics"]["csat_score"]["compare"]
    assert found["value"] == 27 / 28
    assert results["bad"]["problem"]["errors"][0]["pointer"] == "/queries/bad/compare/filters"


def test_a_table_has_columns_of_the_other_side(rated: Tenant) -> None:
    body = {
        "metrics": [{"id": "csat_score"}],
        "time": {"range": FEBRUARY, "timezone": "UTC"},
        "dimensions": ["time:month"],
        "compare": PREVIOUS,
        "include": ["confidence"],
    }
    table = rated.http.post("/v1/query", json=body, headers={"accept": "text/csv"})
    (row,) = csv.DictReader(io.StringIO(table.text, newline=""))
    (found,) = rated.http.post("/v1/query", json=body).json()["data"]
    cell = found["metrics"]["csat_score"]
    assert row["presence"] == "both"
    assert row["time:month.compare.start"] == "2026-01-01T00:00:00Z"
    assert float(row["csat_score.ci95.low"]) == cell["ci95"][0]
    assert float(row["csat_score.compare.value"]) == 27 / 28
    assert float(row["csat_score.compare.ci95.high"]) == cell["compare"]["ci95"][1]
    assert float(row["csat_score.compare.delta_ci95.high"]) == cell["compare"]["delta_ci95"][1]
    assert row["csat_score.compare.significant"] == "false"
    assert row["csat_score.compare.verdict"] == "unclear"
    assert None not in row


def test_a_series_has_the_other_side_beside_it(rated: Tenant) -> None:
    answer = ask(rated, "csat_score", dimensions=["time:week", "agent"], compare=PREVIOUS,
                 include=["confidence"], shape="series", range=JANUARY)  # fmt: skip
    assert [each["key"] for each in answer["series"]] == ["ann", "bob"]
    question: dict[str, Any] = {"dimensions": ["agent"], "compare": PREVIOUS}
    (line,) = ask(rated, "csat_score", **question, shape="series")["series"]
    rows = ask(rated, "csat_score", **question)["data"]
    assert line["deltas"] == [row["metrics"]["csat_score"]["compare"]["delta"] for row in rows]
    answer = ask(rated, "csat_responses", dimensions=["time:month", "agent"], compare=PREVIOUS,
                 include=["confidence"], shape="series")  # fmt: skip
    found = {each["key"]: each for each in answer["series"]}
    assert {key: (each["values"], each["compare_values"]) for key, each in found.items()} == {
        "ann": ([11], [18]), "bob": ([0], [10]), "cleo": ([10], [0]),
    }  # fmt: skip
    assert found["ann"]["compare_n"] == [18]
    assert {key: each["deltas"] for key, each in found.items()} == {
        "ann": [-7], "bob": [-10], "cleo": [10],
    }  # fmt: skip
    assert found["ann"]["ci95_low"][0] < 11 < found["ann"]["ci95_high"][0]
    plain = ask(rated, "csat_responses", dimensions=["time:month"], shape="series")
    assert "compare_values" not in plain["series"][0]


def test_intervals_of_means_sums_and_percentiles(tenant: Tenant) -> None:
    waits = [float(10 + number) for number in range(100)]
    push(tenant, "calls", [
        each | {"external_id": str(number), "wait_seconds": wait}
        for number, wait in enumerate(waits)
        for each in calls("2026-02-03", 1)
    ])  # fmt: skip
    wait = "average_speed_of_answer"
    cells = ask(
        tenant, wait, {"id": wait, "as": "p50", "agg": "p50"},
        {"id": wait, "as": "p99", "agg": "p99"},
        {"id": wait, "as": "sum", "agg": "sum"}, {"id": wait, "as": "max", "agg": "max"},
        "calls_offered", include=["confidence"],
    )["data"][0]["metrics"]  # fmt: skip
    # Mean 59.5, standard deviation 29.0115, t of 99 degrees of freedom 1.98422.
    assert cells[wait]["ci95"] == pytest.approx([53.7435, 65.2565], abs=1e-3)
    # Ranks 40.2 and 59.8, rounded up: the 41st and the 60th.
    assert cells["p50"]["ci95"] == [50, 69]
    assert (cells["p99"]["ci95"], cells["p99"]["ci95_reason"]) == (None, "too_few")
    assert (cells["max"]["ci95"], cells["max"]["ci95_reason"]) == (None, "extreme")
    reach = 1.959964 * sum(each**2 for each in waits) ** 0.5
    assert cells["sum"]["ci95"] == pytest.approx([5950 - reach, 5950 + reach], abs=1e-2)
    assert cells["calls_offered"]["ci95"] == pytest.approx([81.36, 121.63], abs=0.01)


async def test_both_sides_are_one_snapshot_and_few_statements(
    rated: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    """Three for each side, as for a query of its own; nothing for intervals and tests."""
    query = {
        "metrics": [{"id": "csat_score"}, {"id": "rating_average"}],
        "time": {"range": FEBRUARY, "timezone": "UTC"},
        "dimensions": ["agent"],
        "compare": PREVIOUS,
        "include": ["totals", "confidence"],
    }
    desk = Desk(product_pool, rated.tenant_id, "UTC", now(), live_slots_max=1000)
    async with tenant_transaction(product_pool, rated.tenant_id, readonly=True) as connection:
        sent = listen()
        found = await answer_on(Snapshot(connection, desk), msgspec.convert(query, Query))
    assert len(found.data) == 3
    # And, of a tenant that this process does not know yet, what it has settled.
    assert len(sent) == 1 + 2 * 3


def test_means_that_only_facts_can_square(tenant: Tenant) -> None:
    """Business time has no summarized squares: a test of it has to be asked for."""
    wait = {"id": "first_response_time", "hours": "business"}
    plain = ask(tenant, wait, "calls_offered", compare=PREVIOUS)
    assert plain["meta"]["statistics"]["samples"]["first_response_time"] == "mean"
    asked = ask(tenant, wait, compare=PREVIOUS, include=["confidence"])
    cell = only(asked, "first_response_time")
    assert (cell["ci95"], cell["ci95_reason"]) == (None, "no_observations")
