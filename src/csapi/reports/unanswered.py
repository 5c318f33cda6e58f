"""Shares of calls that nobody answered, by agent: only where the source says whose they were.

A queue gives such a call to nobody. By agent it would then be abandoned by none, and every agent's
rate would be 0.
"""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome
from csapi.metrics.dimensions import DIMENSIONS
from csapi.metrics.question import Asked, Question
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Query

BY_AGENT = {"actor_agent", "owner_agent"}
LATEST_CALLS = 1_000
# Of the latest calls, not of the range alone: what may be asked should not change from day to day.
ROUTED = f"""
SELECT count(*) AS abandoned, count(actor_agent) AS routed FROM (
  SELECT outcome, actor_agent FROM facts
  WHERE tenant_id = $1 AND kind = {Kind.CALL} ORDER BY occurred_at DESC LIMIT {LATEST_CALLS}
) AS latest WHERE outcome = {CallOutcome.ABANDONED}"""


def by_agent(questions: Iterable[Question]) -> Asked | None:
    """A metric of calls that nobody answered that is asked for by agent."""
    for question in questions:
        if question.columns & BY_AGENT:
            for asked in question.metrics:
                if asked.metric.of_unanswered:
                    return asked
    return None


async def check_routed(
    connection: asyncpg.Connection, tenant_id: UUID, query: Query, asked: Asked
) -> None:
    """Refuse it unless abandoned calls name an agent; where there are none, nothing is wrong."""
    in_menu = any(part.kind is Kind.IVR_SESSION for part in asked.formula.parts)
    row = await connection.fetchrow(ROUTED, tenant_id)
    if not in_menu and (row["routed"] or not row["abandoned"]):
        return
    agents = {name for name, each in DIMENSIONS.items() if each.column in BY_AGENT}
    place = next((n for n, name in enumerate(query.dimensions) if name in agents), None)
    why = (
        "in a phone menu there is no agent"
        if in_menu
        else "calls that nobody answered name no agent here, so that no agent would have any"
    )
    refuse(
        "/filters" if place is None else f"/dimensions/{place}",
        "dimension_not_allowed",
        f"{asked.name} by agent says nothing: {why}. Ask by queue, team or time, or for "
        "calls_answered by agent.",
        [name for name in DIMENSIONS if name not in agents and name != "rating"],
    )
