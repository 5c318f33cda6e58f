"""Topics handed to departments: who owns them, until when, and how far they are."""

from typing import Any

import pytest
from tests.conftest import Tenant
from tests.reports.compared import push

TOPICS = [
    {"source": "s", "external_id": "refund", "department": "finance"},
    {"source": "s", "external_id": "money back", "parent": "refund"},
    {"source": "s", "external_id": "login"},
]


@pytest.fixture
def shop(tenant: Tenant) -> Tenant:
    push(tenant, "topics", TOPICS)
    return tenant


def refer(tenant: Tenant, driver: str, expected: int = 201, **body: Any) -> Any:
    answer = tenant.http.post(f"/v1/drivers/{driver}/referrals", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


def change(tenant: Tenant, id_: str, expected: int = 200, **body: Any) -> Any:
    answer = tenant.http.patch(f"/v1/referrals/{id_}", json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


def listed(tenant: Tenant, **params: Any) -> Any:
    answer = tenant.http.get("/v1/referrals", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_responsible_department_is_taken(shop: Tenant) -> None:
    made = refer(shop, "money back", owner="Kim", due_on="2026-04-15")
    assert (made["department"], made["status"], made["closed_at"]) == ("finance", "open", None)
    assert (made["topic"], made["owner"], made["due_on"]) == ("money back", "Kim", "2026-04-15")
    assert shop.http.get(f"/v1/referrals/{made['id']}").json() == made
    refused = refer(shop, "login", 422)
    assert refused["errors"][0]["pointer"] == "/department"
    assert refer(shop, "login", department="it")["department"] == "it"
    assert refer(shop, "nothing", 404, department="it")["code"] == "not_found"


def test_what_is_done_stays_done_until_it_is_opened_again(shop: Tenant) -> None:
    made = refer(shop, "refund", owner="Kim", note="since 3.2")
    done = change(shop, made["id"], status="done")
    assert done["closed_at"] is not None
    again = change(shop, made["id"], owner=None)
    assert (again["owner"], again["note"]) == (None, "since 3.2")
    assert again["closed_at"] == done["closed_at"]
    assert change(shop, made["id"], status="in_progress")["closed_at"] is None


def test_lists_and_pages(shop: Tenant) -> None:
    made = [refer(shop, "refund", note=str(number))["id"] for number in range(3)]
    made.append(refer(shop, "login", department="it", status="declined")["id"])
    first = listed(shop, limit=3)
    rest = listed(shop, limit=3, cursor=first["page"]["next_cursor"])
    found = [each["id"] for page in (first, rest) for each in page["data"]]
    assert found == made[::-1]
    assert rest["page"]["next_cursor"] is None
    assert [each["id"] for each in listed(shop, status="declined")["data"]] == made[3:]
    assert len(listed(shop, driver_id="refund")["data"]) == 3
    wrong = shop.http.get("/v1/referrals", params={"cursor": "x"})
    assert wrong.json()["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "lost"}, "/status"),
        ({"due_on": "soon"}, "/due_on"),
        ({"department": None}, "/department"),
        ({"topic": "x"}, "/topic"),
    ],
)
def test_what_cannot_be_said_is_named(shop: Tenant, body: dict[str, Any], pointer: str) -> None:
    id_ = refer(shop, "refund")["id"]
    assert change(shop, id_, 422, **body)["errors"][0]["pointer"] == pointer
