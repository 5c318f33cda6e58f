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

# Column and statuses of each kind of time in statuses.
SPENT = {
    WaitOutcome.REQUESTER: ("requester_open_ms", "was <> 3"),
    WaitOutcome.AGENT: ("agent_open_ms", "was = 3"),
    WaitOutcome.ON_HOLD: ("hold_open_ms", "was = 4"),
}


def summed(column: str, condition: str) -> str:
    """The sum, or null where the hours of a part are not known."""
    return f"""CASE WHEN bool_and(open_ms IS NOT NULL) FILTER (WHERE {condition})
    THEN sum(open_ms) FILTER (WHERE {condition}) END AS {column}"""


PASSED = open_between("v.since", "v.occurred_at", TEAM_OF_OWNER, "c.inbox", OWNER_TURNS_AT)

# With schedules alone: of nothing else is there business time.
STATUS_HOURS = f"""status_hours AS (
  SELECT ticket, {", ".join(summed(*each) for each in SPENT.values())}
  FROM (
    SELECT v.ticket, v.was, {PASSED} AS open_ms
    FROM (
      SELECT *, max(CASE WHEN is_done AND NOT was_done THEN place END) OVER (PARTITION BY ticket)
        AS solve_place
      FROM statuses WHERE {HAS_SCHEDULES}
    ) AS v
    JOIN subjects c ON c.id = v.ticket
    LEFT JOIN owner_turns ON owner_turns.ticket = v.ticket
    WHERE v.place <= v.solve_place AND v.since <= v.occurred_at AND v.was NOT IN {DONE}
  ) AS passed GROUP BY ticket
)"""
STATUS_HOURS_JOIN = "LEFT JOIN status_hours ON status_hours.ticket = c.id"

IN_STATUS = " ".join(
    f"WHEN {outcome} THEN status_hours.{column}" for outcome, (column, _) in SPENT.items()
)
CLOCK = Clock(
    team=TEAM_OF_OWNER,
    turns=OWNER_TURNS_AT,
    starts={Kind.AWAITED: "coalesce(c.asked_at, c.created_at)"},
    totals={Kind.TIME_IN_STATUS: f"CASE e.outcome {IN_STATUS} END"},
)
