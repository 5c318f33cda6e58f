"""Custom metrics: exact in every group, and refused where they would say something else."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, ask, push_calls

# What each of them is made of: (numerator, denominator) of catalog metrics asked beside it.
FORMULAS: dict[str, dict[str, Any]] = {
    "answered": {"formula": "calls_answered / calls_offered", "unit": "share"},
    "wait_per_offer": {
        "formula": "wait / calls_offered",
        "unit": "seconds",
        "operands": {"wait": {"id": "average_speed_of_answer", "agg": "sum"}},
    },
    "spread": {
        "formula": "100 * (sl20 - sl40) / 3 + average_speed_of_answer",
        "unit": "points",
        "operands": {
            "sl20": {"id": "service_level", "params": {"threshold_seconds": 20}},
            "sl40": {"id": "service_level", "params": {"threshold_seconds": 40}},
        },
    },
    "per_customer": {
        "formula": "calls_offered / customers_with_new_conversations",
        "unit": "count",
    },
}


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def define(tenant: Tenant, name: str, status: int = 201, **definition: Any) -> Any:
    answer = tenant.http.put(f"/v1/custom-metrics/{name}", json={"label": name, **definition})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_it_divides_once_in_every_group_and_in_the_total(calls: Tenant) -> None:
    define(calls, "answered", **FORMULAS["answered"])
    for dimensions in ([], ["agent"], ["time:day"], ["time:day", "agent"], ["queue"]):
        found = ask(
            calls,
            "custom.answered",
            "calls_answered",
            "calls_offered",
            dimensions=dimensions,
            include=["totals"],
        )
        cells = [row["metrics"] for row in found["data"]] + [found["totals"] or found["data"][0]]
        for cell in cells:
            if "metrics" in cell:
                continue
            mine, offered = cell["custom.answered"], cell["calls_offered"]["value"]
            assert (mine["numerator"], mine["denominator"], mine["n"]) == (
                cell["calls_answered"]["value"],
                offered,
                offered,
            )
            if offered:
                assert mine["value"] == cell["calls_answered"]["value"] / offered
                assert mine["null_reason"] is None
            else:
                assert (mine["value"], mine["null_reason"]) == (None, "division_by_zero")
    column = found["meta"]["columns"]["custom.answered"]
    assert column == {
        "unit": "share", "direction": "neutral", "label": "answered", "currency": None,
    }  # fmt: skip


def test_parts_are_added_up_before_it_divides(calls: Tenant) -> None:
    define(calls, "wait_per_offer", **FORMULAS["wait_per_offer"])
    whole = ask(calls, "custom.wait_per_offer")["data"][0]["metrics"]["custom.wait_per_offer"]
    assert (whole["value"], whole["numerator"], whole["n"]) == (180 / 8, 180, 8)


def test_a_formula_is_exact_to_the_last_digit(calls: Tenant) -> None:
    define(calls, "spread", **FORMULAS["spread"])
    cell = ask(calls, "custom.spread")["data"][0]["metrics"]["custom.spread"]
    # Seven answered: 4 within 20 s, 6 within 40 s; the caller who gave up waited for 3 s.
    exact = 100 * (Fraction(4, 7) - Fraction(6, 7)) / 3 + Fraction(180, 7)
    asked = ask(
        calls,
        {"id": "service_level", "as": "a", "params": {"threshold_seconds": 20}},
        {"id": "service_level", "as": "b", "params": {"threshold_seconds": 40}},
    )["data"][0]["metrics"]
    assert (asked["a"]["numerator"], asked["a"]["denominator"]) == (4, 7)
    assert (asked["b"]["numerator"], asked["b"]["denominator"]) == (6, 7)
    assert cell["value"] == exact.numerator / exact.denominator


def test_distinct_and_ranked_and_other(calls: Tenant) -> None:
    """A distinct count is that of each group, also of all that top leaves out."""
    define(calls, "per_customer", **FORMULAS["per_customer"])
    found = ask(
        calls,
        "custom.per_customer",
        "calls_offered",
        "customers_with_new_conversations",
        dimensions=["owner_agent"],
        include=["totals"],
        top={"n": 1, "by": "calls_offered", "other": True},
    )
    cells = [found["data"][0]["metrics"], found["other"], found["totals"]]
    for cell in cells:
        customers = cell["customers_with_new_conversations"]["value"]
        assert cell["custom.per_customer"]["denominator"] == customers > 0
        assert cell["custom.per_customer"]["value"] == cell["calls_offered"]["value"] / customers
    assert found["totals"]["custom.per_customer"]["value"] == 8 / 3
    by = {"by": "custom.per_customer", "op": "gt", "value": 1}
    assert ask(calls, "custom.per_customer", dimensions=["queue"], having=[by])["data"]


def test_a_stock_over_what_came_in(tenant: Tenant) -> None:
    define(tenant, "days", formula="backlog_open / tickets_created", unit="count")
    items = [
        {"source": "zd", "external_id": f"t{n}", "created_at": f"2026-01-0{n}T10:00:00Z",
         "status": "open"}
        for n in (2, 3, 3, 5)
    ]  # fmt: skip
    items[2]["external_id"] = "t3b"
    answer = tenant.http.post("/v1/tickets/batch", json=items)
    assert answer.json()["summary"]["created"] == 4
    time = {"range": {"from": "2026-01-03", "to": "2026-01-06"}, "timezone": "UTC"}
    found = ask(tenant, "custom.days", dimensions=["time:day"], time=time)["data"]
    cells = [row["metrics"]["custom.days"] for row in found]
    assert [(cell["numerator"], cell["denominator"]) for cell in cells] == [(3, 2), (3, 0), (4, 1)]
    assert [cell["value"] for cell in cells] == [1.5, None, 4]


@pytest.mark.parametrize(
    ("definition", "pointer", "code"),
    [
        ({"formula": "calls_offered +", "unit": "count"}, "/formula", "invalid_value"),
        ({"formula": "nothing / 2", "unit": "count"}, "/formula", "unknown_metric"),
        ({"formula": "calls_offered", "unit": "bananas"}, "/unit", "invalid_value"),
        (
            {"formula": "x", "unit": "count", "operands": {"x": {"id": "nothing"}}},
            "/operands/x/id",
            "unknown_metric",
        ),
        (
            {
                "formula": "x",
                "unit": "share",
                "operands": {"x": {"id": "service_level", "params": {"seconds": 1}}},
            },
            "/operands/x/params/seconds",
            "unknown_parameter",
        ),
        (
            {"formula": "x", "unit": "count", "operands": {"x": {"id": "custom.x"}}},
            "/operands/x/id",
            "not_supported",
        ),
        (
            {
                "formula": "x",
                "unit": "seconds",
                "operands": {"x": {"id": "average_speed_of_answer", "agg": "p90"}},
            },
            "/operands/x/agg",
            "invalid_value",
        ),
        ({"formula": "longest_queue_wait", "unit": "seconds"}, "/formula", "not_supported"),
        (
            {"formula": "tickets_created", "unit": "count", "operands": {"y": {"id": "x"}}},
            "/operands/y",
            "invalid_value",
        ),
    ],
)
def test_what_is_no_metric(
    tenant: Tenant, definition: dict[str, Any], pointer: str, code: str
) -> None:
    refused = define(tenant, "wrong", 422, **definition)
    assert (refused["errors"][0]["pointer"], refused["code"]) == (pointer, code)


def test_its_dimensions_are_those_of_all_its_parts(calls: Tenant) -> None:
    ratings = define(calls, "ratings", formula="rating_distribution / 2", unit="count")
    mixed = define(calls, "mixed", formula="rating_distribution / calls_offered", unit="share")
    assert "rating" in ratings["dimensions"]
    assert "rating" not in mixed["dimensions"]
    refused = ask(calls, "custom.mixed", dimensions=["rating"], status=422)
    assert refused["code"] == "dimension_not_allowed"
    refused = ask(calls, {"id": "custom.mixed", "agg": "p90"}, status=422)
    assert refused["errors"][0]["pointer"] == "/metrics/0/agg"


def test_it_is_replaced_saved_and_deleted(
    calls: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    define(calls, "x", formula="calls_offered", unit="count")
    query = {"metrics": [{"id": "custom.x"}], "time": TIME}
    assert calls.http.put("/v1/queries/q", json=query).status_code == 201
    first = calls.http.get("/v1/queries/q/result")
    define(calls, "x", 200, formula="calls_offered * 2", unit="count")
    tag = {"if-none-match": first.headers["etag"]}
    second = calls.http.get("/v1/queries/q/result", headers=tag)
    assert second.status_code == 200
    values = [each.json()["data"][0]["metrics"]["custom.x"]["value"] for each in (first, second)]
    assert values == [8, 16]
    assert ask(make_tenant(), "custom.x", status=422)["code"] == "unknown_metric"
    assert calls.http.delete("/v1/custom-metrics/x").status_code == 204
    assert ask(calls, "custom.x", status=422)["code"] == "unknown_metric"
    assert calls.http.get("/v1/queries/q/result").status_code == 422


def settle(tenant: Tenant, day: str, metric: str = "service_level", **params: Any) -> None:
    setting = {"metric": metric, "valid_from": day, "params": params}
    answer = tenant.http.post("/v1/metric-settings", json=setting)
    assert answer.status_code in (200, 201), answer.text


def test_operands_are_by_the_definition_in_force(calls: Tenant) -> None:
    """Two of the waits of a1 came before 7 January, by 15 seconds; from then on it is 35."""
    settle(calls, "2026-01-01", threshold_seconds=15)
    settle(calls, "2026-01-07", threshold_seconds=35)
    named = {"sl20": {"id": "service_level", "params": {"threshold_seconds": 20}}}
    define(calls, "double", formula="2 * service_level", unit="share")
    define(calls, "fixed", formula="2 * sl20", unit="share", operands=named)
    twenty = {"id": "service_level", "as": "sl20", "params": {"threshold_seconds": 20}}
    for more in ({}, {"dimensions": ["time:day"]}, {"dimensions": ["agent"]}):
        found = ask(
            calls, "custom.double", "custom.fixed", "service_level", twenty, status=200, **more
        )
        for row in found["data"]:
            cells = row["metrics"]
            for own, of in (("custom.double", "service_level"), ("custom.fixed", "sl20")):
                value = cells[of]["value"]
                assert cells[own]["value"] == (None if value is None else 2 * value)
    variants = found["meta"]["variants"]
    assert variants["custom.double.service_level"] == variants["service_level"]
    settings = [each["setting"] for each in variants["custom.double.service_level"]]
    assert settings == ["2026-01-01", "2026-01-07"]
    assert any("custom.double.service_level: its" in each for each in found["meta"]["warnings"])


def test_operands_that_do_not_add_up_over_a_change_are_refused(tenant: Tenant) -> None:
    settle(tenant, "2026-01-07", "sla_at_risk", within_seconds=60)
    define(tenant, "risk", formula="sla_at_risk / sla_active", unit="share")
    refused = ask(tenant, "custom.risk", status=422)
    assert refused["code"] == "definition_changes"
    assert refused["errors"][0]["pointer"] == "/metrics/0"
    assert "sla_at_risk" in refused["detail"]
    before = {"range": {"from": "2026-01-01", "to": "2026-01-07"}}
    assert ask(tenant, "custom.risk", time=before)["data"]
