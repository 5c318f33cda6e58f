"""Action plans: what is to be done, by whom, and what it is to change."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Tenant

from csapi.reports.plans.endpoints import PLAN


def make(tenant: Tenant, expected: int = 201, **more: Any) -> Any:
    answer = tenant.http.post("/v1/action-plans", json={**PLAN, **more})
    assert answer.status_code == expected, answer.text
    return answer.json()


def change(tenant: Tenant, id_: str, expected: int = 200, **body: Any) -> Any:
    answer = tenant.http.patch(f"/v1/action-plans/{id_}", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


def pointers(refused: Any) -> list[str]:
    return [each["pointer"] for each in refused["errors"]]


def test_a_plan_is_kept_as_it_was_written(tenant: Tenant) -> None:
    made = make(tenant)
    plan = made["plan"]
    assert {name: plan[name] for name in ("title", "hypothesis", "owner", "status")} == {
        name: PLAN[name] for name in ("title", "hypothesis", "owner", "status")
    }
    assert plan["aim"]["metric"]["id"] == "first_response_time"
    assert (made["suggestion_id"], made["closed_at"]) == (None, None)
    assert tenant.http.get(f"/v1/action-plans/{made['id']}").json() == made


def test_steps_that_are_done_and_late_are_counted_by_the_local_day(
    make_tenant: Callable[..., Tenant],
) -> None:
    tenant = make_tenant("Pacific/Kiritimati")
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    yesterday = (today - timedelta(days=1)).isoformat()
    steps = [
        {"title": "late", "due_on": yesterday},
        {"title": "today", "due_on": today.isoformat()},
        {"title": "done", "due_on": yesterday, "status": "done"},
        {"title": "dropped", "due_on": yesterday, "status": "dropped"},
    ]
    made = make(tenant, steps=steps)
    assert (made["steps_done"], made["steps_late"]) == (1, 1)
    assert change(tenant, made["id"], steps=[])["steps_late"] == 0


def test_what_changes_changes_and_the_rest_stays(tenant: Tenant) -> None:
    made = make(tenant)
    done = change(tenant, made["id"], status="done", ends_on="2026-07-01")
    assert done["closed_at"] is not None
    again = change(tenant, made["id"], owner=None)
    assert (again["plan"]["owner"], again["plan"]["title"]) == (None, PLAN["title"])
    assert again["closed_at"] == done["closed_at"]
    assert change(tenant, made["id"], status="running")["closed_at"] is None
    assert tenant.http.delete(f"/v1/action-plans/{made['id']}").status_code == 204
    assert tenant.http.get(f"/v1/action-plans/{made['id']}").status_code == 404


def test_lists_and_pages(tenant: Tenant) -> None:
    made = [make(tenant, status=status)["id"] for status in ("draft", "running", "done", "draft")]
    first = tenant.http.get("/v1/action-plans", params={"limit": 3}).json()
    cursor = first["page"]["next_cursor"]
    rest = tenant.http.get("/v1/action-plans", params={"limit": 3, "cursor": cursor}).json()
    assert [each["id"] for page in (first, rest) for each in page["data"]] == made[::-1]
    drafts = tenant.http.get("/v1/action-plans", params={"status": "draft"}).json()["data"]
    assert [each["id"] for each in drafts] == [made[3], made[0]]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"aim": {"metric": {"id": "nothing"}}}, "/aim/metric/id"),
        ({"aim": {"metric": {"id": "csat_score", "params": {"x": 1}}}}, "/aim/metric/params/x"),
        ({"aim": {**PLAN["aim"], "filters": None}}, "/aim/filters"),
        (
            {"aim": {**PLAN["aim"], "filters": {"dimension": "x", "op": "in", "values": ["a"]}}},
            "/aim/filters/dimension",
        ),
        (
            {"aim": {**PLAN["aim"], "compare": {"filters": PLAN["aim"]["filters"]}}},
            "/aim/compare/filters",
        ),
        ({"aim": {**PLAN["aim"], "compare": {"to": "segment"}}}, "/aim/compare/filters"),
        ({"ends_on": "2026-04-01"}, "/ends_on"),
        ({"starts_on": None, "ends_on": "2026-05-01"}, "/starts_on"),
        ({"goal_id": str(uuid4())}, "/goal_id"),
        ({"report_run": {"report_id": str(uuid4()), "run_id": str(uuid4())}}, "/report_run"),
    ],
)
def test_what_cannot_be_is_named(tenant: Tenant, wrong: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers(make(tenant, 422, **wrong))


def test_a_run_that_is_there_can_be_referred_to_even_when_it_is_gone(tenant: Tenant) -> None:
    section = {
        "name": "calls",
        "query": {"metrics": [{"id": "calls_offered"}],
                  "time": {"range": {"preset": "last_7_days"}}},
    }  # fmt: skip
    report = tenant.http.post("/v1/reports", json={"name": "r", "sections": [section]}).json()["id"]
    run = tenant.http.post(f"/v1/reports/{report}/runs").json()["id"]
    made = make(tenant, report_run={"report_id": report, "run_id": run})
    assert tenant.http.delete(f"/v1/reports/{report}").status_code == 204
    assert change(tenant, made["id"], owner="Lee")["plan"]["report_run"]["run_id"] == run
