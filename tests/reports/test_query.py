"""The wire of POST /v1/query and its neighbours: shapes, pages, refusals with pointers."""

from typing import Any

import pytest
from tests.conftest import Tenant

from csapi.metrics.metric import Unit
from csapi.reports.kpi_schemas import KpiSet

TIME = {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"}
WAITS = {"a1": [10, 20, 30], "a2": [40], "a3": [5, 15], None: [60]}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    """Seven answered calls in January, and one abandoned after 3 s."""
    items = [
        {
            "source": "pbx",
            "external_id": f"{agent}-{number}",
            "queue_entered_at": f"2026-01-0{5 + number}T10:00:00Z",
            "outcome": "answered",
            "wait_seconds": wait,
            "agent": agent,
            "queue": "q1",
            "topic": "billing" if wait < 30 else "zollfrei",
            "resolved": wait < 40,
            "legs": [{"agent": agent, "talk_seconds": 100}],
        }
        for agent, waits in WAITS.items()
        for number, wait in enumerate(waits)
    ]
    items.append(
        {
            "source": "pbx",
            "external_id": "gone",
            "queue_entered_at": "2026-01-06T23:30:00Z",
            "outcome": "abandoned",
            "wait_seconds": 3,
        }
    )
    answer = tenant.http.post("/v1/calls/batch", json=items)
    assert answer.json()["summary"]["created"] == len(items), answer.text
    return tenant


def ask(tenant: Tenant, *metrics: Any, status: int = 200, **more: Any) -> Any:
    asked = [{"id": each} if isinstance(each, str) else each for each in metrics]
    answer = tenant.http.post("/v1/query", json={"metrics": asked, "time": TIME, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def keys(answer: Any, dimension: str) -> list[str | None]:
    return [row["dimensions"][dimension]["key"] for row in answer["data"]]


def values(answer: Any, name: str) -> list[float | None]:
    return [row["metrics"][name]["value"] for row in answer["data"]]


def test_shape_of_an_answer(calls: Tenant) -> None:
    metric = {"id": "service_level", "as": "sl20", "params": {"threshold_seconds": 20}}
    answer = ask(calls, metric, dimensions=["time:day", "queue"], include=["totals"], limit=1)
    assert answer["data"] == [
        {
            "dimensions": {
                "time:day": {
                    "key": "2026-01-05",
                    "label": "2026-01-05",
                    "start": "2026-01-05T00:00:00Z",
                    "end": "2026-01-06T00:00:00Z",
                },
                "queue": {"key": "q1", "label": "q1", "start": None, "end": None},
            },
            "metrics": {
                "sl20": {
                    "value": 0.5,
                    "n": 4,
                    "numerator": 2,
                    "denominator": 4,
                    "null_reason": None,
                    "precision": "exact",
                    "relative_error": None,
                    "excluded": {"negative_duration": 0},
                }
            },
        }
    ]
    assert answer["totals"]["sl20"]["numerator"] == 4
    assert answer["totals"]["sl20"]["denominator"] == 7
    meta = answer["meta"]
    column = {"unit": "share", "direction": "higher_is_better", "label": "Service level"}
    assert meta["columns"] == {"sl20": {**column, "currency": None}}
    assert meta["definitions"] == {"sl20": "1"}
    assert meta["exact"] is True
    assert meta["pending_subjects"] == 0
    assert meta["data_through"] == "2026-01-07T10:00:00Z"
    resolved = meta["query"]
    assert resolved["time"]["range"]["from"] == "2026-01-01T00:00:00Z"
    assert resolved["metrics"][0]["params"] == {
        "threshold_seconds": 20,
        "variant": "abandons_after_threshold_missed",
        "short_abandon_seconds": 5,
        "clock_start": "queue_entry",
    }


def test_no_dimension_gives_one_row_even_without_facts(tenant: Tenant) -> None:
    answer = ask(tenant, "calls_offered", "average_talk_time", include=["totals"])
    (row,) = answer["data"]
    assert row["dimensions"] == {}
    assert (row["metrics"]["calls_offered"]["value"], row["metrics"]["calls_offered"]["n"]) == (
        0,
        0,
    )
    talk = row["metrics"]["average_talk_time"]
    assert (talk["value"], talk["null_reason"]) == (None, "no_observations")
    assert answer["totals"] == row["metrics"]
    assert answer["meta"]["data_through"] is None


def test_time_alone_is_dense(calls: Tenant) -> None:
    answer = ask(calls, "calls_offered", "average_speed_of_answer", dimensions=["time:day"])
    assert len(answer["data"]) == 31
    assert values(answer, "calls_offered")[3:8] == [0, 4, 3, 1, 0]
    assert values(answer, "average_speed_of_answer")[3] is None


def test_members_come_by_key_and_none_comes_last(calls: Tenant) -> None:
    answer = ask(calls, "calls_answered", dimensions=["agent"])
    assert keys(answer, "agent") == ["a1", "a2", "a3", None]
    assert answer["data"][-1]["dimensions"]["agent"]["label"] == "(none)"
    assert values(answer, "calls_answered") == [3, 1, 2, 1]


def test_pages_follow_each_other(calls: Tenant) -> None:
    whole = ask(calls, "calls_offered", dimensions=["time:day", "agent"])
    rows, cursor = [], None
    while True:
        page = ask(calls, "calls_offered", dimensions=["time:day", "agent"], limit=2, cursor=cursor)
        rows += page["data"]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert rows == whole["data"]


def test_a_cursor_belongs_to_its_question(calls: Tenant) -> None:
    page = ask(calls, "calls_offered", dimensions=["agent"], limit=1)
    cursor = page["page"]["next_cursor"]
    other = ask(calls, "calls_answered", dimensions=["agent"], limit=1, cursor=cursor, status=400)
    assert other["code"] == "invalid_cursor"
    for broken in ("", "x", "%%%", cursor[:-2]):
        refused = ask(
            calls, "calls_offered", dimensions=["agent"], limit=1, cursor=broken, status=400
        )
        assert refused["code"] == "invalid_cursor"


def test_top_and_other(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_offered", "average_speed_of_answer", dimensions=["agent"],
        top={"n": 2, "by": "average_speed_of_answer", "other": True},
    )  # fmt: skip
    assert keys(answer, "agent") == [None, "a2"]
    assert answer["other"]["calls_offered"]["value"] == 5
    assert answer["other"]["average_speed_of_answer"]["value"] == 16


def filtered(calls: Tenant, node: Any) -> Any:
    answer = ask(calls, "calls_answered", filters=node)
    return answer["data"][0]["metrics"]["calls_answered"]["value"]


def test_filters(calls: Tenant) -> None:
    a1 = {"dimension": "agent", "op": "in", "values": ["a1"]}
    billing = {"dimension": "topic", "op": "in", "values": ["billing"]}
    assert filtered(calls, a1) == 3
    assert filtered(calls, {"dimension": "agent", "op": "in", "values": ["pbx:a1", "a3"]}) == 5
    assert filtered(calls, {"dimension": "agent", "op": "not_in", "values": ["a1"]}) == 4
    assert filtered(calls, {"dimension": "agent", "op": "is_null"}) == 1
    assert filtered(calls, {"dimension": "agent", "op": "is_not_null"}) == 6
    assert filtered(calls, {"not": a1}) == 4
    assert filtered(calls, {"and": [a1, billing]}) == 2
    assert filtered(calls, {"or": [a1, billing]}) == 5
    assert filtered(calls, {"and": [{"or": [a1, billing]}, {"not": billing}]}) == 1


def test_an_unknown_value_matches_nothing_and_says_so(calls: Tenant) -> None:
    node = {"dimension": "agent", "op": "in", "values": ["a9"]}
    answer = ask(calls, "calls_answered", filters=node)
    assert values(answer, "calls_answered") == [0]
    assert "a9" in answer["meta"]["warnings"][0]


def test_abandonment_by_agent_comes_with_a_caution(calls: Tenant) -> None:
    assert ask(calls, "abandonment_rate")["meta"]["warnings"] == []
    (warning,) = ask(calls, "abandonment_rate", dimensions=["agent"])["meta"]["warnings"]
    assert "abandonment_rate" in warning


def test_aggregations(calls: Tenant) -> None:
    answer = ask(
        calls,
        *(
            {"id": "average_speed_of_answer", "as": agg, "agg": agg}
            for agg in ("avg", "sum", "count", "min", "max", "p50", "p90")
        ),
    )
    found = {name: cell["value"] for name, cell in answer["data"][0]["metrics"].items()}
    assert found == {
        "avg": 180 / 7, "sum": 180, "count": 7, "min": 5, "max": 60, "p50": 20, "p90": 48,
    }  # fmt: skip
    assert answer["meta"]["columns"]["count"]["unit"] == "count"


def test_a_short_abandon_of_no_length(calls: Tenant) -> None:
    answer = ask(calls, {"id": "calls_short_abandoned", "params": {"short_abandon_seconds": 0}})
    assert values(answer, "calls_short_abandoned") == [0]


def deep(levels: int) -> Any:
    node: Any = {"dimension": "agent", "op": "is_null"}
    for _ in range(levels):
        node = {"not": node}
    return node


ONE = {"id": "calls_offered"}
REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"metrics": [{"id": "nps_score"}]}, "/metrics/0/id", "unknown_metric"),
    ({"metrics": []}, "/metrics", "too_short"),
    ({"metrics": [ONE, ONE]}, "/metrics/1/as", "invalid_value"),
    ({"metrics": [{**ONE, "agg": "p90"}]}, "/metrics/0/agg", "invalid_value"),
    (
        {"metrics": [{"id": "average_hold_time", "agg": "p90", "params": {"over": "all"}}]},
        "/metrics/0/agg",
        "invalid_value",
    ),
    ({"metrics": [{**ONE, "agg": "p100"}]}, "/metrics/0/agg", "invalid_value"),
    ({"metrics": [{**ONE, "agg": "sum"}]}, "/metrics/0/agg", "invalid_value"),
    ({"metrics": [{**ONE, "hours": "business"}]}, "/metrics/0/hours", "invalid_value"),
    (
        {"metrics": [{"id": "service_level", "hours": "business"}]},
        "/metrics/0/hours",
        "invalid_value",
    ),
    (
        {
            "metrics": [
                {
                    "id": "first_response_time",
                    "hours": "business",
                    "params": {"include_negative": True},
                }
            ]
        },
        "/metrics/0/params/include_negative",
        "not_supported",
    ),
    (
        {"metrics": [{**ONE, "params": {"threshold": 1}}]},
        "/metrics/0/params/threshold",
        "unknown_parameter",
    ),
    (
        {"metrics": [{"id": "service_level", "params": {"threshold_seconds": -1}}]},
        "/metrics/0/params/threshold_seconds",
        "out_of_range",
    ),
    (
        {"metrics": [{"id": "service_level", "params": {"threshold_seconds": "20"}}]},
        "/metrics/0/params/threshold_seconds",
        "wrong_type",
    ),
    (
        {"metrics": [{"id": "service_level", "params": {"variant": "best"}}]},
        "/metrics/0/params/variant",
        "invalid_value",
    ),
    ({"dimensions": ["agents"]}, "/dimensions/0", "unknown_dimension"),
    ({"dimensions": ["time:fortnight"]}, "/dimensions/0", "unknown_dimension"),
    ({"dimensions": ["custom.nothing"]}, "/dimensions/0", "unknown_dimension"),
    ({"dimensions": ["agent", "agent"]}, "/dimensions/1", "invalid_value"),
    ({"dimensions": ["rating"]}, "/dimensions/0", "dimension_not_allowed"),
    ({"filters": {}}, "/filters", "invalid_value"),
    ({"filters": {"and": []}}, "/filters/and", "too_short"),
    ({"filters": {"dimension": "agent"}}, "/filters/op", "required"),
    ({"filters": {"dimension": "agent", "op": "in"}}, "/filters/values", "required"),
    (
        {"filters": {"dimension": "agent", "op": "is_null", "values": ["a1"]}},
        "/filters/values",
        "invalid_value",
    ),
    (
        {"filters": {"dimension": "agent", "op": "in", "values": ["x"] * 101}},
        "/filters/values",
        "too_long",
    ),
    (
        {"filters": {"dimension": "agent", "op": "in", "values": [""]}},
        "/filters/values/0",
        "too_short",
    ),
    *(
        (
            {
                "metrics": [{"id": "rating_distribution"}],
                "filters": {"dimension": "rating", "op": "in", "values": [rating]},
            },
            "/filters/values/0",
            "invalid_value",
        )
        for rating in ("good", "NaN", "1e30", "1e999999")
    ),
    ({"top": {"n": 1, "by": "csat_score"}}, "/top/by", "unknown_metric"),
    ({"time": {"range": {"preset": "today"}, "timezone": "XXX-99"}}, "/time/timezone", ""),
    ({"time": {"range": {"from": "2026-01-01"}}}, "/time/range/to", "required"),
    ({"time": {"range": {"from": "2026-01-02", "to": "2026-01-02"}}}, "/time/range/to", ""),
    ({"time": {"range": {}}}, "/time/range", ""),
    ({"limit": 0}, "/limit", "out_of_range"),
    ({"group_by": ["agent"]}, "/group_by", "unknown_field"),
]


@pytest.mark.parametrize(("more", "pointer", "code"), REFUSALS)
def test_refusals_name_the_place(
    more: dict[str, Any], pointer: str, code: str, tenant: Tenant
) -> None:
    answer = tenant.http.post("/v1/query", json={"metrics": [ONE], "time": TIME, **more})
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["errors"][0]["pointer"] == pointer
    assert not code or problem["errors"][0]["code"] == code
    assert problem["code"] == problem["errors"][0]["code"]


def test_filters_may_be_nested_eight_deep(tenant: Tenant) -> None:
    ask(tenant, "calls_offered", filters=deep(7))
    refused = ask(tenant, "calls_offered", filters=deep(8), status=400)
    assert refused["errors"][0]["pointer"] == "/filters" + "/not" * 8


def test_what_is_allowed_is_listed(tenant: Tenant) -> None:
    refused = ask(tenant, "nps_score", status=422)
    assert "csat_score" in refused["errors"][0]["allowed"]
    refused = ask(tenant, "csat_score", dimensions=["agents"], status=422)
    assert "agent" in refused["errors"][0]["allowed"]


def test_too_many_time_buckets_are_refused(tenant: Tenant) -> None:
    query = {
        "metrics": [ONE],
        "time": {"range": {"from": "2025-01-01", "to": "2026-01-01"}, "timezone": "UTC"},
        "dimensions": ["time:15min"],
    }
    assert tenant.http.post("/v1/query", json=query).status_code == 422


@pytest.mark.parametrize("chosen", [each.value for each in KpiSet])
def test_kpis(chosen: str, calls: Tenant) -> None:
    params = {"set": chosen, "from": "2026-01-01", "to": "2026-02-01", "timezone": "UTC"}
    answer = calls.http.get("/v1/kpis", params=params)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    for tile in report["data"]:
        assert tile["label"]
        assert tile["unit"] in [each.value for each in Unit]
        assert (tile["value"] is None) == (tile["null_reason"] is not None)
    if chosen == "call_center":
        found = {tile["id"]: tile["value"] for tile in report["data"]}
        assert found["calls_offered"] == 8
        assert found["average_talk_time"] == 100
        assert found["resolution_rate"] == 5 / 7
    assert calls.http.get("/v1/kpis", params={**params, "set": "x"}).status_code == 422


def test_catalog_endpoints(calls: Tenant) -> None:
    metrics = calls.http.get("/v1/metrics").json()["data"]
    for metric in metrics:
        assert calls.http.get(f"/v1/metrics/{metric['id']}").json() == metric
    assert calls.http.get("/v1/metrics/nothing").status_code == 404
    dimensions = [each["id"] for each in calls.http.get("/v1/dimensions").json()["data"]]
    assert {"agent", "team", "channel", "queue", "topic", "rating"} <= set(dimensions)
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = calls.http.get("/v1/dimensions/agent/values", params=params).json()
        found += [each["key"] for each in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert found == ["a1", "a2", "a3"]
    assert calls.http.get("/v1/dimensions/nothing/values").status_code == 404


def test_two_sources_with_one_external_id(calls: Tenant) -> None:
    call = {
        "source": "other", "external_id": "o1", "queue_entered_at": "2026-01-09T10:00:00Z",
        "outcome": "answered", "wait_seconds": 1, "agent": "a1",
    }  # fmt: skip
    assert calls.http.post("/v1/calls", json=call).is_success
    answer = ask(calls, "calls_answered", dimensions=["agent"])
    assert keys(answer, "agent") == ["a2", "a3", "other:a1", "pbx:a1", None]
    both = {"dimension": "agent", "op": "in", "values": ["a1"]}
    assert filtered(calls, both) == 4
    one = {"dimension": "agent", "op": "in", "values": ["other:a1"]}
    assert filtered(calls, one) == 1
