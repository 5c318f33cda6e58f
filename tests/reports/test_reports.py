"""Comparison reports over HTTP: kept, asked, frozen."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.compared import FEBRUARY, ask, push, ratings

RATED = {
    "metrics": [{"id": "csat_score"}, {"id": "csat_responses"}],
    "time": {"range": FEBRUARY},
    "compare": {"to": "previous_period"},
}
TEAMS = {"name": "by_agent", "query": {**RATED, "dimensions": ["agent"]}}
REPORT: dict[str, Any] = {
    "name": "Ratings",
    "description": "Every month",
    "timezone": "UTC",
    "sections": [{"name": "whole", "title": "All", "query": RATED, "explain": ["agent"]}, TEAMS],
}


@pytest.fixture
def rated(tenant: Tenant) -> Tenant:
    """January: 59 of 60 good. February: 30 of 60, nearly all of bob's are bad."""
    items = [*ratings(1, "ann", 29, 30), *ratings(1, "bob", 30, 30)]
    items += [*ratings(2, "ann", 28, 30), *ratings(2, "bob", 2, 30)]
    push(tenant, "feedback", items)
    return tenant


def create(tenant: Tenant, status: int = 201, **change: Any) -> Any:
    answer = tenant.http.post("/v1/reports", json={**REPORT, **change})
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.headers["location"] == f"/v1/reports/{answer.json()['id']}"
    return answer.json()


def run(tenant: Tenant, report: Any) -> Any:
    answer = tenant.http.post(f"/v1/reports/{report['id']}/runs")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert answer.headers["location"] == f"/v1/reports/{report['id']}/runs/{found['id']}"
    return found


def section(tenant: Tenant, run: Any, name: str, **headers: str) -> Any:
    path = f"/v1/reports/{run['report_id']}/runs/{run['id']}/sections/{name}"
    return tenant.http.get(path, headers=headers)


def test_a_report_is_kept_replaced_and_deleted(rated: Tenant) -> None:
    made = create(rated)
    path = f"/v1/reports/{made['id']}"
    assert made["next_run_at"] is None
    assert rated.http.get(path).json() == made
    scheduled = {**REPORT, "name": "Else", "schedule": {"every": "day"}}
    changed = rated.http.put(path, json=scheduled).json()
    assert changed["created_at"] == made["created_at"]
    assert changed["updated_at"] > made["updated_at"]
    assert changed["next_run_at"].endswith("T06:00:00Z")
    assert rated.http.get("/v1/reports").json()["data"] == [changed]
    assert rated.http.put(path, json=REPORT).json()["next_run_at"] is None
    frozen = run(rated, made)
    assert rated.http.delete(path).status_code == 204
    for method, rest in (
        ("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/runs"), ("POST", "/runs"),
        ("GET", f"/runs/{frozen['id']}"), ("DELETE", f"/runs/{frozen['id']}"),
    ):  # fmt: skip
        body = REPORT if method == "PUT" else None
        gone = rated.http.request(method, path + rest, json=body)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found"), (method, rest)


def test_a_run_holds_what_the_questions_are_answered(rated: Tenant) -> None:
    found = run(rated, create(rated))
    whole, by_agent = found["sections"]
    asked = ask(rated, *RATED["metrics"], compare=RATED["compare"])
    for name in ("data", "totals", "other"):
        assert whole["answer"][name] == asked[name]
    assert whole["answer"]["meta"]["definitions"] == asked["meta"]["definitions"]
    assert whole["answer"]["meta"]["query"]["time"]["timezone"] == "UTC"
    assert (whole["title"], whole["query"]["metrics"]) == ("All", whole["query"]["metrics"])
    agents = [row["dimensions"]["agent"]["key"] for row in by_agent["answer"]["data"]]
    assert sorted(agents) == ["ann", "bob"]
    assert by_agent["explanations"] == []
    assert (found["trigger"], found["timezone"], found["name"]) == ("request", "UTC", "Ratings")


def test_a_report_in_another_zone_is_that_of_the_query(rated: Tenant) -> None:
    """Its days are not those that summaries are made by."""
    found = run(rated, create(rated, timezone="Asia/Kathmandu"))
    assert found["timezone"] == "Asia/Kathmandu"
    answer = found["sections"][0]["answer"]
    time = answer["meta"]["query"]["time"]
    assert time["timezone"] == "Asia/Kathmandu"
    body = {"metrics": RATED["metrics"], "time": time, "compare": RATED["compare"]}
    asked = rated.http.post("/v1/query", json=body).json()
    assert answer["data"][0]["metrics"]["csat_responses"]["n"] > 0
    for cell, other in zip(answer["data"], asked["data"], strict=True):
        for name, value in cell["metrics"].items():
            for part in ("value", "n", "numerator", "denominator"):
                assert value[part] == other["metrics"][name][part], (name, part)


def test_each_change_that_is_no_chance_is_explained(rated: Tenant) -> None:
    whole, _ = run(rated, create(rated))["sections"]
    cells = whole["answer"]["data"][0]["metrics"]
    assert cells["csat_score"]["compare"]["significant"]
    assert not cells["csat_responses"]["compare"]["significant"]
    (told,) = whole["explanations"]
    assert (told["metric"], told["by"], told["problem"]) == ("csat_score", "agent", None)
    change = told["answer"]
    assert change["change"] == pytest.approx(cells["csat_score"]["compare"]["delta"])
    assert sum(row["contribution"] for row in change["data"]) == pytest.approx(change["change"])
    assert change["data"][0]["dimensions"]["agent"]["key"] == "bob"
    assert whole["unexplained"] == 0


def test_a_run_never_changes(rated: Tenant) -> None:
    made = create(rated)
    frozen = run(rated, made)
    path = f"/v1/reports/{made['id']}/runs/{frozen['id']}"
    first = rated.http.get(path)
    assert first.json() == frozen
    push(rated, "feedback", [*ratings(2, "late", 10, 10)])
    again = rated.http.get(path)
    assert again.content == first.content
    known = rated.http.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    later = run(rated, made)
    values = [
        each["sections"][0]["answer"]["data"][0]["metrics"]["csat_responses"]["value"]
        for each in (frozen, later)
    ]
    assert values == [60, 70]
    listed = rated.http.get(f"/v1/reports/{made['id']}/runs").json()["data"]
    assert [each["id"] for each in listed] == [later["id"], frozen["id"]]
    assert {(each["sections"], each["failed"]) for each in listed} == {(2, 0)}
    assert rated.http.delete(path).status_code == 204
    assert rated.http.get(path).status_code == 404


def test_a_section_is_read_alone_and_as_a_table(rated: Tenant) -> None:
    found = run(rated, create(rated))
    assert section(rated, found, "by_agent").json() == found["sections"][1]["answer"]
    table = section(rated, found, "by_agent", accept="text/csv")
    assert table.headers["content-type"].startswith("text/csv")
    rows = [*csv.DictReader(io.StringIO(table.text))]
    assert {row["agent"]: float(row["csat_score"]) for row in rows} == {
        row["dimensions"]["agent"]["key"]: row["metrics"]["csat_score"]["value"]
        for row in found["sections"][1]["answer"]["data"]
    }
    missing = section(rated, found, "nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_a_question_that_fails_costs_the_others_nothing(rated: Tenant) -> None:
    custom = {"label": "Twice", "formula": "2 * csat_responses", "unit": "count"}
    made = rated.http.put("/v1/custom-metrics/twice", json=custom)
    assert made.status_code in (200, 201), made.text
    query = {"metrics": [{"id": "custom.twice"}], "time": {"range": FEBRUARY}}
    report = create(rated, sections=[{"name": "own", "query": query}, TEAMS])
    assert rated.http.delete("/v1/custom-metrics/twice").status_code == 204
    found = run(rated, report)
    own, by_agent = found["sections"]
    assert own["answer"] is None
    assert own["problem"]["code"] == "unknown_metric"
    assert by_agent["answer"]["data"]
    failed = section(rated, found, "own")
    assert failed.status_code == 404
    (listed,) = rated.http.get(f"/v1/reports/{report['id']}/runs").json()["data"]
    assert (listed["sections"], listed["failed"]) == (2, 1)


def test_rows_beyond_the_limit_are_told(rated: Tenant) -> None:
    query = {**RATED, "dimensions": ["agent"], "limit": 1}
    found = run(rated, create(rated, sections=[{"name": "one", "query": query}]))
    answer = found["sections"][0]["answer"]
    assert len(answer["data"]) == 1
    assert answer["page"]["next_cursor"] is None
    assert any("limit" in warning for warning in answer["meta"]["warnings"])


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"name": ""}, "/name", "too_short"),
        ({"sections": []}, "/sections", "too_short"),
        ({"timezone": "Moon/Sea"}, "/timezone", "unknown_timezone"),
        ({"sections": [TEAMS, TEAMS]}, "/sections/1/name", "invalid_value"),
        (
            {"sections": [{"name": "x", "query": {**RATED, "metrics": [{"id": "moon"}]}}]},
            "/sections/0/query/metrics/0/id",
            "unknown_metric",
        ),
        (
            {"sections": [{"name": "x", "query": {**RATED, "cursor": "y"}}]},
            "/sections/0/query/cursor",
            "not_supported",
        ),
        (
            {"sections": [{"name": "x", "query": RATED, "explain": ["agent", "moon"]}]},
            "/sections/0/explain/1",
            "unknown_dimension",
        ),
        (
            {
                "sections": [
                    {"name": "x", "query": {**RATED, "compare": None}, "explain": ["agent"]}
                ]
            },
            "/sections/0/explain",
            "not_supported",
        ),
        ({"schedule": {"every": "day", "weekday": 1}}, "/schedule/weekday", "invalid_value"),
        ({"schedule": {"every": "week", "day": 1}}, "/schedule/day", "invalid_value"),
        ({"schedule": {"every": "day", "at": "24:00"}}, "/schedule/at", "invalid_value"),
        ({"schedule": {"every": "month", "day": 29}}, "/schedule/day", "out_of_range"),
    ],
)
def test_what_could_not_be_asked_is_not_kept(
    tenant: Tenant, change: dict[str, Any], pointer: str, code: str
) -> None:
    refused = create(tenant, 422, **change)
    assert (refused["errors"][0]["pointer"], refused["code"]) == (pointer, code)
    assert tenant.http.get("/v1/reports").json()["data"] == []


def test_who_may_read_reports_may_run_but_not_change_them(
    rated: Tenant, make_tenant: Callable[..., Tenant]
) -> None:
    made = create(rated)
    reader = make_tenant(scopes=["reports:read"])
    assert reader.http.post("/v1/reports", json=REPORT).status_code == 403
    other = make_tenant()
    assert other.http.get(f"/v1/reports/{made['id']}").status_code == 404
    assert other.http.post(f"/v1/reports/{made['id']}/runs").status_code == 404


def test_small_groups_stay_hidden_whoever_asks(rated: Tenant) -> None:
    settled = rated.http.put("/v1/privacy-settings", json={"smallest_group": 40})
    assert settled.status_code == 200, settled.text
    query = {**RATED, "dimensions": ["agent"]}
    assert ask(rated, *RATED["metrics"], dimensions=["agent"])["data"][0]["metrics"]["csat_score"][
        "value"
    ]
    found = run(rated, create(rated, sections=[{"name": "x", "query": query}]))
    cells = [row["metrics"]["csat_score"] for row in found["sections"][0]["answer"]["data"]]
    assert cells
    assert {cell["null_reason"] for cell in cells} == {"suppressed"}
