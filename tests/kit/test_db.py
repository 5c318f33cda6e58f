"""Connections that end under whoever uses them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Database

from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import ConnectionLost, acquire, open_pool
from csapi.kit.problem_answers import to_problem


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(database.api_url, size=2, statement_timeout_ms=5_000)
    yield opened
    opened.terminate()


# What a server whose postmaster is gone says on its own, before it hangs up.
WORDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
LAST_WORDS = b"E" + (len(WORDS) + 4).to_bytes(4) + WORDS


async def end_of(admin: asyncpg.Connection, connection: Any) -> None:
    """The server ends it, and this process has noticed."""
    await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
    await asyncio.sleep(0.05)


async def test_what_ends_between_two_statements_is_unavailable_and_no_mistake_of_ours(
    pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    """asyncpg then says that it "has been released", as to somebody who kept it too long."""

    async def use() -> None:
        async with acquire(pool) as connection:
            await connection.fetchval("SELECT 1")
            await end_of(admin, connection)
            await connection.fetchval("SELECT 1")

    with pytest.raises(ConnectionLost) as caught:
        await use()
    assert to_problem(caught.value).code == "database_unavailable"
    async with acquire(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_what_ends_before_its_commit_is_unavailable(
    pool: asyncpg.Pool, admin: asyncpg.Connection, tenant_id: UUID
) -> None:
    async def use() -> None:
        async with tenant_transaction(pool, tenant_id) as connection:
            await end_of(admin, connection)

    with pytest.raises(ConnectionLost) as caught:
        await use()
    assert to_problem(caught.value).code == "database_unavailable"


async def test_what_ends_within_a_statement_is_unavailable(
    pool: asyncpg.Pool, admin: asyncpg.Connection, tenant_id: UUID
) -> None:
    async def use() -> None:
        async with tenant_transaction(pool, tenant_id) as connection:
            ending = asyncio.create_task(end_of(admin, connection))
            try:
                await connection.fetchval("SELECT pg_sleep(4)")
            finally:
                await ending

    with pytest.raises(asyncpg.PostgresError) as caught:
        await use()
    assert to_problem(caught.value).code == "database_unavailable"


async def test_a_server_that_has_said_its_last_word_is_unavailable(pool: asyncpg.Pool) -> None:
    """asyncpg takes that for an operation in progress until the server hangs up."""

    async def use() -> None:
        async with acquire(pool) as connection:
            connection._protocol.data_received(LAST_WORDS)
            await connection.fetchval("SELECT 1")

    with pytest.raises(ConnectionLost) as caught:
        await use()
    assert to_problem(caught.value).code == "database_unavailable"
    async with acquire(pool) as connection:
        assert await connection.fetchval("SELECT 1") == 1


async def test_the_last_word_within_a_transaction_too(pool: asyncpg.Pool, tenant_id: UUID) -> None:
    async def use() -> None:
        async with tenant_transaction(pool, tenant_id) as connection:
            connection._protocol.data_received(LAST_WORDS)

    with pytest.raises(ConnectionLost) as caught:
        await use()
    assert to_problem(caught.value).code == "database_unavailable"


async def test_what_ends_once_its_work_is_done_hurts_nobody(
    pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    async with acquire(pool) as connection:
        found = await connection.fetchval("SELECT 1")
        await end_of(admin, connection)
    assert found == 1
    assert pool.get_size() <= 2
    async with acquire(pool) as connection, acquire(pool) as other:
        assert await connection.fetchval("SELECT 1") + await other.fetchval("SELECT 1") == 2


async def test_who_keeps_a_connection_too_long_is_told(pool: asyncpg.Pool) -> None:
    async with acquire(pool) as connection:
        pass
    with pytest.raises(asyncpg.InterfaceError) as caught:
        await connection.fetchval("SELECT 1")
    assert to_problem(caught.value).code == "internal_error"
