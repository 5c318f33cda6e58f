"""A changed derivation reaches all history, from wherever it was left."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.delivery.lab import take_in

from csapi.facts import derive_sql
from csapi.facts.derive_sql import derive_again
from csapi.facts.kinds import Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.kit.clock import now
from csapi.kit.problems import Problem
from csapi.reports.comparison import NullReason
from csapi.reports.records import records
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer
from csapi.rollup import definitions
from csapi.rollup.subjects import derive_marked
from csapi.rollup.sweep import Drainer

CALLS = 7


def calls() -> list[dict[str, Any]]:
    return [
        {"external_id": f"c{n}", "queue_entered_at": f"2026-03-0{n + 1}T10:00:00Z",
         "wait_seconds": 10 + n}
        for n in range(CALLS)
    ]  # fmt: skip


ASKED: dict[str, Any] = {"time": {"range": {"from": "2026-03-01", "to": "2026-04-01"}}}
RECORDS = {**ASKED, "metrics": [{"id": "longest_queue_wait"}]}


async def told(desk: Desk, metric: str) -> tuple[float | None, NullReason | None]:
    query = msgspec.convert({**ASKED, "metrics": [{"id": metric}]}, Query)
    cell = (await answer(desk, query)).data[0].metrics[metric]
    return cell.value, cell.null_reason


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
    api_pool: asyncpg.Pool,
    request: pytest.FixtureRequest,
) -> None:
    desk = Desk(api_pool, tenant_id, "UTC", now(), 1_000)
    await take_in(intake, tenant_id, "calls", calls())
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    before = await waits(admin, tenant_id)
    assert before == [10_000 + 1_000 * n for n in range(CALLS)]
    assert await told(desk, "longest_queue_wait") == (16, None)
    assert await told(desk, "tickets_created") == (0, None)

    request.getfixturevalue("changed")
    assert (await definitions.redefine(worker_pool) or 0) >= 3
    pending = "SELECT count(*) FROM subject_marks WHERE tenant_id = $1"
    assert await admin.fetchval(pending, tenant_id) == 3
    assert await waits(admin, tenant_id) == before
    await derive_marked(worker_pool)
    assert await waits(admin, tenant_id) != before
    # Some facts are of the new derivation: an answer would mix it with the old one.
    assert await told(desk, "longest_queue_wait") == (None, NullReason.definition_changing)
    assert await told(desk, "tickets_created") == (0, None)
    with pytest.raises(Problem) as refused:
        await records(desk, msgspec.convert(RECORDS, RecordsQuery))
    assert refused.value.code == "definition_changing"
    while await definitions.redefine(worker_pool):
        pass
    # All have their marks, and not all are worked off.
    assert (tenant_id, Resource.CALL) in await definitions.outdated(worker_pool)
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()

    assert await waits(admin, tenant_id) == [10 + n for n in range(CALLS)]
    assert await admin.fetchval(pending, tenant_id) == 0
    queues = await admin.fetch("SELECT DISTINCT queue FROM calls WHERE tenant_id = $1", tenant_id)
    assert [row[0] for row in queues] == [42]
    assert (await told(desk, "longest_queue_wait"))[0] == 0.016
    assert (tenant_id, Resource.CALL) not in await definitions.outdated(worker_pool)


async def test_a_tenant_that_came_later_has_nothing_to_do(
    tenant_id: UUID, worker_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    late = {tenant for tenant, _ in await definitions.outdated(worker_pool)}
    assert tenant_id not in late
    rows = await admin.fetch("SELECT resource FROM definitions WHERE tenant_id = $1", tenant_id)
    assert {row[0] for row in rows} == {int(resource) for resource in SUBJECT_KINDS}
