"""What was done on a ticket until its solves, and when it was open: CTEs over its history.

Nothing here joins events with events: running totals over one ordered stream stay linear whatever
the planner believes. They read `told`, `subjects`, `statuses` and `solves` of ticket_facts.py.
"""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import FROM_STATUS, EffortOutcome, OpenStatus, RoutingOutcome, WaitOutcome
from csapi.facts.sql import milliseconds_between
from csapi.facts.ticket_history import EventType

NEW, DONE = 1, "(5, 6)"
STAGE = 10
CUTS = (
    f"({EventType.PRIORITY_CHANGED}, {EventType.TOPIC_CHANGED}, {EventType.ASSIGNED}, "
    f"{EventType.TAGGED}, {EventType.UNTAGGED})"
)


def status_of(stage: str) -> str:
    return f"coalesce({stage} % {STAGE}, {OpenStatus.UNKNOWN})::int"


# A ticket is what it is between two points that are cuts: where it opens or closes, or another
# owner, topic, priority or tag comes. Other points are changes of its status. stage: the place of
# that change in the history times STAGE, plus the status; the greatest so far is the one in force.
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
  SELECT ticket, at, sum(turn) AS turn, bool_or(is_cut) AS is_cut, max(stage) AS stage FROM (
    SELECT ticket, least(created_at, occurred_at), 1, true, was::bigint FROM statuses
    WHERE is_initial AND NOT was_done
    UNION ALL
    SELECT ticket, occurred_at,
      CASE WHEN is_done = was_done THEN 0 WHEN is_done THEN -1 ELSE 1 END, is_done <> was_done,
      place::bigint * {STAGE} + to_value
    FROM statuses WHERE NOT (is_done AND was_done)
    UNION ALL
    SELECT id, created_at, 1, true, CASE WHEN closed_at IS NULL THEN coalesce(status, {NEW}) END
    FROM subjects
    WHERE NOT has_statuses AND (closed_at IS NOT NULL OR coalesce(status, {NEW}) NOT IN {DONE})
    UNION ALL
    SELECT id, closed_at, -1, true, NULL FROM subjects
    WHERE NOT has_statuses AND closed_at IS NOT NULL
    UNION ALL
    SELECT ticket, occurred_at, 0, true, NULL FROM told WHERE type IN {CUTS}
  ) AS each_one (ticket, at, turn, is_cut, stage) GROUP BY ticket, at
), stages AS MATERIALIZED (
  SELECT p.ticket, p.at, p.is_cut, sum(p.turn) OVER w AS state, max(p.stage) OVER w AS stage,
    max(p.stage) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stage_before,
    max(CASE WHEN p.is_cut THEN p.at END) OVER w AS from_at
  FROM points p JOIN subjects s ON s.id = p.ticket AND s.created_at IS NOT NULL
  WINDOW w AS (PARTITION BY p.ticket ORDER BY p.at)
), open_parts AS MATERIALIZED (
  SELECT ticket, from_at, to_at, {status_of("stage")} AS from_status,
    {status_of("next_stage")} AS to_status,
    row_number() OVER (PARTITION BY ticket ORDER BY from_at)::int AS nth
  FROM (
    SELECT ticket, at AS from_at, state, stage, lead(at) OVER w AS to_at,
      lead(stage_before) OVER w AS next_stage
    FROM stages WHERE is_cut WINDOW w AS (PARTITION BY ticket ORDER BY at)
  ) AS p WHERE state > 0
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
  SELECT p.ticket, {Kind.BACKLOG}, p.nth * 2 + edge.is_end, edge.status, edge.at, NULL, NULL, NULL,
    edge.sign * 10000::bigint, NULL, true, NULL, p.from_at
  FROM open_parts p
  CROSS JOIN LATERAL (VALUES (0, p.from_at, 1, p.from_status), (1, p.to_at, -1, p.to_status))
    AS edge (is_end, at, sign, status)
  WHERE edge.at IS NOT NULL
  UNION ALL
  SELECT p.ticket, {Kind.OPEN_STATUS}, (p.stage / {STAGE})::int,
    {status_of("p.stage_before")} * {FROM_STATUS} + {status_of("p.stage")}, p.at, NULL, NULL, NULL,
    10000::bigint, NULL, true, NULL, p.from_at
  FROM stages p
  WHERE NOT p.is_cut AND p.state > 0 AND {status_of("p.stage_before")} <> {status_of("p.stage")}"""
