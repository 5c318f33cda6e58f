"""Orders of arrival that are easy to get wrong, one by one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.items import call, customer, presence, shift
from tests.delivery.lab import Lab, drain, take_in
from tests.delivery.named import named_facts, names_of

from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import declare_attribute
from csapi.facts.kinds import Kind
from csapi.rollup import subjects
from csapi.rollup.subjects import derive_marked, spread_attributes

ENTERED = "2026-03-05T09:00:00Z"
NewTenant = Callable[..., Awaitable[UUID]]


async def declare(pool: Any, tenant_id: UUID) -> None:
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        await declare_attribute(connection, tenant_id, "plan", "plan")


async def facts_by_name(lab: Lab, tenant_id: UUID) -> dict[Any, Any]:
    await drain(lab.worker, tenant_id)
    snapshot = await take_snapshot(lab.admin, tenant_id)
    return named_facts(snapshot.facts, await names_of(lab.admin, tenant_id))


@pytest.mark.parametrize(
    "value",
    ["gold", True, 7, 2.5, 1e16, 1e22, 0.00001],
)
async def test_attribute_declared_before_or_after_its_record(lab: Lab, value: object) -> None:
    item = call("c1", ENTERED, custom={"plan": value})
    found = []
    for declare_first in (True, False):
        tenant_id, intake = await lab.make_tenant(), lab.intake()
        if declare_first:
            await declare(lab.api, tenant_id)
        await take_in(intake, tenant_id, "calls", [item])
        if not declare_first:
            await declare(lab.api, tenant_id)
        found.append(await facts_by_name(lab, tenant_id))
    assert found[0] == found[1]


async def test_worker_role_may_read_an_attribute_out_of_records(
    api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, intake: Any, tenant_id: UUID
) -> None:
    await take_in(intake, tenant_id, "calls", [call("c1", ENTERED, custom={"plan": "gold"})])
    await declare(api_pool, tenant_id)
    assert await spread_attributes(worker_pool, tenant_id) == 1


async def test_contacts_at_the_same_instant_in_either_order(lab: Lab) -> None:
    items = [
        call("c1", "2026-03-05T08:00:00Z", customer="u1"),
        call("c2", ENTERED, customer="u1", topic="a"),
        call("c3", ENTERED, customer="u1", topic="b"),
    ]
    found = []
    for order in (items, items[::-1]):
        tenant_id, intake = await lab.make_tenant(), lab.intake()
        for item in order:
            await take_in(intake, tenant_id, "calls", [item])
            # Ids are made of the time: those of the same millisecond are in no order.
            await asyncio.sleep(0.002)
        facts = await facts_by_name(lab, tenant_id)
        found.append({key: fact for key, fact in facts.items() if key[2] is Kind.CONTACT})
    assert found[0] == found[1]


async def test_one_tenant_that_fails_holds_up_no_other(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [await lab.make_tenant() for _ in range(2)]
    for tenant_id in tenants:
        intake = lab.intake()
        await take_in(intake, tenant_id, "customers", [customer("u1", "vip")])
        await take_in(intake, tenant_id, "calls", [call("c1", ENTERED, customer="u1")])
        await take_in(intake, tenant_id, "customers", [customer("u1", "basic", 1)])
    working = subjects.spread_references

    for broken in tenants:

        async def spread(pool: Any, tenant_id: UUID, broken: UUID = broken) -> int:
            if tenant_id == broken:
                raise asyncpg.DataError("a record that cannot be derived")
            return await working(pool, tenant_id)

        monkeypatch.setattr(subjects, "spread_references", spread)
        await derive_marked(lab.worker)

    for tenant_id in tenants:
        snapshot = await take_snapshot(lab.admin, tenant_id)
        assert not snapshot.references
        assert not snapshot.subject_marks


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu"])
async def test_planned_shifts_are_summarized_like_any_other(lab: Lab, zone: str) -> None:
    tenant_id, intake = await lab.make_tenant(zone), lab.intake()
    for days in (0, 1, 40):
        start = datetime.now(UTC) + timedelta(days=days)
        item = shift(f"s{days}", start.isoformat(), (start + timedelta(hours=30)).isoformat())
        await take_in(intake, tenant_id, "shifts", [item])
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await take_in(intake, tenant_id, "presence", [presence("p1", began)])
    await drain(lab.worker, tenant_id, zone)
    snapshot = await take_snapshot(lab.admin, tenant_id, zone)
    assert not violations(snapshot)
    assert snapshot.is_drained


async def test_presence_without_an_end_lasts_a_month_at_most(lab: Lab) -> None:
    """Exactly 31 days count; a later start ends nothing, even when others lie between."""
    found = []
    items = [
        presence("p1", "2026-03-01T09:00:00Z"),
        presence("p2", "2026-04-01T09:00:00Z"),
        presence("p3", "2026-05-02T09:00:00.000001Z"),
        presence("p4", "2026-05-02T09:10:00Z", state="offline"),
        shift("s1", "2026-03-31T09:00:00Z", "2026-05-01T09:00:00Z"),
    ]
    for order in (items, items[::-1]):
        tenant_id, intake = await lab.make_tenant(), lab.intake()
        for item in order:
            resource = "presence" if "state" in item else "shifts"
            await take_in(intake, tenant_id, resource, [item])
        found.append(await facts_by_name(lab, tenant_id))
    assert found[0] == found[1]
    online: dict[str, int] = {}
    for (_, name, kind, _), fact in found[0].items():
        if kind in (Kind.PRESENCE, Kind.SHIFT_ONLINE):
            online[name] = online.get(name, 0) + (fact.duration_ms or 0)
    assert online == {"p1": 31 * 86_400_000, "p3": 600_000, "s1": 86_400_000}
