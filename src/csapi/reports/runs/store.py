"""Reports and runs in tables.

A report with a schedule has a mark: which turn it waits for, and when a worker looks at it. Who
claims a mark moves that instant on; if it stops half way, the turn comes up again. A turn is
written once: runs of a schedule are unique by report and turn. Deleting a report takes the mark
first, and a turn is written by who has moved the mark on: none is left without its report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.happenings import ReportRunReady
from csapi.access.outbox import emit
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.reports.runs.schemas import (
    MOST_REPORTS,
    MOST_RUNS,
    ReportRequest,
    ReportRun,
    SavedReport,
)
from csapi.reports.runs.timing import last_until, next_after

COLUMNS = "r.id, r.content::text AS content, r.created_at, r.updated_at, m.turn"
FROM = "reports r LEFT JOIN report_marks m ON m.tenant_id = $1 AND m.report = r.id"
LIST = f"SELECT {COLUMNS} FROM {FROM} WHERE r.tenant_id = $1 ORDER BY r.id DESC"
ONE = f"SELECT {COLUMNS} FROM {FROM} WHERE r.tenant_id = $1 AND r.id = $2"
ADD = f"""
INSERT INTO reports (tenant_id, content) SELECT $1, $2::text::json
WHERE (SELECT count(*) FROM reports WHERE tenant_id = $1) < {MOST_REPORTS}
RETURNING id, created_at, updated_at"""
REPLACE = """
UPDATE reports SET content = $3::text::json, updated_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2
RETURNING new.id, new.created_at, new.updated_at, old.content::text AS before"""
DROP = "DELETE FROM reports WHERE tenant_id = $1 AND id = $2 RETURNING id"
DROP_RUNS = "DELETE FROM report_runs WHERE tenant_id = $1 AND report = $2"
DROP_MARK = "DELETE FROM report_marks WHERE tenant_id = $1 AND report = $2"
SET_MARK = """
INSERT INTO report_marks AS m (tenant_id, report, turn, due_at) VALUES ($1, $2, $3, $3)
ON CONFLICT (tenant_id, report) DO UPDATE
SET turn = excluded.turn, due_at = excluded.due_at, attempt = 0"""

TURN = "SELECT turn FROM report_marks WHERE tenant_id = $1 AND report = $2"

RUNS = """
SELECT id, trigger, as_of, created_at, sections, failed FROM report_runs
WHERE tenant_id = $1 AND report = $2 ORDER BY id DESC"""
RUN = """
SELECT content::text FROM report_runs WHERE tenant_id = $1 AND report = $2 AND id = $3"""
DROP_RUN = """
DELETE FROM report_runs WHERE tenant_id = $1 AND report = $2 AND id = $3 RETURNING id"""
# So that none is added to a report that is being deleted.
LOCK = "SELECT 1 FROM reports WHERE tenant_id = $1 AND id = $2 FOR SHARE"
ADD_RUN = """
INSERT INTO report_runs
  (tenant_id, id, report, trigger, turn, as_of, created_at, sections, failed, content)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json)
ON CONFLICT (tenant_id, report, turn) DO NOTHING RETURNING id"""
DROP_OLDEST = f"""
DELETE FROM report_runs WHERE tenant_id = $1 AND report = $2 AND id <= (
  SELECT id FROM report_runs WHERE tenant_id = $1 AND report = $2
  ORDER BY id DESC OFFSET {MOST_RUNS} LIMIT 1)"""

# The worker reads ids and instants of all tenants, and nothing else of them.
DUE = """
SELECT tenant_id, report FROM report_marks WHERE due_at <= clock_timestamp()
ORDER BY due_at LIMIT 50"""
CLAIM = """
UPDATE report_marks m
SET due_at = clock_timestamp() + $3::float8 * interval '1 s', attempt = attempt + 1
FROM reports r, tenants t
WHERE m.tenant_id = $1 AND m.report = $2 AND m.due_at <= clock_timestamp()
  AND r.tenant_id = $1 AND r.id = $2 AND t.tenant_id = $1
RETURNING m.turn, m.attempt, uuidv7() AS run, clock_timestamp() AS now, t.timezone,
  r.content::text AS content"""
MOVE_MARK = """
UPDATE report_marks SET turn = $4, due_at = $4, attempt = 0
WHERE tenant_id = $1 AND report = $2 AND turn = $3 RETURNING report"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn of a schedule that is due. `waited_for`: the turn of the mark, of which `at` is the
    same or, where nobody worked for long, the latest since. `run_id`: of a run without answers."""

    tenant_id: UUID
    report_id: UUID
    run_id: UUID
    report: ReportRequest
    timezone: str
    waited_for: datetime
    at: datetime
    following: datetime
    attempt: int


def report_of(row: Any, content: ReportRequest, turn: datetime | None) -> SavedReport:
    return SavedReport(
        id=str(row["id"]),
        report=content,
        next_run_at=turn,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def read_report(row: Any) -> SavedReport:
    return report_of(row, msgspec.json.decode(row["content"], type=ReportRequest), row["turn"])


async def add(
    connection: asyncpg.Connection, tenant_id: UUID, report: ReportRequest, turn: datetime | None
) -> SavedReport | None:
    """The report with its id; None where there are too many."""
    row = await connection.fetchrow(ADD, tenant_id, msgspec.json.encode(report).decode())
    if row is None:
        return None
    await set_turn(connection, tenant_id, row["id"], turn)
    return report_of(row, report, turn)


async def replace(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    report_id: UUID,
    report: ReportRequest,
    turn: datetime | None,
) -> SavedReport | None:
    """The report under its id; None where there is none. Its runs stay as they are, and so does
    the turn that it waits for, if the schedule does."""
    text = msgspec.json.encode(report).decode()
    row = await connection.fetchrow(REPLACE, tenant_id, report_id, text)
    if row is None:
        return None
    before = msgspec.json.decode(row["before"], type=ReportRequest)
    if (before.schedule, before.timezone) == (report.schedule, report.timezone):
        turn = await connection.fetchval(TURN, tenant_id, report_id)
    else:
        await set_turn(connection, tenant_id, report_id, turn)
    return report_of(row, report, turn)


async def set_turn(
    connection: asyncpg.Connection, tenant_id: UUID, report_id: UUID, turn: datetime | None
) -> None:
    if turn is None:
        await connection.execute(DROP_MARK, tenant_id, report_id)
    else:
        await connection.execute(SET_MARK, tenant_id, report_id, turn)


async def remove(connection: asyncpg.Connection, tenant_id: UUID, report_id: UUID) -> bool:
    """Take a report away with its runs; False if there was none."""
    await connection.execute(DROP_MARK, tenant_id, report_id)
    found = await connection.fetchval(DROP, tenant_id, report_id)
    await connection.execute(DROP_RUNS, tenant_id, report_id)
    return found is not None


async def keep(
    connection: asyncpg.Connection, tenant_id: UUID, run: ReportRun, content: bytes
) -> bool:
    """Keep a run that was asked for; False where its report is gone."""
    if await connection.fetchval(LOCK, tenant_id, UUID(run.report_id)) is None:
        return False
    await write(connection, tenant_id, run, content, None)
    return True


async def keep_turn(pool: asyncpg.Pool, turn: Turn, run: ReportRun, content: bytes) -> bool:
    """Keep the run of a turn, and wait for the one after it; False where the report is gone or its
    schedule another."""
    place = turn.tenant_id, turn.report_id, turn.waited_for
    async with tenant_transaction(pool, turn.tenant_id) as connection:
        if await connection.fetchval(MOVE_MARK, *place, turn.following) is None:
            return False
        await write(connection, turn.tenant_id, run, content, turn.at)
    return True


async def write(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    run: ReportRun,
    content: bytes,
    turn: datetime | None,
) -> None:
    """A run of a turn that is there already stays as it is."""
    report_id = UUID(run.report_id)
    failed = sum(each.answer is None for each in run.sections)
    added = await connection.fetchval(
        ADD_RUN,
        tenant_id,
        UUID(run.id),
        report_id,
        run.trigger.value,
        turn,
        run.as_of,
        run.created_at,
        len(run.sections),
        failed,
        content.decode(),
    )
    if added is not None:
        ready = ReportRunReady(
            report_id=run.report_id,
            run_id=run.id,
            trigger=run.trigger.value,
            as_of=run.as_of,
            sections=len(run.sections),
            failed=failed,
            path=f"/v1/reports/{run.report_id}/runs/{run.id}",
        )
        await emit(connection, tenant_id, ready)
    await connection.execute(DROP_OLDEST, tenant_id, report_id)


async def due(pool: asyncpg.Pool) -> Sequence[tuple[UUID, UUID]]:
    async with acquire(pool) as connection:
        return [(row["tenant_id"], row["report"]) for row in await connection.fetch(DUE)]


async def claim(
    pool: asyncpg.Pool, tenant_id: UUID, report_id: UUID, lease_seconds: float
) -> Turn | None:
    """The turn that is due; None where somebody else has it."""
    async with tenant_transaction(pool, tenant_id) as connection:
        row = await connection.fetchrow(CLAIM, tenant_id, report_id, lease_seconds)
    if row is None:
        return None
    report = msgspec.json.decode(row["content"], type=ReportRequest)
    if report.schedule is None:
        raise AssertionError(report_id)
    zone = report.timezone or row["timezone"]
    latest = last_until(report.schedule, zone, row["now"])
    return Turn(
        tenant_id=tenant_id,
        report_id=report_id,
        run_id=row["run"],
        report=report,
        timezone=row["timezone"],
        waited_for=row["turn"],
        at=max(row["turn"], latest),
        following=next_after(report.schedule, zone, row["now"]),
        attempt=row["attempt"],
    )
