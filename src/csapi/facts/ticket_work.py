"""What was done on a ticket until its solves, and when it was open: CTEs over its history.

They read `events`, `subjects`, `statuses`, `solves` and `periods` of ticket_facts.py, and
`first_replies` of ticket_replies.py.
"""

from csapi.facts.kinds import (
    EffortOutcome,
    Kind,
    MessageOutcome,
    RoutingOutcome,
    WaitOutcome,
)
from csapi.facts.ticket_history import EventType

PERSON = f"({MessageOutcome.INBOUND}, {MessageOutcome.OUTBOUND})"
NEW, PENDING, ON_HOLD, DONE = 1, 3, 4, "(5, 6)"

WORK = f"""
efforts AS (
  SELECT v.ticket, v.nth, v.total, v.occurred_at, v.solver, v.reopened_at,
    count(*) FILTER (WHERE m.message_kind = {MessageOutcome.OUTBOUND}) AS replies,
    count(m.place) AS interactions,
    count(DISTINCT m.actor) FILTER (WHERE m.message_kind = {MessageOutcome.OUTBOUND}) AS agents
  FROM solves v JOIN subjects s ON s.id = v.ticket AND s.has_messages
  LEFT JOIN events m ON m.ticket = v.ticket AND m.message_kind IN {PERSON}
    AND m.occurred_at <= v.occurred_at
  GROUP BY v.ticket, v.nth, v.total, v.occurred_at, v.solver, v.reopened_at
  UNION ALL
  SELECT v.ticket, v.nth, v.total, v.occurred_at, v.solver, v.reopened_at, s.messages_out,
    s.messages_in + s.messages_out, NULL
  FROM solves v JOIN subjects s ON s.id = v.ticket AND NOT s.has_messages
  WHERE v.nth = v.total AND s.messages_out IS NOT NULL
), status_spans AS (
  SELECT s.id AS ticket, coalesce(v.from_value, {NEW}) AS status, s.created_at AS from_at,
    v.occurred_at AS to_at
  FROM statuses v JOIN subjects s ON s.id = v.ticket WHERE v.is_initial
  UNION ALL
  SELECT ticket, to_value, occurred_at, next_at FROM statuses
), waits AS (
  SELECT v.ticket, v.occurred_at, v.solver, group_of.outcome,
    sum(p.to_at - p.from_at) AS waited
  FROM solves v JOIN status_spans p ON p.ticket = v.ticket AND p.to_at <= v.occurred_at
    AND p.from_at <= p.to_at
  CROSS JOIN LATERAL (VALUES
    ({WaitOutcome.REQUESTER}, p.status NOT IN (5, 6, {PENDING})),
    ({WaitOutcome.AGENT}, p.status = {PENDING}),
    ({WaitOutcome.ON_HOLD}, p.status = {ON_HOLD})
  ) AS group_of (outcome, is_in)
  WHERE v.nth = v.total AND group_of.is_in
  GROUP BY v.ticket, v.occurred_at, v.solver, group_of.outcome
), turns AS (
  SELECT s.id AS ticket, least(s.created_at, v.occurred_at) AS at, true AS is_open, 0 AS place
  FROM subjects s LEFT JOIN statuses v ON v.ticket = s.id AND v.is_initial
  WHERE s.created_at IS NOT NULL AND CASE WHEN s.has_statuses THEN NOT v.was_done
    ELSE s.closed_at IS NOT NULL OR coalesce(s.status, {NEW}) NOT IN {DONE} END
  UNION ALL
  SELECT ticket, occurred_at, was_done, place FROM statuses WHERE is_done <> was_done
  UNION ALL
  SELECT id, closed_at, false, 1 FROM subjects
  WHERE NOT has_statuses AND created_at IS NOT NULL AND closed_at IS NOT NULL
), open_spans AS (
  SELECT * FROM (
    SELECT ticket, at AS from_at, is_open,
      lead(at) OVER (PARTITION BY ticket ORDER BY place) AS to_at
    FROM turns
  ) AS t WHERE is_open AND (to_at IS NULL OR to_at > from_at)
), open_parts AS (
  SELECT ticket, at AS from_at,
    coalesce(lead(at) OVER (PARTITION BY ticket, span_at ORDER BY at), to_at) AS to_at,
    row_number() OVER (PARTITION BY ticket ORDER BY at)::int AS nth
  FROM (
    SELECT ticket, from_at AS span_at, from_at AS at, to_at FROM open_spans
    UNION
    SELECT o.ticket, o.from_at, c.valid_from, o.to_at
    FROM open_spans o JOIN periods c ON c.ticket = o.ticket
    WHERE c.valid_from > o.from_at AND (o.to_at IS NULL OR c.valid_from < o.to_at)
  ) AS points
), moves AS (
  SELECT ticket, type, place, occurred_at, from_value, to_value,
    lag(team) OVER w AS old_team, team,
    lag(to_value) OVER w AS old_value
  FROM events WHERE type IN ({EventType.TOPIC_CHANGED}, {EventType.ASSIGNED})
  WINDOW w AS (PARTITION BY ticket, type ORDER BY place)
), misrouted AS (
  SELECT DISTINCT m.ticket FROM moves m LEFT JOIN first_replies r ON r.ticket = m.ticket
  WHERE (r.occurred_at IS NULL OR m.occurred_at < r.occurred_at) AND CASE
    WHEN m.type = {EventType.ASSIGNED} THEN m.old_team <> m.team
    ELSE coalesce(m.old_value, m.from_value) <> m.to_value END
)"""

EFFORT = (
    f"CASE WHEN v.replies = 0 THEN {EffortOutcome.NONE} "
    f"WHEN v.replies = 1 THEN {EffortOutcome.ONE} ELSE {EffortOutcome.MORE} END"
)


def span(later: str, earlier: str) -> str:
    return f"(extract(epoch FROM {later} - {earlier}) * 1000)::bigint"


# ticket, kind, ordinal, outcome, at, agent, team, duration, value, negative, counts, channel, seen
WORK_FACTS = f"""
  SELECT v.ticket, {Kind.SOLVE_EFFORT}, v.nth::int, {EFFORT}, v.occurred_at, v.solver, NULL,
    {span("v.reopened_at", "v.occurred_at")}, v.replies * 10000::bigint, NULL, true, NULL,
    v.occurred_at
  FROM efforts v
  UNION ALL
  SELECT v.ticket, {Kind.INTERACTIONS}, 0, 0, v.occurred_at, v.solver, NULL, NULL,
    v.interactions * 10000::bigint, NULL, true, NULL, v.occurred_at
  FROM efforts v WHERE v.nth = v.total AND v.interactions IS NOT NULL
  UNION ALL
  SELECT v.ticket, {Kind.AGENTS_INVOLVED}, 0, 0, v.occurred_at, v.solver, NULL, NULL,
    v.agents * 10000::bigint, NULL, true, NULL, v.occurred_at
  FROM efforts v WHERE v.nth = v.total AND v.agents IS NOT NULL
  UNION ALL
  SELECT v.ticket, {Kind.TIME_IN_STATUS}, v.outcome, v.outcome, v.occurred_at, v.solver, NULL,
    (extract(epoch FROM v.waited) * 1000)::bigint, NULL, NULL, true, NULL, v.occurred_at
  FROM waits v
  UNION ALL
  SELECT s.id, {Kind.ROUTED}, 0,
    CASE WHEN m.ticket IS NULL THEN {RoutingOutcome.KEPT} ELSE {RoutingOutcome.MISROUTED} END,
    s.created_at, NULL, s.team, NULL, NULL, NULL, true, NULL, s.created_at
  FROM subjects s LEFT JOIN misrouted m ON m.ticket = s.id
  WHERE s.created_at IS NOT NULL AND s.has_events
  UNION ALL
  SELECT p.ticket, {Kind.BACKLOG}, p.nth * 2 + edge.is_end, 0, edge.at, NULL, NULL, NULL,
    edge.sign * 10000::bigint, NULL, true, NULL, p.from_at
  FROM open_parts p CROSS JOIN LATERAL (VALUES (0, p.from_at, 1), (1, p.to_at, -1))
    AS edge (is_end, at, sign)
  WHERE edge.at IS NOT NULL"""
