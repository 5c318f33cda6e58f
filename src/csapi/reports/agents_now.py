"""Every agent with what they are doing now and when they were last seen, idle ones included."""

from datetime import datetime, timedelta
from typing import Annotated

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.interval import LONGEST_SQL
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import MessageOutcome, PresenceOutcome
from csapi.facts.presence import STATES, PresenceState
from csapi.facts.timeline import of_same_agent
from csapi.kit.clock import now
from csapi.kit.cursors import cursor_at, place_before
from csapi.kit.http import Response, json_response
from csapi.kit.language import asked_language, spoken
from csapi.kit.operations import AnyRequest, Media, Operation, params_of
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.words import ALL_WORDS, Words
from csapi.reports.endpoints import QUERY_TAG, SPOKEN
from csapi.reports.schemas import QueryPage

ACTION_DAYS = 31


class AgentNowParams(msgspec.Struct, kw_only=True):
    """A page of agents."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[str | None, Meta(description="next_cursor of a page")] = None


class AgentNow(msgspec.Struct, kw_only=True):
    """An agent at this moment. A heartbeat of presence is no action: both are there."""

    id: str
    source: str
    external_id: str
    name: str | None
    state: Annotated[
        PresenceState | None, Meta(description="Null where presence says nothing about now")
    ]
    state_label: str | None
    state_since: UtcDatetime | None
    last_seen_at: Annotated[
        UtcDatetime | None, Meta(description="The later of the last time online and last_action_at")
    ]
    last_action_at: Annotated[
        UtcDatetime | None,
        Meta(description="Last reply, end of a call, work session or task; of the last 31 days"),
    ]


class AgentNowPage(msgspec.Struct, kw_only=True):
    """Agents in the order of source and external id."""

    data: list[AgentNow]
    as_of: UtcDatetime
    page: QueryPage


# What an agent does; of talk and work the end of it.
ACTIONS = (Kind.HANDLE, Kind.WORK_SESSION_INTERVAL, Kind.TASK_COMPLETED)
DID = f"""(f.kind = {Kind.MESSAGE} AND f.outcome = {MessageOutcome.OUTBOUND}
      OR f.kind IN ({", ".join(str(int(kind)) for kind in ACTIONS)}))"""
KINDS = "{" + ", ".join(str(int(kind)) for kind in (Kind.MESSAGE, *ACTIONS)) + "}"

# A record without an end lasts to the agent's next one; the last one lasts until now.
LASTS_TO = """coalesce(p.ended_at, (
        SELECT n.started_at FROM presence n
        WHERE n.tenant_id = $1 AND n.agent = p.agent AND NOT n.is_stub AND NOT n.is_deleted
          AND (n.started_at, n.external_id) > (p.started_at, p.external_id) AND n.started_at <= $2
        ORDER BY n.started_at, n.external_id LIMIT 1), $2)"""


# Of `agents`: who works, as their source says; stubs do.
IS_ACTIVE = "coalesce((item->>'active')::boolean, true)"


def now_of(chosen: str) -> str:
    """The state of now of agents. $2 the instant, $3 since when actions are looked for; `chosen`:
    the end of a statement over `agents`, which says of whom."""
    return f"""
WITH chosen AS MATERIALIZED (
  SELECT id, source, external_id, name, surrogate AS agent FROM agents
  WHERE tenant_id = $1 AND {chosen}
), acted AS (
  SELECT f.actor_agent AS agent, max(f.occurred_at) AS at FROM facts f
  WHERE f.tenant_id = $1 AND f.kind = ANY('{KINDS}'::smallint[])
    AND f.occurred_at > $3 AND f.occurred_at <= $2 AND {DID}
    AND f.actor_agent = ANY(ARRAY(SELECT agent FROM chosen))
  GROUP BY f.actor_agent
)
SELECT c.id, c.source, c.external_id, c.name, present.state, present.started_at AS state_since,
  greatest(online.at, acted.at) AS last_seen_at, acted.at AS last_action_at
FROM chosen c
LEFT JOIN acted ON acted.agent = c.agent
LEFT JOIN LATERAL (
  SELECT * FROM (
    SELECT p.state, p.started_at, p.external_id, p.ended_at, {LASTS_TO} AS until FROM presence p
    WHERE {of_same_agent("p", "c")} AND p.started_at <= $2
      AND p.started_at >= $2 - {LONGEST_SQL}
  ) AS lately
  WHERE until >= $2 AND (ended_at IS NULL OR ended_at > $2)
  ORDER BY started_at DESC, external_id DESC LIMIT 1) present ON true
LEFT JOIN LATERAL (
  SELECT p.started_at FROM presence p
  WHERE {of_same_agent("p", "c")} AND p.started_at <= $2 AND p.state <> {PresenceOutcome.OFFLINE}
  ORDER BY p.started_at DESC LIMIT 1) last_online ON true
LEFT JOIN LATERAL (
  SELECT max(least({LASTS_TO}, $2)) AS at FROM presence p
  WHERE {of_same_agent("p", "c")} AND p.started_at <= last_online.started_at
    AND p.started_at >= last_online.started_at - {LONGEST_SQL}
    AND p.state <> {PresenceOutcome.OFFLINE}) online ON true
ORDER BY c.source, c.external_id"""


AGENTS_NOW = now_of(
    "NOT is_deleted AND (source, external_id) > ($4, $5) ORDER BY source, external_id LIMIT $6"
)
NAMES = {int(outcome): state for state, outcome in STATES.items()}


async def get_agents_now(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, AgentNowParams)
    as_of = now()
    after = place_before(wanted, tuple[str, str]) or ("", "")
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(
            AGENTS_NOW, principal.tenant_id, as_of, days_before(as_of), *after, wanted.limit + 1
        )
    page = rows[: wanted.limit]
    cursor = None
    if len(rows) > wanted.limit:
        cursor = cursor_at(wanted, [page[-1]["source"], page[-1]["external_id"]])
    words = ALL_WORDS[asked_language(request.scope)]
    found = AgentNowPage(
        data=[agent_now(row, words) for row in page],
        as_of=as_of,
        page=QueryPage(next_cursor=cursor),
    )
    return json_response(found, headers=spoken(words.language))


def agent_now(row: asyncpg.Record, words: Words) -> AgentNow:
    state, label = state_of(row["state"], words)
    return AgentNow(**{**row, "id": str(row["id"]), "state": state, "state_label": label})


def state_of(outcome: int | None, words: Words) -> tuple[PresenceState | None, str | None]:
    """The state that is stored as `outcome`, and what it is called."""
    state = None if outcome is None else NAMES.get(outcome)
    return state, None if state is None else words.catalog.states[state.value]


def days_before(instant: datetime) -> datetime:
    return instant - timedelta(days=ACTION_DAYS)


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/agents/presence",
        operation_id="listAgentsNow",
        summary="Who is doing what now",
        description="Every agent with the state of now and when they were last seen, those without "
        "any presence or work included. Where records overlap, the one that started last counts; "
        "one without an end lasts to the agent's next one, 31 days at most.",
        tag=QUERY_TAG,
        handler=get_agents_now,
        scope=Scope.REPORTS_READ,
        unfiltered=True,
        params=AgentNowParams,
        responses={200: Media(body=AgentNowPage, headers=SPOKEN)},
        problems=("invalid_cursor", "query_timeout"),
    ),
]
