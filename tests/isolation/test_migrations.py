"""The migrations: up, down and up again; no drift; safe to run twice and by two at once."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from tests.conftest import Database

from csapi.embedded.postgres import Postgres
from csapi.kit.db import StartupError
from csapi.kit.migrate import migrate, run_alembic

SHAPE = """
SELECT 'table ' || c.relname || ' ' || c.relrowsecurity || c.relforcerowsecurity || ' '
    || coalesce(c.relacl::text, '') || ' ' || coalesce(c.reloptions::text, '') AS line
FROM pg_class c WHERE c.relnamespace = 'csapi'::regnamespace AND c.relkind IN ('r', 'S', 'v', 'm')
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || a.attnotnull || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'csapi'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'csapi'
UNION ALL SELECT 'policy ' || p::text FROM pg_policies p WHERE schemaname = 'csapi'
UNION ALL SELECT 'function ' || p.oid::regprocedure::text || coalesce(p.proacl::text, '')
  || p.prosrc || coalesce(p.proconfig::text, '')
FROM pg_proc p WHERE p.pronamespace = 'csapi'::regnamespace
ORDER BY 1"""


async def shape(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row["line"] for row in await connection.fetch(SHAPE)]
    finally:
        await connection.close()


@pytest.fixture
def own(make_database: Callable[[], Database]) -> Database:
    return make_database()


async def test_up_down_up_ends_where_it_began(own: Database) -> None:
    before = await shape(own.admin_url)
    await run_alembic(own.admin_url, "downgrade", "base")
    left = await shape(own.admin_url)
    assert [line for line in left if "alembic_version" not in line] == []
    await run_alembic(own.admin_url, "upgrade", "head")
    assert await shape(own.admin_url) == before
    await run_alembic(own.admin_url, "check")


async def test_the_tables_in_code_and_database_are_the_same(database: Database) -> None:
    """alembic check raises when a migration is missing."""
    await run_alembic(database.admin_url, "check")


async def test_several_at_once_change_nothing(own: Database, postgres: Postgres) -> None:
    """Roles belong to the whole server: two that set their passwords at once must both end well."""
    before = await shape(own.admin_url)
    secrets = postgres.layout.credentials()
    await asyncio.gather(
        *(
            migrate(own.admin_url, api_password=secrets.api, worker_password=secrets.worker)
            for _ in range(6)
        )
    )
    assert await shape(own.admin_url) == before


async def test_a_schema_from_the_future_is_refused_in_one_line(own: Database) -> None:
    connection = await asyncpg.connect(own.admin_url)
    try:
        await connection.execute("UPDATE csapi.alembic_version SET version_num = '9999'")
    finally:
        await connection.close()
    with pytest.raises(StartupError) as refusal:
        await migrate(own.admin_url)
    assert "9999" in str(refusal.value)
    assert "\n" not in str(refusal.value)


async def test_what_was_stored_survives_another_migrate(own: Database) -> None:
    connection = await asyncpg.connect(own.admin_url)
    try:
        await connection.execute(
            "INSERT INTO csapi.tenants (tenant_id, name, timezone) VALUES (uuidv7(), 'kept', 'UTC')"
        )
        await migrate(own.admin_url)
        assert await connection.fetchval("SELECT name FROM csapi.tenants") == "kept"
    finally:
        await connection.close()
