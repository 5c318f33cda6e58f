"""Targets that are due soon are told once, to who wants to be told."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from tests.sla.conftest import HOUR, Send, policy, replied, target, ticket

from csapi.access import scans
from csapi.access.outbox import WebhookEvent
from csapi.access.scans import Look, Scan
from csapi.access.tenancy import tenant_transaction
from csapi.connect.webhooks import store
from csapi.kit.clock import now
from csapi.reports.live.at_risk import risk_scanner, tell_risks

LIVE = 20_000


async def endpoint(pool: asyncpg.Pool, tenant_id: UUID, *events: WebhookEvent) -> UUID:
    wanted = store.Wanted("https://hooks.example.com", events, None, is_enabled=True)
    async with tenant_transaction(pool, tenant_id) as connection:
        made = await store.create(connection, tenant_id, wanted, now())
    assert made is not None
    id_: UUID = made[0]["id"]
    return id_


async def told(pool: asyncpg.Pool, tenant_id: UUID) -> list[Any]:
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT body FROM webhook_events WHERE tenant_id = $1 ORDER BY id", tenant_id
        )
    return [msgspec.json.decode(row["body"])["data"] for row in rows]


def ago(minutes: float) -> str:
    return (now() - timedelta(minutes=minutes)).isoformat()


async def test_what_is_due_within_the_hour_is_told_once(
    api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID, send: Send
) -> None:
    await endpoint(api_pool, tenant_id, WebhookEvent.sla_at_risk)
    targets = target("first_response", 2 * HOUR), target("resolution", 24 * HOUR)
    await send(tenant_id, "sla-policies", policy("p", *targets))
    soon, later, over = ago(90), ago(10), ago(150)
    await send(
        tenant_id, "tickets", ticket("soon", soon), ticket("later", later), ticket("over", over)
    )
    look = Look(tenant_id, "UTC", now())
    assert await tell_risks(worker_pool, look, LIVE) == 1
    assert await tell_risks(worker_pool, look, LIVE) == 0
    (found,) = await told(api_pool, tenant_id)
    assert (found["external_id"], found["target"]) == ("soon", "first_response")
    assert 29 * 60 < found["seconds_left"] < 31 * 60
    # An hour later another one is close, and the first has been answered.
    event = {**replied("soon", "00:00"), "occurred_at": now().isoformat()}
    await send(tenant_id, "ticket-events", event)
    look = Look(tenant_id, "UTC", now() + timedelta(minutes=65))
    assert await tell_risks(worker_pool, look, LIVE) == 1
    assert [each["external_id"] for each in await told(api_pool, tenant_id)] == ["soon", "later"]


async def test_only_who_wants_it_is_looked_at(
    api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    async def marks() -> dict[str, Any]:
        async with tenant_transaction(api_pool, tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT scan, due_at FROM scan_marks WHERE tenant_id = $1", tenant_id
            )
        return {row["scan"]: row["due_at"] for row in rows}

    id_ = await endpoint(api_pool, tenant_id, WebhookEvent.export_ready)
    assert await marks() == {}
    wanted = store.Wanted(
        "https://a.example.com",
        [WebhookEvent.sla_at_risk, WebhookEvent.issue_found],
        None,
        is_enabled=True,
    )
    async with tenant_transaction(api_pool, tenant_id) as connection:
        await store.change(connection, tenant_id, id_, wanted, now())
    before = await marks()
    assert before.keys() == {"sla", "radar"}
    await risk_scanner(worker_pool, LIVE).sweep()
    assert (await marks())["sla"] > before["sla"]
    assert not await scans.claim(worker_pool, tenant_id, Scan.sla, now(), now())
    async with tenant_transaction(api_pool, tenant_id) as connection:
        assert await store.remove(connection, tenant_id, id_, now())
    assert await marks() == {}
