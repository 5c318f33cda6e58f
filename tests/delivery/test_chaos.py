"""The real processes: a worker that is killed again and again while records come in."""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from tests.conftest import Product
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.explorer import DEEP
from tests.delivery.items import (
    call,
    event,
    feedback,
    presence,
    request,
    session,
    shift,
    ticket,
    visit,
)
from tests.delivery.lab import SOURCE, Item

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.kit.db import SERVER_SETTINGS

KILLS = 50 if DEEP else 3
MOST_SECONDS = 400 if DEEP else 40
DRAIN_SECONDS = 25
SEED = 20260305
RECORDS = 60
RESOURCES = (
    "calls", "calls", "tickets", "ticket-events", "feedback", "feedback-requests", "presence",
    "shifts", "sessions", "kb-events",
)  # fmt: skip
FIRST_DAY = datetime(2026, 2, 20, tzinfo=UTC)


@dataclass
class Tenant:
    """One tenant's client, and what the API has promised it."""

    tenant_id: UUID
    http: httpx.AsyncClient
    acknowledged: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)

    async def post(self, resource: str, items: list[Item]) -> None:
        body = [{"source": SOURCE, **item} for item in items]
        answer = await self.http.post(f"/v1/{resource}/batch", json=body)
        answer.raise_for_status()
        for item, result in zip(items, answer.json()["results"], strict=True):
            self.statuses[result["status"]] += 1
            assert result["status"] != "rejected", result
            key = resource, item.get("external_id") or item["event_id"]
            sent = item.get("source_updated_at", "")
            self.acknowledged[key] = max(sent, self.acknowledged.get(key, ""))


def peoples_time(dice: random.Random, resource: str, minutes: int) -> Item:
    start = FIRST_DAY + timedelta(minutes=dice.randrange(20 * 24 * 60))
    end = (start + timedelta(minutes=dice.randrange(200))).isoformat()
    name, agent = str(dice.randrange(RECORDS)), f"a{dice.randrange(5)}"
    if resource == "presence":
        state = dice.choice(["available", "handling", "offline"])
        more = {"agent": agent, "state": state, "ended_at": end}
        return presence(f"p{name}", start.isoformat(), minutes, **more)
    return shift(f"s{name}", start.isoformat(), end, minutes, agent=agent)


def of_a_visit(resource: str, dice: random.Random, when: str, minutes: int, customer: str) -> Item:
    number = dice.randrange(RECORDS)
    if resource == "sessions":
        return session(f"s{number % 9}", when, minutes, customer=customer)
    type_ = dice.choice(["search", "click", "view"])
    return visit(f"v{number}", when, type_, minutes, session=f"s{number % 9}")


def invented(  # noqa: C901  one branch for each resource
    dice: random.Random, numbers: "itertools.count[int]"
) -> tuple[str, list[Item]]:
    """A batch about few records on many days: moves, doubles, late versions, deletions."""

    def when() -> str:
        return (FIRST_DAY + timedelta(minutes=dice.randrange(20 * 24 * 60))).isoformat()

    def name(prefix: str) -> str:
        return f"{prefix}{dice.randrange(RECORDS)}"

    def late(resource: str, minutes: int) -> Item:
        if resource in ("presence", "shifts"):
            return peoples_time(dice, resource, minutes)
        change = {"type_": "topic_changed", "to": dice.choice("pq")}
        return event(f"e{next(numbers)}", name("t"), when(), **change)

    def item(resource: str) -> Item:
        minutes, customer = dice.randrange(10_000), f"u{dice.randrange(9)}"
        if resource == "calls":
            more = {"customer": customer, "agent": name("a"), "deleted": dice.random() < 0.1}
            return call(name("c"), when(), minutes, **more)
        if resource == "tickets":
            return ticket(name("t"), when(), minutes, customer=customer, topic=dice.choice("pq"))
        if resource == "feedback-requests":
            return request(name("r"), when(), minutes, ticket=name("t"))
        if resource == "feedback":
            more = {"request": name("r"), "rating": dice.randint(1, 5)}
            return feedback(name("f"), when(), minutes, **more)
        if resource in ("sessions", "kb-events"):
            return of_a_visit(resource, dice, when(), minutes, customer)
        return late(resource, minutes)

    resource = dice.choice(RESOURCES)
    return resource, [item(resource) for _ in range(dice.randint(1, 8))]


async def write(
    tenant: Tenant, seed: int, numbers: "itertools.count[int]", stop: asyncio.Event
) -> None:
    dice = random.Random(seed)
    while not stop.is_set():
        await tenant.post(*invented(dice, numbers))
        await asyncio.sleep(dice.uniform(0, 0.1))


async def kill_workers(
    product: Product, connection: asyncpg.Connection, stop: asyncio.Event
) -> None:
    """Kill worker after worker in the middle of its work, and then stop everything."""
    dice = random.Random(SEED)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            for _ in range(KILLS):
                rebuilt = await rebuilds(connection)
                while True:
                    await asyncio.sleep(dice.uniform(0.05, 0.6))
                    if await rebuilds(connection) > rebuilt:
                        break
                await asyncio.to_thread(product.kill, "worker")
                product.start("worker")
    finally:
        stop.set()


async def rebuilds(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT coalesce(sum(sequence), 0) FROM rollup_buckets"))


async def audit(
    connection: asyncpg.Connection, tenants: list[Tenant], stop: asyncio.Event
) -> Counter[str]:
    """Check the invariants in snapshot after snapshot; how many there were, and of what kind."""
    counts: Counter[str] = Counter()
    for tenant in itertools.cycle(tenants):
        if stop.is_set():
            break
        snapshot = await take_snapshot(connection, tenant.tenant_id)
        found = violations(snapshot)
        assert not found, found[:5]
        counts["audits"] += 1
        counts["with marks"] += not snapshot.is_drained
        counts["with summaries"] += bool(snapshot.summaries)
        await asyncio.sleep(0.02)
    return counts


async def make_tenants(product: Product, count: int) -> list[Tenant]:
    connection = await asyncpg.connect(product.database.api_url, server_settings=SERVER_SETTINGS)
    tenants = []
    for _ in range(count):
        tenant_id = await create_tenant(connection, "chaos", "UTC")
        key = await create_key(connection, tenant_id, "chaos", [scope.value for scope in Scope])
        headers = {"Authorization": f"Bearer {key.token}"}
        client = httpx.AsyncClient(base_url=product.base_url, headers=headers, timeout=20)
        tenants.append(Tenant(tenant_id, client))
    await connection.close()
    return tenants


async def seconds_to_drain(connection: asyncpg.Connection) -> float:
    """Until no mark waits, by the worker alone."""
    started = time.monotonic()
    waiting = " + ".join(
        f"(SELECT count(*) FROM {table})" for table in ("marks", "subject_marks", "reference_marks")
    )
    while await connection.fetchval(f"SELECT {waiting}"):
        assert time.monotonic() - started < DRAIN_SECONDS, "marks do not drain"
        await asyncio.sleep(0.1)
    return time.monotonic() - started


async def versions_of(connection: asyncpg.Connection, tenant_id: UUID) -> dict[Any, datetime]:
    tables = {
        "calls": "calls",
        "tickets": "tickets",
        "feedback": "feedback",
        "feedback-requests": "feedback_requests",
        "presence": "presence",
        "shifts": "shifts",
        "sessions": "sessions",
        "kb-events": "kb_events",
    }
    found: dict[Any, datetime] = {}
    for resource, table in tables.items():
        rows = await connection.fetch(
            f"SELECT external_id, version_at FROM {table} WHERE tenant_id = $1 AND NOT is_stub",
            tenant_id,
        )
        found |= {(resource, row["external_id"]): row["version_at"] for row in rows}
    return found


async def check_promises(connection: asyncpg.Connection, tenant: Tenant) -> None:
    """What was acknowledged is there, in that version or a newer one."""
    held = await versions_of(connection, tenant.tenant_id)
    events = {
        row["event_id"]
        for row in await connection.fetch(
            "SELECT event_id FROM ticket_events WHERE tenant_id = $1", tenant.tenant_id
        )
    }
    for (resource, name), version in tenant.acknowledged.items():
        if resource == "ticket-events":
            assert name in events
        else:
            assert held[resource, name] >= datetime.fromisoformat(version), (resource, name)


async def test_killed_workers_lose_nothing(make_product: Callable[[], Product]) -> None:
    product = await asyncio.to_thread(make_product)
    url = product.database.admin_url
    admin, auditor = [await asyncpg.connect(url, server_settings=SERVER_SETTINGS) for _ in range(2)]
    tenants = await make_tenants(product, 2)
    stop = asyncio.Event()
    numbers = itertools.count()
    try:
        async with asyncio.TaskGroup() as group:
            auditing = group.create_task(audit(auditor, tenants, stop))
            group.create_task(kill_workers(product, admin, stop))
            for number, tenant in enumerate(tenants * 2):
                group.create_task(write(tenant, SEED + number, numbers, stop))
        audits = auditing.result()
        drained = await seconds_to_drain(admin)
        for tenant in tenants:
            snapshot = await take_snapshot(admin, tenant.tenant_id)
            assert snapshot.is_drained
            assert not violations(snapshot)
            await check_promises(admin, tenant)
        statuses = sum((tenant.statuses for tenant in tenants), Counter[str]())
        print(f"{KILLS} kills, {dict(audits)}, {dict(statuses)}, drained in {drained:.1f} s")
        assert audits["with marks"]
        assert audits["with summaries"]
    finally:
        for tenant in tenants:
            await tenant.http.aclose()
        await admin.close()
        await auditor.close()
        await asyncio.to_thread(product.stop)
