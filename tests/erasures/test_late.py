"""What turns out to be about somebody who was erased only when it is here, and what goes on while
they are erased."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.delivery.lab import Item
from tests.erasures.test_erasing import drain, erase, verified
from tests.erasures.world import VICTIM, mentions, push

from csapi.access.tenancy import tenant_transaction
from csapi.facts.erasures import ErasureMode
from csapi.ingest.service import Intake
from csapi.rollup.erasures.documents import drop_files
from csapi.rollup.erasures.job import Eraser

NewTenant = Callable[..., Awaitable[UUID]]
Given = list[tuple[str, Item]]

AT, SAID = "2026-03-20T10:00:00Z", "victim words"
PERSON: tuple[str, Item] = ("customers", {"external_id": VICTIM, "name": "Vera Victim"})
TICKET: Item = {"external_id": "t", "created_at": AT, "customer": VICTIM, "subject": SAID}
CALL: Item = {"external_id": "c", "queue_entered_at": AT, "outcome": "answered", "ticket": "t",
              "custom": {"diary": SAID}}  # fmt: skip
REQUEST: Item = {"external_id": "r", "sent_at": AT}
ANSWER: Item = {"external_id": "f", "survey": "csat", "rating": 4, "responded_at": AT,
                "comment": SAID}  # fmt: skip
REVIEW: Item = {"external_id": "q", "reviewed_at": AT, "agent": "a", "comment": SAID,
                "criteria": [{"criterion": "tone", "score": 0.5}]}  # fmt: skip
EVENT: Item = {"event_id": "e", "ticket": "t", "type": "message", "occurred_at": AT,
               "direction": "inbound", "body": SAID}  # fmt: skip
SESSION: Item = {"external_id": "s", "kind": "bot", "started_at": AT, "ticket": "t"}
SEARCH: Item = {"external_id": "k", "session": "s", "occurred_at": AT, "type": "search",
                "term": SAID, "results_count": 1}  # fmt: skip
# Nothing of it names the person but the ticket.
ABOUT: Given = [
    ("ticket-events", EVENT),
    ("calls", CALL),
    ("feedback-requests", {**REQUEST, "call": "c"}),
    ("feedback", {**ANSWER, "request": "r"}),
    ("feedback", {**ANSWER, "external_id": "g", "call": "c"}),
    ("quality-reviews", {**REVIEW, "call": "c"}),
    ("tasks", {"external_id": "k", "title": SAID, "assignee": "a", "ticket": "t",
               "assigned_at": AT}),
    ("sessions", SESSION),
    ("kb-events", SEARCH),
]  # fmt: skip


async def send(intake: Intake, tenant_id: UUID, given: Given) -> None:
    for resource, item in given:
        (outcome,) = await push(intake, tenant_id, resource, [item])
        assert outcome.status in ("created", "updated"), outcome


async def erased(
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    tenant_id: UUID,
    mode: ErasureMode = ErasureMode.overwrite,
) -> None:
    await erase(api_pool, tenant_id, mode)
    assert await Eraser(worker_pool).sweep() == 1


@pytest.mark.parametrize("mode", ErasureMode)
async def test_what_is_about_something_about_theirs_goes_too(
    mode: ErasureMode,
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    new_tenant: NewTenant,
) -> None:
    tenant_id = await new_tenant()
    await send(intake, tenant_id, [PERSON, ("tickets", TICKET), *ABOUT])
    await erased(api_pool, worker_pool, tenant_id, mode)
    assert await mentions(admin, tenant_id) == {}


@pytest.mark.parametrize("is_known", [False, True])
async def test_what_came_before_the_ticket_named_them(
    is_known: bool,  # noqa: FBT001  a parameter of the test
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    new_tenant: NewTenant,
) -> None:
    tenant_id = await new_tenant()
    await send(intake, tenant_id, [PERSON])
    await erased(api_pool, worker_pool, tenant_id)
    unnamed = {"external_id": "t", "created_at": AT}
    await send(intake, tenant_id, [("tickets", unnamed)] if is_known else [])
    await send(intake, tenant_id, [*ABOUT, ("tickets", TICKET)])
    assert await mentions(admin, tenant_id) == {}
    await drain(worker_pool)
    assert await verified(worker_pool, tenant_id) == (0, 0)


async def test_what_an_answer_of_ours_says_is_nobodys_name(
    intake: Intake,
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    new_tenant: NewTenant,
) -> None:
    tenant_id = await new_tenant()
    whose = "SELECT customer FROM tickets WHERE tenant_id = $1"
    await send(intake, tenant_id, [PERSON, ("tickets", TICKET)])
    theirs = await admin.fetchval(whose, tenant_id)
    await erased(api_pool, worker_pool, tenant_id)
    again = {**TICKET, "customer": "[erased]", "status": "open"}
    # Nor does it lose its place where the source has forgotten the customer, too.
    for item in (again, {**TICKET, "customer": None, "status": "solved"}):
        await send(intake, tenant_id, [("tickets", item)])
        assert await mentions(admin, tenant_id) == {}
        assert await admin.fetchval(whose, tenant_id) == theirs
    fresh = {**TICKET, "external_id": "new"}
    for item in (fresh, {**fresh, "customer": None, "status": "open"}):
        await send(intake, tenant_id, [("tickets", item)])
        assert await mentions(admin, tenant_id) == {}
    # Nor is it anybody's where nobody was erased: an archive that is sent to another tenant.
    elsewhere = await new_tenant()
    await send(intake, elsewhere, [("tickets", again)])
    assert await admin.fetchval(whose, elsewhere) is None
    names = "SELECT count(*) FROM customers WHERE tenant_id = $1"
    assert await admin.fetchval(names, elsewhere) == 0


async def test_nothing_is_left_of_an_export_that_is_being_written(
    api_pool: asyncpg.Pool,
    worker_pool: asyncpg.Pool,
    admin: asyncpg.Connection,
    new_tenant: NewTenant,
) -> None:
    tenant_id = await new_tenant()
    export: Any = await admin.fetchval(
        "INSERT INTO exports (tenant_id, request, secret, status, attempt) "
        "VALUES ($1, '{}', '', 'running', 1) RETURNING id",
        tenant_id,
    )
    async with tenant_transaction(worker_pool, tenant_id) as writing:
        await writing.execute("UPDATE exports SET rows = 1 WHERE tenant_id = $1", tenant_id)

        async def drop() -> int:
            async with tenant_transaction(worker_pool, tenant_id) as connection:
                return await drop_files(connection, tenant_id)

        dropping = asyncio.create_task(drop())
        await asyncio.sleep(0.3)
        await writing.execute(
            "INSERT INTO export_chunks (tenant_id, export, number, content) VALUES ($1, $2, 0, $3)",
            tenant_id,
            export,
            b"victim words",
        )
    assert await dropping == 1
    left = "SELECT count(*) FROM export_chunks WHERE tenant_id = $1"
    assert await admin.fetchval(left, tenant_id) == 0
