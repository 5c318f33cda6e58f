"""Now as a stream: what an event says, who may listen, and when it ends."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.conftest import Database, Product, Tenant, free_port, tenants_of
from tests.isolation.keys import new_key
from tests.reports.compared import push
from tests.reports.streams import opened
from tests.reports.test_live import asked, busy, call, live, steady

from csapi.access.portal import create_portal_token, revoke_portal_token
from csapi.access.principals import Principal, Scope
from csapi.access.service import create_key, revoke_key
from csapi.access.tickets import create_ticket, parse_ticket, redeem_ticket
from csapi.embedded.redis import Redis
from csapi.kit.clock import now
from csapi.reports.live.reading import NOW, TODAY

__all__ = ["busy"]
SECONDS = timedelta(seconds=1)
STREAM = "/v1/live/stream"


@pytest.fixture
def page(product: Product) -> Iterator[httpx.Client]:
    """A browser: it sends no key."""
    with httpx.Client(base_url=product.base_url, timeout=30) as client:
        yield client


def settled(report: Any) -> Any:
    """A report without what changes with time."""
    changing = {"as_of", "current_longest_wait", "data_through", "pending_buckets"}
    if isinstance(report, dict):
        return {key: settled(each) for key, each in report.items() if key not in changing}
    return [settled(each) for each in report] if isinstance(report, list) else report


def ticket_of(client: httpx.Client) -> str:
    made = client.post("/v1/live/tickets")
    assert made.status_code == 201, made.text
    return str(made.json()["ticket"])


def test_the_stream_says_what_the_query_says(busy: Tenant) -> None:
    with opened(busy.http) as events:
        first = events.next()
        assert events.retry == 2000
        assert first.id == first.data["as_of"]
        assert settled(first.data) == settled(live(busy))
        push(busy, "calls", [call(4, "care", 0, outcome="abandoned")])
        sent = time.monotonic()
        after = events.next()
        while after.data["today"]["calls_offered"]["value"] != 4:
            after = events.next()
        assert time.monotonic() - sent < 5
        assert steady(after.data["today"]) == steady(asked(busy, TODAY)[0]["metrics"])
        assert set(after.data["now"]) >= set(NOW)
        assert after.id is not None
        assert after.id > (first.id or "")


def test_who_comes_back_gets_the_present_state(busy: Tenant) -> None:
    with opened(busy.http, channel="chat", timezone="UTC") as events:
        first = events.next()
    push(busy, "tickets", [ticket_on("chat", 10), ticket_on("email", 11)])
    with opened(busy.http, channel="chat", timezone="UTC") as events:
        again = events.next()
    values = [each.data["now"]["backlog_open"]["value"] for each in (first, again)]
    assert values == [2, 3]


def ticket_on(channel: str, number: int) -> dict[str, Any]:
    return {
        "source": "zd",
        "external_id": f"t{number}",
        "created_at": (now() - timedelta(minutes=1)).isoformat(),
        "channel": channel,
        "status": "open",
    }


def test_a_ticket_opens_one_stream_once(busy: Tenant, page: httpx.Client) -> None:
    ticket = ticket_of(busy.http)
    with opened(page, ticket=ticket, language="ar") as events:
        in_arabic = busy.http.get("/v1/live", headers={"Accept-Language": "ar"}).json()
        assert events.next().data["columns"] == in_arabic["columns"]
        assert in_arabic["columns"] != live(busy)["columns"]
        for used in (ticket, ticket[:-1] + "x", "cst_x", ""):
            refused = page.get(STREAM, params={"ticket": used})
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert page.get(STREAM).status_code == 401
    elsewhere = page.get("/v1/live", params={"ticket": ticket_of(busy.http)})
    assert elsewhere.status_code == 401


def test_a_ticket_shows_one_tenant_and_no_more_than_its_maker_sees(
    busy: Tenant, page: httpx.Client, make_tenant: Callable[..., Tenant]
) -> None:
    other = make_tenant()
    with opened(page, ticket=ticket_of(other.http)) as events:
        assert events.next().data["today"]["contacts"]["value"] == 0
        push(busy, "calls", [call(9, "care", 0)])
        push(other, "calls", [call(1, "care", 0)])
        assert events.next().data["today"]["calls_offered"]["value"] == 1
    only = {"filters": {"dimension": "channel", "op": "in", "values": ["chat"]}}
    token = busy.http.post("/v1/portal-tokens", json=only).json()["token"]
    narrow = httpx.Client(base_url=page.base_url, headers={"Authorization": f"Bearer {token}"})
    with narrow, opened(page, ticket=ticket_of(narrow)) as events:
        found = events.next().data
        assert settled(found) == settled(narrow.get("/v1/live").json())
    assert found["now"]["backlog_open"]["value"] == 2
    assert [row["member"]["key"] for row in found["channels"]] == ["chat"]
    assert (found["agents"], found["queues"]) == ([], [])


async def test_a_ticket_is_used_up_by_one_of_many(api_pool: asyncpg.Pool, tenant_id: UUID) -> None:
    principal = await keyed(api_pool, tenant_id)
    at = now()
    ticket = await create_ticket(api_pool, principal, now=at, expires_at=at + 30 * SECONDS)
    assert parse_ticket(ticket.text) == ticket
    found = await asyncio.gather(*(redeem_ticket(api_pool, ticket.text, at) for _ in range(5)))
    (one,) = [each for each in found if each is not None]
    assert (one.tenant_id, one.key_id) == (tenant_id, principal.key_id)
    assert (one.is_portal, set(one.scopes)) == (True, {"reports:read"})


async def keyed(api_pool: asyncpg.Pool, tenant_id: UUID) -> Principal:
    scopes = frozenset({Scope.REPORTS_READ, Scope.TOKENS_WRITE, Scope.ADMIN_WRITE})
    async with api_pool.acquire() as connection:
        key = await create_key(connection, tenant_id, "k", list(scopes))
    return Principal(tenant_id, key.key_id, scopes, "UTC")


async def test_a_ticket_ends_with_its_time_its_key_and_its_token(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    principal, at = await keyed(api_pool, tenant_id), now()

    async def made(of: Principal) -> str:
        ticket = await create_ticket(api_pool, of, now=at, expires_at=at + 30 * SECONDS)
        return ticket.text

    assert await redeem_ticket(api_pool, await made(principal), at + 30 * SECONDS) is None
    token = await create_portal_token(
        api_pool, principal, None, now=at, expires_at=at + 10 * SECONDS
    )
    portal = Principal(
        tenant_id, principal.key_id, frozenset(), "UTC", is_portal=True, token_id=token.key_id
    )
    for after, is_good in ((9, True), (10, False)):
        found = await redeem_ticket(api_pool, await made(portal), at + after * SECONDS)
        assert (found is not None) == is_good
    left = await made(portal)
    assert await revoke_portal_token(api_pool, principal, token.key_id)
    assert await redeem_ticket(api_pool, left, at) is None
    left = await made(principal)
    async with api_pool.acquire() as connection:
        await revoke_key(connection, tenant_id, principal.key_id)
    assert await redeem_ticket(api_pool, left, at) is None


def test_a_stream_ends_within_seconds_of_its_key_and_its_token(
    product: Product, tenant: Tenant
) -> None:
    """Both at once: the one by a key, the other by a ticket of a token of another key."""
    key = new_key(product, tenant.tenant_id, "reports:read")
    token = tenant.http.post("/v1/portal-tokens", json={}).json()
    base: Any = {"base_url": product.base_url, "timeout": 30}
    by_key = httpx.Client(headers={"Authorization": f"Bearer {key}"}, **base)
    by_token = httpx.Client(headers={"Authorization": f"Bearer {token['token']}"}, **base)
    with by_key, by_token, opened(by_key) as one, opened(by_token) as two:
        assert one.next().data["agents"] == two.next().data["agents"] == []
        product.office.do(lambda each: revoke_key(each, tenant.tenant_id, key.split("_")[2]))
        assert tenant.http.delete(f"/v1/portal-tokens/{token['id']}").status_code == 204
        began = time.monotonic()
        for events in (one, two):
            assert events.next("end").data == {"reason": "revoked"}
            assert list(events) == []
        assert time.monotonic() - began < 10


def test_what_cannot_be_asked_is_told_before_the_stream(tenant: Tenant) -> None:
    refused = tenant.http.get(STREAM, params={"timezone": "Moon/Sea"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/timezone")
    refused = tenant.http.get(STREAM, params={"language": "xx"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/language")
    head = tenant.http.head(STREAM)
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream")


def test_a_page_of_a_listed_origin_may_listen(tenant: Tenant, page: httpx.Client) -> None:
    origin = "https://app.example.com"
    tenant.http.put("/v1/browser-origins", json={"origins": [origin]})
    for asks, allowed in ((origin, origin), ("https://evil.example.net", None)):
        how: Any = {"params": {"ticket": ticket_of(tenant.http)}, "headers": {"Origin": asks}}
        with page.stream("GET", STREAM, **how) as answer:
            assert answer.status_code == 200
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.headers["x-accel-buffering"] == "no"


def test_tickets_are_in_no_log(product: Product, tenant: Tenant, page: httpx.Client) -> None:
    ticket = ticket_of(tenant.http)
    with opened(page, ticket=ticket) as events:
        events.next()
    page.get(STREAM, params={"ticket": ticket})
    page.get(f"/v1/nothing/{ticket}")
    parsed = parse_ticket(ticket)
    assert parsed is not None
    log = (product.logs / "serve.log").read_text()
    assert "/v1/live/stream" in log
    assert parsed.secret not in log


def test_a_server_that_is_told_to_stop_ends_its_streams_and_stops(
    database: Database, redis: Redis, tmp_path: Path
) -> None:
    product = Product(database, redis.url, free_port(), tmp_path)
    product.start("serve")
    product.wait_ready()
    with tenants_of(product) as make, opened(make().http) as events:
        events.next()
        serving = product.processes["serve"]
        serving.terminate()
        assert events.next("end").data == {"reason": "closing"}
        assert serving.wait(timeout=5) in (0, 1)
    product.stop()
