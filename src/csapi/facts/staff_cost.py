"""What the time of agents costs, in the derivations of shifts and presence. SQL; $1 is the tenant.

Paid shifts are paid. Near a shift of an agent, whether paid or not, shifts alone say what is paid;
otherwise presence does that is not offline. Of rates the agent's counts, else that of the team that
the agent was in, else the default.
"""

from csapi.facts.interval import LONGEST_SQL, NOTHING, cut, millisecond
from csapi.facts.kinds import CostScope, Kind
from csapi.facts.outcomes import PresenceOutcome, StaffCostOutcome
from csapi.facts.timeline import of_same_agent

NEAR = "interval '12 hours'"
HOUR_MS = 3_600_000

# Uncorrelated, so asked once in a statement: without a cost book all else is skipped.
HAS_RATES = "(SELECT EXISTS (SELECT 1 FROM cost_rates WHERE tenant_id = $1))"

TEAM_THEN = """(SELECT m.team FROM agent_teams m WHERE m.tenant_id = $1 AND m.agent = c.agent
      AND m.valid_from <= piece.starts_at AND piece.starts_at < m.valid_to LIMIT 1)"""


def rate_of(scope: CostScope, member: str) -> str:
    return f"""(SELECT r.amount FROM cost_rates r WHERE r.tenant_id = $1 AND r.scope = {scope}
      AND r.member = {member} AND r.valid_from <= piece.starts_at
      AND piece.starts_at < r.valid_to LIMIT 1)"""


RATE = f"""coalesce({rate_of(CostScope.AGENT, "c.agent")},
    {rate_of(CostScope.TEAM, TEAM_THEN)},
    {rate_of(CostScope.DEFAULT, "0")})"""


def rounded(cost: str) -> str:
    """A sum of rate x milliseconds as money; halves up."""
    return f"div({cost} + {HOUR_MS // 2}, {HOUR_MS})"


def costed(outcome: StaffCostOutcome, spans: str) -> str:
    """Events of `c`: one for each piece of paid time. Without a rate it has no value.

    The sum up to the end of each piece is rounded, so that pieces add up to the whole.
    """
    return f"""
  SELECT {Kind.STAFF_COST}, paid.ordinal,
    CASE WHEN paid.rate IS NULL THEN {StaffCostOutcome.UNRATED} ELSE {outcome} END,
    paid.starts_at, c.agent, NULL::int, paid.ms,
    CASE WHEN paid.rate IS NOT NULL THEN
      ({rounded("paid.upto")} - {rounded("(paid.upto - paid.rate * paid.ms)")})::bigint END,
    NULL::bigint, true
  FROM (
    SELECT (row_number() OVER w)::int AS ordinal, timed.starts_at, timed.ms, timed.rate,
      sum(coalesce(timed.rate, 0)::numeric * timed.ms) OVER w AS upto
    FROM (
      SELECT piece.starts_at, {RATE} AS rate,
        {millisecond("piece.ends_at")} - {millisecond("piece.starts_at")} AS ms
      FROM {cut(spans)}
      WHERE {HAS_RATES}
    ) AS timed
    WINDOW w AS (ORDER BY timed.starts_at ROWS UNBOUNDED PRECEDING)
  ) AS paid"""


def shift_cost(whole: str) -> str:
    return costed(StaffCostOutcome.SHIFT, f"CASE WHEN c.is_paid THEN {whole} ELSE {NOTHING} END")


NEAR_SHIFTS = f"""(
      SELECT range_agg(tstzrange(s.started_at - {NEAR}, s.ended_at + {NEAR}))
      FROM shifts s WHERE {of_same_agent("s", "c")}
        AND s.started_at < coalesce(c_end.at, c.started_at) + {NEAR}
        AND s.started_at >= c.started_at - {LONGEST_SQL} - {NEAR}
        AND s.ended_at > c.started_at - {NEAR})"""

PRESENCE_COST = costed(
    StaffCostOutcome.PRESENCE,
    f"CASE WHEN c.state <> {PresenceOutcome.OFFLINE} AND {HAS_RATES} "
    f"THEN c_time.spans - coalesce({NEAR_SHIFTS}, {NOTHING}) ELSE {NOTHING} END",
)

# The presence that shifts of agents ($2), from $3 until $4, may decide about.
PRESENCE_NEAR_SHIFTS = f"""
SELECT DISTINCT p.id
FROM unnest($2::int[], $3::timestamptz[], $4::timestamptz[]) AS z (agent, starts_at, ends_at)
CROSS JOIN LATERAL (
  SELECT p.id FROM presence p
  WHERE {of_same_agent("p", "z")} AND p.started_at < z.ends_at + {NEAR}
    AND p.started_at >= z.starts_at - {LONGEST_SQL} - {NEAR}
    AND coalesce(p.ended_at, 'infinity') > z.starts_at - {NEAR} OFFSET 0) p
WHERE {HAS_RATES}"""

# All shifts and presence that a change of rates may touch from $2, in seconds, on.
MARK_BY_COST = f"""
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT DISTINCT tenant_id, resource, subject FROM facts
WHERE tenant_id = $1 AND occurred_at >= to_timestamp($2::bigint)
  AND kind IN ({Kind.SHIFT}, {Kind.PRESENCE})"""
