"""GET /v1/customers/{customer_id}/journey: all that is known of one customer, in order."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client
from tests.reports.compared import push

from csapi.reports.menus.examples import JOURNEY_EXAMPLE
from csapi.reports.menus.steps import Journey

DAY = "2026-03-0{}T09:00:00Z"


def item(name: str, day: int, stamp: str, **more: Any) -> dict[str, Any]:
    return {"source": "s", "external_id": name, stamp: DAY.format(day), "customer": "vera", **more}


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    """Vera searches, opens a ticket that is solved, rates it, calls and sends a form; and somebody
    else does much of the same."""
    tenant = new_tenant_client(product)
    push(tenant, "customers", [{"source": "s", "external_id": "vera", "name": "Vera"}])
    solved = {"first_reply_at": DAY.format(3), "first_reply_by": "kim", "messages_in": 1,
              "first_solved_at": "2026-03-03T12:00:00Z", "solved_by": "kim"}  # fmt: skip
    push(
        tenant,
        "tickets",
        [
            item("t1", 2, "created_at", channel="email", topic="refund", milestones=solved),
            item("spam", 2, "created_at", is_spam=True),
            item("t2", 2, "created_at", customer="paul"),
        ],
    )
    push(
        tenant,
        "sessions",
        [item("v1", 1, "started_at", kind="bot", outcome="handed_off", ticket="t1")],
    )
    term: dict[str, Any] = {"type": "search", "term": "refund", "results_count": 0}
    push(tenant, "kb-events", [item("k1", 1, "occurred_at", session="v1", **term)])
    asked = {"source": "s", "external_id": "r1", "survey": "csat", "sent_at": DAY.format(4),
             "ticket": "t1"}  # fmt: skip
    push(tenant, "feedback-requests", [asked])
    rated = {"source": "s", "external_id": "f1", "survey": "csat", "rating": 4, "request": "r1",
             "responded_at": DAY.format(5), "comment": "at last"}  # fmt: skip
    push(tenant, "feedback", [rated])
    # Under the name that she had with the telephone system, and which is merged later.
    call = item("c1", 6, "queue_entered_at", customer="v-old", outcome="abandoned")
    push(tenant, "calls", [call])
    push(tenant, "forms", [item("w1", 7, "submitted_at", form="contact", channel="web")])
    merge = {"source": "s", "from": "v-old", "into": "vera"}
    tenant.http.post("/v1/customers/merge", json=merge).raise_for_status()
    yield tenant
    tenant.http.close()


def id_of(tenant: Tenant, name: str) -> str:
    found = tenant.http.get("/v1/customers", params={"source": "s", "external_id": name})
    id_: str = found.json()["data"][0]["id"]
    return id_


def journey(tenant: Tenant, status: int = 200, id_: str | None = None, **params: Any) -> Any:
    path = f"/v1/customers/{id_ or id_of(tenant, 'vera')}/journey"
    answer = tenant.http.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


STEPS = [
    "bot_session", "kb_search", "ticket_opened", "first_reply", "ticket_solved",
    "feedback_requested", "feedback", "call", "form",
]  # fmt: skip


def steps(found: Any) -> list[str]:
    return [each["step"] for each in found["data"]]


def test_a_journey_has_everything_in_order(shop: Tenant) -> None:
    found = journey(shop)
    assert sorted(steps(found)[:2]) == STEPS[:2]
    assert steps(found)[2:] == STEPS[2:]
    assert found["customer"]["name"] == "Vera"
    assert [each["external_id"] for each in found["merged"]] == ["v-old"]
    times = [each["occurred_at"] for each in found["data"]]
    assert times == sorted(times)


def test_what_is_known_of_a_step(shop: Tenant) -> None:
    found = {each["step"]: each for each in journey(shop)["data"]}
    opened, rated, call = (found[each] for each in ("ticket_opened", "feedback", "call"))
    assert (opened["channel"], opened["topic"], opened["outcome"]) == ("email", "refund", None)
    assert opened["record"] == opened["ticket"]
    assert (rated["survey"], rated["rating"], rated["outcome"]) == ("csat", 4, "positive")
    assert rated["ticket"]["external_id"] == "t1"
    assert (call["outcome"], call["channel"]) == ("abandoned", "phone")
    assert found["first_reply"]["agent"] == found["ticket_solved"]["agent"] == "kim"
    assert found["bot_session"]["outcome"] == "handed_off"
    assert found["kb_search"]["outcome"] == "zero_results"
    assert found["form"]["type"] == "contact"


def test_each_step_leads_to_its_record(shop: Tenant) -> None:
    for each in journey(shop)["data"]:
        record = each["record"]
        found = shop.http.get(f"/v1/{record['resource']}/{record['id']}").json()
        assert found["external_id"] == record["external_id"]


def test_pages_are_the_whole(shop: Tenant) -> None:
    whole, pages, cursor = journey(shop)["data"], [], None
    while True:
        page = journey(shop, limit=2, **({"cursor": cursor} if cursor else {}))
        pages += page["data"]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert pages == whole
    other = journey(shop, limit=2)["page"]["next_cursor"]
    assert journey(shop, limit=3, cursor=other)["data"] == whole[2:5]
    assert journey(shop, 400, step=["call"], cursor=other)["code"] == "invalid_cursor"
    assert journey(shop, 400, cursor="x")["code"] == "invalid_cursor"


@pytest.mark.parametrize(("place", "value"), [(0, 10**30), (0, "x"), (2, 10**9), (3, -1)])
def test_a_cursor_that_is_made_up_opens_nothing(shop: Tenant, place: int, value: Any) -> None:
    cursor = journey(shop, limit=2)["page"]["next_cursor"]
    parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    parts[1][place] = value
    made = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
    assert journey(shop, 400, limit=2, cursor=made)["code"] == "invalid_cursor"


def test_a_part_of_a_journey(shop: Tenant) -> None:
    part: dict[str, Any] = {"from": "2026-03-03", "to": "2026-03-05", "timezone": "UTC"}
    assert steps(journey(shop, **part)) == ["first_reply", "ticket_solved", "feedback_requested"]
    assert steps(journey(shop, step=["call", "form"])) == ["call", "form"]
    for params, pointer in (
        ({"from": "x"}, "/from"),
        ({"timezone": "x"}, "/timezone"),
        ({"step": ["x"]}, "/step/0"),
    ):
        assert journey(shop, 422, **params)["errors"][0]["pointer"] == pointer


def test_a_merged_customer_has_the_same_journey(shop: Tenant) -> None:
    merged = journey(shop)["merged"][0]
    assert journey(shop, id_=merged["id"]) == journey(shop)


def test_nobody_has_no_journey(shop: Tenant, tenant: Tenant) -> None:
    assert journey(shop, 404, id_=str(shop.tenant_id))["code"] == "not_found"
    assert journey(tenant, 404, id_=id_of(shop, "vera"))["code"] == "not_found"


def test_csv_has_the_same_steps(shop: Tenant) -> None:
    path = f"/v1/customers/{id_of(shop, 'vera')}/journey"
    answer = shop.http.get(path, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["step"] for row in rows] == steps(journey(shop))
    assert rows[-1]["record.external_id"] == "w1"


def test_the_example_is_what_the_struct_says() -> None:
    assert len(msgspec.convert(JOURNEY_EXAMPLE, Journey).data) == 2
