"""Business time of a ticket: whose hours count along its path, and the time in its statuses.

Reads `subjects` and `statuses` of ticket_facts.py, and `owner_turns`.
"""

from csapi.facts.business_hours import (
    HAS_SCHEDULES,
    OWNER_TURNS_AT,
    TEAM_OF_OWNER,
    Clock,
    open_between,
)
from csapi.facts.kinds import Kind
from csapi.facts.outcomes import WaitOutcome
from csapi.facts.ticket_work import DONE

OWED = "is_spent AND was <> 3"
# Column and statuses of each kind of time in statuses.
SPENT = {
    WaitOutcome.REQUESTER: ("requester_open_ms", OWED),
    WaitOutcome.AGENT: ("agent_open_ms", "is_spent AND was = 3"),
    WaitOutcome.ON_HOLD: ("hold_open_ms", "is_spent AND was = 4"),
}


def summed(column: str, condition: str) -> str:
    """The sum, or null where the hours of a part are not known."""
    return f"""CASE WHEN bool_and(open_ms IS NOT NULL) FILTER (WHERE {condition})
    THEN sum(open_ms) FILTER (WHERE {condition}) END AS {column}"""


IN_ORDER = "PARTITION BY ticket ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING"
PASSED = open_between("v.since", "v.occurred_at", TEAM_OF_OWNER, "c.inbox", OWNER_TURNS_AT)


def owed_within(window: str) -> str:
    """The business time owed in rows of a window; null where there is none, or one is unknown."""
    owed = f"FILTER (WHERE {OWED}) OVER ({window})"
    return f"CASE WHEN count(*) {owed} = count(open_ms) {owed} THEN sum(open_ms) {owed} END"


# With schedules alone: of nothing else is there business time.
STATUS_HOURS = f"""status_passed AS MATERIALIZED (
  SELECT v.ticket, v.place, v.was, v.solve_place, v.is_spent,
    CASE WHEN v.is_spent THEN {PASSED} END AS open_ms
  FROM (
    SELECT *, since <= occurred_at AND was NOT IN {DONE} AS is_spent,
      max(CASE WHEN is_done AND NOT was_done THEN place END) OVER (PARTITION BY ticket)
        AS solve_place
    FROM statuses WHERE {HAS_SCHEDULES}
  ) AS v
  JOIN subjects c ON c.id = v.ticket
  LEFT JOIN owner_turns ON owner_turns.ticket = v.ticket
), status_hours AS (
  SELECT ticket, {", ".join(summed(*each) for each in SPENT.values())}
  FROM status_passed WHERE place <= solve_place GROUP BY ticket
), owed_hours AS (
  SELECT ticket, place, {owed_within(f"{IN_ORDER} AND 1 PRECEDING")} AS before_ms,
    {owed_within(f"{IN_ORDER} AND CURRENT ROW")} AS upto_ms
  FROM status_passed
)"""
STATUS_HOURS_JOIN = """LEFT JOIN status_hours ON status_hours.ticket = c.id
LEFT JOIN owed_hours ON owed_hours.ticket = c.id AND owed_hours.place = e.ordinal"""

IN_STATUS = " ".join(
    f"WHEN {outcome} THEN status_hours.{column}" for outcome, (column, _) in SPENT.items()
)
CLOCK = Clock(
    team=TEAM_OF_OWNER,
    turns=OWNER_TURNS_AT,
    starts={Kind.AWAITED: "coalesce(c.asked_at, c.created_at)"},
    totals={
        Kind.TIME_IN_STATUS: f"CASE e.outcome {IN_STATUS} END",
        Kind.OWED: "owed_hours.upto_ms",
        Kind.OWED_ENDED: "owed_hours.before_ms",
    },
)
