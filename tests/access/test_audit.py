"""The chain of the audit log: written by many at once, and found out where it was tampered with."""

import asyncio
import hashlib
import json
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Database

from csapi.access.audit import Actor, Checked, audited, checked_chain
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.tenancy import begin_statement, tenant_transaction
from csapi.reports.administration.audit_log import COLUMNS, entry_of

ENTRIES = 12


async def write(pool: asyncpg.Pool, tenant_id: UUID, number: int) -> None:
    actor = Actor(tenant_id, ActorKind.key, "k")
    async with tenant_transaction(pool, tenant_id) as connection:
        await audited(connection, actor, AuditAction.goal_changed, f"g{number}", n=number)


async def check(pool: asyncpg.Pool, tenant_id: UUID, **noted: bytes) -> Checked:
    known = {int(name[1:]): value for name, value in noted.items()}
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        return await checked_chain(connection, tenant_id, known)


async def begun(pool: asyncpg.Pool, tenant_id: UUID) -> int:
    """Entries that the tenant has from the start; then some more, all at once."""
    before = (await check(pool, tenant_id)).entries
    await asyncio.gather(*(write(pool, tenant_id, number) for number in range(ENTRIES)))
    return before


async def tampered(database: Database, sql: str, *arguments: object) -> None:
    """What somebody who owns the database does."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        await connection.execute(sql, *arguments)
    finally:
        await connection.close()


async def test_entries_of_many_at_once_are_one_chain(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    before = await begun(api_pool, tenant_id)
    found = await check(api_pool, tenant_id)
    assert (found.flaw, found.entries, found.sequence) == (None, before + ENTRIES, before + ENTRIES)


async def test_what_was_rolled_back_is_not_told(api_pool: asyncpg.Pool, tenant_id: UUID) -> None:
    before = await check(api_pool, tenant_id)
    actor = Actor(tenant_id, ActorKind.operator)
    async with api_pool.acquire() as connection:
        await connection.execute(begin_statement(tenant_id))
        await audited(connection, actor, AuditAction.goal_deleted, "g")
        await connection.execute("ROLLBACK")
    assert await check(api_pool, tenant_id) == before


@pytest.mark.parametrize(
    ("sql", "offset", "reason"),
    [
        ("UPDATE csapi.audit_log SET subject = 'x' WHERE {at} = 5", 5, "changed"),
        ("UPDATE csapi.audit_log SET actor = 'x' WHERE {at} = 5", 5, "changed"),
        ("UPDATE csapi.audit_log SET at = at + interval '1 us' WHERE {at} = 5", 5, "changed"),
        ("UPDATE csapi.audit_log SET details = '{{}}' WHERE {at} = 5", 5, "changed"),
        ("DELETE FROM csapi.audit_log WHERE {at} = 5", 5, "missing"),
        ("DELETE FROM csapi.audit_log WHERE {at} >= 5", 5, "missing"),
        ("UPDATE csapi.audit_heads SET sequence = sequence - 1 WHERE tenant_id = $1", 12, "head"),
    ],
)
async def test_whoever_owns_the_database_is_found_out(
    database: Database, api_pool: asyncpg.Pool, tenant_id: UUID, sql: str, offset: int, reason: str
) -> None:
    before = await begun(api_pool, tenant_id)
    place = f"tenant_id = $1 AND sequence - {before}"
    await tampered(database, sql.format(at=place), tenant_id)
    flaw = (await check(api_pool, tenant_id)).flaw
    assert flaw is not None
    assert flaw.sequence == before + offset
    assert flaw.reason == {"head": "not_the_head"}.get(reason, reason)


async def test_a_chain_written_anew_is_found_out_by_what_was_noted(
    database: Database, api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    before = await begun(api_pool, tenant_id)
    noted = await check(api_pool, tenant_id)
    place = {f"n{noted.sequence}": noted.hash}
    assert (await check(api_pool, tenant_id, **place)).flaw is None
    for table in ("audit_log", "audit_heads"):
        await tampered(database, f"DELETE FROM csapi.{table} WHERE tenant_id = $1", tenant_id)
    for number in range(before + ENTRIES):
        await write(api_pool, tenant_id, number)
    assert (await check(api_pool, tenant_id)).flaw is None
    flaw = (await check(api_pool, tenant_id, **place)).flaw
    assert flaw is not None
    assert (flaw.sequence, flaw.reason) == (noted.sequence, "not_as_noted")


@pytest.mark.parametrize(
    "sql", ["UPDATE audit_log SET subject = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_api_can_change_no_entry(
    api_pool: asyncpg.Pool, tenant_id: UUID, sql: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_transaction(api_pool, tenant_id) as connection:
            await connection.execute(sql)


async def test_anybody_can_work_out_the_hashes(api_pool: asyncpg.Pool, tenant_id: UUID) -> None:
    """As docs/administration.md says, by what the API answers and nothing of ours."""
    await begun(api_pool, tenant_id)
    sql = f"SELECT {', '.join(COLUMNS)} FROM audit_log WHERE tenant_id = $1 ORDER BY sequence"
    async with tenant_transaction(api_pool, tenant_id, readonly=True) as connection:
        entries = [entry_of(row) for row in await connection.fetch(sql, tenant_id)]
    previous = ""
    for entry in json.loads(msgspec.json.encode(entries)):
        names = ("sequence", "at", "actor_kind", "actor", "action", "subject", "details")
        told = [str(tenant_id), *(entry[name] for name in names), previous]
        text = json.dumps(told, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert entry["hash"] == previous
