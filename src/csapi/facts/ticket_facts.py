"""The facts of a ticket, from its header and its whole ordered history of events."""

from csapi.facts.business_hours import OWNER_TURNS, OWNER_TURNS_JOIN
from csapi.facts.kinds import Kind, Resource
from csapi.facts.outcomes import MessageOutcome, ResolutionOutcome, Told
from csapi.facts.sql import (
    ATTRIBUTES,
    CONTACT_VALUES,
    EVENT_COLUMNS,
    TIE_BREAK,
    fact_select,
    milliseconds_between,
)
from csapi.facts.tags import TAG_JOIN, tag_log, tags_at
from csapi.facts.ticket_history import (
    EVENT_ORDER,
    IS_SNAPSHOT,
    EventType,
    events_of,
    period_join,
    periods,
    was,
)
from csapi.facts.ticket_hours import CLOCK, STATUS_HOURS, STATUS_HOURS_JOIN
from csapi.facts.ticket_replies import IN, OUT, REPLIES, REPLY_FACTS, timed
from csapi.facts.ticket_sla import SLA, SLA_FACTS
from csapi.facts.ticket_state import NOT_OWED, STATE_FACTS, STATES
from csapi.facts.ticket_work import WORK, WORK_FACTS

BY_CUSTOMER = "coalesce(c.initiated_by, 1) = 1"
DONE = "(5, 6)"
# Solves that a snapshot tells of stand in the stream as events of no type.
SNAPSHOT_SOLVE = 0


# What a ticket with milestones comes without.
UNTOLD = (
    f"CASE WHEN {IS_SNAPSHOT} THEN (NOT has_messages)::int * {Told.MESSAGES} "
    f"+ (NOT has_statuses)::int * {Told.STATUSES} "
    f"+ (NOT has_assignments)::int * {Told.ASSIGNMENTS} ELSE 0 END"
)

HISTORY = f"""
WITH events AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY ticket ORDER BY {EVENT_ORDER})::int AS place
  FROM ({events_of("$2::uuid[]")}) AS v
), heads AS (
  SELECT ticket,
    bool_or(type = {EventType.MESSAGE}) AS has_messages,
    bool_or(type = {EventType.STATUS_CHANGED}) AS has_statuses,
    bool_or(type = {EventType.ASSIGNED}) AS has_assignments,
    min(place) FILTER (WHERE message_kind = {MessageOutcome.INBOUND}) AS asked_place,
    min(occurred_at) FILTER (WHERE message_kind = {MessageOutcome.INBOUND}) AS asked_at,
    min(occurred_at) FILTER (WHERE {OUT} OR type = {EventType.STATUS_CHANGED}) AS begun_at,
    min(occurred_at) FILTER (WHERE message_kind = {MessageOutcome.OUTBOUND}
      OR type = {EventType.ASSIGNED} AND agent IS NOT NULL) AS handled_at
  FROM events GROUP BY ticket
), subjects AS (
  SELECT c.*, {BY_CUSTOMER} AS by_customer, h.asked_place, h.asked_at, h.begun_at,
    least(h.handled_at,
      CASE WHEN h.has_messages THEN NULL ELSE c.first_reply_at END,
      CASE WHEN h.has_assignments THEN NULL ELSE c.first_assigned_at END) AS handled_at,
    coalesce(h.has_messages, false) AS has_messages,
    coalesce(h.has_statuses, false) AS has_statuses,
    coalesce(h.has_assignments, false) AS has_assignments, h.ticket IS NOT NULL AS has_events,
    coalesce(c.last_solved_at, c.first_solved_at) AS closed_at
  FROM tickets c LEFT JOIN heads h ON h.ticket = c.id
  WHERE c.tenant_id = $1 AND c.id = ANY($2::uuid[]) AND NOT c.is_deleted AND NOT c.is_excluded
), stream AS (
  SELECT ticket, source, type, place, occurred_at, message_kind, actor, channel, from_value,
    to_value, agent, team, in_reply_to
  FROM events
  UNION ALL
  SELECT s.id, NULL, {SNAPSHOT_SOLVE}, NULL, solve.at, NULL, s.solved_by, NULL, NULL, NULL, NULL,
    NULL, NULL
  FROM subjects s CROSS JOIN LATERAL (
    SELECT s.first_solved_at UNION SELECT s.last_solved_at) AS solve (at)
  WHERE NOT s.has_statuses AND solve.at IS NOT NULL
), told AS MATERIALIZED (
  SELECT v.*,
    count(*) FILTER (WHERE {OUT}) OVER upto AS replies_upto,
    count(*) FILTER (WHERE {IN} OR {OUT}) OVER upto AS interactions_upto,
    count(*) FILTER (WHERE nth_of_actor = 1 AND {OUT} AND actor IS NOT NULL) OVER upto
      AS agents_upto,
    max(CASE WHEN type = {EventType.ASSIGNED} THEN occurred_at END) OVER (
      PARTITION BY ticket, who ORDER BY occurred_at) AS given_at,
    max(CASE WHEN {OUT} THEN place END) OVER (PARTITION BY ticket, who) AS last_reply_place
  FROM (
    SELECT *, CASE WHEN type = {EventType.ASSIGNED} THEN agent ELSE actor END AS who,
      row_number() OVER (PARTITION BY ticket, actor, message_kind ORDER BY place) AS nth_of_actor
    FROM stream
  ) AS v
  WINDOW upto AS (PARTITION BY ticket ORDER BY occurred_at)
), changes AS (
  SELECT t.*, s.created_at, row_number() OVER w = 1 AS is_initial,
    coalesce(lag(to_value) OVER w, from_value) AS was,
    CASE WHEN row_number() OVER w = 1 THEN s.created_at ELSE lag(occurred_at) OVER w END AS since
  FROM told t JOIN subjects s ON s.id = t.ticket WHERE t.type = {EventType.STATUS_CHANGED}
  WINDOW w AS (PARTITION BY t.ticket ORDER BY t.place)
), statuses AS MATERIALIZED (
  SELECT *, min(CASE WHEN was_done AND NOT is_done THEN occurred_at END) OVER (
      PARTITION BY ticket ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS reopened_at,
    max(CASE WHEN is_done AND NOT was_done THEN occurred_at END) OVER w AS solved_at,
    lead(place) OVER (PARTITION BY ticket ORDER BY place) IS NULL AS is_last,
    sum(CASE WHEN was NOT IN {NOT_OWED} THEN waited END) OVER w AS requester_wait,
    sum(CASE WHEN was = 3 THEN waited END) OVER w AS agent_wait,
    sum(CASE WHEN was = 4 THEN waited END) OVER w AS hold_wait
  FROM (
    SELECT ticket, place, occurred_at, created_at, since, is_initial, coalesce(was, 1) AS was,
      replies_upto, interactions_upto, agents_upto, to_value, to_value IN {DONE} AS is_done,
      coalesce(was, 0) IN {DONE} AS was_done,
      CASE WHEN since <= occurred_at THEN occurred_at - since END AS waited
    FROM changes
  ) AS c
  WINDOW w AS (PARTITION BY ticket ORDER BY place ROWS UNBOUNDED PRECEDING)
), solves AS MATERIALIZED (
  SELECT *, row_number() OVER (PARTITION BY ticket ORDER BY occurred_at, place) AS nth,
    count(*) OVER (PARTITION BY ticket) AS total
  FROM (
    SELECT ticket, place, occurred_at, NULL::int AS solver, reopened_at, true AS is_event,
      replies_upto, interactions_upto, agents_upto, requester_wait, agent_wait, hold_wait
    FROM statuses WHERE is_done AND NOT was_done
    UNION ALL
    SELECT ticket, NULL, occurred_at, actor, NULL, false, replies_upto, interactions_upto,
      agents_upto, NULL, NULL, NULL
    FROM told WHERE type = {SNAPSHOT_SOLVE}
  ) AS v
), replies AS (
  SELECT DISTINCT ON (s.id) s.id AS ticket, v.occurred_at, v.actor, v.channel,
    coalesce(s.asked_at, s.created_at) AS asked_at
  FROM subjects s JOIN events v ON v.ticket = s.id
  WHERE v.message_kind = {MessageOutcome.OUTBOUND} AND v.place > coalesce(s.asked_place, 0)
    AND (s.asked_place IS NOT NULL OR (s.by_customer AND s.created_at IS NOT NULL))
  ORDER BY s.id, v.place
), periods AS (
  {periods("events")}
), tag_log AS ({tag_log("events")}
), {REPLIES}, {WORK}, {STATES}, happened AS (
  SELECT id AS subject, {Kind.TICKET_CREATED} AS kind, 0 AS ordinal, {UNTOLD} AS outcome,
    created_at AS at, NULL::int AS agent, team, NULL::bigint AS duration,
    NULL::bigint AS value, NULL::bigint AS negative, true AS counts, NULL::int AS channel,
    created_at AS seen
  FROM subjects WHERE created_at IS NOT NULL
  UNION ALL
  SELECT id, {Kind.CONTACT}, {TIE_BREAK}, {CONTACT_VALUES}, created_at, NULL, team, NULL, NULL,
    NULL, true, NULL, created_at
  FROM subjects c WHERE created_at IS NOT NULL AND by_customer
  UNION ALL
  SELECT v.ticket, {Kind.MESSAGE}, v.place, v.message_kind, v.occurred_at, v.actor, v.team, NULL,
    10000, NULL, true, v.channel, v.occurred_at
  FROM events v WHERE v.type = {EventType.MESSAGE}
  UNION ALL
  SELECT v.ticket, {Kind.SENTIMENT}, v.place, v.sentiment, v.occurred_at, v.actor, v.team, NULL,
    v.sentiment_score, NULL, true, v.channel, v.occurred_at
  FROM events v WHERE v.sentiment IS NOT NULL
  UNION ALL
  SELECT s.id, {Kind.MESSAGE}, total.outcome, total.outcome, total.at, total.agent, s.team, NULL,
    total.messages * 10000::bigint, NULL, true, NULL, total.at
  FROM subjects s CROSS JOIN LATERAL (VALUES
    ({MessageOutcome.INBOUND}, s.created_at, NULL::int, s.messages_in),
    ({MessageOutcome.OUTBOUND}, coalesce(s.first_reply_at, s.created_at), s.first_reply_by,
     s.messages_out)
  ) AS total (outcome, at, agent, messages)
  WHERE NOT s.has_messages AND total.messages > 0 AND total.at IS NOT NULL
  UNION ALL
  SELECT r.ticket, {Kind.FIRST_RESPONSE}, 0, 0, r.occurred_at, r.actor, NULL,
    {timed("r.occurred_at", "r.asked_at")}, true, r.channel, r.occurred_at
  FROM replies r
  UNION ALL
  SELECT s.id, {Kind.FIRST_RESPONSE}, 0, 0, s.first_reply_at, s.first_reply_by,
    CASE WHEN s.first_reply_by IS NULL OR s.first_reply_by = s.agent THEN s.team END,
    {timed("s.first_reply_at", "s.created_at")}, true, NULL, s.first_reply_at
  FROM subjects s
  WHERE NOT s.has_messages AND s.by_customer AND s.first_reply_at IS NOT NULL
    AND s.created_at IS NOT NULL
  UNION ALL
  SELECT v.ticket, {Kind.RESOLUTION}, v.nth::int,
    CASE WHEN v.total = 1 THEN {ResolutionOutcome.ONLY}
         WHEN v.nth = 1 THEN {ResolutionOutcome.FIRST}
         WHEN v.nth = v.total THEN {ResolutionOutcome.LAST} ELSE {ResolutionOutcome.MIDDLE} END,
    v.occurred_at, v.solver, NULL, {timed("v.occurred_at", "s.created_at")}, true, NULL,
    v.occurred_at
  FROM solves v JOIN subjects s ON s.id = v.ticket
  UNION ALL
  SELECT v.ticket, {Kind.SOLVED}, v.nth::int, 0, v.occurred_at, v.solver, NULL,
    {milliseconds_between("v.occurred_at", "v.reopened_at")}, NULL, NULL, true, NULL, v.occurred_at
  FROM solves v WHERE v.is_event
  UNION ALL
  SELECT v.ticket, {Kind.REOPEN}, v.place, 0, v.occurred_at, NULL, NULL,
    {milliseconds_between("v.solved_at", "v.occurred_at")}, NULL, NULL, true, NULL, v.occurred_at
  FROM statuses v WHERE v.was_done AND NOT v.is_done
  UNION ALL {REPLY_FACTS}
  UNION ALL {WORK_FACTS}
  UNION ALL {STATE_FACTS}
)"""

# Work done by nobody in particular, or about the ticket as a whole, is its owner's at that moment;
# so is the tone of what a customer wrote.
OWNED = (
    f"e.kind IN ({Kind.TICKET_CREATED}, {Kind.CONTACT}, {Kind.RESOLUTION}, {Kind.REOPEN}, "
    f"{Kind.AWAITED}, {Kind.ACKNOWLEDGED}, {Kind.SOLVED}, {Kind.SOLVE_EFFORT}, "
    f"{Kind.INTERACTIONS}, {Kind.AGENTS_INVOLVED}, {Kind.TIME_IN_STATUS}, {Kind.ROUTED}, "
    f"{Kind.BACKLOG}, {Kind.SENTIMENT}, {Kind.CLOSED}, {Kind.HUMAN_RESOLUTION}, {Kind.WAITING}, "
    f"{Kind.WAIT_DROPPED}, {Kind.OPEN_TICKET}, {Kind.OPEN_ENDED}, {Kind.SLA_DECISION}, "
    f"{Kind.SLA_OVERSHOOT}, {Kind.SLA_ACTIVE}, {Kind.OPEN_STATUS}, {Kind.OWED}, {Kind.OWED_ENDED})"
)
OWNER = was("owner", "agent", "c.agent")
OWNER_TEAM = was("owner", "team", "c.team")

TICKET_FACTS = fact_select(
    resource=Resource.TICKET,
    before=f"{HISTORY}, {OWNER_TURNS}, {STATUS_HOURS}, {SLA}",
    source=f"""subjects c JOIN (
  SELECT subject, {", ".join(EVENT_COLUMNS)}, channel, seen, NULL::bigint AS gap_next FROM happened
  UNION ALL {SLA_FACTS}) e ON e.subject = c.id
{period_join("owner", "c.id", EventType.ASSIGNED, "e.seen")}
{period_join("topic_then", "c.id", EventType.TOPIC_CHANGED, "e.seen")}
{period_join("priority_then", "c.id", EventType.PRIORITY_CHANGED, "e.seen")}
{TAG_JOIN.format(ticket="c.id")}
{OWNER_TURNS_JOIN}
{STATUS_HOURS_JOIN}""",
    actor=f"CASE WHEN {OWNED} THEN coalesce(e.agent, {OWNER}) ELSE e.agent END",
    owner=(OWNER, OWNER_TEAM),
    seen="e.seen",
    clock=CLOCK,
    dimensions={
        "actor_team": f"CASE WHEN {OWNED} AND e.agent IS NULL THEN coalesce({OWNER_TEAM}, "
        "acting.team) ELSE coalesce(e.team, acting.team) END",
        "channel": "coalesce(e.channel, c.channel)",
        "inbox": "c.inbox",
        "type": "c.type",
        "topic": was("topic_then", "value", "c.topic"),
        "priority": was("priority_then", "value", "c.priority"),
        "customer": "c.customer",
        "gap_next_ms": "e.gap_next",
        **{name: f"c.{name}" for name in ATTRIBUTES},
        "tags": tags_at("c.tags", "e.seen"),
    },
    where="true",
)
