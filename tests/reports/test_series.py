"""Series and matrix over HTTP: dense, in order, the same numbers as the rows."""

from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.calls import ask, push_calls

WAIT = "average_speed_of_answer"


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def test_a_series_over_time_is_dense(calls: Tenant) -> None:
    answer = ask(calls, "calls_offered", WAIT, dimensions=["time:day"], shape="series")
    assert [each["key"] for each in answer["categories"]] == [
        f"2026-01-{day:02}" for day in range(1, 32)
    ]
    assert answer["categories"][4] == {
        "key": "2026-01-05",
        "label": "2026-01-05",
        "start": "2026-01-05T00:00:00Z",
        "end": "2026-01-06T00:00:00Z",
    }
    offered, wait = answer["series"]
    assert {name: offered[name] for name in ("key", "label", "metric", "unit")} == {
        "key": "calls_offered", "label": "Calls offered", "metric": "calls_offered",
        "unit": "count",
    }  # fmt: skip
    assert offered["values"][3:8] == [0, 4, 3, 1, 0]
    assert offered["n"][3:8] == [0, 4, 3, 1, 0]
    assert wait["values"][3:8] == [None, (10 + 40 + 5 + 60) / 4, 17.5, 30, None]
    assert wait["n"][3:8] == [0, 4, 2, 1, 0]
    assert (answer["data"], answer["matrix"], answer["other"]) == ([], None, None)


def test_a_second_dimension_gives_a_series_each(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", dimensions=["agent", "time:day"], shape="series",
        include=["totals"],
    )  # fmt: skip
    found = {each["key"]: each["values"][4:8] for each in answer["series"]}
    assert found == {"a1": [1, 1, 1, 0], "a2": [1, 0, 0, 0], "a3": [1, 1, 0, 0], None: [1, 0, 0, 0]}
    assert list(found) == ["a1", "a2", "a3", None]
    assert answer["series"][0]["dimensions"]["agent"]["label"] == "a1"
    assert answer["series"][3]["label"] == "(none)"
    assert answer["totals"]["calls_answered"]["value"] == 7


def test_members_as_categories(calls: Tenant) -> None:
    answer = ask(calls, "calls_answered", WAIT, dimensions=["agent"], shape="series")
    assert [each["key"] for each in answer["categories"]] == ["a1", "a2", "a3", None]
    assert [each["values"] for each in answer["series"]] == [[3, 1, 2, 1], [20, 40, 10, 60]]
    answer = ask(
        calls, "calls_answered", WAIT, dimensions=["agent"], shape="series",
        order_by=[{"by": WAIT, "direction": "desc"}],
    )  # fmt: skip
    assert [each["key"] for each in answer["categories"]] == [None, "a2", "a1", "a3"]
    assert [each["values"] for each in answer["series"]] == [[1, 1, 3, 2], [60, 40, 20, 10]]


def test_no_dimension_is_one_category(calls: Tenant) -> None:
    answer = ask(calls, "calls_offered", shape="series")
    assert len(answer["categories"]) == 1
    assert answer["series"][0]["values"] == [8]


def test_a_matrix(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", WAIT, dimensions=["agent", "time:day_of_week"], shape="matrix"
    )
    matrix = answer["matrix"]
    assert [each["key"] for each in matrix["rows"]] == ["a1", "a2", "a3", None]
    assert [each["label"] for each in matrix["columns"]][:2] == ["Monday", "Tuesday"]
    answered, wait = matrix["metrics"]
    assert answered["values"] == [
        [1, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0],
    ]  # fmt: skip
    assert wait["values"][0] == [10, 20, 30, None, None, None, None]
    assert wait["n"][2] == [1, 1, 0, 0, 0, 0, 0]
    assert wait["precision"] == "exact"
    assert (answer["data"], answer["series"]) == ([], None)


def test_the_best_members_over_time_and_the_rest(calls: Tenant) -> None:
    answer = ask(
        calls, "calls_answered", {"id": WAIT, "as": "median", "agg": "p50"},
        dimensions=["time:day", "agent"], shape="series",
        top={"n": 1, "by": "calls_answered", "other": True},
    )  # fmt: skip
    found = {
        (each["metric"], each["key"], each["is_other"]): each["values"][4:8]
        for each in answer["series"]
    }
    assert found == {
        ("calls_answered", "a1", False): [1, 1, 1, 0],
        ("calls_answered", None, True): [3, 1, 0, 0],
        ("median", "a1", False): [10, 20, 30, None],
        ("median", None, True): [40, 15, None, None],
    }
    assert answer["other"]["calls_answered"]["value"] == 4
    assert answer["other"]["median"]["value"] == 27.5


def test_three_dimensions_join_their_keys(calls: Tenant) -> None:
    by = ["time:month", "agent", "queue"]
    answer = ask(calls, "calls_offered", dimensions=by, shape="series")
    assert [each["key"] for each in answer["series"]] == [
        "a1 / q1",
        "a2 / q1",
        "a3 / q1",
        "q1",
        None,
    ]
    assert [each["values"] for each in answer["series"]] == [[3], [1], [2], [1], [1]]
    assert answer["series"][3]["label"] == "(none) / q1"


def test_an_empty_tenant_has_its_axes(tenant: Tenant) -> None:
    answer = ask(tenant, "calls_offered", WAIT, dimensions=["time:week"], shape="series")
    assert len(answer["categories"]) == 5
    assert [each["values"] for each in answer["series"]] == [[0] * 5, [None] * 5]
    answer = ask(tenant, "calls_offered", dimensions=["agent", "queue"], shape="matrix")
    assert answer["matrix"]["rows"] == answer["matrix"]["columns"] == []


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"shape": "pie"}, "/shape", "invalid_value"),
    ({"shape": "matrix", "dimensions": ["agent"]}, "/dimensions", "not_supported"),
    ({"shape": "series", "cursor": "x"}, "/cursor", "not_supported"),
    (
        {"shape": "matrix", "dimensions": ["agent", "queue"], "top": {"n": 1, "by": "c"}},
        "/top",
        "not_supported",
    ),
    (
        {
            "shape": "series",
            "dimensions": ["agent", "queue"],
            "having": [{"by": "c", "op": "gt", "value": 1}],
        },
        "/having",
        "not_supported",
    ),
]


@pytest.mark.parametrize(("body", "pointer", "code"), REFUSALS)
def test_what_has_no_such_shape(
    body: dict[str, Any], pointer: str, code: str, tenant: Tenant
) -> None:
    refused = ask(tenant, {"id": "calls_offered", "as": "c"}, status=422, **body)
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == (pointer, code)


def test_too_many_values_are_refused(calls: Tenant) -> None:
    query = {
        "metrics": [{"id": "calls_offered", "as": f"c{n}"} for n in range(20)],
        "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}},
        "dimensions": ["time:15min", "agent"],
        "shape": "series",
    }
    answer = calls.http.post("/v1/query", json=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "range_too_long")
