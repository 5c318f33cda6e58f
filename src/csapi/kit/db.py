"""PostgreSQL connections. SQL is text composed from declared names; values are parameters."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import asyncpg

from csapi.kit.waits import waits

log = logging.getLogger("csapi.db")

OLDEST_POSTGRES = 18
OWNER, API, WORKER = "csapi_owner", "csapi_api", "csapi_worker"
SCHEMES = ("postgresql", "postgres")
ACQUIRE_TIMEOUT_SECONDS = 2.0


class StartupError(Exception):
    """Why the process cannot start, and what to do: one line, shown as it is."""


class PoolExhausted(TimeoutError):  # noqa: N818 - it says what is so
    """All connections of the process are at work."""


class ConnectionLost(ConnectionError):  # noqa: N818 - it says what is so
    """The connection ended under whoever used it: what the server did last is not known."""


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


# Every access starts with a tenant, so an index always serves: a scan of a whole table would read
# the rows of all tenants.
LONGEST_STATEMENT = 1 << 20
# Nobody works that long between two statements of a transaction: a process that hangs, or a machine
# that is gone, must not keep its locks from others.
IDLE_SECONDS = 60
SERVER_SETTINGS = {
    "search_path": "csapi",
    "application_name": "csapi",
    "timezone": "UTC",
    "enable_seqscan": "off",
}


async def connect(url: str, role: str | None = None) -> asyncpg.Connection:
    """One connection, for commands. With `role`, acts as that role where the login may.

    Raises StartupError when the server cannot be reached or refuses the login.
    """
    where = describe(url)
    try:
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS, timeout=10)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError) as error:
        raise StartupError(
            f"Cannot reach PostgreSQL at {where}: {one_line(error)}. "
            "Start it, or correct CSAPI_DATABASE_URL."
        ) from None
    except asyncpg.PostgresError as error:
        raise StartupError(
            f"PostgreSQL at {where} refused the connection: {one_line(error)}. "
            "Correct CSAPI_DATABASE_URL."
        ) from None
    except (asyncpg.InterfaceError, ValueError):
        # The text may quote any part of the URL.
        raise StartupError(
            f"The parameters for PostgreSQL at {where} cannot be used. Correct CSAPI_DATABASE_URL."
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
    """The URL without its secret, for messages.

    Raises StartupError, which quotes nothing, when it is none: a password with a character that
    is not percent-encoded may then stand anywhere in it.
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise not_a_url() from None
    if parts.scheme not in SCHEMES or parts.fragment or "@" in parts.path:
        raise not_a_url()
    return f"{parts.hostname or 'the local socket'}{port}{parts.path}"


def not_a_url() -> StartupError:
    return StartupError(
        "CSAPI_DATABASE_URL is not a URL such as postgresql://csapi_api:PASSWORD@host:5432/csapi. "
        "Correct it; percent-encode special characters in the password."
    )


def one_line(error: BaseException) -> str:
    """The text of an error; PostgreSQL puts details and hints on lines of their own."""
    return " ".join(str(error).split()) or type(error).__name__


async def _keep(connection: asyncpg.Connection) -> None:
    """No reset on release: all settings are transaction-local, so there is nothing to undo."""


async def open_pool(
    url: str,
    *,
    size: int,
    statement_timeout_ms: int,
    owner: str = OWNER,
    note: Callable[[Any], None] | None = None,
) -> asyncpg.Pool:
    """A pool whose role cannot see past row-level security. `note` is called after each statement.

    Raises StartupError, saying what to do, when the server cannot be reached, is too old, has no
    schema yet, or when the role is a superuser, bypasses row-level security or owns the tables.
    """
    probe = await connect(url)
    try:
        await refuse_unsafe_role(probe, owner)
    finally:
        await probe.close()

    async def prepare(connection: asyncpg.Connection) -> None:
        connection.add_query_logger(note)

    return await asyncpg.create_pool(
        url,
        init=None if note is None else prepare,
        min_size=min(2, size),
        max_size=size,
        reset=_keep,
        command_timeout=statement_timeout_ms / 1000 + 5,
        # The derivations are longer than the 15 KB up to which asyncpg keeps a prepared statement.
        max_cacheable_statement_size=LONGEST_STATEMENT,
        server_settings={
            **SERVER_SETTINGS,
            "statement_timeout": str(statement_timeout_ms),
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        },
    )


# Whom the login can turn into counts as much as who it is: RESET ROLE and SET ROLE are SQL too.
UNSAFE_ROLE = """
SELECT session_user AS login, r.rolname, r.rolsuper, r.rolbypassrls,
  r.rolname = session_user AS is_self
FROM pg_roles r
WHERE (pg_has_role(session_user, r.oid, 'MEMBER') OR pg_has_role(current_user, r.oid, 'MEMBER'))
  AND (r.rolsuper OR r.rolbypassrls OR r.rolname = $1 OR r.oid IN (
    SELECT c.relowner FROM pg_class c WHERE c.relnamespace = to_regnamespace('csapi')))
ORDER BY is_self DESC, r.rolsuper DESC, r.rolbypassrls DESC LIMIT 1"""


async def refuse_unsafe_role(connection: asyncpg.Connection, owner: str) -> None:
    if connection.get_server_version().major < OLDEST_POSTGRES:
        raise StartupError(
            f"PostgreSQL {connection.get_server_version().major} is too old: csapi needs "
            f"{OLDEST_POSTGRES} or newer. Point CSAPI_DATABASE_URL at one."
        )
    unsafe = await connection.fetchrow(UNSAFE_ROLE, owner)
    if unsafe is not None:
        flaw = (
            "is a superuser"
            if unsafe["rolsuper"]
            else "has BYPASSRLS"
            if unsafe["rolbypassrls"]
            else "owns the tables"
        )
        if not unsafe["is_self"]:
            flaw = f"can act as {unsafe['rolname']}, which {flaw}"
        raise StartupError(
            f"Refusing to start: the database role {unsafe['login']} {flaw}, so row-level security "
            "would not hold between tenants. Use csapi_api for `csapi serve` and csapi_worker for "
            "`csapi worker`: give them passwords with CSAPI_API_PASSWORD and "
            "CSAPI_WORKER_PASSWORD when you run `csapi migrate`."
        )
    try:
        facts = await connection.fetchval("SELECT to_regclass('csapi.facts')")
    except asyncpg.InsufficientPrivilegeError:
        facts = None
    if facts is None:
        raise StartupError(
            "The database has no csapi tables that this role can see. Run `csapi migrate` first "
            "with an administrator's CSAPI_DATABASE_URL."
        )


@asynccontextmanager
async def acquire(pool: asyncpg.Pool) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection, or TimeoutError after two seconds of waiting: PoolExhausted where all
    connections are at work. Raises ConnectionLost where it ended between two of its statements."""
    connection = await _taken(pool)
    try:
        yield connection
    except asyncpg.InterfaceError as error:
        if is_lost(connection):
            raise ConnectionLost(one_line(error)) from error
        raise
    except asyncpg.InternalClientError as error:
        # The server has said its last word, and asyncpg waits for it to hang up.
        if not is_lost(connection):
            connection.terminate()
        raise ConnectionLost(one_line(error)) from error
    finally:
        await _give_back(pool, connection)


async def _taken(pool: asyncpg.Pool) -> asyncpg.Connection:
    began = time.perf_counter()
    try:
        connection = await pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS)
    except TimeoutError:
        waits.in_vain += 1
        if pool.get_size() == pool.get_max_size() and not pool.get_idle_size():
            raise PoolExhausted from None
        raise
    except asyncpg.InternalClientError as error:
        # A server that ends while it lets somebody in: nothing was asked of it yet.
        raise ConnectionLost(one_line(error)) from error
    waits.count += 1
    waits.seconds += time.perf_counter() - began
    return connection


def is_lost(connection: Any) -> bool:
    """Whether a connection that was acquired and not given back has ended. The pool has taken it
    from its user then, and each call of it is refused, this question too."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


async def _give_back(pool: asyncpg.Pool, connection: asyncpg.Connection) -> None:
    """What ends in this moment is dropped by the pool. What was asked of it is done: whoever
    committed must not hear of a failure."""
    try:
        await asyncio.shield(pool.release(connection))
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        log.warning("a connection ended while it was given back: %s", type(error).__name__)


async def run(connection: Any, statement: Statement) -> Sequence[Any]:
    rows: Sequence[Any] = await connection.fetch(statement.sql, *statement.arguments)
    return rows
