"""PostgreSQL connections. SQL is text composed from declared names; values are parameters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg

OLDEST_POSTGRES = 18
ACQUIRE_TIMEOUT_SECONDS = 2.0


class StartupError(Exception):
    """Why the process cannot start, and what to do: one line, shown as it is."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its arguments as a value: built by pure functions, compared in tests, run once."""

    sql: str
    arguments: tuple[object, ...] = ()


class Arguments:
    """Collects the arguments of a statement that is being built: add() gives the placeholder."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def add(self, value: object, cast: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


SERVER_SETTINGS = {"search_path": "csapi", "application_name": "csapi", "timezone": "UTC"}


async def connect(url: str, role: str | None = None) -> asyncpg.Connection:
    """One connection, for commands. With `role`, acts as that role where the login may.

    Raises StartupError when the server cannot be reached or refuses the login.
    """
    where = describe(url)
    try:
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS, timeout=10)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
        raise StartupError(
            f"Cannot reach PostgreSQL at {where}: {error or type(error).__name__}. "
            "Start it, or correct CSAPI_DATABASE_URL."
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StartupError(
            f"PostgreSQL at {where} refused the connection: {error}. Correct CSAPI_DATABASE_URL."
        ) from None
    if role is not None and await connection.fetchval("SELECT current_user") != role:
        try:
            await connection.execute(f"SET ROLE {role}")
        except asyncpg.PostgresError:
            await connection.close()
            raise StartupError(
                f"This command acts as {role}, which the login at {where} may not. "
                f"Use the URL of {role} or of an administrator, after csapi migrate."
            ) from None
    return connection


def describe(url: str) -> str:
    """The URL without its secret, for messages."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the given URL"
    return f"{parts.hostname or 'the local socket'}{port}{parts.path}"


async def _keep(connection: asyncpg.Connection) -> None:
    """No reset on release: all settings are transaction-local, so there is nothing to undo."""


async def open_pool(
    url: str, *, size: int, statement_timeout_ms: int, owner: str = "csapi_owner"
) -> asyncpg.Pool:
    """A pool whose role cannot see past row-level security.

    Raises StartupError, saying what to do, when the server cannot be reached, is too old, has no
    schema yet, or when the role is a superuser, bypasses row-level security or owns the tables.
    """
    probe = await connect(url)
    try:
        await refuse_unsafe_role(probe, owner)
    finally:
        await probe.close()
    return await asyncpg.create_pool(
        url,
        min_size=min(2, size),
        max_size=size,
        reset=_keep,
        command_timeout=statement_timeout_ms / 1000 + 5,
        server_settings={**SERVER_SETTINGS, "statement_timeout": str(statement_timeout_ms)},
    )


async def refuse_unsafe_role(connection: asyncpg.Connection, owner: str) -> None:
    if connection.get_server_version().major < OLDEST_POSTGRES:
        raise StartupError(
            f"PostgreSQL {connection.get_server_version().major} is too old: csapi needs "
            f"{OLDEST_POSTGRES} or newer. Point CSAPI_DATABASE_URL at one."
        )
    role = await connection.fetchrow(
        "SELECT rolname, rolsuper, rolbypassrls, "
        "EXISTS (SELECT 1 FROM pg_roles o WHERE o.rolname = $1 "
        "        AND pg_has_role(current_user, o.oid, 'MEMBER')) AS is_owner "
        "FROM pg_roles WHERE rolname = current_user",
        owner,
    )
    flaw = (
        "is a superuser"
        if role["rolsuper"]
        else "has BYPASSRLS"
        if role["rolbypassrls"]
        else "can act as the owner of the tables"
        if role["is_owner"]
        else None
    )
    if flaw:
        raise StartupError(
            f"Refusing to start: the database role {role['rolname']} {flaw}, so row-level security "
            "would not hold between tenants. Use csapi_api for `csapi serve` and csapi_worker for "
            "`csapi worker`: give them passwords with CSAPI_API_PASSWORD and "
            "CSAPI_WORKER_PASSWORD when you run `csapi migrate`."
        )
    if await connection.fetchval("SELECT to_regclass('csapi.facts')") is None:
        raise StartupError(
            "The database has no csapi tables that this role can see. Run `csapi migrate` first "
            "with an administrator's CSAPI_DATABASE_URL."
        )


@asynccontextmanager
async def acquire(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection, or TimeoutError after two seconds of waiting."""
    connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)
    try:
        yield connection
    finally:
        await asyncio.shield(pool.release(connection))


async def run(connection: Any, statement: Statement) -> Sequence[Any]:
    rows: Sequence[Any] = await connection.fetch(statement.sql, *statement.arguments)
    return rows
