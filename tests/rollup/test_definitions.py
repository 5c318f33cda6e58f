"""A changed derivation reaches all history, from wherever it was left."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.delivery.lab import take_in

from csapi.facts import derive_sql
from csapi.facts.derive_sql import derive_again
from csapi.facts.kinds import Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.rollup import definitions
from csapi.rollup.sweep import Drainer

CALLS = 7


def calls() -> list[dict[str, Any]]:
    return [
        {"external_id": f"c{n}", "queue_entered_at": f"2026-03-0{n + 1}T10:00:00Z",
         "wait_seconds": 10 + n}
        for n in range(CALLS)
    ]  # fmt: skip


async def waits(admin: asyncpg.Connection, tenant_id: UUID) -> list[int]:
    sql = "SELECT duration_ms FROM facts WHERE tenant_id = $1 AND kind = $2 ORDER BY occurred_at"
    return [row[0] for row in await admin.fetch(sql, tenant_id, int(Kind.CALL))]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits in whole seconds from now on."""
    kind = SUBJECT_KINDS[Resource.CALL]
    told = "c.queue_entered_at, c.agent, c.team, c.wait_ms"
    assert told in kind.derivation
    other = replace(
        kind,
        derivation=kind.derivation.replace(told, told + " / 1000"),
        refill=("UPDATE calls SET queue = 42 WHERE tenant_id = $1 AND id = ANY($2::uuid[])",),
    )
    monkeypatch.setitem(SUBJECT_KINDS, Resource.CALL, other)
    monkeypatch.setitem(derive_sql.DERIVE_AGAIN, Resource.CALL, derive_again(other.derivation))
    monkeypatch.setattr(definitions, "SUBJECTS_PER_STEP", 3)


async def test_history_is_derived_again(
    intake: Any,
    tenant_id: UUID,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    request: pytest.FixtureRequest,
) -> None:
    await take_in(intake, tenant_id, "calls", calls())
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    before = await waits(admin, tenant_id)
    assert before == [10_000 + 1_000 * n for n in range(CALLS)]

    request.getfixturevalue("changed")
    assert await definitions.redefine(worker_pool) >= 3
    pending = "SELECT count(*) FROM subject_marks WHERE tenant_id = $1"
    assert await admin.fetchval(pending, tenant_id) == 3
    assert await waits(admin, tenant_id) == before
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()

    assert await waits(admin, tenant_id) == [10 + n for n in range(CALLS)]
    assert await admin.fetchval(pending, tenant_id) == 0
    queues = await admin.fetch("SELECT DISTINCT queue FROM calls WHERE tenant_id = $1", tenant_id)
    assert [row[0] for row in queues] == [42]
    assert (tenant_id, Resource.CALL) not in await definitions.outdated(worker_pool)


async def test_a_tenant_that_came_later_has_nothing_to_do(
    tenant_id: UUID, worker_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    late = {tenant for tenant, _ in await definitions.outdated(worker_pool)}
    assert tenant_id not in late
    rows = await admin.fetch("SELECT resource FROM definitions WHERE tenant_id = $1", tenant_id)
    assert {row[0] for row in rows} == {int(resource) for resource in SUBJECT_KINDS}
