"""What agents write about their own work, and what a reviewer replies. It is kept here alone."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.facts.wire import Key
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.periods import Period
from csapi.metrics.zones import local_date
from csapi.reports.refusals import refuse
from csapi.reports.schemas import QueryPage

LONGEST_TEXT, MOST_SCORES, MOST_SELF_EVALUATIONS, SHOWN = 10_000, 50, 500, 20
Words = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Score = Annotated[float, Meta(ge=0, le=1)]
Scores = Annotated[
    dict[Key, Score],
    Meta(max_length=MOST_SCORES, description="Of 0 to 1, by criterion"),
]


class NewSelfEvaluation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How an agent sees their own work from `from` until before `to`."""

    from_: date = msgspec.field(name="from")
    to: date
    text: Words
    scores: Scores = {}


class NewReply(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the reviewer says to it. A newer one replaces it."""

    text: Words


class Reply(msgspec.Struct, kw_only=True):
    """What a reviewer said to it."""

    text: str
    replied_at: UtcDatetime


class SelfEvaluation(msgspec.Struct, kw_only=True):
    """An agent about their own work."""

    id: str
    agent_id: str
    from_: date = msgspec.field(name="from")
    to: date
    text: str
    scores: dict[str, float]
    created_at: UtcDatetime
    reply: Reply | None


class SelfEvaluationPage(msgspec.Struct, kw_only=True):
    """What an agent has written, the newest first."""

    data: list[SelfEvaluation]
    page: QueryPage


COLUMNS = (
    "id, agent, starts_on, ends_on, content, scores::text AS scores, created_at, reply, replied_at"
)
ADD = f"""
INSERT INTO self_evaluations (tenant_id, agent, starts_on, ends_on, content, scores)
SELECT $1, a.id, $3::date, $4::date, $5::text, $6::text::json FROM agents a
WHERE a.tenant_id = $1 AND a.id = $2 AND NOT a.is_deleted
  AND (SELECT count(*) FROM self_evaluations WHERE tenant_id = $1 AND agent = $2)
    < {MOST_SELF_EVALUATIONS}
RETURNING {COLUMNS}"""
LIST = f"""
SELECT {COLUMNS} FROM self_evaluations
WHERE tenant_id = $1 AND agent = $2 AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"""
WITHIN = f"""
SELECT {COLUMNS} FROM self_evaluations
WHERE tenant_id = $1 AND agent = $2 AND starts_on < $4 AND ends_on > $3
ORDER BY id DESC LIMIT {SHOWN}"""
REPLY = f"""
UPDATE self_evaluations SET reply = $3, replied_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"""
DELETE = "DELETE FROM self_evaluations WHERE tenant_id = $1 AND id = $2 RETURNING id"
# Of a deleted agent, too: what was written must be found to be deleted.
IS_AGENT = "SELECT true FROM agents WHERE tenant_id = $1 AND id = $2"


def self_evaluation(row: Any) -> SelfEvaluation:
    reply = None
    if row["reply"] is not None:
        reply = Reply(text=row["reply"], replied_at=row["replied_at"])
    return SelfEvaluation(
        id=str(row["id"]),
        agent_id=str(row["agent"]),
        from_=row["starts_on"],
        to=row["ends_on"],
        text=row["content"],
        scores=msgspec.json.decode(row["scores"], type=dict[str, float]),
        created_at=row["created_at"],
        reply=reply,
    )


async def add_self_evaluation(
    connection: asyncpg.Connection, tenant_id: UUID, agent_id: UUID, given: NewSelfEvaluation
) -> SelfEvaluation:
    """Raises Problem."""
    if given.to <= given.from_:
        refuse("/to", "invalid_value", "`to` must be later than `from`: the range is half-open.")
    scores = msgspec.json.encode(given.scores).decode()
    row = await connection.fetchrow(
        ADD, tenant_id, agent_id, given.from_, given.to, given.text, scores
    )
    if row is None:
        raise Problem(
            "conflict",
            f"The agent of this token is gone, or has written {MOST_SELF_EVALUATIONS}.",
        )
    return self_evaluation(row)


async def list_self_evaluations(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    agent_id: UUID,
    *,
    after: UUID | None,
    limit: int,
) -> Sequence[SelfEvaluation]:
    """The newest first. Raises Problem where there is no such agent."""
    if not await connection.fetchval(IS_AGENT, tenant_id, agent_id):
        raise Problem("not_found", "There is no such agent for this key.")
    rows = await connection.fetch(LIST, tenant_id, agent_id, after, limit)
    return [self_evaluation(row) for row in rows]


async def self_evaluations_within(
    connection: asyncpg.Connection, tenant_id: UUID, agent_id: UUID, period: Period
) -> list[SelfEvaluation]:
    """The latest ones that are about some day of the period."""
    first = local_date(period.timezone, period.start)
    last = local_date(period.timezone, period.end - timedelta(microseconds=1))
    rows = await connection.fetch(WITHIN, tenant_id, agent_id, first, last + timedelta(days=1))
    return [self_evaluation(row) for row in rows]
