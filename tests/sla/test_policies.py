"""Which policy counts for a ticket, and from when on a change of one does."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Tenant
from tests.delivery.checks import take_snapshot, violations
from tests.delivery.lab import drain
from tests.ingest.samples import accept, post, refuse, sample
from tests.sla.conftest import DAY, HOUR, Ask, Item, Send, given, policy, target, ticket

from csapi.access.tenancy import tenant_transaction
from csapi.facts.sla_targets import are_targets_current, ask_for_recompute
from csapi.kit.clock import now
from csapi.rollup.verify import Findings, verify_tenant

Derive = Callable[[UUID], Awaitable[int]]


def reply(hours: int, priority: str | None = None) -> Item:
    return target("first_response", hours * HOUR, priority)


def breach(hours: int, day: int = 2) -> dict[str, int]:
    return {f"2026-03-{day:02}T{8 + hours:02}:00:00+00:00": 1}


@pytest.mark.parametrize(
    ("policies", "hours"),
    [
        ([policy("a", reply(1)), policy("b", reply(2), position=1)], 1),
        ([policy("a", reply(1), position=2), policy("b", reply(2), position=1)], 2),
        # Of one position the later one, of one day the first by name.
        ([policy("a", reply(1)), policy("b", reply(2), since="2026-03-01")], 2),
        ([policy("a", reply(1)), policy("b", reply(2))], 1),
        # All conditions hold, or it is not about this ticket.
        ([policy("a", reply(1), channels=["chat"]), policy("b", reply(2), position=1)], 2),
        ([policy("a", reply(1), channels=["chat", "email"]), policy("b", reply(2))], 1),
        ([policy("a", reply(1), types=["question"], teams=["t2"]), policy("b", reply(2))], 2),
        ([policy("a", reply(1), types=["question"], teams=["t1"], inboxes=["main"])], 1),
        ([policy("a", reply(1), priorities=["low"])], None),
        ([policy("a", reply(1), priorities=["high"])], 1),
        # A target of the priority beats that of every other; the policy comes first.
        ([policy("a", reply(1), reply(3, "high"))], 3),
        ([policy("a", reply(1), reply(3, "low"))], 1),
        ([policy("a", reply(1)), policy("b", reply(3, "high"), position=1)], 1),
        # A policy without a target for it leaves it to the next.
        ([policy("a", reply(1, "low")), policy("b", reply(2), position=1)], 2),
        ([policy("a", target("resolution", HOUR)), policy("b", reply(2), position=1)], 2),
        ([policy("a", reply(1), valid_to="2026-03-02"), policy("b", reply(2), position=1)], 2),
        ([policy("a", reply(1), since="2026-03-02")], 1),
        ([policy("a", reply(1), since="2026-03-03")], None),
        ([policy("a", reply(1), deleted=True), policy("b", reply(2), position=1)], 2),
    ],
)
async def test_which_policy_counts(
    policies: list[Item], hours: int | None, tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "sla-policies", *policies)
    about = {"channel": "email", "type": "question", "inbox": "main", "priority": "high"}
    await send(tenant_id, "tickets", ticket("t1", team="t1", **about))
    found = await ask("sla_breaches", "time:hour", target="first_response")
    assert found == (breach(hours) if hours else {})


async def test_the_team_of_the_owner_counts(
    tenant_id: UUID, send: Send, ask: Ask, derive: Derive
) -> None:
    await send(tenant_id, "sla-policies", policy("a", reply(1), teams=["t1"]))
    memberships = [{"team": "t2", "to": "2026-03-02T10:00:00Z"},
                   {"team": "t1", "from": "2026-03-02T10:00:00Z"}]  # fmt: skip
    await send(tenant_id, "agents", {"external_id": "a1", "memberships": memberships})
    await derive(tenant_id)
    await send(tenant_id, "tickets", ticket("t1"))
    assert await ask("sla_breaches") == 0
    # The agent moves into the team two hours after the ticket came: it is overdue at once.
    await send(tenant_id, "ticket-events", given("t1", "08:30", "a1"))
    assert await ask("sla_breaches", "time:hour") == breach(2)
    assert await ask("sla_breaches", "team") == {"t1": 1}


async def test_a_change_that_reaches_back_waits_for_a_recompute(
    tenant_id: UUID,
    send: Send,
    ask: Ask,
    derive: Derive,
    api_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    worker_pool: asyncpg.Pool,
) -> None:
    async def is_current() -> bool:
        async with tenant_transaction(api_pool, tenant_id) as connection:
            return await are_targets_current(connection, tenant_id)

    async def wrong() -> int:
        findings = Findings()
        await verify_tenant(admin, tenant_id, "UTC", findings)
        return findings.mismatches

    await send(tenant_id, "sla-policies", policy("a", reply(1)))
    assert await is_current()
    await send(tenant_id, "tickets", ticket("t1"), ticket("t2"))
    # What begins tomorrow is about no ticket that is there.
    tomorrow = (now() + timedelta(days=2)).date().isoformat()
    await send(tenant_id, "sla-policies", policy("b", reply(5), since=tomorrow))
    assert await is_current()

    await send(tenant_id, "sla-policies", policy("a", reply(3)))
    assert not await is_current()
    assert await derive(tenant_id) == 0
    assert await ask("sla_breaches", "time:hour") == breach(1) | {"2026-03-02T09:00:00+00:00": 2}
    # A ticket that changes is decided by the policies as they are.
    await send(tenant_id, "tickets", ticket("t1", priority="high"))
    assert await ask("sla_breaches", "time:hour") == breach(1) | breach(3)
    await drain(worker_pool, tenant_id, "UTC")
    assert await wrong() == 0

    async with tenant_transaction(api_pool, tenant_id) as connection:
        await ask_for_recompute(connection, tenant_id)
    assert await is_current()
    assert await derive(tenant_id) == 2
    assert await ask("sla_breaches", "time:hour") == {"2026-03-02T11:00:00+00:00": 2}
    await drain(worker_pool, tenant_id, "UTC")
    assert await wrong() == 0
    assert not violations(await take_snapshot(admin, tenant_id, "UTC"))
    await send(tenant_id, "sla-policies", policy("a", reply(3), deleted=True))
    async with tenant_transaction(api_pool, tenant_id) as connection:
        await ask_for_recompute(connection, tenant_id)
    assert await derive(tenant_id) == 2
    assert await ask("sla_breaches") == 0


def test_a_policy_is_checked(tenant: Tenant) -> None:
    for fields, pointer, code in (
        ({"targets": []}, "/targets", "too_short"),
        ({"targets": [reply(1), reply(2)]}, "/targets/1", "invalid_value"),
        ({"targets": [reply(1, "é"), reply(2, "e\u0301")]}, "/targets/1", "invalid_value"),
        ({"targets": [{**reply(1), "seconds": 0}]}, "/targets/0/seconds", "out_of_range"),
        ({"targets": [{**reply(1), "metric": "csat"}]}, "/targets/0/metric", "invalid_value"),
        ({"valid_from": "2014-12-31"}, "/valid_from", "out_of_range"),
        ({"valid_to": "2026-01-01"}, "/valid_to", "out_of_range"),
        ({"position": -1}, "/position", "out_of_range"),
    ):
        refuse(tenant, "sla-policies", sample("sla-policies", **fields), pointer, code)


def test_a_recompute_is_asked_for_by_the_id_of_a_policy(tenant: Tenant) -> None:
    stored = accept(tenant, "sla-policies", sample("sla-policies"))
    answer = post(tenant, f"sla-policies/{stored['id']}/recompute", b"")
    assert answer.status_code == 202
    assert answer.json()["id"] == stored["id"]
    nobody = "018f0000-0000-7000-8000-000000000000"
    assert post(tenant, f"sla-policies/{nobody}/recompute", b"").status_code == 404


def test_an_outlook_takes_no_time_dimension(tenant: Tenant) -> None:
    question = {
        "metrics": [{"id": "sla_at_risk"}],
        "time": {"range": DAY},
        "dimensions": ["team", "time:day"],
    }
    answer = post(tenant, "query", question)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/dimensions/1"
