"""The one place where a transaction gets its tenant."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Literal, Protocol
from uuid import UUID

import asyncpg

from csapi.kit.db import acquire, is_lost
from csapi.kit.faultpoints import faultpoint

TenantLock = Literal["shared", "exclusive"]

READ_ONLY = " ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Who writes holds locks that others wait for: a process that hangs, or is gone, must give them
# back soon.
WRITES = "; SET LOCAL idle_in_transaction_session_timeout = '10s'"
# Leaves it to PostgreSQL again, for the rest of a transaction that began with many_rows.
PLAN_ANEW = "SET LOCAL plan_cache_mode = auto"


class Settles(Protocol):
    """What has to be written together with the effect of a request."""

    async def settle(self, connection: asyncpg.Connection) -> None: ...


_settling: ContextVar[tuple[object, Settles] | None] = ContextVar("settling", default=None)

LOCKS = {"shared": "pg_advisory_xact_lock_shared", "exclusive": "pg_advisory_xact_lock"}


def begin_statement(
    tenant_id: UUID,
    *,
    readonly: bool = False,
    lock: TenantLock | None = None,
    many_rows: bool | None = None,
) -> str:
    """BEGIN, the tenant and its lock in one message.

    `many_rows`: whether arrays of arguments are long. A plan kept from earlier calls takes every
    array for ten elements, and joins thousands of rows row by row; planning anew takes longer than
    to derive a single ticket. None leaves it to PostgreSQL, which cannot know.

    SET takes no parameters: a UUID is rendered, and nothing else.
    """
    if not isinstance(tenant_id, UUID):
        raise TypeError("a tenant id is a uuid.UUID and nothing else")
    begin = f"BEGIN{READ_ONLY if readonly else ''}; SET LOCAL csapi.tenant_id = '{tenant_id}'"
    if not readonly:
        begin += WRITES
    if many_rows is not None:
        plans = "force_custom_plan" if many_rows else "force_generic_plan"
        begin += f"; SET LOCAL plan_cache_mode = {plans}"
    if lock is None:
        return begin
    number = int.from_bytes(tenant_id.bytes[:8], "big", signed=True)
    return f"{begin}; SELECT {LOCKS[lock]}({number})"


@contextmanager
def settling(what: Settles) -> Iterator[None]:
    """Let every writing transaction of this task call `what.settle` before it commits; those of
    tasks that it starts beside itself do not."""
    token = _settling.set((asyncio.current_task(), what))
    try:
        yield
    finally:
        _settling.reset(token)


async def _settle(connection: asyncpg.Connection) -> None:
    found = _settling.get()
    if found is not None and found[0] is asyncio.current_task():
        await found[1].settle(connection)


@asynccontextmanager
async def tenant_scope(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    *,
    readonly: bool = False,
    lock: TenantLock | None = None,
    many_rows: bool | None = None,
) -> AsyncIterator[asyncpg.Connection]:
    """A transaction on `connection` that sees one tenant; commits when the block ends well."""
    try:
        begin = begin_statement(tenant_id, readonly=readonly, lock=lock, many_rows=many_rows)
        await connection.execute(begin)
        yield connection
        if not readonly:
            await _settle(connection)
            faultpoint("commit.before")
        await connection.execute("COMMIT")
        if not readonly:
            faultpoint("commit.after")
    except BaseException:
        await undo(connection)
        raise


async def undo(connection: asyncpg.Connection) -> None:
    """Roll back, or drop the connection where that cannot be known to have worked."""
    if is_lost(connection):
        return
    try:
        await connection.execute("ROLLBACK", timeout=5)
    except BaseException:  # noqa: BLE001  a connection in an unknown state must not go back
        if not is_lost(connection):
            connection.terminate()


@asynccontextmanager
async def tenant_transaction(
    pool: asyncpg.Pool,
    tenant_id: UUID,
    *,
    readonly: bool = False,
    lock: TenantLock | None = None,
    many_rows: bool | None = None,
) -> AsyncIterator[asyncpg.Connection]:
    """A pooled connection in a transaction that sees one tenant.

    READ COMMITTED for writes: every statement takes its own snapshot, which derivation and
    rollup rely on. With `readonly`, one snapshot for all statements.
    Raises TimeoutError when no connection comes free, asyncpg errors as they are.
    """
    async with (
        acquire(pool) as connection,
        tenant_scope(connection, tenant_id, readonly=readonly, lock=lock, many_rows=many_rows),
    ):
        yield connection
