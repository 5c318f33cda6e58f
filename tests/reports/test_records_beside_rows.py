"""What is behind customers, ages, targets and formulas, over HTTP."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import Tenant
from tests.reports.calls import push_calls
from tests.reports.test_records import behind, names, parts, post, send

FEBRUARY = {"range": {"from": "2026-02-01", "to": "2026-03-01"}, "timezone": "UTC"}


def active(since: str, until: str | None = None) -> list[dict[str, Any]]:
    period = {"status": "active", "from": f"{since}T00:00:00Z"}
    if until is None:
        return [period]
    return [{**period, "to": f"{until}T00:00:00Z"},
            {"status": "churned", "from": f"{until}T00:00:00Z"}]  # fmt: skip


def customer(name: str, **more: Any) -> dict[str, Any]:
    return {"source": "crm", "external_id": name, **more}


def test_customers_and_who_of_them_stayed(tenant: Tenant) -> None:
    send(tenant, "customers", customer("a", statuses=active("2026-01-03")),
         customer("b", statuses=active("2026-01-04", "2026-02-10")),
         customer("c", statuses=active("2026-02-20")),
         customer("d", created_at="2001-01-20T00:00:00Z"))  # fmt: skip
    known = behind(tenant, "customers_total", time=FEBRUARY)
    assert {each["record"]["resource"] for each in known["data"]} == {"customers"}
    assert {each["ticket"] for each in known["data"]} == {None}
    assert sorted(names(known)) == ["a", "b", "c", "d"]
    assert known["value"]["value"] == 4
    now = behind(tenant, "customers_active", time=FEBRUARY)
    assert (sorted(names(now)), now["value"]["value"]) == (["a", "c"], 2)
    cohort = behind(tenant, "customer_retention_rate", time=FEBRUARY)
    assert list(zip(names(cohort), parts(cohort, "numerator"), strict=True)) == [("a", 1), ("b", 0)]
    assert parts(cohort, "denominator") == parts(cohort, "n") == [1, 1]
    assert cohort["data"][0]["occurred_at"] == "2026-01-03T00:00:00Z"
    lost = behind(tenant, "churn_rate", time=FEBRUARY)
    assert parts(lost, "numerator") == [0, 1]
    assert lost["value"]["value"] == 0.5


def to_come(days: int = 2) -> dict[str, Any]:
    now = datetime.now(UTC)
    range_ = {"from": (now - timedelta(days=30)).date().isoformat(),
              "to": (now + timedelta(days=days)).date().isoformat()}  # fmt: skip
    return {"range": range_, "timezone": "UTC"}


def opened(name: str, ago: timedelta, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - ago
    return {"source": "zd", "external_id": name, "created_at": at.isoformat(), **more}


def test_pages_of_ages_are_of_one_instant(tenant: Tenant) -> None:
    send(tenant, "tickets", *(opened(f"t{n}", timedelta(hours=9 - n)) for n in range(3)))
    question: dict[str, Any] = {"time": to_come(), "limit": 1}
    answer = behind(tenant, "backlog_age", **question)
    value, listed, cursor = answer["value"], answer["data"], answer["page"]["next_cursor"]
    while cursor:
        page = behind(tenant, "backlog_age", **question, cursor=cursor)
        assert page["value"] == value
        listed, cursor = [*listed, *page["data"]], page["page"]["next_cursor"]
    assert [each["record"]["external_id"] for each in listed] == ["t0", "t1", "t2"]
    assert {each["ticket"]["external_id"] for each in listed} == {"t0", "t1", "t2"}
    seconds = [each["contribution"]["numerator"] for each in listed]
    assert round(sum(seconds), 3) == round(value["numerator"], 3)
    assert [round(each / 3600) for each in seconds] == [9, 8, 7]


def test_targets_that_are_due_soon(tenant: Tenant) -> None:
    send(tenant, "sla-policies", {
        "source": "zd", "external_id": "p", "valid_from": "2020-01-01",
        "targets": [{"metric": "first_response", "seconds": 3600, "priority": None}],
    })  # fmt: skip
    send(tenant, "tickets", opened("soon", timedelta(minutes=50)),
         opened("later", timedelta(minutes=5)), opened("late", timedelta(hours=3)))  # fmt: skip
    risk = {"id": "sla_at_risk", "params": {"within_seconds": 1200}}
    due = behind(tenant, risk, time=to_come())
    assert (names(due), parts(due, "numerator"), due["value"]["value"]) == (["soon"], [1], 1)
    running = behind(tenant, "sla_active", time=to_come())
    assert (names(running), running["value"]["value"]) == (["soon", "later"], 2)


def test_what_a_value_is_held_against_is_in_no_entry(tenant: Tenant) -> None:
    push_calls(tenant)
    cell: dict[str, Any] = {"dimensions": ["channel"], "cell": {"channel": "phone"}}
    mix = behind(tenant, "contact_mix", **cell)
    assert sum(parts(mix, "numerator")) == mix["value"]["numerator"] > 0
    assert {*parts(mix, "denominator"), *parts(mix, "n")} == {None}
    table = post(tenant, "contact_mix", accept="text/csv", **cell)
    *rows, total = csv.DictReader(io.StringIO(table.text, newline=""))
    assert {row["denominator"] + row["n"] for row in rows} == {""}
    assert float(total["denominator"]) == mix["value"]["denominator"]
    send(tenant, "tickets", {"source": "zd", "external_id": "t",
                             "created_at": "2026-01-05T10:00:00Z"})  # fmt: skip
    days = behind(tenant, "requests_per_day", dimensions=["time:day_of_week"],
                  cell={"time:day_of_week": "1"})  # fmt: skip
    assert (days["value"]["numerator"], days["value"]["denominator"]) == (1, 4)
    assert (parts(days, "denominator"), parts(days, "n")) == ([None], [1])


def test_each_entry_by_the_definition_in_force(tenant: Tenant) -> None:
    """Within 20 s, and from the 6th on within 10 s with those who gave up: test_settings.py."""
    push_calls(tenant)
    strict = {"variant": "all_abandons_missed", "threshold_seconds": 10}
    setting = {"metric": "service_level", "valid_from": "2026-01-06", "params": strict}
    assert tenant.http.post("/v1/metric-settings", json=setting).status_code == 201
    answer = behind(tenant, "service_level")
    assert sum(parts(answer, "numerator")) == answer["value"]["numerator"] == 2
    assert sum(parts(answer, "denominator")) == answer["value"]["denominator"] == len(names(answer))
    assert "gone" in names(answer)


def test_a_formula_has_no_records_of_its_own(tenant: Tenant) -> None:
    definition = {"label": "x", "unit": "share", "formula": "calls_answered / calls_offered"}
    assert tenant.http.put("/v1/custom-metrics/x", json=definition).status_code == 201
    (error,) = behind(tenant, "custom.x", status=422)["errors"]
    assert (error["pointer"], error["code"]) == ("/metrics/0/id", "not_supported")
    assert "calls_answered, calls_offered" in error["message"]


def test_no_other_of_what_overlaps_or_is_of_one_time(tenant: Tenant) -> None:
    for metric, dimensions, keys in (
        ("tickets_created", ["tag"], {"tag": "red"}),
        ("tickets_waiting", ["time:day"], {"time:day": "2026-01-05"}),
        ("requests_per_day", ["time:day"], {"time:day": "2026-01-05"}),
        ("churn_rate", ["time:day"], {"time:day": "2026-01-05"}),
    ):
        refused = behind(tenant, metric, status=422, dimensions=dimensions, other_than=[keys])
        (error,) = refused["errors"]
        assert (error["pointer"], error["code"]) == ("/other_than", "not_supported")
