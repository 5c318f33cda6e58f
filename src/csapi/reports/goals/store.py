"""Goals in tables.

Where a goal was when it was last looked at stands beside it: first screens tell that without asking
anew. It is looked at when it is written, and by the worker once each local day (watching.py).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.reports.goals.matching import match_of
from csapi.reports.goals.schemas import MOST_GOALS, GoalRequest, GoalState, SavedGoal

COLUMNS = "id, content::text AS content, created_at, updated_at"
LIST = f"""
SELECT {COLUMNS} FROM goals
WHERE tenant_id = $1 AND ($2::text IS NULL OR metric = $2) AND ($3::uuid IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4"""
ONE = f"SELECT {COLUMNS} FROM goals WHERE tenant_id = $1 AND id = $2"
ADD = f"""
INSERT INTO goals (tenant_id, content, metric, match, starts_on, due_on, status, status_at)
SELECT $1, $2::text::json, $3::text, $4::text, $5::date, $6::date, $7::text, $8::timestamptz
WHERE (SELECT count(*) FROM goals WHERE tenant_id = $1) < {MOST_GOALS}
RETURNING {COLUMNS}"""
REPLACE = f"""
UPDATE goals SET content = $3::text::json, metric = $4, match = $5, starts_on = $6, due_on = $7,
  status = $8, status_at = $9, updated_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"""
DROP = "DELETE FROM goals WHERE tenant_id = $1 AND id = $2 RETURNING id"
KEEP_STATUS = """
UPDATE goals SET status = $3, status_at = $4
WHERE tenant_id = $1 AND id = $2 AND updated_at = $5 RETURNING old.status"""


def request_of(row: Any) -> GoalRequest:
    return msgspec.json.decode(row["content"], type=GoalRequest)


def goal_of(row: Any, state: GoalState) -> SavedGoal:
    return SavedGoal(
        id=str(row["id"]),
        goal=request_of(row),
        state=state,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def values_of(goal: GoalRequest, state: GoalState, now: datetime) -> list[Any]:
    return [
        msgspec.json.encode(goal).decode(),
        goal.metric.id,
        match_of(goal.metric, goal.filters),
        goal.starts_on,
        goal.due_on,
        state.status.value,
        now,
    ]


async def add(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    goal: GoalRequest,
    state: GoalState,
    now: datetime,
) -> Any:
    """The row; None where there are too many."""
    return await connection.fetchrow(ADD, tenant_id, *values_of(goal, state, now))


async def replace(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    goal_id: UUID,
    goal: GoalRequest,
    state: GoalState,
    now: datetime,
) -> Any:
    """The row; None where there is no such goal."""
    return await connection.fetchrow(REPLACE, tenant_id, goal_id, *values_of(goal, state, now))
