"""GET /v1/radar: what is new among what people turn to us about."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports.compared import push

from csapi.kit.clock import now
from csapi.reports.radar.examples import RADAR_EXAMPLE
from csapi.reports.radar.params import RadarParams
from csapi.reports.radar.scan import radar
from csapi.reports.radar.schemas import Radar
from csapi.reports.service import Desk

WEEK = {"from": "2026-03-23", "to": "2026-03-30", "timezone": "UTC"}
FIRST, MONDAY, END = date(2026, 1, 12), date(2026, 3, 23), date(2026, 3, 30)
NEW_ON, RENAMED_ON = date(2026, 3, 25), date(2026, 3, 27)
# topic -> how many tickets a day in spans until before a day
DAILY: dict[str | None, list[tuple[date, int]]] = {
    "refund": [(END, 2)],
    "login": [(MONDAY, 1), (END, 5)],
    "send_back": [(RENAMED_ON, 2), (END, 0)],
    "returns": [(RENAMED_ON, 0), (END, 2)],
    "customs fee": [(NEW_ON, 0), (END, 2)],
    "order_status": [(date(2026, 1, 20), 1), (END, 0)],
    "Order-Status": [(MONDAY, 0), (END, 1)],
    None: [(END, 1)],
}
ISSUES = ("Apple Pay declined", "رمز التحقق لا يصل", "验证码收不到")


def ticket(name: str, day: date, topic: str | None, **more: Any) -> dict[str, Any]:
    return {
        "source": "s", "external_id": name, "created_at": f"{day}T09:00:00Z", "channel": "email",
        "topic": topic, "customer": f"c-{name}", "initiated_by": "customer",
        "subject": f"Question about {topic or 'something'}", **more,
    }  # fmt: skip


def tickets() -> Iterator[dict[str, Any]]:
    for topic, spans in DAILY.items():
        day = FIRST
        for until, count in spans:
            while day < until:
                for number in range(count):
                    yield ticket(f"{topic}-{day}-{number}", day, topic)
                day += timedelta(days=1)
    for number in range(8):
        yield ticket(f"old-{number}", date(2025, 12, 1), "sync broken")
        yield ticket(f"back-{number}", MONDAY + timedelta(days=number % 7), "sync broken")
    for place, issue in enumerate(ISSUES):
        for number in range(9):
            topic = ("refund", "login", None)[number % 3]
            day = MONDAY + timedelta(days=number % 5)
            yield ticket(f"issue-{place}-{number}", day, topic, subject=f"{issue}! 0171 2345678")


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    push(tenant, "tickets", list(tickets()))
    push(
        tenant,
        "topics",
        [
            {"source": "s", "external_id": "login", "label": "Login", "department": "it"},
            {"source": "s", "external_id": "sso", "parent": "login"},
        ],
    )
    push(
        tenant,
        "kb-articles",
        [
            {"source": "s", "external_id": "k1", "topic": "login", "title": "How to log in"},
            {"source": "s", "external_id": "k2", "title": "Apple Pay was declined"},
        ],
    )
    push(
        tenant,
        "kb-events",
        [
            {"source": "s", "external_id": "e1", "type": "search", "results_count": 0,
             "occurred_at": "2026-03-24T09:00:00Z", "term": "apple pay is declined"},
            {"source": "s", "external_id": "e2", "type": "search", "results_count": 3,
             "occurred_at": "2026-03-24T09:00:00Z", "term": "apple pay declined"},
        ],
    )  # fmt: skip
    push(
        tenant,
        "feedback",
        [
            {"source": "s", "external_id": f"f{number}", "survey": "csat", "rating": 1,
             "responded_at": f"2026-03-2{4 + number}T09:00:00Z", "customer": f"u{number}",
             "comment": "My Apple Pay was declined again"}
            for number in range(3)
        ],
    )  # fmt: skip
    yield tenant
    tenant.http.close()


def get(tenant: Tenant, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get("/v1/radar", params={**WEEK, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def topics(found: Any, name: str) -> list[str]:
    return [each["topic"] for each in found[name]]


def named(found: Any, name: str, topic: str) -> Any:
    return next(each for each in found[name] if each["topic"] == topic)


def test_what_was_never_there_is_new_and_a_rename_is_not(shop: Tenant) -> None:
    found = get(shop)
    assert topics(found, "new_topics") == ["customs fee"]
    (fee,) = found["new_topics"]
    assert (fee["kind"], fee["contacts"]["value"], fee["customers"]["value"]) == (
        "first_seen", 10, 10,
    )  # fmt: skip
    assert (fee["first_seen_at"], fee["surprise"]) == ("2026-03-25T09:00:00Z", None)
    assert fee["knowledge_base"]["gap"] == "no_article"
    assert fee["knowledge_base"]["score"] == 10
    was = {each["topic"]: each["was"] for each in found["renamed_topics"]}
    assert was == {"returns": ["send_back"], "Order-Status": ["order_status"]}


def test_what_came_more_often_than_ever_has_risen(shop: Tenant) -> None:
    found = get(shop)
    assert set(topics(found, "risen_topics")) == {"login", "sync broken"}
    login = named(found, "risen_topics", "login")
    assert (login["kind"], login["label"], login["contacts"]["value"]) == ("risen", "Login", 44)
    assert login["share"] == pytest.approx(44 / found["contacts"]["value"])
    assert [each["key"] for each in login["departments"]] == ["it"]
    assert login["first_seen_at"] == f"{FIRST}T09:00:00Z"
    assert login["silent_days"] == 0
    surprise = login["surprise"]
    assert surprise["ratio"] == pytest.approx(44 / surprise["expected"])
    low, high = surprise["ratio_ci95"]
    assert 1 < low < surprise["ratio"] < high
    assert surprise["p_value"] < surprise["p_adjusted"] < found["rule"]["p_adjusted_below"]
    assert login["knowledge_base"]["articles"] == 1
    back = named(found, "risen_topics", "sync broken")
    assert (back["kind"], back["silent_days"]) == ("resurging", 111)
    assert back["first_seen_at"] == "2025-12-01T09:00:00Z"


def test_each_number_can_be_drilled(shop: Tenant) -> None:
    found = get(shop, channel="email")
    for each in (*found["new_topics"], *found["risen_topics"]):
        answer = shop.http.post("/v1/query/records", json=each["records"])
        assert answer.status_code == 200, answer.text
        listed = answer.json()
        assert listed["value"]["value"] == each["contacts"]["value"] == len(listed["data"])
        ids = {record["record"]["id"] for record in listed["data"]}
        assert len(each["examples"]) == 3
        for example in each["examples"]:
            assert example["id"] in ids
            assert shop.http.get(f"/v1/{example['resource']}/{example['id']}").status_code == 200


def test_words_that_no_topic_covers_in_three_languages(shop: Tenant) -> None:
    found = get(shop)
    said = {word for each in found["emerging_terms"]
            for term in (each["term"], *each["also"]) for word in term.split()}  # fmt: skip
    assert said >= {"declined", "رمز", "تحقق"}
    assert any("验证码" in word for word in said)
    assert not said & {"customs", "fee", "question", "0171", "2345678", "apple's"}
    apple = next(each for each in found["emerging_terms"] if "declined" in each["term"])
    assert (apple["records"], apple["subjects"], apple["comments"]) == (12, 9, 3)
    assert (apple["customers"], apple["kind"]) == (12, "emerging_term")
    assert apple["first_seen_at"] == "2026-03-23T09:00:00Z"
    assert apple["knowledge_base"] == {"articles": 1, "zero_result_searches": 1}
    assert {each["topic"] for each in apple["topics"]} == {None, "refund", "login"}
    assert len(apple["examples"]) == 3
    assert apple["surprise"]["ratio"] > 5
    assert found["reading"]["texts"] == found["reading"]["texts_read"]


def test_what_has_no_topic_is_always_told(shop: Tenant) -> None:
    found = get(shop, top=1)
    assert [len(found[name]) for name in ("new_topics", "risen_topics")] == [1, 1]
    untagged = found["untagged"]
    assert untagged["contacts"]["value"] == 7 + 9
    # By its share: of the eight weeks before one a day, beside five of others.
    others = found["contacts"]["value"] - 16
    expected = others * 56.5 / (56 * 5)
    assert untagged["surprise"]["expected"] == pytest.approx(expected)
    assert untagged["is_risen"] is False
    assert found["tag_coverage"]["numerator"] == found["contacts"]["value"] - 16
    none = get(shop, inbox=["nowhere"])
    assert none["untagged"]["contacts"]["value"] == 0
    assert (none["new_topics"], none["risen_topics"], none["emerging_terms"]) == ([], [], [])


def test_without_a_month_of_history_nothing_is_new(shop: Tenant) -> None:
    days: dict[str, Any] = {"from": "2025-12-01", "to": "2025-12-08"}
    found = get(shop, **days)
    assert found["reading"]["is_long_enough"] is False
    assert (found["new_topics"], found["risen_topics"]) == ([], [])
    assert found["untagged"]["surprise"] is None


def test_main_topics_take_in_what_stands_below(shop: Tenant) -> None:
    found = get(shop, level="main_topic")
    login = named(found, "risen_topics", "login")
    assert login["contacts"]["value"] == 44
    answer = shop.http.post("/v1/query/records", json=login["records"])
    assert answer.json()["value"]["value"] == 44


def test_small_groups_are_hidden(product: Product, shop: Tenant) -> None:
    put = shop.http.put("/v1/privacy-settings", json={"smallest_group": 11})
    assert put.status_code == 200
    reader = new_key(product, shop.tenant_id, "reports:read")
    headers = {"Authorization": f"Bearer {reader}"}
    answer = shop.http.get("/v1/radar", params=WEEK, headers=headers)
    shop.http.put("/v1/privacy-settings", json={"smallest_group": None})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["new_topics"] == []
    assert topics(found, "risen_topics") == ["login"]
    assert {"declined"} == {
        word for each in found["emerging_terms"] for word in each["term"].split()
    } & {"declined", "رمز", "验证码"}
    assert found["reading"]["topics_hidden"] > 0


def test_csv_has_the_same_findings(shop: Tenant) -> None:
    found = get(shop)
    answer = shop.http.get("/v1/radar", params=WEEK, headers={"Accept": "text/csv"})
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    listed = [(each["row"], each["topic"] or each["term"]) for each in lines]
    expected = [
        (each["kind"], each.get("topic") or each.get("term"))
        for name in ("new_topics", "risen_topics", "emerging_terms")
        for each in found[name]
    ]
    assert listed[: len(expected)] == expected
    assert [row for row, _ in listed[len(expected) :]] == [
        "renamed", "renamed", "untagged", "totals",
    ]  # fmt: skip
    login = next(each for each in lines if each["topic"] == "login")
    assert float(login["ratio"]) == named(found, "risen_topics", "login")["surprise"]["ratio"]
    assert (login["contacts"], login["articles"]) == ("44", "1")


def test_another_tenant_sees_nothing(shop: Tenant, product: Product) -> None:
    assert get(shop)["new_topics"]
    other = new_tenant_client(product)
    found = get(other)
    other.http.close()
    assert (found["new_topics"], found["contacts"]["value"], found["reading"]["texts"]) == (
        [], 0, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        ({"top": 0}, "/top", "out_of_range"),
        ({"timezone": "x"}, "/timezone", "invalid_value"),
        ({"from": "2026-02-01"}, "/from", "invalid_value"),
        ({"from": "2026-03-23T10:00:00Z"}, "/from", "invalid_value"),
        ({"from": "2126-03-23", "to": "2126-03-24"}, "/from", "invalid_value"),
        ({"from": "1980-01-01", "to": "1980-01-05"}, "/from", "invalid_value"),
        ({"level": "x"}, "/level", "invalid_value"),
    ],
)
def test_what_cannot_be_asked_is_named(
    shop: Tenant, params: dict[str, Any], pointer: str, code: str
) -> None:
    error = get(shop, 422, **params)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


async def test_statements_do_not_grow_with_findings(
    shop: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    sent = listen()
    desk = Desk(product_pool, shop.tenant_id, "UTC", now(), live_slots_max=1000)
    found = await radar(desk, RadarParams(from_="2026-03-23", to="2026-03-30"))
    assert len(found.risen_topics) == 2
    assert len(sent) == 40


async def test_of_many_texts_an_even_part_is_read(
    shop: Tenant, product_pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csapi.reports.radar.texts.MOST_TEXTS", 200)
    desk = Desk(product_pool, shop.tenant_id, "UTC", now(), live_slots_max=1000)
    found = await radar(desk, RadarParams(from_="2026-03-23", to="2026-03-30"))
    assert found.reading.texts > 300
    assert 100 < found.reading.texts_read < 300


def test_the_example_is_what_the_structs_say() -> None:
    assert msgspec.convert(RADAR_EXAMPLE, Radar).new_topics
