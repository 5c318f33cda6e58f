"""having, top with other, order_by and pages over HTTP."""

from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.calls import ask, keys, push_calls, values

WAIT = "average_speed_of_answer"
P90 = {"id": WAIT, "as": "p90", "agg": "p90"}
DISTINCT = "customers_with_new_conversations"
CUSTOMERS = {"id": "contacts_per_customer", "as": "ratio"}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def test_other_of_percentiles_and_ratios_of_distinct_counts(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", P90, CUSTOMERS, DISTINCT, dimensions=["agent"],
        top={"n": 1, "by": "calls_answered", "other": True}, include=["totals"],
    )  # fmt: skip
    assert keys(answer, "agent") == ["a1"]
    other = answer["other"]
    assert other["calls_answered"]["value"] == 4
    # 5, 15, 40, 60
    assert other["p90"]["value"] == pytest.approx(54)
    # Customers u2, u0, u1 and u0; the abandoned call has none.
    assert other[DISTINCT]["value"] == 3
    assert answer["totals"][DISTINCT]["value"] == 3
    assert (other["ratio"]["numerator"], other["ratio"]["denominator"]) == (4, 3)


def test_the_lowest_and_those_without_a_value_last(calls: Tenant) -> None:
    top = {"n": 2, "by": WAIT, "direction": "asc"}
    answer = ask(calls, WAIT, dimensions=["agent"], top=top)
    assert (keys(answer, "agent"), values(answer, WAIT)) == (["a3", "a1"], [10, 20])
    answer = ask(calls, WAIT, dimensions=["time:day"], top={**top, "n": 4})
    assert values(answer, WAIT) == [17.5, 28.75, 30, None]


def test_more_than_there_are(calls: Tenant) -> None:
    top = {"n": 50, "by": "calls_answered", "other": True}
    answer = ask(
        calls,
        "calls_answered",
        P90,
        DISTINCT,
        dimensions=["agent"],
        top=top,
    )
    assert len(answer["data"]) == 4
    assert [cell["value"] for cell in answer["other"].values()] == [0, None, 0]


def test_rows_and_other_are_the_whole_with_having(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", dimensions=["agent"], include=["totals"],
        having=[{"by": "calls_answered", "op": "gte", "value": 2}],
        top={"n": 1, "by": "calls_answered", "direction": "asc", "other": True},
    )  # fmt: skip
    assert keys(answer, "agent") == ["a3"]
    assert answer["other"]["calls_answered"]["value"] == 5
    assert answer["totals"]["calls_answered"]["value"] == 7


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"op": "gt", "value": 20}, ["a2", None]),
        ({"op": "gte", "value": 20}, ["a1", "a2", None]),
        ({"op": "lt", "value": 20}, ["a3"]),
        ({"op": "lte", "value": 20}, ["a1", "a3"]),
        ({"op": "eq", "value": 20}, ["a1"]),
        ({"op": "ne", "value": 20}, ["a2", "a3", None]),
        ({"op": "gte", "value": 2, "part": "n"}, ["a1", "a3"]),
        ({"op": "gt", "value": 40, "part": "numerator"}, ["a1", None]),
        ({"op": "eq", "value": 1, "part": "denominator"}, ["a2", None]),
    ],
)
def test_having(test: dict[str, Any], expected: list[str | None], calls: Tenant) -> None:
    answer = ask(calls, WAIT, dimensions=["agent"], having=[{"by": WAIT, **test}])
    assert keys(answer, "agent") == expected


def test_a_value_that_is_null_passes_no_test(calls: Tenant) -> None:
    having = [{"by": WAIT, "op": "ne", "value": 17.5}]
    answer = ask(calls, WAIT, dimensions=["time:day"], having=having)
    assert keys(answer, "time:day") == ["2026-01-05", "2026-01-07"]


def test_members_over_the_whole_range_where_time_is_beside_them(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", dimensions=["time:week", "agent"],
        having=[{"by": "calls_answered", "op": "gte", "value": 2}],
    )  # fmt: skip
    assert keys(answer, "agent") == ["a1", "a3"]
    answer = ask(
        calls, "calls_answered", dimensions=["time:day", "agent"],
        top={"n": 1, "by": "calls_answered"},
    )  # fmt: skip
    assert keys(answer, "agent") == ["a1"] * 3
    assert answer["other"] is None


def test_order_by_several(calls: Tenant) -> None:
    by = [{"by": "calls_answered", "direction": "desc"}, {"by": "agent", "direction": "desc"}]
    answer = ask(calls, "calls_answered", dimensions=["agent"], order_by=by)
    assert keys(answer, "agent") == ["a1", "a3", "a2", None]
    answer = ask(calls, "calls_answered", dimensions=["agent"], order_by=[by[1]])
    assert keys(answer, "agent") == ["a3", "a2", "a1", None]
    by = [{"by": "time:day", "direction": "desc"}]
    answer = ask(calls, "calls_offered", dimensions=["time:day"], order_by=by, limit=1)
    assert keys(answer, "time:day") == ["2026-01-31"]


def test_pages_in_an_order_follow_each_other(calls: Tenant) -> None:
    more: dict[str, Any] = {
        "dimensions": ["time:day", "agent"],
        "order_by": [{"by": WAIT, "direction": "desc"}],
    }
    whole = ask(calls, WAIT, **more)
    rows, cursor = [], None
    while True:
        page = ask(calls, WAIT, **more, limit=3, cursor=cursor)
        rows += page["data"]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert rows == whole["data"]


def test_a_page_of_rows_that_have_moved_is_refused(calls: Tenant) -> None:
    more: dict[str, Any] = {"dimensions": ["agent"], "limit": 2}
    cursor = ask(calls, "calls_answered", **more)["page"]["next_cursor"]
    assert ask(calls, "calls_answered", **more, cursor=cursor)["data"]
    late = {
        "source": "pbx", "external_id": "late", "queue_entered_at": "2026-01-09T10:00:00Z",
        "outcome": "answered", "wait_seconds": 1, "agent": "a9",
    }  # fmt: skip
    assert calls.http.post("/v1/calls", json=late).is_success
    refused = ask(calls, "calls_answered", **more, cursor=cursor, status=409)
    assert refused["code"] == "snapshot_moved"


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"top": {"n": 0, "by": "c"}}, "/top/n", "out_of_range"),
    ({"top": {"n": 1, "by": "agent"}}, "/top/by", "unknown_metric"),
    ({"having": [{"by": "x", "op": "gt", "value": 1}]}, "/having/0/by", "unknown_metric"),
    ({"having": [{"by": "c", "op": "like", "value": 1}]}, "/having/0/op", "invalid_value"),
    ({"order_by": [{"by": "channel"}]}, "/order_by/0/by", "invalid_value"),
    (
        {"metrics": [{"id": "backlog_open", "as": "c"}], "dimensions": ["time:day"],
         "top": {"n": 1, "by": "c", "other": True}},
        "/top/other",
        "not_supported",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "pointer", "code"), REFUSALS)
def test_refusals(body: dict[str, Any], pointer: str, code: str, tenant: Tenant) -> None:
    asked = body.pop("metrics", [{"id": "calls_offered", "as": "c"}])
    refused = ask(tenant, *asked, status=422, **{"dimensions": ["agent"], **body})
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (pointer, code)
