"""Who is evaluated: people of the directory, with what they do now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from csapi.metrics.question import Condition, Question
from csapi.metrics.words import ALL_WORDS, Words
from csapi.reports.agents_now import IS_ACTIVE, days_before, now_of, state_of
from csapi.reports.evaluations.schemas import AgentPresence, EvaluatedAgent
from csapi.reports.service import Snapshot

COLUMNS = f"a.surrogate, a.id, a.source, a.external_id, a.name, {IS_ACTIVE} AS is_active"
# Who is in one of the teams at some time of the range.
IN_TEAM = """EXISTS (
      SELECT 1 FROM agent_teams m
      WHERE m.tenant_id = $1 AND m.agent = a.surrogate AND m.team = ANY($3::int[])
        AND m.valid_from < $5 AND m.valid_to > $4)"""
# Everybody who works, and who has worked in the range; bots are no people.
DIRECTORY = f"""
SELECT {COLUMNS} FROM agents a
WHERE a.tenant_id = $1 AND NOT a.is_deleted AND NOT a.is_bot
  AND (a.surrogate = ANY($2::int[]) OR {IS_ACTIVE} AND ($3::int[] IS NULL OR {IN_TEAM}))
ORDER BY a.source, a.external_id"""
ONE = f"""
SELECT {COLUMNS} FROM agents a WHERE a.tenant_id = $1 AND a.id = $2::uuid AND NOT a.is_deleted"""
NOW = now_of("surrogate = ANY($4::int[])")


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent of the directory. surrogate: how facts know them."""

    surrogate: int
    id: UUID
    source: str
    external_id: str
    name: str | None
    is_active: bool

    @property
    def told(self) -> EvaluatedAgent:
        return EvaluatedAgent(
            id=str(self.id),
            source=self.source,
            external_id=self.external_id,
            name=self.name,
            active=self.is_active,
        )


def tested_members(condition: Condition | None, dimension: str) -> Iterator[tuple[int, ...]]:
    """The members that each test of a dimension lets pass, of a condition that joins tests."""
    if condition is None:
        return
    for child in condition.every:
        yield from tested_members(child, dimension)
    if condition.test is not None and condition.test.dimension.id == dimension:
        yield condition.test.members


async def read_directory(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, working: Sequence[int]
) -> list[Agent]:
    """All active agents (of the question's teams, if it has any) and those who worked."""
    teams = next(tested_members(question.condition, "team"), None)
    period = question.period
    chosen = None if teams is None else list(teams)
    rows = await connection.fetch(
        DIRECTORY, tenant_id, list(working), chosen, period.start, period.end
    )
    return [Agent(**row) for row in rows]


async def read_agent(connection: asyncpg.Connection, tenant_id: UUID, id_: UUID) -> Agent | None:
    row = await connection.fetchrow(ONE, tenant_id, id_)
    return None if row is None else Agent(**row)


async def read_presence(snapshot: Snapshot, agents: Sequence[Agent]) -> dict[UUID, AgentPresence]:
    """What each does now, by id."""
    desk = snapshot.desk
    surrogates = [each.surrogate for each in agents]
    rows = await snapshot.connection.fetch(
        NOW, desk.tenant_id, desk.now, days_before(desk.now), surrogates
    )
    return {row["id"]: presence_of(row, ALL_WORDS[desk.language]) for row in rows}


def presence_of(row: Any, words: Words) -> AgentPresence:
    state, label = state_of(row["state"], words)
    return AgentPresence(
        state=state,
        state_label=label,
        state_since=row["state_since"],
        last_seen_at=row["last_seen_at"],
        last_action_at=row["last_action_at"],
    )
