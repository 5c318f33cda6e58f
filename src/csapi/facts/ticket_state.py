"""What a ticket is now and was at an instant: closed for good, open, waiting for a reply.

What lasts is a fact at its start, what ended one at its end: whoever looks at an instant reads the
few that last and those that ended since. CTEs read `subjects`, `statuses`, `solves`, `talk` and
`runs` of the other files.
"""

from csapi.facts.kinds import Kind
from csapi.facts.sql import milliseconds_between
from csapi.facts.ticket_history import IS_SNAPSHOT
from csapi.facts.ticket_replies import timed
from csapi.facts.ticket_work import DONE

# Statuses in which the customer has the turn, or nobody.
NOT_OWED = "(3, 5, 6)"
# Seconds as a value are milliseconds x 10.
AGE_THEN = f"greatest({milliseconds_between('s.created_at', 'p.from_at')}, 0) * 10"

STATES = f"""
endings AS MATERIALIZED (
  SELECT s.id AS ticket, s.handled_at, last.occurred_at AS solved_at, last.solver,
    CASE WHEN s.has_statuses THEN coalesce(last.stands, untouched.is_done)
         ELSE s.closed_at IS NOT NULL OR coalesce(s.status, 1) IN {DONE} END AS is_done,
    CASE WHEN s.has_statuses THEN last.stands
         ELSE coalesce(s.status, 5) IN {DONE} END AS stands
  FROM subjects s
  LEFT JOIN (SELECT ticket, occurred_at, solver, reopened_at IS NULL AS stands
    FROM solves WHERE nth = total) AS last ON last.ticket = s.id
  LEFT JOIN (SELECT ticket, bool_and(is_done) AS is_done
    FROM statuses GROUP BY ticket) AS untouched ON untouched.ticket = s.id
), owed AS MATERIALIZED (
  SELECT v.ticket, v.place, true AS has_ended, v.since, v.occurred_at AS ended_at,
    coalesce(v.requester_wait, '0') - v.waited AS before
  FROM statuses v
  WHERE v.was NOT IN {NOT_OWED} AND v.since < v.occurred_at
  UNION ALL
  SELECT v.ticket, v.place, false, v.occurred_at, NULL, coalesce(v.requester_wait, '0')
  FROM statuses v
  WHERE v.is_last AND v.created_at IS NOT NULL AND v.to_value NOT IN {NOT_OWED}
  UNION ALL
  SELECT s.id, 0, false, s.created_at, NULL, '0'
  FROM subjects s
  WHERE s.created_at IS NOT NULL AND NOT s.has_statuses AND s.closed_at IS NULL
    AND coalesce(s.status, 1) NOT IN {NOT_OWED} AND NOT ({IS_SNAPSHOT})
), waits AS MATERIALIZED (
  SELECT s.id AS ticket, CASE WHEN open_run.ticket IS NOT NULL THEN open_run.asked_at
    WHEN s.by_customer AND spoke.ticket IS NULL AND (s.has_messages OR s.first_reply_at IS NULL)
    THEN s.created_at END AS since
  FROM subjects s
  LEFT JOIN (SELECT ticket, asked_at FROM runs WHERE place IS NULL) AS open_run
    ON open_run.ticket = s.id
  LEFT JOIN (SELECT DISTINCT ticket FROM talk) AS spoke ON spoke.ticket = s.id
)"""

# ticket, kind, ordinal, outcome, at, agent, team, duration, value, negative, counts, channel, seen
STATE_FACTS = f"""
  SELECT v.ticket, {Kind.CLOSED}, 0, 0, v.solved_at, v.solver, NULL, NULL::bigint, NULL::bigint,
    NULL::bigint, true, NULL, v.solved_at
  FROM endings v WHERE v.stands AND v.solved_at IS NOT NULL
  UNION ALL
  SELECT v.ticket, {Kind.HUMAN_RESOLUTION}, 0, 0, v.solved_at, v.solver, NULL,
    {timed("v.solved_at", "v.handled_at")}, true, NULL, v.solved_at
  FROM endings v WHERE v.solved_at IS NOT NULL AND v.handled_at IS NOT NULL
  UNION ALL
  SELECT w.ticket, {Kind.WAITING}, 0, 0, w.since, NULL, NULL, NULL, NULL, NULL, true, NULL, w.since
  FROM waits w JOIN endings v ON v.ticket = w.ticket WHERE w.since IS NOT NULL AND NOT v.is_done
  UNION ALL
  SELECT w.ticket, {Kind.WAIT_DROPPED}, 0, 0, v.solved_at, v.solver, NULL,
    {timed("v.solved_at", "w.since")}, true, NULL, v.solved_at
  FROM waits w JOIN endings v ON v.ticket = w.ticket WHERE v.is_done AND v.solved_at >= w.since
  UNION ALL
  SELECT p.ticket, {Kind.OPEN_TICKET}, 0, 0, p.from_at, NULL, NULL, NULL, {AGE_THEN}, NULL, true,
    NULL, p.from_at
  FROM open_parts p JOIN subjects s ON s.id = p.ticket WHERE p.to_at IS NULL
  UNION ALL
  SELECT p.ticket, {Kind.OPEN_ENDED}, p.nth, 0, p.to_at, NULL, NULL,
    {milliseconds_between("p.from_at", "p.to_at")}, {AGE_THEN}, NULL, true, NULL, p.from_at
  FROM open_parts p JOIN subjects s ON s.id = p.ticket WHERE p.to_at IS NOT NULL
  UNION ALL
  SELECT o.ticket, CASE WHEN o.has_ended THEN {Kind.OWED_ENDED} ELSE {Kind.OWED} END, o.place, 0,
    CASE WHEN o.has_ended THEN o.ended_at ELSE o.since END, NULL, NULL,
    {milliseconds_between("o.since", "o.ended_at")},
    (extract(epoch FROM o.before) * 1000)::bigint * 10, NULL, true, NULL, o.since
  FROM owed o"""
