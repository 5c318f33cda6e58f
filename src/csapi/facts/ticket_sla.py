"""What the targets of policies became of: CTEs over the history of a ticket.

A *cycle* is a time in which a target is to be met: from a customer's first unanswered message to
the reply, or from the opening of a ticket to its solve. It is cut into *pieces* wherever the
ticket's priority, team or status may change or another schedule comes into force. In each piece
the target counts that policies give for what the ticket is then; clocks run on over all pieces of
a cycle. A target breaches in the first piece in which its clock passes it: that instant is known
beforehand, so its fact is there before it comes (docs/decisions/0010).

Like the rest of the history, this joins no events with events: a cycle's columns travel along its
pieces. It reads `told`, `subjects`, `statuses`, `solves`, `periods` and `owner_turns`.
"""

from csapi.facts.business_hours import (
    HAS_TARGETS,
    TEAM_OF_OWNER,
    TURNS,
    in_force,
    open_until,
)
from csapi.facts.kinds import Kind, Scope
from csapi.facts.outcomes import SLA_METRIC_STEP, SlaDecision, SlaMetric
from csapi.facts.sql import milliseconds_between
from csapi.facts.ticket_history import EventType, period_join, periods, was
from csapi.facts.ticket_replies import IN, OUT
from csapi.facts.ticket_work import DONE

# Two kinds of cycles, side by side, and what begins, fulfils or ends one.
REPLIES, SOLVES = 1, 2
BEGIN, FULFIL, END = 1, 2, 3

PENDING = 3
# How far a cycle without an end is followed: less than schedules are expanded ahead.
LONGEST = "interval '17520 hours'"
MS = "interval '1 millisecond'"

HAS_BUSINESS_TARGETS = (
    "(SELECT EXISTS (SELECT 1 FROM sla_targets WHERE tenant_id = $1 AND is_business))"
)

CYCLES = f"""
sla_starts AS (
  SELECT id, asked_place IS NULL AND by_customer AS is_asked, has_messages, has_statuses,
    least(created_at, begun_at, CASE WHEN NOT has_messages THEN first_reply_at END,
      CASE WHEN NOT has_statuses THEN first_solved_at END) AS at,
    first_reply_at, first_reply_by,
    NOT has_statuses AND closed_at IS NULL AND coalesce(status, 1) IN {DONE} AS is_lost
  FROM subjects WHERE created_at IS NOT NULL AND {HAS_TARGETS}
), sla_turns AS (
  SELECT lane, ticket, at, place, what, actor, channel,
    count(*) FILTER (WHERE what <> {BEGIN}) OVER (
      PARTITION BY lane, ticket ORDER BY at, place, what
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS turn
  FROM (
    SELECT {REPLIES}, ticket, occurred_at, place, CASE WHEN {IN} THEN {BEGIN} ELSE {FULFIL} END,
      actor, channel
    FROM told WHERE {HAS_TARGETS} AND ({IN} OR {OUT})
    UNION ALL
    SELECT {REPLIES}, ticket, occurred_at, place, {END}, NULL, NULL FROM solves WHERE {HAS_TARGETS}
    UNION ALL
    SELECT {REPLIES}, id, at, 0, {BEGIN}, NULL, NULL FROM sla_starts WHERE is_asked
    UNION ALL
    SELECT {REPLIES}, id, first_reply_at, 1, {FULFIL}, first_reply_by, NULL FROM sla_starts
    WHERE NOT has_messages AND first_reply_at IS NOT NULL
    UNION ALL
    SELECT {SOLVES}, ticket, occurred_at, place,
      CASE WHEN is_done THEN {FULFIL} ELSE {BEGIN} END, NULL, NULL
    FROM statuses WHERE {HAS_TARGETS} AND is_done <> was_done
    UNION ALL
    SELECT {SOLVES}, v.ticket, s.at, 0, {BEGIN}, NULL, NULL
    FROM statuses v JOIN sla_starts s ON s.id = v.ticket WHERE v.is_initial AND NOT v.was_done
    UNION ALL
    SELECT {SOLVES}, id, at, 0, {BEGIN}, NULL, NULL FROM sla_starts WHERE NOT has_statuses
    UNION ALL
    SELECT {SOLVES}, ticket, occurred_at, 1, {FULFIL}, solver, NULL
    FROM solves WHERE {HAS_TARGETS} AND NOT is_event AND nth = 1
  ) AS each_one (lane, ticket, at, place, what, actor, channel)
), sla_cycles AS (
  SELECT c.*, coalesce(ended_at, started_at + {LONGEST}) AS until,
    NOT coalesce(bool_or(is_fulfilled) OVER (
      PARTITION BY lane, ticket ORDER BY turn
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false) AS is_first
  FROM (
    SELECT lane, ticket, turn, min(at) FILTER (WHERE what = {BEGIN}) AS started_at,
      max(at) FILTER (WHERE what <> {BEGIN}) AS ended_at,
      coalesce(bool_or(what = {FULFIL}), false) AS is_fulfilled,
      max(actor) FILTER (WHERE what = {FULFIL}) AS actor,
      max(channel) FILTER (WHERE what = {FULFIL}) AS channel
    FROM sla_turns GROUP BY lane, ticket, turn
  ) AS c JOIN sla_starts s ON s.id = c.ticket
  WHERE started_at IS NOT NULL AND NOT (ended_at IS NULL AND s.is_lost)
)"""

CYCLE = ("turn", "started_at", "ended_at", "until", "is_fulfilled", "is_first", "actor", "channel")
OF_CYCLE = ", ".join(f"first_value({name}) OVER w AS {name}" for name in CYCLE)

# is_cut: where what the ticket is for answers may change, so that a stock is told apart there.
PIECES = f"""
sla_cuts AS (
  SELECT ticket, at, bool_or(is_cut) AS is_cut FROM (
    SELECT ticket, occurred_at, type <> {EventType.STATUS_CHANGED} FROM told
    WHERE {HAS_TARGETS} AND type IN ({EventType.STATUS_CHANGED}, {EventType.PRIORITY_CHANGED},
      {EventType.TOPIC_CHANGED}, {EventType.ASSIGNED})
    UNION ALL
    SELECT ticket, unnest(since), true FROM owner_turns WHERE {HAS_TARGETS}
    UNION ALL
    SELECT s.id, turn, false FROM sla_starts s CROSS JOIN unnest({TURNS}) AS turn
    WHERE {HAS_BUSINESS_TARGETS} AND turn > s.at
  ) AS each_one (ticket, at, is_cut) WHERE isfinite(at) GROUP BY ticket, at
), sla_edges AS (
  SELECT *, count(started_at) OVER w AS cycle, lead(at) OVER w AS next_at
  FROM (
    SELECT lane, ticket, started_at AS at, true AS is_cut, {", ".join(CYCLE)} FROM sla_cycles
    UNION ALL
    SELECT lane, ticket, at, is_cut{", NULL" * len(CYCLE)}
    FROM sla_cuts CROSS JOIN (VALUES ({REPLIES}), ({SOLVES})) AS lanes (lane)
  ) AS edges
  WINDOW w AS (PARTITION BY lane, ticket ORDER BY at, turn NULLS FIRST)
), sla_pieces AS (
  SELECT lane, ticket, at AS starts_at, least(next_at, until) AS ends_at, is_cut,
    {", ".join(CYCLE)}
  FROM (
    SELECT lane, ticket, at, next_at, is_cut, is_start, {OF_CYCLE}
    FROM (SELECT *, started_at IS NOT NULL AS is_start FROM sla_edges WHERE cycle > 0) AS e
    WINDOW w AS (PARTITION BY lane, ticket, cycle ORDER BY at, turn NULLS LAST)
  ) AS p
  WHERE at < least(next_at, until) OR (is_start AND started_at = ended_at)
)"""

# Which of several targets counts, for a piece `p` of a ticket `c` and a metric.
TARGET = """
  SELECT r.target_ms, r.is_business FROM sla_targets r
  WHERE r.tenant_id = $1 AND r.metric = m.metric
    AND r.valid_from <= p.started_at AND p.started_at < r.valid_to
    AND (r.priority IS NULL OR r.priority = p.priority)
    AND (r.priorities IS NULL OR p.priority = ANY(r.priorities))
    AND (r.teams IS NULL OR p.team = ANY(r.teams))
    AND (r.channels IS NULL OR p.at_channel = ANY(r.channels))
    AND (r.inboxes IS NULL OR p.inbox = ANY(r.inboxes))
    AND (r.types IS NULL OR p.type = ANY(r.types))
  ORDER BY r.rank, r.priority NULLS LAST LIMIT 1"""

STATUS_THEN = (
    "coalesce(CASE WHEN status_then.ticket IS NULL THEN c.status ELSE status_then.value END, 1)"
)
SUMS = ", ".join(
    f"coalesce(sum(CASE WHEN m.runs THEN p.{clock}_ms END) OVER {frame}, 0) AS {clock}_{name}"
    for clock in ("calendar", "open")
    for name, frame in (("before", "earlier"), ("total", "whole"))
)


def period_then(alias: str, kind: EventType, source: str) -> str:
    """Joins what a ticket was at the start of a piece `p`. Of `source`, which holds one type of
    changes: the planner takes it for one row, and reads all of it for each piece."""
    return period_join(alias, "p.ticket", kind, "p.starts_at", source)


CLOCKS = f"""
sla_statuses AS (
  SELECT * FROM ({periods("events", (EventType.STATUS_CHANGED,))}) AS v WHERE {HAS_TARGETS}
), sla_priorities AS MATERIALIZED (
  SELECT * FROM periods WHERE type = {EventType.PRIORITY_CHANGED} AND {HAS_TARGETS}
), sla_known AS MATERIALIZED (
  SELECT p.*, c.channel AS at_channel, c.inbox, c.type, {TEAM_OF_OWNER.replace("piece.", "p.")}
      AS team,
    {was("priority_then", "value", "c.priority")} AS priority,
    p.lane = {REPLIES} OR {STATUS_THEN} <> {PENDING} AS is_waited_for
  FROM sla_pieces p JOIN subjects c ON c.id = p.ticket
  LEFT JOIN owner_turns ON owner_turns.ticket = p.ticket
  {period_then("priority_then", EventType.PRIORITY_CHANGED, "sla_priorities")}
  {period_then("status_then", EventType.STATUS_CHANGED, "sla_statuses")}
), sla_timed AS (
  SELECT piece.*, chosen.schedule,
    extract(epoch FROM piece.ends_at - piece.starts_at) * 1000 AS calendar_ms, opened.at_start,
    opened.since AS open_since,
    coalesce({open_until("piece.ends_at")} - opened.at_start, 0) AS open_ms
  FROM sla_known piece
  CROSS JOIN LATERAL (SELECT CASE WHEN {HAS_BUSINESS_TARGETS} THEN coalesce(
    {in_force(Scope.TEAM, "piece.team")},
    {in_force(Scope.INBOX, "piece.inbox")},
    {in_force(Scope.DEFAULT, "0")}) END AS schedule OFFSET 0) AS chosen
  CROSS JOIN LATERAL (SELECT CASE WHEN chosen.schedule IS NOT NULL
    THEN {open_until("piece.starts_at")} END AS at_start, CASE WHEN chosen.schedule IS NOT NULL
    THEN coalesce((SELECT b.starts_at FROM business_intervals b WHERE b.tenant_id = $1
      AND b.schedule = chosen.schedule AND b.starts_at <= piece.starts_at
      ORDER BY b.starts_at DESC LIMIT 1), piece.starts_at) END AS since OFFSET 0) AS opened
), sla_running AS (
  SELECT *, CASE WHEN is_business THEN open_before ELSE calendar_before END AS spent,
    CASE WHEN is_business THEN open_total ELSE calendar_total END AS total
  FROM (
    SELECT p.*, m.metric, r.target_ms, r.is_business, m.runs,
      r.target_ms IS NOT NULL AND (p.schedule IS NOT NULL OR NOT r.is_business) AS is_in_force,
      {SUMS}
    FROM sla_timed p
    CROSS JOIN LATERAL (VALUES
      (CASE WHEN p.lane = {SOLVES} THEN {SlaMetric.RESOLUTION}
        WHEN p.is_first THEN {SlaMetric.FIRST_RESPONSE} ELSE {SlaMetric.NEXT_RESPONSE} END, true),
      (CASE WHEN p.lane = {SOLVES} THEN {SlaMetric.REQUESTER_WAIT} END, p.is_waited_for)
    ) AS m (metric, runs)
    LEFT JOIN LATERAL ({TARGET}) AS r ON true
    WHERE m.metric IS NOT NULL
    WINDOW whole AS (PARTITION BY p.ticket, m.metric, p.turn),
      earlier AS (PARTITION BY p.ticket, m.metric, p.turn ORDER BY p.starts_at
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  ) AS r
)"""

# The last instant at which a business target is still met: from it on its schedule is open. (Under
# row-level security only a plain column makes an index condition: hence open_since.)
BUSINESS_DUE = f"""(
        SELECT i.starts_at + (v.at_start + left_ms - i.open_before_ms) * {MS}
        FROM business_intervals i
        WHERE i.tenant_id = $1 AND i.schedule = v.schedule AND i.starts_at >= v.open_since
          AND i.open_before_ms + extract(epoch FROM i.ends_at - i.starts_at) * 1000
            > v.at_start + left_ms
        ORDER BY i.starts_at LIMIT 1)"""

DECIDED = f"""
sla_due AS (
  SELECT v.*, CASE WHEN NOT is_in_force THEN NULL WHEN left_ms < 0 THEN v.starts_at
      WHEN NOT runs THEN NULL WHEN NOT is_business THEN v.starts_at + left_ms * {MS}
      ELSE {BUSINESS_DUE} END AS due_at,
    is_in_force AND (is_cut OR NOT coalesce(lag(is_in_force) OVER w, false)) AS begins_run
  FROM (SELECT *, target_ms - spent AS left_ms FROM sla_running) AS v
  WINDOW w AS (PARTITION BY ticket, metric, turn ORDER BY starts_at)
), sla_decided AS MATERIALIZED (
  SELECT *, min(CASE WHEN due_at < ends_at THEN due_at END) OVER whole AS breached_at,
    count(*) FILTER (WHERE begins_run) OVER w AS run
  FROM sla_due
  WINDOW whole AS (PARTITION BY ticket, metric, turn),
    w AS (PARTITION BY ticket, metric, turn ORDER BY starts_at)
), sla_runs AS (
  SELECT ticket, metric, row_number() OVER (PARTITION BY ticket ORDER BY metric, turn, run)::int
      AS nth, from_at, to_at
  FROM (
    SELECT ticket, metric, turn, run, min(starts_at) AS from_at,
      CASE WHEN min(breached_at) <= max(ends_at) THEN min(breached_at)
        WHEN bool_or(ended_at IS NULL AND ends_at = until) THEN NULL ELSE max(ends_at) END AS to_at
    FROM sla_decided
    WHERE is_in_force AND starts_at < ends_at
      AND (breached_at IS NULL OR starts_at < breached_at)
    GROUP BY ticket, metric, turn, run
  ) AS r
)"""

SLA = f"{CYCLES}, {PIECES}, {CLOCKS}, {DECIDED}"

OVERSHOT = "(v.total - greatest(v.target_ms, v.spent))::bigint"


def outcome(decision: SlaDecision) -> str:
    return f"v.metric * {SLA_METRIC_STEP} + {decision}"


# Columns as those of WORK_FACTS in ticket_work.py, and last gap_next_ms.
SLA_FACTS = f"""
  SELECT v.ticket, {Kind.SLA_DECISION}, (v.turn * 4 + v.metric - 1)::int,
    {outcome(SlaDecision.BREACHED)}, v.due_at, NULL, NULL,
    {milliseconds_between("v.started_at", "v.due_at")}, v.target_ms * 10, NULL, true, NULL,
    v.due_at, 0
  FROM sla_decided v WHERE v.due_at = v.breached_at AND v.due_at < v.ends_at
  UNION ALL
  SELECT v.ticket, {Kind.SLA_DECISION}, (v.turn * 4 + v.metric - 1)::int,
    CASE WHEN v.is_fulfilled THEN {outcome(SlaDecision.MET)}
      ELSE {outcome(SlaDecision.CANCELLED)} END, v.ended_at, v.actor, NULL,
    {milliseconds_between("v.started_at", "v.ended_at")}, v.target_ms * 10, NULL, true, v.channel,
    v.ended_at, {milliseconds_between("v.ended_at", "v.due_at")}
  FROM sla_decided v WHERE v.breached_at IS NULL AND v.ends_at = v.ended_at AND v.is_in_force
  UNION ALL
  SELECT v.ticket, {Kind.SLA_OVERSHOOT}, (v.turn * 4 + v.metric - 1)::int, v.metric, v.ended_at,
    v.actor, NULL, {OVERSHOT}, NULL, NULL, true, v.channel, v.ended_at, NULL
  FROM sla_decided v WHERE v.due_at = v.breached_at AND v.due_at < v.ends_at AND v.is_fulfilled
  UNION ALL
  SELECT v.ticket, {Kind.SLA_ACTIVE}, v.nth * 2 + edge.is_end, v.metric, edge.at, NULL, NULL, NULL,
    edge.sign * 10000::bigint, NULL, true, NULL, v.from_at, NULL
  FROM sla_runs v CROSS JOIN LATERAL (VALUES (0, v.from_at, 1), (1, v.to_at, -1))
    AS edge (is_end, at, sign)
  WHERE edge.at IS NOT NULL"""
