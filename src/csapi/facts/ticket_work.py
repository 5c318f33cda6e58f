"""What was done on a ticket until its solves, and when it was open: CTEs over its history.

Nothing here joins events with events: running totals over one ordered stream stay linear whatever
the planner believes. They read `told`, `subjects`, `statuses` and `solves` of ticket_facts.py.
"""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import EffortOutcome, RoutingOutcome, WaitOutcome
from csapi.facts.sql import milliseconds_between
from csapi.facts.ticket_history import EventType

NEW, DONE = 1, "(5, 6)"
CUTS = (
    f"({EventType.PRIORITY_CHANGED}, {EventType.TOPIC_CHANGED}, {EventType.ASSIGNED}, "
    f"{EventType.TAGGED}, {EventType.UNTAGGED})"
)

# A ticket is what it is between two points: where it opens or closes, or another owner, topic,
# priority or tag comes.
WORK = f"""
efforts AS MATERIALIZED (
  SELECT v.*,
    CASE WHEN s.has_messages THEN v.replies_upto ELSE s.messages_out END AS replies,
    CASE WHEN s.has_messages THEN v.interactions_upto ELSE s.messages_in + s.messages_out END
      AS interactions,
    CASE WHEN s.has_messages THEN v.agents_upto END AS agents
  FROM solves v JOIN subjects s ON s.id = v.ticket
  WHERE s.has_messages OR (v.nth = v.total AND s.messages_out IS NOT NULL)
), points AS (
  SELECT ticket, at, sum(turn) AS turn FROM (
    SELECT ticket, least(created_at, occurred_at), 1 FROM statuses WHERE is_initial AND NOT was_done
    UNION ALL
    SELECT ticket, occurred_at, CASE WHEN is_done THEN -1 ELSE 1 END FROM statuses
    WHERE is_done <> was_done
    UNION ALL
    SELECT id, created_at, 1 FROM subjects
    WHERE NOT has_statuses AND (closed_at IS NOT NULL OR coalesce(status, {NEW}) NOT IN {DONE})
    UNION ALL
    SELECT id, closed_at, -1 FROM subjects WHERE NOT has_statuses AND closed_at IS NOT NULL
    UNION ALL
    SELECT ticket, occurred_at, 0 FROM told WHERE type IN {CUTS}
  ) AS each_one (ticket, at, turn) GROUP BY ticket, at
), open_parts AS MATERIALIZED (
  SELECT p.ticket, p.at AS from_at, p.next_at AS to_at,
    row_number() OVER (PARTITION BY p.ticket ORDER BY p.at)::int AS nth
  FROM (
    SELECT ticket, at, sum(turn) OVER w AS state, lead(at) OVER w AS next_at
    FROM points WINDOW w AS (PARTITION BY ticket ORDER BY at)
  ) AS p JOIN subjects s ON s.id = p.ticket AND s.created_at IS NOT NULL
  WHERE p.state > 0
), routing AS MATERIALIZED (
  SELECT ticket, bool_or(coalesce(has_moved, false)) AS has_moved FROM (
    SELECT ticket, replies_upto = 0 AND CASE
      WHEN type = {EventType.ASSIGNED} THEN lag(team) OVER w <> team
      ELSE coalesce(lag(to_value) OVER w, from_value) <> to_value END AS has_moved
    FROM told WHERE type IN ({EventType.TOPIC_CHANGED}, {EventType.ASSIGNED})
    WINDOW w AS (PARTITION BY ticket, type ORDER BY place)
  ) AS moves GROUP BY ticket
)"""

EFFORT = (
    f"CASE WHEN v.replies = 0 THEN {EffortOutcome.NONE} "
    f"WHEN v.replies = 1 THEN {EffortOutcome.ONE} ELSE {EffortOutcome.MORE} END"
)


# ticket, kind, ordinal, outcome, at, agent, team, duration, value, negative, counts, channel, seen
WORK_FACTS = f"""
  SELECT v.ticket, {Kind.SOLVE_EFFORT}, v.nth::int, {EFFORT}, v.occurred_at, v.solver, NULL,
    {milliseconds_between("v.occurred_at", "v.reopened_at")}, v.replies * 10000::bigint, NULL, true,
    NULL, v.occurred_at
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
  SELECT v.ticket, {Kind.TIME_IN_STATUS}, w.outcome, w.outcome, v.occurred_at, v.solver, NULL,
    (extract(epoch FROM w.waited) * 1000)::bigint, NULL, NULL, true, NULL, v.occurred_at
  FROM solves v CROSS JOIN LATERAL (VALUES ({WaitOutcome.REQUESTER}, v.requester_wait),
    ({WaitOutcome.AGENT}, v.agent_wait), ({WaitOutcome.ON_HOLD}, v.hold_wait))
    AS w (outcome, waited)
  WHERE v.nth = v.total AND w.waited IS NOT NULL
  UNION ALL
  SELECT s.id, {Kind.ROUTED}, 0,
    CASE WHEN m.has_moved THEN {RoutingOutcome.MISROUTED} ELSE {RoutingOutcome.KEPT} END,
    s.created_at, NULL, s.team, NULL, NULL, NULL, true, NULL, s.created_at
  FROM subjects s LEFT JOIN routing m ON m.ticket = s.id
  WHERE s.created_at IS NOT NULL AND s.has_events
  UNION ALL
  SELECT p.ticket, {Kind.BACKLOG}, p.nth * 2 + edge.is_end, 0, edge.at, NULL, NULL, NULL,
    edge.sign * 10000::bigint, NULL, true, NULL, p.from_at
  FROM open_parts p CROSS JOIN LATERAL (VALUES (0, p.from_at, 1), (1, p.to_at, -1))
    AS edge (is_end, at, sign)
  WHERE edge.at IS NOT NULL"""
