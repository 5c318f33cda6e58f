"""Who waited how long for which reply: CTEs over the messages of a ticket.

They read `told` and `subjects` of ticket_facts.py.
"""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import AssignmentOutcome, MessageOutcome, ReplyOutcome, ResponseOutcome
from csapi.facts.sql import milliseconds_between
from csapi.facts.ticket_history import EventType

IN, OUT = f"message_kind = {MessageOutcome.INBOUND}", f"message_kind = {MessageOutcome.OUTBOUND}"


def timed(later: str, earlier: str) -> str:
    """duration, value and negative: a negative duration is kept apart from the others."""
    gap = milliseconds_between(earlier, later)
    return f"CASE WHEN {gap} >= 0 THEN {gap} END, NULL::bigint, CASE WHEN {gap} < 0 THEN {gap} END"


# A run is what customers wrote since the last reply. Each has one reply at most: the message after
# which `replies_before` goes up.
REPLIES = f"""
talk AS (
  SELECT ticket, place, occurred_at, message_kind, actor, channel, given_at,
    count(*) FILTER (WHERE {OUT}) OVER (
      PARTITION BY ticket ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS replies_before
  FROM told WHERE {IN} OR {OUT}
), runs AS (
  SELECT ticket, replies_before, min(occurred_at) FILTER (WHERE {IN}) AS asked_at,
    max(place) FILTER (WHERE {OUT}) AS place, max(occurred_at) FILTER (WHERE {OUT}) AS occurred_at,
    max(actor) FILTER (WHERE {OUT}) AS actor, max(channel) FILTER (WHERE {OUT}) AS channel,
    max(given_at) FILTER (WHERE {OUT}) AS given_at
  FROM talk GROUP BY ticket, replies_before
), responses AS MATERIALIZED (
  SELECT r.ticket, r.place, r.occurred_at, r.actor, r.channel, r.given_at, w.asked_at,
    row_number() OVER (PARTITION BY r.ticket ORDER BY r.place) AS nth,
    row_number() OVER (PARTITION BY r.ticket, r.actor ORDER BY r.place) AS nth_of_actor
  FROM runs r JOIN subjects s ON s.id = r.ticket
  CROSS JOIN LATERAL (SELECT coalesce(r.asked_at, CASE
    WHEN r.replies_before = 0 AND s.by_customer AND s.asked_place IS NULL THEN s.created_at END
  ) AS asked_at) AS w
  WHERE r.place IS NOT NULL AND w.asked_at IS NOT NULL
), pairs AS MATERIALIZED (
  SELECT r.ticket, r.place, r.occurred_at, r.actor, r.channel, q.occurred_at AS asked_at,
    row_number() OVER (PARTITION BY r.ticket ORDER BY r.place) AS nth
  FROM told r CROSS JOIN LATERAL (
    SELECT q.occurred_at FROM ticket_events q
    WHERE q.tenant_id = $1 AND q.source = r.source AND q.event_id = r.in_reply_to
      AND q.ticket = r.ticket AND q.{IN} LIMIT 1
  ) AS q
  WHERE r.{OUT} AND r.in_reply_to IS NOT NULL
), acknowledgements AS MATERIALIZED (
  SELECT ticket, min(occurred_at) AS automatic_at
  FROM told WHERE message_kind = {MessageOutcome.AUTO_REPLY} GROUP BY ticket
), assignments AS (
  SELECT ticket, place, occurred_at, agent, team, last_reply_place,
    max(CASE WHEN agent IS NOT NULL THEN place END) OVER earlier AS agent_place,
    lag(agent) OVER w AS old_agent,
    max(CASE WHEN team IS NOT NULL THEN place END) OVER earlier AS team_place,
    lag(team) OVER w AS old_team
  FROM told WHERE type = {EventType.ASSIGNED}
  WINDOW w AS (PARTITION BY ticket ORDER BY place),
    earlier AS (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""


def nth_outcome(condition: str, first: int, other: int) -> str:
    return f"CASE WHEN {condition} THEN {first} ELSE {other} END"


FIRST_OR_NEXT = nth_outcome("r.nth = 1", ResponseOutcome.FIRST, ResponseOutcome.NEXT)


HANDLED = """CASE WHEN s.has_messages THEN
      CASE WHEN a.last_reply_place > a.place THEN 10000::bigint ELSE 0 END END"""


def assigned(kind: Kind, who: str, value: str) -> str:
    """Facts of an agent or team being given a ticket that somebody else had, or nobody."""
    is_first = f"a.{who}_place IS NULL"
    gap = milliseconds_between("s.created_at", "a.occurred_at")
    return f"""
  SELECT a.ticket, {kind}, a.place,
    {nth_outcome(is_first, AssignmentOutcome.FIRST, AssignmentOutcome.TRANSFER)},
    a.occurred_at, a.agent, a.team, CASE WHEN {is_first} AND {gap} >= 0 THEN {gap} END, {value},
    CASE WHEN {is_first} AND {gap} < 0 THEN {gap} END, true, NULL, a.occurred_at
  FROM assignments a JOIN subjects s ON s.id = a.ticket
  WHERE a.{who} IS NOT NULL AND a.{who} IS DISTINCT FROM a.old_{who}"""


def answered(at: str) -> str:
    return nth_outcome(f"{at} IS NOT NULL", ReplyOutcome.ANSWERED, ReplyOutcome.UNANSWERED)


# ticket, kind, ordinal, outcome, at, agent, team, duration, value, negative, counts, channel, seen
REPLY_FACTS = f"""
  SELECT r.ticket, {Kind.RESPONSE}, r.place, {FIRST_OR_NEXT}, r.occurred_at, r.actor, NULL,
    {timed("r.occurred_at", "r.asked_at")}, true, r.channel, r.occurred_at
  FROM responses r
  UNION ALL
  SELECT r.ticket, {Kind.REPLY_PAIR}, r.place, {FIRST_OR_NEXT}, r.occurred_at, r.actor, NULL,
    {timed("r.occurred_at", "r.asked_at")}, true, r.channel, r.occurred_at
  FROM pairs r
  UNION ALL
  SELECT r.ticket, {Kind.AGENT_RESPONSE}, r.place, 0, r.occurred_at, r.actor, NULL,
    {timed("r.occurred_at", "greatest(r.asked_at, r.given_at)")}, true, r.channel, r.occurred_at
  FROM responses r
  WHERE r.nth_of_actor = 1 AND r.actor IS NOT NULL
  UNION ALL {assigned(Kind.AGENT_ASSIGNED, "agent", HANDLED)}
  UNION ALL {assigned(Kind.TEAM_ASSIGNED, "team", "NULL::bigint")}
  UNION ALL
  SELECT s.id, {Kind.AGENT_ASSIGNED}, 0, {AssignmentOutcome.FIRST}, s.first_assigned_at, NULL, NULL,
    {timed("s.first_assigned_at", "s.created_at")}, true, NULL, s.first_assigned_at
  FROM subjects s WHERE NOT s.has_assignments AND s.first_assigned_at IS NOT NULL
    AND s.created_at IS NOT NULL
  UNION ALL
  SELECT s.id, {Kind.AWAITED}, 0, {answered("w.at")}, s.created_at, NULL, s.team,
    {timed("w.at", "coalesce(s.asked_at, s.created_at)")}, true, NULL, s.created_at
  FROM subjects s LEFT JOIN replies r ON r.ticket = s.id
  CROSS JOIN LATERAL (SELECT CASE WHEN s.has_messages THEN r.occurred_at ELSE s.first_reply_at END
    AS at) AS w
  WHERE s.created_at IS NOT NULL AND s.by_customer
  UNION ALL
  SELECT s.id, {Kind.ACKNOWLEDGED}, 0, {answered("r.automatic_at")}, s.created_at, NULL, s.team,
    {timed("r.automatic_at", "s.created_at")}, true, NULL, s.created_at
  FROM subjects s LEFT JOIN acknowledgements r ON r.ticket = s.id
  WHERE s.created_at IS NOT NULL AND s.by_customer AND s.has_events"""
