"""The facts of a ticket, from its header and its whole ordered history of events."""

from csapi.facts.business_hours import (
    OWNER_TURNS,
    OWNER_TURNS_AT,
    OWNER_TURNS_JOIN,
    TEAM_OF_OWNER,
)
from csapi.facts.kinds import Kind, MessageOutcome, ResolutionOutcome, Resource
from csapi.facts.sql import ATTRIBUTES, CONTACT_VALUES, EVENT_COLUMNS, TIE_BREAK, fact_select
from csapi.facts.ticket_history import EVENT_ORDER, EventType, events_of, period_join, periods, was

BY_CUSTOMER = "coalesce(c.initiated_by, 1) = 1"
DONE = "(5, 6)"


def span(later: str, earlier: str) -> str:
    return f"(extract(epoch FROM {later} - {earlier}) * 1000)::bigint"


def timed(later: str, earlier: str) -> str:
    """duration, value and negative: a negative duration is kept apart from the others."""
    gap = span(later, earlier)
    return f"CASE WHEN {gap} >= 0 THEN {gap} END, NULL::bigint, CASE WHEN {gap} < 0 THEN {gap} END"


HISTORY = f"""
WITH events AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY ticket ORDER BY {EVENT_ORDER})::int AS place
  FROM ({events_of("$2::uuid[]")}) AS v
), heads AS (
  SELECT ticket,
    bool_or(type = {EventType.MESSAGE}) AS has_messages,
    bool_or(type = {EventType.STATUS_CHANGED}) AS has_statuses,
    min(place) FILTER (WHERE message_kind = {MessageOutcome.INBOUND}) AS asked_place,
    min(occurred_at) FILTER (WHERE message_kind = {MessageOutcome.INBOUND}) AS asked_at
  FROM events GROUP BY ticket
), subjects AS (
  SELECT c.*, {BY_CUSTOMER} AS by_customer, h.asked_place, h.asked_at,
    coalesce(h.has_messages, false) AS has_messages,
    coalesce(h.has_statuses, false) AS has_statuses
  FROM tickets c LEFT JOIN heads h ON h.ticket = c.id
  WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[]) AND NOT c.is_deleted AND NOT c.is_excluded
), statuses AS (
  SELECT ticket, place, occurred_at, to_value IN {DONE} AS is_done,
    coalesce(
      lag(to_value) OVER (PARTITION BY ticket ORDER BY place), from_value, 0
    ) IN {DONE} AS was_done
  FROM events WHERE type = {EventType.STATUS_CHANGED}
), solves AS (
  SELECT ticket, occurred_at, NULL::int AS solver,
    row_number() OVER (PARTITION BY ticket ORDER BY place) AS nth,
    count(*) OVER (PARTITION BY ticket) AS total
  FROM statuses WHERE is_done AND NOT was_done
  UNION ALL
  SELECT s.id, solve.at, s.solved_by, solve.nth, solve.total
  FROM subjects s CROSS JOIN LATERAL (
    SELECT at, row_number() OVER (ORDER BY at), count(*) OVER ()
    FROM (SELECT s.first_solved_at UNION SELECT s.last_solved_at) AS both_ends (at)
    WHERE at IS NOT NULL
  ) AS solve (at, nth, total)
  WHERE NOT s.has_statuses
), replies AS (
  SELECT DISTINCT ON (s.id) s.id AS ticket, v.occurred_at, v.actor, v.channel,
    coalesce(s.asked_at, s.created_at) AS asked_at
  FROM subjects s JOIN events v ON v.ticket = s.id
  WHERE v.message_kind = {MessageOutcome.OUTBOUND} AND v.place > coalesce(s.asked_place, 0)
    AND (s.asked_place IS NOT NULL OR (s.by_customer AND s.created_at IS NOT NULL))
  ORDER BY s.id, v.place
), happened AS (
  SELECT id AS subject, {Kind.TICKET_CREATED} AS kind, 0 AS ordinal, 0 AS outcome,
    created_at AS at, NULL::int AS agent, team, NULL::bigint AS duration,
    NULL::bigint AS value, NULL::bigint AS negative, true AS counts, NULL::int AS channel
  FROM subjects WHERE created_at IS NOT NULL
  UNION ALL
  SELECT id, {Kind.CONTACT}, {TIE_BREAK}, {CONTACT_VALUES}, created_at, NULL, team, NULL, NULL,
    NULL, true, NULL
  FROM subjects c WHERE created_at IS NOT NULL AND by_customer
  UNION ALL
  SELECT v.ticket, {Kind.MESSAGE}, v.place, v.message_kind, v.occurred_at, v.actor, v.team, NULL,
    10000, NULL, true, v.channel
  FROM events v WHERE v.type = {EventType.MESSAGE}
  UNION ALL
  SELECT s.id, {Kind.MESSAGE}, total.outcome, total.outcome, total.at, total.agent, s.team, NULL,
    total.messages * 10000::bigint, NULL, true, NULL
  FROM subjects s CROSS JOIN LATERAL (VALUES
    ({MessageOutcome.INBOUND}, s.created_at, NULL::int, s.messages_in),
    ({MessageOutcome.OUTBOUND}, coalesce(s.first_reply_at, s.created_at), s.first_reply_by,
     s.messages_out)
  ) AS total (outcome, at, agent, messages)
  WHERE NOT s.has_messages AND total.messages > 0 AND total.at IS NOT NULL
  UNION ALL
  SELECT r.ticket, {Kind.FIRST_RESPONSE}, 0, 0, r.occurred_at, r.actor, NULL,
    {timed("r.occurred_at", "r.asked_at")}, true, r.channel
  FROM replies r
  UNION ALL
  SELECT s.id, {Kind.FIRST_RESPONSE}, 0, 0, s.first_reply_at, s.first_reply_by,
    CASE WHEN s.first_reply_by IS NULL OR s.first_reply_by = s.agent THEN s.team END,
    {timed("s.first_reply_at", "s.created_at")}, true, NULL
  FROM subjects s
  WHERE NOT s.has_messages AND s.by_customer AND s.first_reply_at IS NOT NULL
    AND s.created_at IS NOT NULL
  UNION ALL
  SELECT v.ticket, {Kind.RESOLUTION}, v.nth::int,
    CASE WHEN v.total = 1 THEN {ResolutionOutcome.ONLY}
         WHEN v.nth = 1 THEN {ResolutionOutcome.FIRST}
         WHEN v.nth = v.total THEN {ResolutionOutcome.LAST} ELSE {ResolutionOutcome.MIDDLE} END,
    v.occurred_at, v.solver, NULL, {timed("v.occurred_at", "s.created_at")}, true, NULL
  FROM solves v JOIN subjects s ON s.id = v.ticket
  UNION ALL
  SELECT v.ticket, {Kind.REOPEN}, v.place, 0, v.occurred_at, NULL, NULL, NULL, NULL, NULL, true,
    NULL
  FROM statuses v WHERE v.was_done AND NOT v.is_done
), periods AS (
  {periods("events")}
)"""

# Work done by nobody in particular, or about the ticket as a whole, is its owner's at that moment.
OWNED = f"e.kind IN ({Kind.TICKET_CREATED}, {Kind.CONTACT}, {Kind.RESOLUTION}, {Kind.REOPEN})"
OWNER = was("owner", "agent", "c.agent")
OWNER_TEAM = was("owner", "team", "c.team")

TICKET_FACTS = fact_select(
    resource=Resource.TICKET,
    before=f"{HISTORY}, {OWNER_TURNS}",
    source=f"""subjects c JOIN (SELECT subject, {", ".join(EVENT_COLUMNS)}, channel FROM happened) e
  ON e.subject = c.id
{period_join("owner", "c.id", EventType.ASSIGNED)}
{period_join("topic_then", "c.id", EventType.TOPIC_CHANGED)}
{period_join("priority_then", "c.id", EventType.PRIORITY_CHANGED)}
{OWNER_TURNS_JOIN}""",
    actor=f"CASE WHEN {OWNED} THEN coalesce(e.agent, {OWNER}) ELSE e.agent END",
    owner=(OWNER, OWNER_TEAM),
    business_team=(TEAM_OF_OWNER, OWNER_TURNS_AT),
    dimensions={
        "actor_team": f"CASE WHEN {OWNED} AND e.agent IS NULL THEN coalesce({OWNER_TEAM}, "
        "acting.team) ELSE coalesce(e.team, acting.team) END",
        "channel": "coalesce(e.channel, c.channel)",
        "inbox": "c.inbox",
        "type": "c.type",
        "topic": was("topic_then", "value", "c.topic"),
        "priority": was("priority_then", "value", "c.priority"),
        "customer": "c.customer",
        **{name: f"c.{name}" for name in ATTRIBUTES},
    },
    where="true",
)
