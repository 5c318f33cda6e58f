"""What a tenant settles of its metrics from a day on."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.calls import ask, push_calls, values

STRICT = {"variant": "all_abandons_missed", "threshold_seconds": 10}
RANGE = {"from": "2026-01-01", "to": "2026-02-01"}
FCR = "first_contact_resolution_rate"


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def settle(tenant: Tenant, metric: str, day: str, params: Any, status: int = 201) -> Any:
    body = {"metric": metric, "valid_from": day, "params": params}
    answer = tenant.http.post("/v1/metric-settings", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def cell(answer: Any, name: str) -> tuple[float, float, float]:
    found = answer["data"][0]["metrics"][name]
    return found["value"], found["numerator"], found["denominator"]


def test_each_day_is_counted_by_what_is_in_force(calls: Tenant) -> None:
    """Waits on the 5th: 10, 40, 5, 60; on the 6th: 20, 15, and one abandoned after 3; on the 7th:
    30. Within 20 s by the catalog, within 10 s and with the abandoned one from the 6th on."""
    metric = {"id": "service_level"}
    assert cell(ask(calls, metric), "service_level") == (4 / 7, 4, 7)
    settle(calls, "service_level", "2026-01-06", STRICT)
    by_day = ask(calls, metric, dimensions=["time:day"], include=["totals"])
    assert values(by_day, "service_level")[4:7] == [0.5, 0, 0]
    assert by_day["totals"]["service_level"]["numerator"] == 2
    assert by_day["totals"]["service_level"]["denominator"] == 4 + 3 + 1
    meta = by_day["meta"]
    defaults = {
        "threshold_seconds": 20, "variant": "abandons_after_threshold_missed",
        "short_abandon_seconds": 5, "clock_start": "queue_entry",
    }  # fmt: skip
    assert meta["variants"]["service_level"] == [
        {"starts_at": None, "ends_at": "2026-01-06T00:00:00Z", "setting": None,
         "params": defaults},
        {"starts_at": "2026-01-06T00:00:00Z", "ends_at": None, "setting": "2026-01-06",
         "params": {**defaults, **STRICT}},
    ]  # fmt: skip
    assert any("2026-01-06" in warning for warning in meta["warnings"])
    # Asked as it says, it says the same.
    again = ask(calls, *meta["query"]["metrics"], dimensions=["time:day"], include=["totals"])
    assert again["totals"] == by_day["totals"]


def test_a_range_on_one_side_has_one_definition(calls: Tenant) -> None:
    settle(calls, "service_level", "2026-01-06", STRICT)
    time = {"range": {"from": "2026-01-06", "to": "2026-01-08"}, "timezone": "UTC"}
    answer = ask(calls, {"id": "service_level"}, time=time)
    assert cell(answer, "service_level") == (0, 0, 4)
    (variant,) = answer["meta"]["variants"]["service_level"]
    assert (variant["starts_at"], variant["setting"]) == (None, "2026-01-06")
    assert answer["meta"]["query"]["metrics"][0]["params"]["threshold_seconds"] == 10
    assert answer["meta"]["warnings"] == []


def test_what_a_query_names_wins(calls: Tenant) -> None:
    settle(calls, "service_level", "2026-01-06", STRICT)
    named = {"threshold_seconds": 20, "variant": None}
    answer = ask(calls, {"id": "service_level", "params": named})
    assert cell(answer, "service_level") == (4 / 7, 4, 7)
    (variant,) = answer["meta"]["variants"]["service_level"]
    assert variant["params"]["variant"] == "abandons_after_threshold_missed"


def test_an_empty_entry_goes_back_to_the_catalog(calls: Tenant) -> None:
    settle(calls, "service_level", "2026-01-06", STRICT)
    settle(calls, "service_level", "2026-01-07", {})
    answer = ask(calls, {"id": "service_level"}, dimensions=["time:day"])
    assert values(answer, "service_level")[4:7] == [0.5, 0, 0]
    assert len(answer["meta"]["variants"]["service_level"]) == 3
    settle(calls, "service_level", "2026-01-06", {}, status=200)
    answer = ask(calls, {"id": "service_level"})
    assert cell(answer, "service_level") == (4 / 7, 4, 7)
    assert len(answer["meta"]["variants"]["service_level"]) == 1


def test_what_does_not_add_up_is_refused(calls: Tenant) -> None:
    settle(calls, "average_speed_of_answer", "2026-01-06", {"queued_only": True})
    median = {"id": "average_speed_of_answer", "agg": "p50"}
    refused = ask(calls, median, status=422)
    assert refused["code"] == "definition_changes"
    assert refused["errors"][0]["pointer"] == "/metrics/0"
    assert "queued_only" in refused["detail"]
    assert ask(calls, {**median, "params": {"queued_only": False}})["data"]
    # A mean does add up.
    assert ask(calls, {"id": "average_speed_of_answer"})["data"]


def test_methods_on_different_scales_are_added_exactly(tenant: Tenant) -> None:
    """The agent's flag until the 7th, further contacts from then on."""
    calls = [
        {"source": "p", "external_id": f"c{n}", "queue_entered_at": f"2026-01-0{n}T10:00:00Z",
         "outcome": "answered", "resolved": n == 5, "customer": f"u{n % 2}"}
        for n in (5, 6, 7, 8, 9)
    ]  # fmt: skip
    assert tenant.http.post("/v1/calls/batch", json=calls).json()["summary"]["created"] == 5
    settle(tenant, FCR, "2025-12-01", {"method": "agent_flag"})
    settle(tenant, FCR, "2026-01-07", {"window_days": 1})
    # 1 of 2 by the flag; of the 7th to the 9th none was followed within a day.
    assert cell(ask(tenant, {"id": FCR}), FCR) == (4 / 5, 4, 5)


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"metric": "speed", "valid_from": "2026-01-01", "params": {}}, "unknown_metric",
         "/metric"),
        ({"metric": "occupancy", "valid_from": "2026-01-01", "params": {"of": 1}},
         "unknown_parameter", "/params/of"),
        ({"metric": "occupancy", "valid_from": "2026-01-01", "params": {"denominator": "x"}},
         "invalid_value", "/params/denominator"),
        ({"metric": "occupancy", "valid_from": "0001-01-01", "params": {}}, "out_of_range",
         "/valid_from"),
        ({"metric": "occupancy", "valid_from": "tomorrow", "params": {}}, "invalid_value",
         "/valid_from"),
        ({"metric": "occupancy", "params": {}}, "required", "/valid_from"),
    ],
)  # fmt: skip
def test_bad_entries_name_their_field(tenant: Tenant, body: Any, code: str, pointer: str) -> None:
    answer = tenant.http.post("/v1/metric-settings", json=body)
    assert answer.status_code == 422, answer.text
    assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == (code, pointer)


def test_entries_are_the_tenants_own(make_tenant: Callable[..., Tenant]) -> None:
    mine, other = make_tenant(), make_tenant()
    stored = settle(mine, "service_level", "2026-01-06", STRICT)
    listed = mine.http.get("/v1/metric-settings").json()
    assert listed["data"] == [stored]
    assert other.http.get("/v1/metric-settings").json()["data"] == []
    assert ask(other, {"id": "service_level"})["meta"]["variants"] == {}


def test_only_an_admin_settles(make_tenant: Callable[..., Tenant]) -> None:
    reader = make_tenant(scopes=["reports:read"])
    body = {"metric": "service_level", "valid_from": "2026-01-06", "params": {}}
    assert reader.http.post("/v1/metric-settings", json=body).status_code == 403
    assert reader.http.put("/v1/privacy-settings", json={"smallest_group": 5}).status_code == 403
    assert reader.http.get("/v1/metric-settings").json()["data"] == []


def test_the_days_are_those_of_the_tenant(make_tenant: Callable[..., Tenant]) -> None:
    """Midnight in Kolkata is 18:30 UTC the day before."""
    tenant = make_tenant(timezone="Asia/Kolkata")
    calls = [
        {"source": "p", "external_id": at, "queue_entered_at": f"2026-01-05T{at}:00Z",
         "outcome": "answered", "wait_seconds": 15}
        for at in ("18:29", "18:30", "20:00")
    ]  # fmt: skip
    assert tenant.http.post("/v1/calls/batch", json=calls).json()["summary"]["created"] == 3
    settle(tenant, "service_level", "2026-01-06", STRICT)
    assert cell(ask(tenant, {"id": "service_level"}), "service_level") == (1 / 3, 1, 3)


WEIGHTS = {"drivers": {"contacts": 1, "growth": 3}, "evaluations": {"csat_score": 2}}


def test_weights_that_are_settled_hold_where_a_request_names_none(calls: Tenant) -> None:
    empty: dict[str, Any] = {"drivers": {}, "evaluations": {}}
    assert calls.http.get("/v1/weight-settings").json() == empty
    before = calls.http.get("/v1/drivers", params=RANGE).json()["weights"]
    assert (
        "composite" not in calls.http.get("/v1/agents/evaluations", params=RANGE).json()["data"][0]
    )
    assert calls.http.put("/v1/weight-settings", json=WEIGHTS).json() == WEIGHTS
    assert calls.http.get("/v1/weight-settings").json() == WEIGHTS
    # Of what nobody has anything, nothing counts.
    settled = calls.http.get("/v1/drivers", params=RANGE).json()["weights"]
    assert settled != before
    assert set(settled) <= {"contacts", "growth"}
    named = calls.http.get("/v1/drivers", params={**RANGE, "weight": "contacts:2"}).json()
    assert named["weights"] == {"contacts": 1}
    rows = calls.http.get("/v1/agents/evaluations", params=RANGE).json()["data"]
    assert list(rows[0]["composite"]["parts"]) == ["csat_score"]
    others = {**RANGE, "columns": "calls_answered"}
    rows = calls.http.get("/v1/agents/evaluations", params=others).json()["data"]
    assert "composite" not in rows[0]
    assert calls.http.put("/v1/weight-settings", json=empty).status_code == 200
    assert calls.http.get("/v1/drivers", params=RANGE).json()["weights"] == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"drivers": {"sales": 1}, "evaluations": {}}, "/drivers/sales"),
        ({"drivers": {}, "evaluations": {"messages_in": 1}}, "/evaluations/messages_in"),
        ({"drivers": {}, "evaluations": {"csat_score": 0}}, "/evaluations/csat_score"),
        ({"drivers": {}}, "/evaluations"),
    ],
)
def test_weights_that_cannot_be(body: Any, pointer: str, tenant: Tenant) -> None:
    answer = tenant.http.put("/v1/weight-settings", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
