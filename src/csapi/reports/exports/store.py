"""Exports in tables: who works on which, how far it is, and the file in pieces.

Only the attempt that holds the lease writes, and every write asks whether it still is that attempt:
an export that was cancelled, or taken over from a worker that had stopped, is never written twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.happenings import ExportReady
from csapi.access.outbox import emit
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.reports.exports.schemas import EXPIRES_HOURS, ExportProblem, ExportRequest

MOST_ATTEMPTS = 3

# The worker reads ids of all tenants, and nothing else of them.
DUE = """
SELECT tenant_id, export FROM (
  SELECT tenant_id, export, due_at,
    row_number() OVER (PARTITION BY tenant_id ORDER BY due_at) AS turn
  FROM export_marks WHERE due_at <= clock_timestamp()
) AS due ORDER BY turn, due_at LIMIT 50"""

# Always the export before its mark, so that nobody waits in a circle.
LOCK = "SELECT 1 FROM exports WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
CLAIM_MARK = """
UPDATE export_marks SET due_at = clock_timestamp() + $3::float8 * interval '1 s'
WHERE tenant_id = $1 AND export = $2 AND due_at <= clock_timestamp() RETURNING export"""
CLAIM = """
UPDATE exports e SET status = 'running', attempt = attempt + 1, rows = 0, rows_total = NULL,
  bytes = 0
FROM tenants t
WHERE e.tenant_id = $1 AND e.id = $2 AND e.status IN ('queued', 'running') AND t.tenant_id = $1
RETURNING e.attempt, e.request::text AS request, e.created_at, t.timezone"""
DROP_CHUNKS = "DELETE FROM export_chunks WHERE tenant_id = $1 AND export = $2"
DROP_EXPORT = "DELETE FROM exports WHERE tenant_id = $1 AND id = $2 RETURNING id"
DROP_MARK = "DELETE FROM export_marks WHERE tenant_id = $1 AND export = $2"

ADVANCE = """
UPDATE exports SET rows = $4, rows_total = $5, bytes = $6
WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND status = 'running' RETURNING id"""
ADD_CHUNK = """
INSERT INTO export_chunks (tenant_id, export, number, content) VALUES ($1, $2, $3, $4)"""
RENEW = """
UPDATE export_marks m SET due_at = clock_timestamp() + $4::float8 * interval '1 s'
FROM exports e
WHERE m.tenant_id = $1 AND m.export = $2 AND e.tenant_id = $1 AND e.id = $2 AND e.attempt = $3
  AND e.status = 'running' RETURNING m.export"""
END = f"""
UPDATE exports SET status = $4, problem = $5::text::json, finished_at = clock_timestamp(),
  expires_at = clock_timestamp() + interval '{EXPIRES_HOURS} hours'
WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND status = 'running'
RETURNING expires_at, rows, bytes"""
SET_DUE = "UPDATE export_marks SET due_at = $3 WHERE tenant_id = $1 AND export = $2"


class SupersededError(Exception):
    """The export was cancelled, or another attempt has it."""


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt at an export."""

    tenant_id: UUID
    export: UUID
    attempt: int
    request: ExportRequest
    asked_at: datetime
    timezone: str

    @property
    def name(self) -> tuple[UUID, UUID, int]:
        return self.tenant_id, self.export, self.attempt


@dataclass(frozen=True, slots=True)
class Progress:
    """How many rows and bytes are written, of how many rows."""

    rows: int
    rows_total: int | None
    bytes: int


async def due(pool: asyncpg.Pool) -> Sequence[tuple[UUID, UUID]]:
    """Exports to look at, those of the tenants in turn."""
    async with acquire(pool) as connection:
        return [(row["tenant_id"], row["export"]) for row in await connection.fetch(DUE)]


async def remove(connection: asyncpg.Connection, tenant_id: UUID, export: UUID) -> bool:
    """Take an export away with its file; False if there was none."""
    found = await connection.fetchval(DROP_EXPORT, tenant_id, export)
    await connection.execute(DROP_CHUNKS, tenant_id, export)
    await connection.execute(DROP_MARK, tenant_id, export)
    return found is not None


async def claim(
    pool: asyncpg.Pool, tenant_id: UUID, export: UUID, lease_seconds: float
) -> Task | None:
    """An attempt, from the start. None where somebody else has it. What has expired goes."""
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(LOCK, tenant_id, export)
        if await connection.fetchval(CLAIM_MARK, tenant_id, export, lease_seconds) is None:
            return None
        row = await connection.fetchrow(CLAIM, tenant_id, export)
        if row is None:
            await remove(connection, tenant_id, export)
            return None
        await connection.execute(DROP_CHUNKS, tenant_id, export)
    request = msgspec.json.decode(row["request"], type=ExportRequest)
    return Task(tenant_id, export, row["attempt"], request, row["created_at"], row["timezone"])


async def renew(pool: asyncpg.Pool, task: Task, lease_seconds: float) -> bool:
    """Keep the lease; False when it is lost."""
    async with tenant_transaction(pool, task.tenant_id) as connection:
        return await connection.fetchval(RENEW, *task.name, lease_seconds) is not None


async def advance(
    connection: asyncpg.Connection, task: Task, number: int, content: bytes, progress: Progress
) -> None:
    """Add a piece of the file. Raises SupersededError."""
    place = (*task.name, progress.rows, progress.rows_total, progress.bytes)
    if await connection.fetchval(ADVANCE, *place) is None:
        raise SupersededError
    if content:
        await connection.execute(ADD_CHUNK, task.tenant_id, task.export, number, content)


async def end(
    connection: asyncpg.Connection, task: Task, status: str, problem: ExportProblem | None = None
) -> None:
    """Done, or failed. Raises SupersededError."""
    text = None if problem is None else msgspec.json.encode(problem).decode()
    row = await connection.fetchrow(END, *task.name, status, text)
    if row is None:
        raise SupersededError
    if problem is not None:
        await connection.execute(DROP_CHUNKS, task.tenant_id, task.export)
    await connection.execute(SET_DUE, task.tenant_id, task.export, row["expires_at"])
    ready = ExportReady(
        export_id=str(task.export),
        rows=row["rows"],
        bytes=row["bytes"],
        expires_at=row["expires_at"],
        problem=None if problem is None else problem.code,
        path=f"/v1/exports/{task.export}",
    )
    await emit(connection, task.tenant_id, ready)
