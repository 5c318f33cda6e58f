"""All rows of a closed tenant go, of every table that the catalog lists, and nobody else's."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest
from tests.access.commands import csapi
from tests.conftest import Database
from tests.isolation.golden import OF_FUNCTIONS, WITHOUT_TENANT

from csapi.access.closing import request_closing, withdraw_closing
from csapi.access.deletion import delete_closed, receipts, tenant_tables
from csapi.access.people.first import create_member
from csapi.access.people.roles import Role
from csapi.access.service import operator_of
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.db import acquire

COLUMNS = """
SELECT table_name::text AS name, array_agg(ROW(column_name::text, udt_name::text)) AS columns
FROM information_schema.columns
WHERE table_schema = 'csapi' AND column_name <> 'tenant_id' AND is_nullable = 'NO'
GROUP BY 1 ORDER BY 1"""
# Something of each type, another one in each row.
VALUES = {
    "uuid": "gen_random_uuid()",
    "text": "gen_random_uuid()::text",
    "timestamptz": "now() + {number} * interval '1 minute'",
    "date": "current_date + {number}",
    "int2": "{number}",
    "int4": "{number}",
    "int8": "{number}",
    "numeric": "{number}",
    "float8": "{number}",
    "bool": "true",
    "bytea": "'x'",
    "json": "'{{}}'",
    "jsonb": "'{{}}'",
    "_text": "'{{}}'",
    "_int2": "'{{}}'",
    "_int4": "'{{}}'",
    "_int8": "'{{}}'",
}
ROWS = 3


@pytest.fixture(scope="module")
def database(make_database: Callable[[], Database]) -> Database:
    """One of its own: what tables are filled with here means nothing, and other tests sweep."""
    return make_database()


async def fill(admin: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    """A few rows in every table that has a tenant; how many there then are."""
    for row in await admin.fetch(COLUMNS):
        if row["name"] in WITHOUT_TENANT | OF_FUNCTIONS:
            continue
        for number in range(1, ROWS + 1):
            names, values = ["tenant_id"], ["$1"]
            for name, kind in row["columns"]:
                names.append(name)
                values.append(VALUES[kind].format(number=number))
            sql = (
                f"INSERT INTO {row['name']} ({', '.join(names)}) VALUES ({', '.join(values)}) "
                "ON CONFLICT DO NOTHING"
            )
            await admin.execute(sql, tenant_id)
    return await counts(admin, tenant_id)


async def counts(admin: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    tables = await admin.fetch(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') "
        "AND c.relnamespace = 'csapi'::regnamespace"
    )
    return {
        name: await admin.fetchval(f"SELECT count(*) FROM {name} WHERE tenant_id = $1", tenant_id)
        for (name,) in tables
    }


async def close(admin: asyncpg.Connection, tenant_id: UUID) -> None:
    """As if it had been asked for a month ago."""
    await admin.execute(
        "INSERT INTO tenant_closings VALUES ($1, now() - interval '30 days', "
        "now() - interval '3 minutes', 'operator') ON CONFLICT (tenant_id) DO UPDATE "
        "SET closes_at = excluded.closes_at",
        tenant_id,
    )


async def test_no_row_is_left_in_any_table(
    admin: asyncpg.Connection,
    worker_pool: asyncpg.Pool,
    new_tenant: Callable[..., Awaitable[UUID]],
) -> None:
    closed, other = await new_tenant(), await new_tenant()
    before, others = await fill(admin, closed), await fill(admin, other)
    await admin.execute("DELETE FROM tenant_closings WHERE tenant_id = $1", other)
    others["tenant_closings"] = 0
    assert len(before) > 60
    assert min(before.values()) > 0
    await close(admin, closed)
    assert await delete_closed(worker_pool, most=2) == 1
    assert await counts(admin, closed) == dict.fromkeys(before, 0)
    assert await counts(admin, other) == others
    async with acquire(worker_pool) as connection:
        (receipt,) = [each for each in await receipts(connection) if each.id == closed]
    assert receipt.finished_at is not None
    assert receipt.deleted == before
    assert await delete_closed(worker_pool) == 0


async def test_what_was_stopped_half_way_goes_on(
    admin: asyncpg.Connection, worker_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    before = await fill(admin, tenant_id)
    await close(admin, tenant_id)
    async with tenant_transaction(worker_pool, tenant_id) as connection:
        assert await connection.fetchval("SELECT begin_tenant_deletion()")
        assert await connection.fetchval("SELECT delete_tenant_rows('tickets', 2)") == 2
        assert not await connection.fetchval("SELECT finish_tenant_deletion()")
    assert await delete_closed(worker_pool, most=1_000) == 1
    async with acquire(worker_pool) as connection:
        (receipt,) = [each for each in await receipts(connection) if each.id == tenant_id]
    assert receipt.deleted == before


async def test_the_worker_deletes_nothing_before_its_time(
    admin: asyncpg.Connection, worker_pool: asyncpg.Pool, api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    async with tenant_transaction(api_pool, tenant_id) as connection:
        at, operator = now(), operator_of(tenant_id)
        found, is_new = await request_closing(connection, operator, at)
        assert (found.closes_at - at, is_new) == (timedelta(days=30), True)
        assert await request_closing(connection, operator, at) == (found, False)
        assert not await withdraw_closing(connection, operator, found.closes_at)
    assert await delete_closed(worker_pool) == 0
    for table in ("tickets", "people", "closed_tenants", "tickets; DROP TABLE facts"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_transaction(worker_pool, tenant_id) as connection:
                await connection.fetchval("SELECT delete_tenant_rows($1, 10)", table)
    async with tenant_transaction(worker_pool, tenant_id) as connection:
        assert not await connection.fetchval("SELECT begin_tenant_deletion()")
        assert not await connection.fetchval("SELECT finish_tenant_deletion()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_transaction(api_pool, tenant_id) as connection:
            await connection.fetchval("SELECT begin_tenant_deletion()")
    await admin.execute("DELETE FROM tenant_closings WHERE tenant_id = $1", tenant_id)


async def test_accounts_of_nobody_else_go_with_it(
    admin: asyncpg.Connection,
    worker_pool: asyncpg.Pool,
    api_pool: asyncpg.Pool,
    new_tenant: Callable[..., Awaitable[UUID]],
) -> None:
    closed, other = await new_tenant(), await new_tenant()
    people = {}
    async with acquire(api_pool) as connection:
        for name, tenants in (("one", [closed]), ("both", [closed, other])):
            email = f"{name}-{closed}@example.com"
            for tenant in tenants:
                people[name] = await create_member(
                    connection, tenant, email, "a long canary sentence", Role.OWNER, now()
                )
    await close(admin, closed)
    await delete_closed(worker_pool)
    left = await admin.fetch("SELECT id FROM people WHERE id = ANY ($1)", list(people.values()))
    assert [row["id"] for row in left] == [people["both"]]


async def test_tables_that_refer_to_others_come_first(
    admin: asyncpg.Connection, worker_pool: asyncpg.Pool
) -> None:
    names = await tenant_tables(admin)
    assert names[0].endswith("marks")
    async with acquire(worker_pool) as connection:
        assert await tenant_tables(connection) == names


async def test_the_operator_closes_reopens_and_sees_what_is_left(
    database: Database, admin: asyncpg.Connection, worker_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    tenant = ("--tenant", str(tenant_id))
    refused = csapi(database.api_url, "tenants", "close", *tenant, "--confirm", "Test")
    assert (refused.code, "not the name" in refused.error) == (1, True)
    done = csapi(database.api_url, "tenants", "close", *tenant, "--confirm", "test", "--days", "3")
    assert done.code == 0, done.error
    listed = csapi(database.worker_url, "tenants", "list", "--json").lines
    (found,) = [each for each in listed if each["tenant_id"] == str(tenant_id)]
    assert found["closes_at"] > now().isoformat()
    assert csapi(database.api_url, "tenants", "reopen", *tenant).code == 0
    await close(admin, tenant_id)
    await delete_closed(worker_pool)
    left = csapi(database.worker_url, "tenants", "closed", "--json").lines
    (receipt,) = [each for each in left if each["tenant_id"] == str(tenant_id)]
    assert (receipt["name"], receipt["deleted"]["tenants"]) == ("test", 1)
    assert receipt["rows"] == sum(receipt["deleted"].values())
