"""Webhooks over the wire: made, told by what happens, read, replayed, and nobody else's."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest
from tests.conftest import Product, Tenant
from tests.connect.receiver import Receiver, receiving
from tests.reports.compared import push

from csapi.access.tenancy import tenant_scope
from csapi.app import openapi_document

HOOKS = "/v1/webhooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def create(tenant: Tenant, url: str, *events: str, expected: int = 201, **more: Any) -> Any:
    body = {"url": url, "events": list(events), **more}
    answer = tenant.http.post(HOOKS, json=body)
    assert answer.status_code == expected, answer.text
    return answer.json()


def settled(tenant: Tenant, path: str, status: str = "delivered") -> Any:
    deadline = time.monotonic() + 15
    while True:
        found = tenant.http.get(path).json()
        if found["status"] == status or time.monotonic() > deadline:
            assert found["status"] == status, found
            return found
        time.sleep(0.05)


def test_the_secret_is_shown_once(tenant: Tenant, receiver: Receiver) -> None:
    made = create(tenant, receiver.url, "export.ready", "export.ready", description="mine")
    assert made["secret"].startswith("whsec_")
    assert made["events"] == ["export.ready"]
    secret = made.pop("secret")
    place = f"{HOOKS}/{made['id']}"
    assert tenant.http.get(place).json() == made
    assert tenant.http.get(HOOKS).json() == {"data": [made]}
    changed = tenant.http.patch(place, json={"description": None, "is_enabled": False}).json()
    assert (changed["description"], changed["is_enabled"]) == (None, False)
    assert (changed["url"], changed["disabled_reason"]) == (receiver.url, None)
    assert tenant.http.post(f"{place}/test").json()["code"] == "conflict"
    rotated = tenant.http.post(f"{place}/secrets", json={"overlap_seconds": 60}).json()
    assert rotated["secret"] not in (secret, "")
    assert tenant.http.delete(place).status_code == 204
    assert tenant.http.get(place).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://hooks.example.com", "events": ["nothing"]}, "/events/0"),
        ({"url": "ftp://hooks.example.com", "events": ["export.ready"]}, "/url"),
        ({"url": "https://169.254.169.254/", "events": ["export.ready"]}, "/url"),
        ({"url": "https://a:b@hooks.example.com", "events": ["export.ready"]}, "/url"),
        ({"url": "https://hooks.example.com", "events": []}, "/events"),
        ({"url": "https://hooks.example.com/" + "x" * 2_000, "events": ["export.ready"]}, "/url"),
        (
            {"url": "https://hooks.example.com", "events": ["export.ready"], "secret": "x"},
            "/secret",
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_place(tenant: Tenant, body: Any, pointer: str) -> None:
    answer = tenant.http.post(HOOKS, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert tenant.http.get(HOOKS).json()["data"] == []


def test_there_are_twenty_at_most(tenant: Tenant, receiver: Receiver) -> None:
    most = tenant.http.get("/v1/limits").json()["webhooks"]["endpoints"]
    for _ in range(most):
        create(tenant, receiver.url, "export.ready")
    assert create(tenant, receiver.url, "export.ready", expected=409)["code"] == "conflict"


def test_a_test_arrives(tenant: Tenant, receiver: Receiver) -> None:
    made = create(tenant, receiver.url, "export.ready")
    place = f"{HOOKS}/{made['id']}"
    answer = tenant.http.post(f"{place}/test")
    assert answer.status_code == 202
    sent = answer.json()
    assert (sent["type"], sent["status"], sent["attempt_log"]) == ("webhook.test", "pending", [])
    (message,) = receiver.wait_for(1)
    assert message.is_signed_by(made["secret"])
    assert message.told["data"] == {"webhook_id": made["id"]}
    found = settled(tenant, f"{place}/deliveries/{sent['id']}")
    assert found["body"].encode() == message.body
    assert (found["last_status_code"], found["attempts"]) == (204, 1)
    again = tenant.http.post(f"{place}/deliveries/{sent['id']}/replay").json()
    assert (again["is_replay"], again["event_id"]) == (True, sent["event_id"])
    assert receiver.wait_for(2)[1].id == message.id


def test_what_happens_is_told(tenant: Tenant, receiver: Receiver) -> None:
    made = create(tenant, receiver.url, "driver.referred", "report_run.ready", "export.ready")
    push(tenant, "topics", [{"source": "s", "external_id": "refund", "department": "finance"}])
    body = {"note": "call Kim", "owner": "Kim"}
    referral = tenant.http.post("/v1/drivers/refund/referrals", json=body).json()
    (message,) = receiver.wait_for(1)
    assert message.told["data"] == {
        "referral_id": referral["id"], "driver_id": referral["driver_id"], "topic": "refund",
        "department": "finance", "due_on": None, "status": "open",
        "path": f"/v1/referrals/{referral['id']}",
    }  # fmt: skip
    query = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "yesterday"}}}
    report = {"name": "r", "sections": [{"name": "calls", "query": query}]}
    report_id = tenant.http.post("/v1/reports", json=report).json()["id"]
    run = tenant.http.post(f"/v1/reports/{report_id}/runs").json()
    told = receiver.wait_for(2)[1].told
    assert told["type"] == "report_run.ready"
    assert (told["data"]["run_id"], told["data"]["failed"]) == (run["id"], 0)
    assert tenant.http.get(told["data"]["path"]).json() == run
    export = tenant.http.post("/v1/exports", json={"query": query, "format": "csv"})
    assert export.status_code == 202, export.text
    told = receiver.wait_for(3)[2].told
    assert told["type"] == "export.ready"
    assert (told["data"]["export_id"], told["data"]["problem"]) == (export.json()["id"], None)
    assert tenant.http.get(told["data"]["path"]).json()["status"] == "done"
    assert all(each.is_signed_by(made["secret"]) for each in receiver.messages)


def test_the_log_comes_in_pages(tenant: Tenant, receiver: Receiver) -> None:
    place = f"{HOOKS}/{create(tenant, receiver.url, 'export.ready')['id']}"
    sent = [tenant.http.post(f"{place}/test").json()["id"] for _ in range(5)]
    listed, cursor = [], None
    while True:
        params = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = tenant.http.get(f"{place}/deliveries", params=params).json()
        listed += [each["id"] for each in page["data"]]
        cursor = page["page"]["next_cursor"]
        if cursor is None:
            break
    assert listed == sent[::-1]
    none = tenant.http.get(f"{place}/deliveries", params={"type": "export.ready"}).json()
    assert none["data"] == []
    for cursor in ("x", "eA", "é", "A" * 22 + "B"):
        answer = tenant.http.get(f"{place}/deliveries", params={"cursor": cursor})
        assert answer.json()["code"] == "invalid_cursor", cursor


def test_a_replay_is_of_a_range(tenant: Tenant, receiver: Receiver) -> None:
    place = f"{HOOKS}/{create(tenant, receiver.url, 'driver.referred')['id']}"
    push(tenant, "topics", [{"source": "s", "external_id": "refund", "department": "finance"}])
    tenant.http.patch(place, json={"is_enabled": False})
    tenant.http.post("/v1/drivers/refund/referrals", json={})
    asked = {"from": "2020-01-01T00:00:00Z"}
    assert tenant.http.post(f"{place}/replays", json=asked).status_code == 409
    tenant.http.patch(place, json={"is_enabled": True})
    made = tenant.http.post(f"{place}/replays", json=asked)
    assert made.status_code == 202
    assert made.json() == {"deliveries": 1, "is_complete": True, "next_from": None}
    assert receiver.wait_for(1)[0].told["type"] == "driver.referred"
    wrong = tenant.http.post(f"{place}/replays", json={**asked, "to": "2019-01-01T00:00:00Z"})
    assert wrong.json()["errors"][0]["pointer"] == "/to"


def test_another_tenant_sees_and_changes_nothing(
    tenant: Tenant, make_tenant: Callable[..., Tenant], receiver: Receiver
) -> None:
    made = create(tenant, receiver.url, "export.ready")
    place = f"{HOOKS}/{made['id']}"
    sent = tenant.http.post(f"{place}/test").json()["id"]
    stranger = make_tenant().http
    for method, path, body in (
        ("GET", place, None),
        ("PATCH", place, {"url": "https://evil.example.com"}),
        ("DELETE", place, None),
        ("POST", f"{place}/secrets", {}),
        ("POST", f"{place}/test", None),
        ("GET", f"{place}/deliveries", None),
        ("GET", f"{place}/deliveries/{sent}", None),
        ("POST", f"{place}/deliveries/{sent}/replay", None),
        ("POST", f"{place}/replays", {"from": "2020-01-01T00:00:00Z"}),
    ):
        answer = stranger.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert stranger.get(HOOKS).json() == {"data": []}
    assert {**made, "secret": None} == {**tenant.http.get(place).json(), "secret": None}
    assert len(receiver.wait_for(1)) == 1


def test_redis_may_forget_everything(product: Product, tenant: Tenant, receiver: Receiver) -> None:
    import redis  # noqa: PLC0415

    place = f"{HOOKS}/{create(tenant, receiver.url, 'export.ready')['id']}"
    server = redis.Redis.from_url(product.redis_url)
    tenant.http.post(f"{place}/test")
    server.flushall()
    server.close()
    receiver.wait_for(1)


async def test_a_worker_that_is_killed_loses_nothing(
    product: Product, tenant: Tenant, receiver: Receiver
) -> None:
    """Killed while the receiver thinks: once the lease is over, the next one tells it again."""
    place = f"{HOOKS}/{create(tenant, receiver.url, 'export.ready')['id']}"
    receiver.delay = 1.5
    sent = tenant.http.post(f"{place}/test").json()
    receiver.wait_for(1)
    product.kill("worker")
    receiver.delay = 0.0
    waiting = tenant.http.get(f"{place}/deliveries/{sent['id']}").json()
    assert (waiting["status"], waiting["attempts"]) == ("pending", 1)
    tenant.http.post(f"{place}/test")
    connection = await asyncpg.connect(
        product.database.worker_url, server_settings={"search_path": "csapi"}
    )
    async with tenant_scope(connection, tenant.tenant_id):
        await connection.execute(
            "UPDATE webhook_marks SET due_at = clock_timestamp() WHERE tenant_id = $1",
            tenant.tenant_id,
        )
    await connection.close()
    product.start("worker")
    first, *others = receiver.wait_for(3)
    assert first.id in {each.id for each in others}
    assert settled(tenant, f"{place}/deliveries/{sent['id']}")["attempts"] == 2


def test_each_type_is_described() -> None:
    document = openapi_document()
    types = document["components"]["schemas"]["WebhookEvent"]["enum"]
    assert list(document["webhooks"]) == types
    for name, entry in document["webhooks"].items():
        post = entry["post"]
        schema = post["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"]["type"]["const"] == name
        reference = schema["properties"]["data"]["$ref"].rsplit("/", 1)[-1]
        assert document["components"]["schemas"][reference]["required"]
