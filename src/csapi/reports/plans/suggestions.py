"""What agents suggest, in its table. It is kept here alone."""

from typing import Any
from uuid import UUID

import asyncpg

from csapi.kit.problems import Problem
from csapi.reports.plans.schemas import (
    MOST_SUGGESTIONS,
    NewSuggestion,
    Suggestion,
    SuggestionKind,
    SuggestionStatus,
)

PLAN_OF = (
    "(SELECT p.id FROM action_plans p WHERE p.tenant_id = $1 AND p.suggestion = s.id "
    "ORDER BY p.id DESC LIMIT 1)"
)
COLUMNS = (
    "s.id, s.agent, s.kind, s.content, s.status, s.reply, s.created_at, s.updated_at, "
    f"{PLAN_OF} AS plan"
)
IS_PLANNED = f"{PLAN_OF} IS NOT NULL"
STANDS = f"CASE WHEN {IS_PLANNED} THEN '{SuggestionStatus.planned}' ELSE s.status END"
ADD = f"""
INSERT INTO suggestions AS s (tenant_id, agent, kind, content, status)
SELECT $1, a.id, $3::text, $4::text, '{SuggestionStatus.open}' FROM agents a
WHERE a.tenant_id = $1 AND a.id = $2 AND NOT a.is_deleted
  AND (SELECT count(*) FROM suggestions WHERE tenant_id = $1 AND agent = $2) < {MOST_SUGGESTIONS}
RETURNING {COLUMNS}"""
LIST = f"""
SELECT {COLUMNS} FROM suggestions s
WHERE s.tenant_id = $1 AND ($2::uuid IS NULL OR s.agent = $2) AND ($3::text IS NULL OR s.kind = $3)
  AND ($4::text IS NULL OR {STANDS} = $4) AND ($5::uuid IS NULL OR s.id < $5)
ORDER BY s.id DESC LIMIT $6"""
LOCK = f"SELECT {COLUMNS} FROM suggestions s WHERE s.tenant_id = $1 AND s.id = $2 FOR UPDATE OF s"
CHANGE = f"""
UPDATE suggestions AS s SET status = $3, reply = coalesce($4, reply),
  updated_at = clock_timestamp()
WHERE s.tenant_id = $1 AND s.id = $2 RETURNING {COLUMNS}"""
DELETE = "DELETE FROM suggestions WHERE tenant_id = $1 AND id = $2 RETURNING id"


def suggestion(row: Any) -> Suggestion:
    return Suggestion(
        id=str(row["id"]),
        agent_id=str(row["agent"]),
        kind=SuggestionKind(row["kind"]),
        text=row["content"],
        status=SuggestionStatus.planned if row["plan"] else SuggestionStatus(row["status"]),
        reply=row["reply"],
        plan_id=None if row["plan"] is None else str(row["plan"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def found_suggestion(row: Any) -> Any:
    if row is None:
        raise Problem("not_found", "There is no such suggestion for this key.")
    return row


async def add_suggestion(
    connection: asyncpg.Connection, tenant_id: UUID, agent_id: UUID, given: NewSuggestion
) -> Suggestion:
    """Raises Problem."""
    row = await connection.fetchrow(ADD, tenant_id, agent_id, given.kind, given.text)
    if row is None:
        raise Problem(
            "conflict", f"The agent of this token is gone, or has written {MOST_SUGGESTIONS}."
        )
    return suggestion(row)


async def change_suggestion(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    id_: UUID,
    status: SuggestionStatus,
    reply: str | None,
) -> Suggestion:
    return suggestion(await connection.fetchrow(CHANGE, tenant_id, id_, status, reply))
