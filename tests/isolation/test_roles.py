"""What the database roles are, may do, and see without a tenant."""

import os
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest
from tests.conftest import Database
from tests.isolation.golden import API, GRANTS, OWNER, SEQUENCE_GRANTS, SWEPT_COLUMNS, WORKER

from csapi.access.tenancy import begin_statement, tenant_transaction

ROLES = """
SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
  AS is_mighty, rolcanlogin
FROM pg_roles WHERE rolname = ANY($1::text[])"""

PRIVILEGES = """
SELECT pg_get_userbyid(g.grantee)::text AS role, c.relname, c.relkind::text AS kind,
  g.is_grantable,
  CASE g.privilege_type WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w'
    WHEN 'DELETE' THEN 'd' WHEN 'USAGE' THEN 'U' ELSE g.privilege_type END AS letter
FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) g
WHERE c.relnamespace = 'csapi'::regnamespace AND g.grantee <> c.relowner"""

# A privilege on a column is not in the list above.
COLUMN_PRIVILEGES = """
SELECT c.relname, a.attname, a.attacl::text AS acl
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'csapi'::regnamespace AND a.attacl IS NOT NULL"""


async def test_the_roles_are_weak(admin: asyncpg.Connection) -> None:
    rows = {row["rolname"]: row for row in await admin.fetch(ROLES, [OWNER, API, WORKER])}
    assert {name: row["is_mighty"] for name, row in rows.items()} == dict.fromkeys(
        (OWNER, API, WORKER), False
    )
    assert not rows[OWNER]["rolcanlogin"]
    memberships = await admin.fetch(
        "SELECT roleid::regrole FROM pg_auth_members "
        "WHERE member = ANY($1::text[]::regrole[]::oid[])",
        [OWNER, API, WORKER],
    )
    assert memberships == []


async def test_the_owner_owns_everything_and_the_others_nothing(admin: asyncpg.Connection) -> None:
    owners = await admin.fetch(
        "SELECT DISTINCT pg_get_userbyid(relowner)::text AS role FROM pg_class "
        "WHERE relnamespace = 'csapi'::regnamespace"
    )
    assert [row["role"] for row in owners] == [OWNER]
    owned = await admin.fetch(
        "SELECT classid::regclass, objid FROM pg_shdepend WHERE deptype = 'o' "
        "AND refobjid = ANY($1::text[]::regrole[]::oid[])",
        [API, WORKER],
    )
    assert owned == []


async def test_grants_are_the_golden_table(admin: asyncpg.Connection) -> None:
    tables: dict[str, dict[str, str]] = {API: {}, WORKER: {}}
    sequences: dict[str, set[str]] = {API: set(), WORKER: set()}
    for row in await admin.fetch(PRIVILEGES):
        assert row["role"] in (API, WORKER), row
        assert not row["is_grantable"], row
        if row["kind"] == "S":
            sequences[row["role"]].add(row["letter"])
        else:
            letters = tables[row["role"]].get(row["relname"], "") + row["letter"]
            tables[row["role"]][row["relname"]] = "".join(sorted(letters))
    assert tables == GRANTS
    assert sequences == {role: set(letters) for role, letters in SEQUENCE_GRANTS.items()}
    columns = [tuple(row) for row in await admin.fetch(COLUMN_PRIVILEGES)]
    # Words alone, of somebody who was erased: what happened is never changed.
    assert columns == [("ticket_events", "item", "{csapi_api=w/csapi_owner}")]


def urls(database: Database) -> Sequence[tuple[str, str]]:
    return ((API, database.api_url), (WORKER, database.worker_url))


async def readable(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'csapi'::regnamespace "
        "AND relkind = 'r' AND relname <> 'alembic_version' "
        "AND has_table_privilege(oid, 'SELECT') ORDER BY 1"
    )
    return [row["relname"] for row in rows]


@pytest.mark.parametrize("tenant", ["unset", "empty", "no uuid"])
async def test_without_a_tenant_every_read_fails(
    database: Database, tenant_id: UUID, tenant: str
) -> None:
    """Rows exist; nothing but the sweeper's ids may be seen, and never silently nothing."""
    del tenant_id
    for role, url in urls(database):
        connection = await asyncpg.connect(url, server_settings={"search_path": "csapi"})
        try:
            if tenant != "unset":
                value = "" if tenant == "empty" else "' OR true --"
                await connection.execute("SELECT set_config('csapi.tenant_id', $1, false)", value)
            for table in await readable(connection):
                if role == WORKER and table in SWEPT_COLUMNS:
                    continue
                with pytest.raises((asyncpg.UndefinedObjectError, asyncpg.DataError)):
                    await connection.fetch(f"SELECT * FROM {table}")
        finally:
            await connection.close()


async def test_the_setting_does_not_outlive_its_transaction(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    async with tenant_transaction(api_pool, tenant_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM tenants") == 1
        pid = connection.get_server_pid()
    for _ in range(8):
        async with api_pool.acquire() as connection:
            if connection.get_server_pid() == pid:
                with pytest.raises(asyncpg.DataError):
                    await connection.fetchval("SELECT count(*) FROM tenants")
                return
    raise AssertionError("the connection did not come back")


async def test_rows_of_another_tenant_cannot_be_written(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    async def write(sql: str, other: UUID) -> str:
        async with tenant_transaction(api_pool, tenant_id) as connection:
            return str(await connection.execute(sql, other))

    other = uuid4()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await write(
            "INSERT INTO tenants (tenant_id, name, timezone) VALUES ($1, 'x', 'UTC')", other
        )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await write("INSERT INTO marks (tenant_id, grain, bucket) VALUES ($1, 1, now())", other)
    assert await write("DELETE FROM facts WHERE tenant_id = $1", other) == "DELETE 0"


@pytest.mark.parametrize("role", [API, WORKER])
async def test_a_role_cannot_lift_its_limits(database: Database, role: str) -> None:
    connection = await asyncpg.connect(dict(urls(database))[role])
    refused = (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)
    try:
        for sql in (
            "SET ROLE csapi_owner",
            "SET SESSION AUTHORIZATION csapi_owner",
            "ALTER TABLE csapi.tenants DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant ON csapi.facts",
            "CREATE TABLE csapi.stolen AS SELECT 1",
            "CREATE FUNCTION csapi.stolen() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "TRUNCATE csapi.facts",
            f"ALTER ROLE {role} BYPASSRLS",
            "COPY csapi.tenants TO PROGRAM 'true'",
        ):
            with pytest.raises(refused):
                await connection.execute(sql)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SET row_security = off; SELECT * FROM csapi.facts")
    finally:
        await connection.close()


@pytest.mark.parametrize("value", ["6d82415f-f72f-4d7e-a540-533e59e27301", b"x" * 16, None, 7])
def test_only_a_uuid_is_rendered_into_the_statement(value: object) -> None:
    with pytest.raises(TypeError):
        begin_statement(value)  # type: ignore[arg-type]


def test_the_statement_sets_the_tenant_for_one_transaction() -> None:
    tenant_id = UUID(bytes=os.urandom(16), version=4)
    assert begin_statement(tenant_id) == (
        f"BEGIN; SET LOCAL csapi.tenant_id = '{tenant_id}'; "
        "SET LOCAL idle_in_transaction_session_timeout = '10s'"
    )
