"""Nothing of the person is left, every number is what it was, and nobody comes back."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.customers.conftest import Ask
from tests.erasures.world import OTHER_NAME, VICTIM, WEEKS, fill, items_of_all, mentions, push

from csapi.access.tenancy import tenant_transaction
from csapi.facts.erasures import ErasureMode, Wish, begin_erasure, customers_named
from csapi.facts.registry import RECORD_KINDS
from csapi.ingest.directory import Directory
from csapi.ingest.service import Intake
from csapi.metrics.catalog import METRICS
from csapi.rollup.erasures import job
from csapi.rollup.erasures.job import Eraser
from csapi.rollup.erasures.reapply import ListedTenant, listed, reapply
from csapi.rollup.sweep import Drainer
from csapi.rollup.verify import Findings, verify_tenant

PER_QUESTION = 20


async def drain(worker_pool: asyncpg.Pool) -> None:
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()


async def erase(pool: asyncpg.Pool, tenant_id: UUID, mode: ErasureMode, name: str = VICTIM) -> UUID:
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        people = await customers_named(connection, tenant_id, "s", name)
        return await begin_erasure(
            connection, tenant_id, people, Wish(mode, None, "operator", None)
        )


async def totals(ask: Ask, tenant_id: UUID) -> dict[str, Any]:
    """Every metric of the catalog."""
    found: dict[str, Any] = {}
    names = sorted(METRICS)
    for start in range(0, len(names), PER_QUESTION):
        answer = await ask(tenant_id, *names[start : start + PER_QUESTION], time=WEEKS)
        assert answer["meta"]["exact"]
        found |= answer["data"][0]["metrics"]
    return found


async def verified(worker_pool: asyncpg.Pool, tenant_id: UUID) -> tuple[int, int]:
    findings = Findings()
    async with worker_pool.acquire() as connection:
        await verify_tenant(connection, tenant_id, "UTC", findings)
    return findings.mismatches, findings.pending


@pytest.fixture
async def filled(
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    new_tenant: Callable[..., Awaitable[UUID]],
) -> UUID:
    tenant_id = await new_tenant()
    await fill(intake, api_pool, tenant_id)
    await drain(worker_pool)
    return tenant_id


async def test_overwriting_leaves_every_number_and_nothing_of_the_person(
    filled: UUID,
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    ask: Ask,
) -> None:
    before = await totals(ask, filled)
    assert len(await mentions(admin, filled)) >= 10
    await erase(api_pool, filled, ErasureMode.overwrite, OTHER_NAME)
    assert await Eraser(worker_pool).sweep() == 1
    assert await mentions(admin, filled) == {}
    assert await verified(worker_pool, filled) == (0, 0)
    assert await totals(ask, filled) == before
    # The same world is sent again, by a process that knew the names and by one that did not.
    for sender in (intake, Intake(api_pool, Directory(api_pool))):
        for resource, items in items_of_all():
            statuses = {each.status for each in await push(sender, filled, resource, items)}
            assert statuses <= {"duplicate", "rejected"}, (resource, statuses)
    assert await mentions(admin, filled) == {}
    await drain(worker_pool)
    assert await totals(ask, filled) == before
    # What is new comes as nobody's, and whoever is meant is not taken in again.
    fresh = {"created_at": "2026-03-20T10:00:00Z", "customer": VICTIM, "subject": "victim words"}
    message = {"type": "message", "occurred_at": "2026-03-21T10:00:00Z", "direction": "inbound",
               "body": "victim words", "actor": VICTIM, "actor_type": "customer"}  # fmt: skip
    answer = {"survey": "csat", "rating": 4, "responded_at": "2026-03-22T10:00:00Z",
              "ticket": "t0", "comment": "victim words"}  # fmt: skip
    changed = {**fresh, "external_id": "t0", "status": "open"}
    for resource, item in (
        ("tickets", {**fresh, "external_id": "new"}),
        ("tickets", changed),
        ("ticket-events", {**message, "event_id": "n1", "ticket": "t0"}),
        ("ticket-events", {**message, "event_id": "n2", "ticket": "new"}),
        ("feedback", {**answer, "external_id": "new"}),
    ):
        (outcome,) = await push(intake, filled, resource, [item])
        assert outcome.status in ("created", "updated"), outcome
    person = {"external_id": VICTIM, "name": "Vera Victim"}
    outcomes = await push(intake, filled, "customers", [person, {"external_id": "another"}])
    assert [each.status for each in outcomes] == ["rejected", "created"]
    assert outcomes[0].errors[0].code == "erased"
    assert await mentions(admin, filled) == {}
    await drain(worker_pool)
    assert await verified(worker_pool, filled) == (0, 0)


async def test_deleting_takes_the_records_and_their_numbers(
    filled: UUID,
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    ask: Ask,
) -> None:
    before = await totals(ask, filled)
    await erase(api_pool, filled, ErasureMode.delete)
    assert await Eraser(worker_pool).sweep() == 1
    assert await mentions(admin, filled) == {}
    assert (await totals(ask, filled))["tickets_created"]["value"] == 24
    assert before["tickets_created"]["value"] == 30
    await drain(worker_pool)
    assert await verified(worker_pool, filled) == (0, 0)
    after = await totals(ask, filled)
    for resource, items in items_of_all():
        await push(intake, filled, resource, items)
    await drain(worker_pool)
    assert await mentions(admin, filled) == {}
    assert await totals(ask, filled) == after
    assert await verified(worker_pool, filled) == (0, 0)


@pytest.mark.parametrize("mode", ErasureMode)
async def test_it_goes_on_where_it_was_killed(
    filled: UUID,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    mode: ErasureMode,
) -> None:
    monkeypatch.setattr("csapi.rollup.erasures.steps.RECORDS_PER_PIECE", 5)
    erasure = await erase(api_pool, filled, mode)
    pieces, killed = 0, 0
    do_piece = job.do_piece

    async def dying(*arguments: Any) -> bool:
        nonlocal pieces, killed
        pieces += 1
        if pieces % 3 == 0:
            killed += 1
            raise ConnectionError("killed")
        return await do_piece(*arguments)

    monkeypatch.setattr(job, "do_piece", dying)
    eraser = Eraser(worker_pool, lease_seconds=0)
    for _ in range(100):
        await eraser.sweep()
        if await admin.fetchval("SELECT status FROM erasures WHERE id = $1", erasure) == "done":
            break
    assert killed > 5
    assert await mentions(admin, filled) == {}
    await drain(worker_pool)
    assert await verified(worker_pool, filled) == (0, 0)


async def test_a_restore_erases_again(
    filled: UUID,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
) -> None:
    await erase(api_pool, filled, ErasureMode.overwrite)
    await Eraser(worker_pool).sweep()
    kept = [each for each in await listed(worker_pool) if each.tenant_id == filled]
    # The database as it was before: with everybody, and without a trace of the erasure.
    for table in ("erasures", "erasure_keys", "erased_names", "erasure_marks"):
        await admin.execute(f"DELETE FROM {table} WHERE tenant_id = $1", filled)
    for table in (*(kind.table for kind in RECORD_KINDS), "ticket_events", "facts"):
        await admin.execute(f"DELETE FROM {table} WHERE tenant_id = $1", filled)
    sender = Intake(api_pool, Directory(api_pool))
    for resource, items in items_of_all():
        await push(sender, filled, resource, items)
    assert len(await mentions(admin, filled)) >= 10
    # In the database and in the list: the same once both know.
    again = msgspec.json.decode(msgspec.json.encode(kept), type=list[ListedTenant])
    assert (await reapply(worker_pool, again)).customers == 2
    assert await Eraser(worker_pool).sweep() == 1
    assert await mentions(admin, filled) == {}
    assert (await reapply(worker_pool, again)).customers == 0
    assert (await reapply(worker_pool)).customers == 0
    assert [each.erasures for each in await listed(worker_pool) if each.tenant_id == filled] == [
        kept[0].erasures
    ]
