"""GET /v1/drivers: what people turn to us about, how severe it is, and what it is made of."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_tenant_client
from tests.reports import compared
from tests.reports.compared import push

from csapi.kit.clock import now
from csapi.reports.drivers.examples import DETAIL_EXAMPLE, LIST_EXAMPLE
from csapi.reports.drivers.params import DriversParams
from csapi.reports.drivers.schemas import DriverDetail, DriverList
from csapi.reports.drivers.table import drivers
from csapi.reports.service import Desk

MARCH = {"from": "2026-03-01", "to": "2026-04-01", "timezone": "UTC"}
RANGE = {"from": "2026-03-01", "to": "2026-04-01"}
FIRST = date(2026, 1, 5)
# How many tickets come in each of the twelve weeks from 5 January on.
WEEKLY = {
    "refund": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    "login": [9, 9, 8, 7, 7, 6, 5, 4, 3, 2, 1, 1],
    "a/b": [2, 3, 2, 3, 2, 3, 2, 3, 2, 3, 2, 3],
    None: [1] * 12,
}


def tickets() -> Iterator[dict[str, Any]]:
    """One customer for two tickets each; refunds go to two inboxes; what is `a/b` is easy."""
    for topic, counts in WEEKLY.items():
        for week, count in enumerate(counts):
            for number in range(count):
                day = FIRST + timedelta(days=7 * week + number % 7)
                yield {
                    "source": "s", "external_id": f"{topic}-{week}-{number}",
                    "created_at": f"{day}T09:00:00Z", "channel": "email", "topic": topic,
                    "inbox": f"i{number % 2}", "customer": f"{topic}-{week}-{number // 2}",
                    "initiated_by": "customer",
                }  # fmt: skip


def ratings() -> Iterator[dict[str, Any]]:
    """One star of each login of March, five of each refund."""
    for topic, stars in (("login", 1), ("refund", 5)):
        for week in range(8, 12):
            for number in range(WEEKLY[topic][week]):
                name = f"{topic}-{week}-{number}"
                yield {
                    "source": "s", "external_id": f"f-{name}", "survey": "csat", "rating": stars,
                    "responded_at": f"2026-03-{10 + week}T09:00:00Z", "ticket": name,
                }  # fmt: skip


def calls() -> Iterator[dict[str, Any]]:
    """Half an hour about logins, ten minutes about refunds, of customers who wrote before."""
    for topic, seconds in (("login", 1800), ("refund", 600)):
        yield {
            "source": "s", "external_id": f"c-{topic}", "topic": topic, "outcome": "answered",
            "queue_entered_at": "2026-03-10T09:00:00Z", "customer": f"{topic}-9-0",
            "legs": [{"agent": "kim", "talk_seconds": seconds}],
        }  # fmt: skip


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    push(
        tenant,
        "topics",
        [
            {"source": "s", "external_id": "refund", "label": "Refunds", "department": "finance"},
            {"source": "s", "external_id": "login", "parent": "account"},
        ],
    )
    push(tenant, "kb-articles", [{"source": "s", "external_id": "k1", "topic": "login"}])
    push(tenant, "tickets", list(tickets()))
    push(tenant, "feedback", list(ratings()))
    push(tenant, "calls", list(calls()))
    yield tenant
    tenant.http.close()


def get(tenant: Tenant, path: str, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get(path, params={**MARCH, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def listed(tenant: Tenant, status: int = 200, **params: Any) -> Any:
    return get(tenant, "/v1/drivers", status, **params)


def topics(found: Any) -> list[str]:
    return [each["topic"] for each in found["data"]]


def named(found: Any, topic: str) -> Any:
    return next(each for each in found["data"] if each["topic"] == topic)


def test_severity_can_be_worked_out_again(shop: Tenant) -> None:
    found = listed(shop)
    assert set(topics(found)) == {"refund", "login", "a/b"}
    for each in found["data"]:
        parts = each["severity"]["parts"]
        assert set(parts) == set(found["weights"])
        for name, part in parts.items():
            assert part["weight"] == found["weights"][name]
            assert part["contribution"] == pytest.approx(part["weight"] * part["share"])
        total = sum(part["contribution"] for part in parts.values())
        assert each["severity"]["value"] == pytest.approx(total)
    values = [each["severity"]["value"] for each in found["data"]]
    assert values == sorted(values, reverse=True)
    assert [each["severity"]["rank"] for each in found["data"]] == [1, 2, 3]


def test_weights_say_what_is_severe(shop: Tenant) -> None:
    assert topics(listed(shop, weight=["contacts:1"])) == ["refund", "a/b", "login"]
    bad = listed(shop, weight=["dissatisfaction:2", "handling:2"])
    assert topics(bad)[0] == "login"
    assert bad["weights"] == {"dissatisfaction": 0.5, "handling": 0.5}
    parts = bad["data"][0]["severity"]["parts"]
    assert (parts["dissatisfaction"]["share"], parts["handling"]["share"]) == (1, 0.75)


def test_the_numbers_are_those_of_the_query(shop: Tenant) -> None:
    found = listed(shop)
    asked = compared.ask(
        shop, "contacts", "customers_with_new_conversations", "csat_bottom_2_box",
        range=RANGE, dimensions=["topic"], compare={"to": "previous_period"},
        include=["totals", "confidence"],
    )  # fmt: skip
    for row in asked["data"]:
        key = row["dimensions"]["topic"]["key"]
        driver = found["untagged"] if key is None else named(found, key)
        assert driver["contacts"] == row["metrics"]["contacts"]
        for name, metric in (
            ("customers", "customers_with_new_conversations"),
            ("dissatisfied", "csat_bottom_2_box"),
        ):
            assert {**driver[name], "compare": row["metrics"][metric]["compare"]} == (
                row["metrics"][metric]
            )
        whole = asked["totals"]["contacts"]["value"]
        assert driver["share"] == pytest.approx(driver["contacts"]["value"] / whole)


def test_what_has_no_topic_is_always_told(shop: Tenant) -> None:
    found = listed(shop, top=1)
    assert (len(found["data"]), found["drivers"]) == (1, 3)
    untagged, whole = (found[each]["contacts"]["value"] for each in ("untagged", "totals"))
    assert (untagged, found["tag_coverage"]["numerator"]) == (4, whole - 4)
    none = listed(shop, inbox=["nowhere"])
    assert none["data"] == []
    assert none["untagged"]["contacts"]["value"] == 0
    assert none["tag_coverage"]["value"] is None


def test_departments_and_main_topics(shop: Tenant) -> None:
    found = listed(shop)
    refund = named(found, "refund")
    assert refund["label"] == "Refunds"
    assert [each["key"] for each in refund["departments"]] == ["finance"]
    assert named(found, "login")["departments"] == []
    assert "account" in topics(listed(shop, level="main_topic"))


def test_trends_say_by_which_weeks(shop: Tenant) -> None:
    found = listed(shop)
    ways = {each["topic"]: each["trend"]["direction"] for each in found["data"]}
    assert ways == {"refund": "rising", "login": "dying_out", "a/b": "steady"}
    trend = named(found, "refund")["trend"]
    # The week that March ends in is not over.
    assert (trend["weeks"], trend["contacts_per_week"]) == (12, 1)
    assert (trend["seasonal"], trend["months"]) == (None, 3)


def test_growth_is_tested_over_ranges_of_one_length(shop: Tenant) -> None:
    four_weeks: dict[str, Any] = {"from": "2026-03-02", "to": "2026-03-30"}
    weeks = listed(shop, **four_weeks)
    login = named(weeks, "login")["contacts"]["compare"]
    # Seven tickets and a call after 22 tickets; what has no topic is too little to test.
    assert (login["value"], login["delta"]) == (22, -14)
    assert login["p_adjusted"] == pytest.approx(3 * login["p_value"])
    assert login["significant"] is True
    march = named(listed(shop), "login")["contacts"]["compare"]
    assert march["p_adjusted"] is None


def test_what_a_machine_might_take_over(shop: Tenant) -> None:
    solve = {
        "source": "s", "ticket": "login-9-0", "actor": "kim", "actor_type": "agent",
        "type": "message", "direction": "outbound", "is_public": True,
    }  # fmt: skip
    events: list[dict[str, Any]] = [
        {**solve, "event_id": "m1", "occurred_at": "2026-03-11T09:00:00Z"},
        {
            "source": "s", "event_id": "s1", "ticket": "login-9-0", "type": "status_changed",
            "from": "open", "to": "solved", "occurred_at": "2026-03-11T10:00:00Z", "actor": "kim",
            "actor_type": "agent",
        },
    ]  # fmt: skip
    push(shop, "ticket-events", events)
    found = listed(shop, view="automation_candidates")
    first = found["data"][0]
    assert first["topic"] == "login"
    automation = first["automation"]
    assert (automation["articles"], automation["one_touch"]["value"]) == (1, 1)
    assert automation["hours_saved"] == 0.5
    assert automation["cost_saved"] is None
    assert found["data"][1]["automation"]["hours_saved"] is None


def test_costs_follow_the_handling_time(tenant: Tenant) -> None:
    push(tenant, "tickets", [each for each in tickets() if each["topic"] in ("login", "refund")])
    push(tenant, "calls", list(calls()))
    rate = {
        "source": "s",
        "external_id": "r",
        "valid_from": "2026-01-01",
        "hourly_rate": 30,
        "currency": "EUR",
    }
    shift = {"source": "s", "external_id": "s1", "agent": "kim",
             "started_at": "2026-03-10T08:00:00Z", "ended_at": "2026-03-10T12:00:00Z"}  # fmt: skip
    answer = tenant.http.post("/v1/cost-book", json=rate)
    assert answer.status_code == 201, answer.text
    push(tenant, "shifts", [shift])
    handling = named(listed(tenant), "login")["handling"]
    assert (handling["seconds"], handling["share"], handling["cost"]) == (1800, 0.75, 90)


def test_one_driver_by_inbox(shop: Tenant) -> None:
    found = get(shop, "/v1/drivers/refund", by="inbox")
    assert found["driver"] == named(listed(shop), "refund") | {"trend": found["driver"]["trend"]}
    calls_too = [count + (week == 9) for week, count in enumerate(WEEKLY["refund"])]
    assert [each["contacts"] for each in found["weeks"]] == calls_too
    rows = found["breakdown"]["data"]
    assert [each["dimensions"]["inbox"]["key"] for each in rows] == ["i0", "i1", None]
    total = sum(each["metrics"]["contacts"]["value"] for each in rows)
    assert total == found["breakdown"]["totals"]["contacts"]["value"]
    assert "compare" in rows[0]["metrics"]["contacts"]
    top = get(shop, "/v1/drivers/refund", by="inbox", top=1)["breakdown"]
    others = sum(each["metrics"]["contacts"]["value"] for each in rows[1:])
    assert top["other"]["contacts"]["value"] == others


def test_a_topic_with_a_slash_has_a_path(shop: Tenant) -> None:
    driver = named(listed(shop), "a/b")
    assert driver["driver_id"] == "a~1b"
    path = f"/v1/drivers/{quote(driver['driver_id'])}"
    assert get(shop, path)["driver"]["topic"] == "a/b"


def test_a_topic_without_contacts_is_there(shop: Tenant) -> None:
    params: dict[str, Any] = {"from": "2026-06-01", "to": "2026-07-01"}
    found = get(shop, "/v1/drivers/refund", **params)
    assert found["driver"]["contacts"]["value"] == 0
    assert found["driver"]["severity"]["value"] == 0
    for nothing in ("nothing", "%00", "~", "%F0%9F%98%80"):
        assert get(shop, f"/v1/drivers/{nothing}", 404)["code"] == "not_found"


def test_csv_has_the_same_rows(shop: Tenant) -> None:
    found, headers = listed(shop), {"Accept": "text/csv"}
    answer = shop.http.get("/v1/drivers", params=MARCH, headers=headers)
    *lines, untagged, totals = csv.DictReader(io.StringIO(answer.text))
    assert [each["topic"] for each in lines] == topics(found)
    for line, each in zip(lines, found["data"], strict=True):
        assert float(line["severity"]) == each["severity"]["value"]
        assert int(line["contacts"]) == each["contacts"]["value"]
        assert line["trend.direction"] == each["trend"]["direction"]
        delta = each["contacts"]["compare"]["delta"]
        assert float(line["contacts.compare.delta"]) == delta
    assert (untagged["contacts"], totals["row"]) == ("4", "totals")
    weeks = shop.http.get("/v1/drivers/refund", params=MARCH, headers=headers).text
    assert weeks.splitlines()[1] == "2026-01-05,1"
    by_inbox = shop.http.get("/v1/drivers/refund", params={**MARCH, "by": "inbox"}, headers=headers)
    assert by_inbox.text.startswith("row,presence,inbox,inbox.label,contacts,")


@pytest.mark.parametrize(
    ("path", "params", "pointer", "code"),
    [
        ("/v1/drivers", {"weight": ["luck:1"]}, "/weight", "invalid_value"),
        ("/v1/drivers", {"top": 0}, "/top", "out_of_range"),
        ("/v1/drivers", {"timezone": "x"}, "/timezone", "invalid_value"),
        ("/v1/drivers/refund", {"by": "nope"}, "/by", "unknown_dimension"),
        ("/v1/drivers/refund", {"by": "rating"}, "/by", "dimension_not_allowed"),
    ],
)
def test_what_cannot_be_asked_is_named(
    shop: Tenant, path: str, params: dict[str, Any], pointer: str, code: str
) -> None:
    error = get(shop, path, 422, **params)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


async def test_statements_of_one_snapshot(
    shop: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    sent = listen()
    desk = Desk(product_pool, shop.tenant_id, "UTC", now(), live_slots_max=1000)
    found = await drivers(desk, DriversParams(from_="2026-03-01", to="2026-04-01"))
    assert found.drivers == 3
    assert len(sent) == 30


def test_examples_are_what_the_structs_say() -> None:
    assert len(msgspec.convert(LIST_EXAMPLE, DriverList).data) == 1
    assert msgspec.convert(DETAIL_EXAMPLE, DriverDetail).breakdown is None
