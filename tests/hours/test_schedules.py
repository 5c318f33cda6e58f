"""Schedules over HTTP: what is refused, what is read back, who sees what, and what a query says."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.hours.conftest import weekly
from tests.ingest.samples import accept, post, problem, refuse, sample

HOURS = {"weekly": weekly("09:00", "17:00")}
MONDAY = {"day": "monday", "from": "09:00", "to": "17:00"}


def with_version(**fields: Any) -> dict[str, Any]:
    return {"versions": [fields]}


def with_hours(*hours: dict[str, Any]) -> dict[str, Any]:
    return with_version(weekly=list(hours))


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"timezone": "Mars/Olympus"}, "/timezone", "unknown_timezone"),
    ({"timezone": "localtime"}, "/timezone", "unknown_timezone"),
    ({"timezone": ""}, "/timezone", "too_short"),
    ({"versions": []}, "/versions", "too_short"),
    (with_version(valid_from="2026-13-01"), "/versions/0/valid_from", "invalid_value"),
    (with_version(valid_from="2026-01-01T00:00:00Z"), "/versions/0/valid_from", "invalid_value"),
    (
        with_version(valid_from="2026-01-02", valid_to="2026-01-02"),
        "/versions/0/valid_to",
        "invalid_value",
    ),
    ({"versions": [{}, {}]}, "/versions", "invalid_value"),
    (
        {"versions": [{"valid_to": "2026-03-02"}, {"valid_from": "2026-03-01"}]},
        "/versions",
        "invalid_value",
    ),
    (with_hours({**MONDAY, "day": "Monday"}), "/versions/0/weekly/0/day", "invalid_value"),
    (with_hours({**MONDAY, "from": "9:00"}), "/versions/0/weekly/0/from", "invalid_value"),
    (with_hours({**MONDAY, "from": "24:00"}), "/versions/0/weekly/0/from", "invalid_value"),
    (with_hours({**MONDAY, "from": "09:00\n"}), "/versions/0/weekly/0/from", "too_long"),
    (with_hours({**MONDAY, "from": 9}), "/versions/0/weekly/0/from", "wrong_type"),
    (with_hours({**MONDAY, "to": "17:60"}), "/versions/0/weekly/0/to", "invalid_value"),
    (with_hours({**MONDAY, "to": "24:01"}), "/versions/0/weekly/0/to", "invalid_value"),
    (with_hours({**MONDAY, "to": "09:00"}), "/versions/0/weekly/0/to", "invalid_value"),
    (with_hours({**MONDAY, "from": "22:00", "to": "06:00"}), "/versions/0/weekly/0/to",
     "invalid_value"),
    (with_hours({"day": "monday", "from": "09:00"}), "/versions/0/weekly/0/to", "required"),
    (with_hours(MONDAY, {**MONDAY, "from": "16:59", "to": "18:00"}), "/versions/0/weekly/1",
     "invalid_value"),
    (with_hours(MONDAY, MONDAY), "/versions/0/weekly/1", "invalid_value"),
    (with_version(holidays={"country": "XX"}), "/versions/0/holidays/country", "invalid_value"),
    (with_version(holidays={"country": "HolidayBase"}), "/versions/0/holidays/country",
     "invalid_value"),
    (with_version(holidays={"country": ""}), "/versions/0/holidays/country", "too_short"),
    (with_version(holidays={"country": "DE", "subdivision": "XX"}),
     "/versions/0/holidays/subdivision", "invalid_value"),
    (with_version(extra_dates=[{"date": "2026-02-29"}]), "/versions/0/extra_dates/0/date",
     "invalid_value"),
    (with_version(extra_dates=[{"date": "2026-02-01"}] * 2), "/versions/0/extra_dates/1/date",
     "invalid_value"),
    (with_version(extra_dates=[{"date": "2026-02-01", "from": "12:00", "to": "12:00"}]),
     "/versions/0/extra_dates/0/to", "invalid_value"),
    ({"teams": [""]}, "/teams/0", "too_short"),
    ({"teams": "support"}, "/teams", "wrong_type"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "pointer", "code"), BAD, ids=range(len(BAD)))
def test_a_bad_schedule_is_refused_by_name(
    sender: Tenant, fields: dict[str, Any], pointer: str, code: str
) -> None:
    refuse(sender, "schedules", sample("schedules", **fields), pointer, code)


GOOD: list[dict[str, Any]] = [
    with_hours({**MONDAY, "to": "12:00"}, {**MONDAY, "from": "12:00", "to": "24:00"}),
    with_version(valid_from="0001-01-01", valid_to="9999-12-31"),
    with_version(valid_from="2150-01-01", weekly=[MONDAY]),
    with_version(holidays={"country": "DE", "subdivision": "BE"}),
    with_version(holidays={"country": "EG"}, extra_dates=[{"date": "2026-04-12"}]),
    {"teams": ["a", "a"], "inboxes": ["b", "b"]},
    {"timezone": "Australia/Lord_Howe", "deleted": True},
]


@pytest.mark.parametrize("fields", GOOD, ids=range(len(GOOD)))
def test_a_good_one_is_read_back_as_it_was_sent(sender: Tenant, fields: dict[str, Any]) -> None:
    record = accept(sender, "schedules", sample("schedules", **fields))
    for name in fields.keys() - {"versions"}:
        assert record[name] == fields[name]
    for sent, read in zip(fields.get("versions", []), record["versions"], strict=False):
        assert (
            read.items()
            >= {k: v for k, v in sent.items() if not isinstance(v, dict | list)}.items()
        )


def ask(tenant: Tenant, *metrics: dict[str, Any], day: str = "2026-01-05") -> dict[str, Any]:
    query = {
        "metrics": list(metrics),
        "time": {"range": {"from": day, "to": "2026-02-01"}, "timezone": "UTC"},
    }
    answer = tenant.http.post("/v1/query", json=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def values(answer: dict[str, Any]) -> dict[str, float | None]:
    (row,) = answer["data"]
    return {name: cell["value"] for name, cell in row["metrics"].items()}


def metric(name: str, agg: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "first_response_time", "as": name, "agg": agg, "hours": "business", **more}


def reply_after(tenant: Tenant, number: int, created: str, replied: str) -> None:
    ticket = {"created_at": created, "milestones": {"first_reply_at": replied}}
    item = {"source": "s", "external_id": f"t{number}", **ticket}
    assert post(tenant, "tickets", item).status_code == 201


def test_a_query_in_business_hours(tenant: Tenant) -> None:
    """Open from 9 to 17. Replies after 60 min, over night from 16:50 to 9:20 after 30 min, and in
    the evening after none: calendar 60, 990 and 120."""
    accept(tenant, "schedules", sample("schedules", versions=[HOURS], is_default=True))
    reply_after(tenant, 1, "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z")
    reply_after(tenant, 2, "2026-01-05T16:50:00Z", "2026-01-06T09:20:00Z")
    reply_after(tenant, 3, "2026-01-05T18:00:00Z", "2026-01-05T20:00:00Z")
    asked = [metric(each, each) for each in ("sum", "count", "min", "max", "p50")]
    within = {"id": "first_response_within_rate", "params": {"threshold_seconds": 1800}}
    answer = ask(
        tenant,
        metric("mean"),
        *asked,
        metric("above", "min", params={"exclude_zero": True}),
        {**metric("calendar"), "hours": "calendar"},
        {**within, "as": "within", "hours": "business"},
        {**within, "as": "within_calendar"},
    )
    assert values(answer) == {
        "mean": 1800, "sum": 5400, "count": 3, "min": 0, "max": 3600, "p50": 1800, "above": 1800,
        "calendar": 390 * 60 * 1.0, "within": pytest.approx(2 / 3), "within_calendar": 0,
    }  # fmt: skip
    assert answer["meta"]["query"]["metrics"][0]["hours"] == "business"


def test_without_a_schedule_there_is_no_business_time(tenant: Tenant) -> None:
    reply_after(tenant, 1, "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z")
    cell = ask(tenant, metric("mean"))["data"][0]["metrics"]["mean"]
    assert (cell["value"], cell["n"], cell["null_reason"]) == (None, 0, "no_observations")


def test_the_catalog_says_which_have_a_twin(tenant: Tenant) -> None:
    metrics = {each["id"]: each["hours"] for each in tenant.http.get("/v1/metrics").json()["data"]}
    assert metrics["full_resolution_time"] == ["calendar", "business"]
    assert metrics["service_level"] == ["calendar"]
    query = {
        "metrics": [{"id": "service_level", "hours": "business"}],
        "time": {"range": {"preset": "last_30_days"}},
    }
    answer = tenant.http.post("/v1/query", json=query)
    assert problem(answer) == (422, "invalid_value")
    assert answer.json()["errors"][0]["allowed"] == ["calendar"]


def wait_exact(tenant: Tenant) -> dict[str, Any]:
    for _ in range(100):
        answer = ask(tenant, metric("mean"))
        if answer["meta"]["exact"]:
            return answer
        time.sleep(0.2)
    raise AssertionError(answer)


def test_a_recompute_is_asked_for_and_done(tenant: Tenant) -> None:
    """The schedule comes after the reply: its hour is not known until it is measured again."""
    reply_after(tenant, 1, "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z")
    item = sample("schedules", versions=[HOURS], is_default=True)
    record = accept(tenant, "schedules", item)
    assert values(wait_exact(tenant)) == {"mean": None}
    path = f"/v1/schedules/{record['id']}/recompute"
    answer = tenant.http.post(path)
    assert answer.status_code == 202, answer.text
    assert answer.json()["id"] == record["id"]
    assert values(wait_exact(tenant)) == {"mean": 3600}
    accept(tenant, "schedules", {**item, "deleted": True})
    assert values(wait_exact(tenant)) == {"mean": 3600}
    assert tenant.http.post(path).status_code == 202
    assert values(wait_exact(tenant)) == {"mean": None}


def test_who_may_ask_for_a_recompute(tenant: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    record = accept(tenant, "schedules", sample("schedules"))
    path = f"/v1/schedules/{record['id']}/recompute"
    stranger = make_tenant()
    assert problem(stranger.http.post(path)) == (404, "not_found")
    weak = make_tenant(scopes=["ingest:write", "records:read", "reports:read"])
    assert problem(weak.http.post(path)) == (403, "insufficient_scope")
    for wrong in ("00000000-0000-7000-8000-000000000000", "x"):
        answer = tenant.http.post(f"/v1/schedules/{wrong}/recompute")
        assert problem(answer) == (404, "not_found")


def test_a_second_tenant_sees_nothing(tenant: Tenant, make_tenant: Callable[..., Tenant]) -> None:
    record = accept(tenant, "schedules", sample("schedules", versions=[HOURS], is_default=True))
    stranger = make_tenant()
    assert stranger.http.get("/v1/schedules").json()["data"] == []
    assert problem(stranger.http.get(f"/v1/schedules/{record['id']}")) == (404, "not_found")
    reply_after(stranger, 1, "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z")
    assert values(ask(stranger, metric("mean"))) == {"mean": None}
