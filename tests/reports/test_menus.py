"""GET /v1/conversations and /v1/contacts: the numbers of the query, laid out for menus."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports import compared
from tests.reports.compared import push

from csapi.access.principals import Scope
from csapi.kit.clock import now
from csapi.reports.menus.contacts import ContactList, contacts
from csapi.reports.menus.conversations import METRICS, ConversationList, conversations
from csapi.reports.menus.examples import CONTACTS_EXAMPLE, CONVERSATIONS_EXAMPLE
from csapi.reports.menus.params import ContactsParams, ConversationsParams
from csapi.reports.service import Desk

MARCH = {"from": "2026-03-01", "to": "2026-04-01", "timezone": "UTC"}
RANGE = {"from": "2026-03-01", "to": "2026-04-01"}
CSV = {"Accept": "text/csv"}
CUSTOMERS: list[dict[str, Any]] = [
    {"external_id": "vera", "type": "person", "registered": True, "segment": "vip"},
    {"external_id": "paul", "type": "person", "registered": False},
    {"external_id": "acme", "type": "company", "registered": True, "segment": "vip"},
]
# customer, topic, days of March; vera comes thrice in a week, acme thrice in three weeks.
TICKETS = [
    ("vera", "refund", (2, 4, 7)),
    ("paul", "login", (3,)),
    ("paul", None, (5,)),
    ("paul", "refund", (8,)),
    ("acme", "login", (1, 11, 21)),
    (None, "login", (9,)),
]
STARS = {"vera-2": 5, "vera-4": 4, "vera-7": 1, "paul-3": 2, "acme-1": 5}


def tickets() -> Iterator[dict[str, Any]]:
    for customer, topic, days in TICKETS:
        for day in days:
            yield {
                "source": "s", "external_id": f"{customer}-{day}", "customer": customer,
                "created_at": f"2026-03-{day:02}T09:00:00Z", "topic": topic, "inbox": f"i{day % 2}",
                "channel": "email", "tags": ["a", "b"] if day == 2 else ["a"] if day == 4 else [],
                "initiated_by": "customer", "milestones": {"messages_in": 2},
            }  # fmt: skip


def ratings() -> Iterator[dict[str, Any]]:
    for ticket, stars in STARS.items():
        yield {
            "source": "s", "external_id": f"f-{ticket}", "survey": "csat", "rating": stars,
            "responded_at": "2026-03-25T09:00:00Z", "ticket": ticket,
        }  # fmt: skip


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    named = [{"source": "s", "name": each["external_id"].title(), **each} for each in CUSTOMERS]
    push(tenant, "customers", named)
    push(tenant, "tickets", list(tickets()))
    push(tenant, "feedback", list(ratings()))
    yield tenant
    tenant.http.close()


def get(tenant: Tenant, path: str, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get(path, params={**MARCH, **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def by(tenant: Tenant, dimension: str, **params: Any) -> Any:
    return get(tenant, "/v1/conversations", by=dimension, **params)


def listed(tenant: Tenant, **params: Any) -> list[str]:
    found = get(tenant, "/v1/contacts", **params)
    return [each["customer"]["external_id"] for each in found["data"]]


def stars(row: Any) -> dict[str, int]:
    return {each["rating"]: each["count"] for each in row["ratings"]}


@pytest.mark.parametrize("dimension", ["segment", "customer.type", "inbox", "team", "channel"])
def test_conversations_are_those_of_the_query(shop: Tenant, dimension: str) -> None:
    found = by(shop, dimension)
    asked = compared.ask(
        shop, *METRICS, range=RANGE, dimensions=[dimension], compare={"to": "previous_period"},
        include=["totals", "confidence"], order_by=[{"by": "contacts", "direction": "desc"}],
    )  # fmt: skip
    assert [row["metrics"] for row in found["data"]] == [row["metrics"] for row in asked["data"]]
    assert [row["member"] for row in found["data"]] == [
        row["dimensions"][dimension] for row in asked["data"]
    ]
    assert found["totals"]["metrics"] == asked["totals"]
    for row in (*found["data"], found["totals"]):
        assert sum(stars(row).values()) == row["metrics"]["csat_score"]["n"]


def test_ratings_of_a_class_of_customers(shop: Tenant) -> None:
    found = by(shop, "segment")
    assert {row["member"]["key"]: stars(row) for row in found["data"]} == {
        "vip": {"1": 1, "4": 1, "5": 2},
        None: {"2": 1},
    }
    assert stars(found["totals"]) == {"1": 1, "2": 1, "4": 1, "5": 2}
    vip = found["data"][0]["metrics"]
    assert (vip["contacts"]["value"], vip["csat_score"]["value"]) == (6, 0.75)
    assert vip["contacts"]["compare"]["value"] == 0


def test_tags_are_never_summed(shop: Tenant) -> None:
    found = by(shop, "tag")
    rows = {row["member"]["key"]: row["metrics"]["contacts"]["value"] for row in found["data"]}
    assert rows == {"a": 2, "b": 1, None: 8}
    assert found["totals"]["metrics"]["contacts"]["value"] == 10
    assert stars(found["totals"]) == {"1": 1, "2": 1, "4": 1, "5": 2}
    assert any("several rows" in each for each in found["meta"]["warnings"])


def test_conversations_are_filtered_sorted_and_paged(shop: Tenant) -> None:
    assert by(shop, "inbox", segment=["vip"])["totals"]["metrics"]["contacts"]["value"] == 6
    assert by(shop, "segment", tag=["b"])["totals"]["metrics"]["contacts"]["value"] == 1
    first = by(shop, "inbox", sort="member", limit=1)
    second = by(shop, "inbox", sort="member", limit=1, cursor=first["page"]["next_cursor"])
    keys = [page["data"][0]["member"]["key"] for page in (first, second)]
    assert keys == ["i0", "i1"]
    # Feedback has an inbox through its ticket: nothing is left without one.
    assert second["page"]["next_cursor"] is None


def test_contacts_by_class(shop: Tenant) -> None:
    found = get(shop, "/v1/contacts")
    classes = {
        (row["type"]["key"], row["registered"]["key"]): {
            name: cell["value"] for name, cell in row["metrics"].items()
        }
        for row in found["classes"]
    }
    assert set(classes) == {
        ("person", "true"), ("person", "false"), ("company", "true"), (None, None)
    }  # fmt: skip
    company = classes["company", "true"]
    assert (company["contacts"], company["contacts_per_customer"]) == (3, 3)
    assert company["customers_with_new_conversations"] == company["customers_who_wrote"] == 1
    assert (company["repeat_contacts"], company["first_time_customers"]) == (0, 1)
    totals = {name: cell["value"] for name, cell in found["totals"].items()}
    assert (totals["contacts"], totals["unidentified_contacts"]) == (10, 1)
    assert totals["customers_with_new_conversations"] == 3
    assert found["totals"]["contacts"]["compare"]["value"] == 0


def test_who_wrote_is_not_who_opened(shop: Tenant) -> None:
    message = {
        "source": "s", "event_id": "m1", "ticket": "acme-21", "type": "message",
        "occurred_at": "2026-04-02T09:00:00Z", "actor_type": "customer", "direction": "inbound",
    }  # fmt: skip
    push(shop, "ticket-events", [message])
    april: dict[str, Any] = {"from": "2026-04-01", "to": "2026-05-01"}
    totals = get(shop, "/v1/contacts", **april)["totals"]
    assert totals["customers_who_wrote"]["value"] == 1
    assert totals["customers_with_new_conversations"]["value"] == 0


def test_customers_are_listed_with_their_contacts(shop: Tenant) -> None:
    found = get(shop, "/v1/contacts", sort="-last_contact")
    names = [each["customer"]["external_id"] for each in found["data"]]
    assert names == ["acme", "paul", "vera"]
    acme = found["data"][0]
    assert acme["first_contact_at"] == "2026-03-01T09:00:00Z"
    assert acme["last_contact_at"] == "2026-03-21T09:00:00Z"
    assert acme["customer"]["name"] == "Acme"
    assert acme["metrics"]["contacts"]["value"] == 3
    record = shop.http.get(f"/v1/customers/{acme['customer']['id']}").json()
    assert record["external_id"] == "acme"
    assert listed(shop, sort="first_contact") == ["acme", "vera", "paul"]
    assert listed(shop, type="company") == ["acme"]
    assert set(listed(shop, registered="true")) == {"acme", "vera"}
    assert listed(shop, inbox=["i0"], sort="contacts") == ["paul", "vera"]


def test_customers_have_pages(shop: Tenant) -> None:
    pages, cursor = [], None
    while True:
        params: dict[str, Any] = {} if cursor is None else {"cursor": cursor}
        found = get(shop, "/v1/contacts", limit=1, **params)
        pages += [each["customer"]["external_id"] for each in found["data"]]
        cursor = found["page"]["next_cursor"]
        if cursor is None:
            break
    assert sorted(pages) == ["acme", "paul", "vera"]
    other = get(shop, "/v1/contacts", limit=1)["page"]["next_cursor"]
    assert len(get(shop, "/v1/contacts", limit=2, cursor=other)["data"]) == 2
    refused = get(shop, "/v1/contacts", 400, sort="contacts", cursor=other)
    assert refused["code"] == "invalid_cursor"


def test_who_comes_again_and_again(shop: Tenant) -> None:
    assert set(listed(shop, min=3)) == {"vera", "paul"}
    assert listed(shop, min=3, match="customer_and_topic") == ["vera"]
    # What has no topic goes with either of paul's.
    assert set(listed(shop, min=2, match="customer_and_topic")) == {"vera", "paul"}
    assert set(listed(shop, min=3, window_days=20)) == {"vera", "paul", "acme"}
    assert set(listed(shop, min=3, window_days=19)) == {"vera", "paul"}
    assert listed(shop, min=4, window_days=365) == []
    found = get(shop, "/v1/contacts", min=3, match="customer_and_topic")
    assert found["data"][0]["metrics"]["repeat_contacts"]["value"] == 2
    asked = {"id": "repeat_contacts", "params": {"match": "customer_and_topic"}}
    total = compared.ask(shop, asked, range=RANGE)["data"][0]["metrics"]["repeat_contacts"]["value"]
    assert found["totals"]["repeat_contacts"]["value"] == total


def test_names_need_their_own_scope(product: Product, shop: Tenant) -> None:
    """By no way is a name told to a key that only reads reports."""
    key = new_key(product, shop.tenant_id, Scope.REPORTS_READ)
    headers = {"Authorization": f"Bearer {key}"}
    query: dict[str, Any] = {
        "metrics": [{"id": "contacts"}],
        "time": {"range": RANGE, "timezone": "UTC"},
        "dimensions": ["customer"],
    }
    with httpx.Client(base_url=product.base_url, headers=headers, timeout=30) as client:
        answers = [
            client.get("/v1/contacts", params=MARCH),
            client.post("/v1/query", json=query),
            client.post("/v1/query", json={**query, "shape": "series"}),
            client.get("/v1/dimensions/customer/values"),
        ]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert "vera" in answer.text
            assert "Vera" not in answer.text
        assert client.get(f"/v1/customers/{shop.tenant_id}/journey").status_code == 403
    assert "Vera" in shop.http.post("/v1/query", json=query).text


def test_where_small_groups_are_hidden_nobody_is_listed(product: Product, tenant: Tenant) -> None:
    push(tenant, "customers", [{"source": "s", **each} for each in CUSTOMERS])
    push(tenant, "tickets", list(tickets()))
    tenant.http.put("/v1/privacy-settings", json={"smallest_group": 2}).raise_for_status()
    key = new_key(product, tenant.tenant_id, Scope.REPORTS_READ, Scope.NAMES_READ)
    headers = {"Authorization": f"Bearer {key}"}
    answer = httpx.get(f"{product.base_url}/v1/contacts", params=MARCH, headers=headers, timeout=30)
    found = answer.json()
    assert found["data"] == []
    assert any("not listed" in each for each in found["meta"]["warnings"])
    assert "acme" not in answer.text
    assert set(listed(tenant)) == {"vera", "paul", "acme"}


@pytest.mark.parametrize(
    ("path", "params", "pointer", "code"),
    [
        ("/v1/conversations", {"by": "customer"}, "/by", "invalid_value"),
        ("/v1/conversations", {"sort": "luck"}, "/sort", "invalid_value"),
        ("/v1/conversations", {"timezone": "x"}, "/timezone", "invalid_value"),
        ("/v1/contacts", {"min": 0}, "/min", "out_of_range"),
        ("/v1/contacts", {"match": "x"}, "/match", "invalid_value"),
        ("/v1/contacts", {"to": "x"}, "/to", "invalid_value"),
    ],
)
def test_what_cannot_be_asked_is_named(
    shop: Tenant, path: str, params: dict[str, Any], pointer: str, code: str
) -> None:
    error = get(shop, path, 422, **params)["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_csv_has_the_same_rows(shop: Tenant) -> None:
    found = by(shop, "segment")
    answer = shop.http.get("/v1/conversations", params=MARCH, headers=CSV)
    *lines, totals = csv.DictReader(io.StringIO(answer.text))
    assert [line["member"] for line in lines] == ["vip", ""]
    assert lines[0]["rating.5"] == "2"
    assert lines[1]["rating.5"] == "0"
    assert float(lines[0]["csat_score"]) == found["data"][0]["metrics"]["csat_score"]["value"]
    assert totals["contacts"] == "10"
    answer = shop.http.get("/v1/contacts", params={**MARCH, "limit": 2}, headers=CSV)
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["contacts"] for row in rows] == ["3", "3"]
    assert answer.headers["x-next-cursor"]


async def test_statements_of_one_snapshot(
    shop: Tenant, product_pool: asyncpg.Pool, listen: Listen
) -> None:
    desk = Desk(product_pool, shop.tenant_id, "UTC", now(), live_slots_max=1000)
    sent = listen()
    await conversations(desk, ConversationsParams(from_="2026-03-01", to="2026-04-01"))
    first = len(sent)
    await contacts(desk, ContactsParams(from_="2026-03-01", to="2026-04-01"))
    assert (first, len(sent) - first) == (11, 10)


def test_examples_are_what_the_structs_say() -> None:
    assert msgspec.convert(CONVERSATIONS_EXAMPLE, ConversationList).by == "segment"
    assert len(msgspec.convert(CONTACTS_EXAMPLE, ContactList).classes) == 1
