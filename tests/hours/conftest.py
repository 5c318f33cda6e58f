"""Tenants with schedules, filled by the production coroutines."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Product, Tenant
from tests.delivery.lab import KINDS
from tests.isolation.keys import new_tenant_client

from csapi.facts.events import EVENTS
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now
from csapi.rollup.subjects import derive_tenant

SOURCE = "s"
Item = dict[str, Any]
Send = Callable[..., Awaitable[None]]
WORKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


def weekly(start: str, end: str, days: Iterable[str] = WORKDAYS) -> list[dict[str, str]]:
    return [{"day": day, "from": start, "to": end} for day in days]


def schedule(name: str, *versions: Item, timezone: str = "UTC", **more: Any) -> Item:
    return {"external_id": name, "timezone": timezone, "versions": list(versions), **more}


@pytest.fixture
def send(intake: Intake) -> Send:
    """An async function: items of one resource go in, and none is rejected."""

    async def run(tenant_id: UUID, resource: str, *items: Item) -> None:
        kind = KINDS[resource]
        raw = [msgspec.json.encode({"source": SOURCE, **item}) for item in items]
        ingest = ingest_events if kind is EVENTS else ingest_records
        outcomes = await ingest(intake, tenant_id, kind, raw, now())
        assert all(outcome.status in ("created", "updated") for outcome in outcomes), outcomes

    return run


@pytest.fixture
def derive(worker_pool: asyncpg.Pool) -> Callable[[UUID], Awaitable[int]]:
    """An async function: the worker works off what is marked; the number of subjects."""

    async def run(tenant_id: UUID) -> int:
        return await derive_tenant(worker_pool, tenant_id)

    return run


@pytest.fixture
def minutes(admin: asyncpg.Connection) -> Callable[..., Awaitable[float | None]]:
    """An async function: the business minutes of a tenant's only fact of a kind."""

    async def run(tenant_id: UUID, kind: int) -> float | None:
        found = await admin.fetchval(
            "SELECT business_ms FROM facts WHERE tenant_id = $1 AND kind = $2", tenant_id, int(kind)
        )
        return None if found is None else found / 60_000

    return run


@pytest.fixture(scope="module")
def sender(product: Product) -> Iterator[Tenant]:
    """One tenant for tests that store nothing, or only under names of their own."""
    tenant = new_tenant_client(product)
    yield tenant
    tenant.http.close()
