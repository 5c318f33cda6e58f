"""Business time: how long it was open between the start and the end of a fact's duration.

Cumulated along the path: at every moment the schedule counts that was in force for the team at
that moment, else for the inbox, else for all. Where at some moment none was in force, the business
time is not known. SQL; $1 is the tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from csapi.facts.kinds import Kind, Scope
from csapi.facts.ticket_history import EventType, was

# Whose `at` ends their duration, and whose starts it.
ENDING_KINDS = (
    Kind.FIRST_RESPONSE,
    Kind.RESOLUTION,
    Kind.RESPONSE,
    Kind.REPLY_PAIR,
    Kind.AGENT_RESPONSE,
    Kind.AGENT_ASSIGNED,
    Kind.HUMAN_RESOLUTION,
)
STARTING_KINDS = (Kind.CALL,)
# Whose duration starts and ends elsewhere, or is made of several times. No other kind has business
# time.
OTHER_KINDS = (Kind.AWAITED, Kind.TIME_IN_STATUS, Kind.OWED, Kind.OWED_ENDED)
# Whose duration may not have ended: they then have 0 where hours are in force at the start, or what
# was added up until then.
LASTING_KINDS = (Kind.AWAITED, Kind.OWED)
BUSINESS_KINDS = (*ENDING_KINDS, *STARTING_KINDS, *OTHER_KINDS)

# Uncorrelated, so asked once in a statement: without schedules all else is skipped.
HAS_SCHEDULES = "(SELECT EXISTS (SELECT 1 FROM schedule_periods WHERE tenant_id = $1))"

TURNS = """(SELECT array_agg(DISTINCT turn) FROM schedule_periods
      CROSS JOIN LATERAL (VALUES (valid_from), (valid_to)) AS v (turn) WHERE tenant_id = $1)"""


def numbers(kinds: tuple[Kind, ...]) -> str:
    return ", ".join(str(int(kind)) for kind in kinds)


def is_timed(kind: str, duration: str, negative: str) -> str:
    """Whether a fact of BUSINESS_KINDS has business time, if hours are in force."""
    return f"{duration} IS NOT NULL OR {kind} IN ({numbers(LASTING_KINDS)}) AND {negative} IS NULL"


def in_force(scope: Scope, member: str) -> str:
    return (
        "(SELECT p.schedule FROM schedule_periods p WHERE p.tenant_id = $1 "
        f"AND p.scope = {scope} AND p.member = {member} "
        "AND p.valid_from <= piece.starts_at AND piece.starts_at < p.valid_to LIMIT 1)"
    )


def open_until(instant: str, schedule: str = "chosen.schedule") -> str:
    """How long, in ms, a schedule was open before an instant."""
    return (
        "coalesce((SELECT i.open_before_ms "
        f"+ extract(epoch FROM least(i.ends_at, {instant}) - i.starts_at) * 1000 "
        f"FROM business_intervals i WHERE i.tenant_id = $1 AND i.schedule = {schedule} "
        f"AND i.starts_at <= {instant} ORDER BY i.starts_at DESC LIMIT 1), 0)"
    )


@dataclass(frozen=True, slots=True)
class Clock:
    """By whose hours facts are measured.

    team: whose schedule counts at `piece.starts_at`; it changes at `turns` alone. starts: where a
    duration starts that does so neither at `e.at` nor before it, by its kind. totals: business time
    in ms that was added up elsewhere, by its kind.
    """

    team: str
    turns: str = "NULL::timestamptz[]"
    starts: Mapping[Kind, str] = field(default_factory=dict)
    totals: Mapping[Kind, str] = field(default_factory=dict)


def business_ms(clock: Clock, inbox: str) -> str:
    """The business time of the event `e` in ms, or null."""
    length = "coalesce(e.duration, 0) * interval '1 millisecond'"
    starts = dict.fromkeys(STARTING_KINDS, "e.at") | dict(clock.starts)
    started = "".join(f" WHEN {kind} THEN {at}" for kind, at in starts.items())
    ended = "".join(f" WHEN {kind} THEN {at} + {length}" for kind, at in starts.items())
    spent = open_between(
        f"CASE e.kind{started} ELSE e.at - {length} END",
        f"CASE e.kind{ended} ELSE e.at END",
        clock.team,
        inbox,
        clock.turns,
    )
    if clock.totals:
        added = "".join(f" WHEN {kind} THEN {total}" for kind, total in clock.totals.items())
        spent = f"CASE e.kind{added} ELSE {spent} END"
    timed = is_timed("e.kind", "e.duration", "e.negative")
    return f"""CASE WHEN e.kind IN ({numbers(BUSINESS_KINDS)}) AND ({timed})
    AND {HAS_SCHEDULES} THEN {spent} END"""


def open_between(
    starts: str, ends: str, team: str, inbox: str, turns: str = "NULL::timestamptz[]"
) -> str:
    """How long, in ms, it was open between two instants, or null where that is not known."""
    return f"""(
  SELECT CASE WHEN count(*) = count(chosen.schedule)
    THEN sum({open_until("piece.ends_at")} - {open_until("piece.starts_at")}) END
  FROM (SELECT {starts}, {ends}) AS span (starts_at, ends_at)
  CROSS JOIN LATERAL (
    SELECT at AS starts_at, lead(at, 1, span.ends_at) OVER (ORDER BY at) AS ends_at FROM (
      SELECT span.starts_at AS at
      UNION SELECT turn FROM unnest({turns} || {TURNS}) AS turn
      WHERE span.starts_at < turn AND turn < span.ends_at
    ) AS cuts
  ) AS piece
  CROSS JOIN LATERAL (SELECT coalesce(
    {in_force(Scope.TEAM, team)},
    {in_force(Scope.INBOX, inbox)},
    {in_force(Scope.DEFAULT, "0")}) AS schedule OFFSET 0) AS chosen
)"""


# The team that owned each ticket, as two arrays: since when, and which. With schedules or targets
# alone.
HAS_TARGETS = "(SELECT EXISTS (SELECT 1 FROM sla_targets WHERE tenant_id = $1))"
OWNER_TURNS = f"""owned AS (
  SELECT c.id AS ticket, coalesce(p.valid_from, '-infinity') AS valid_from,
    coalesce(p.valid_to, 'infinity') AS valid_to,
    {was("p", "agent", "c.agent")} AS agent, {was("p", "team", "c.team")} AS team
  FROM subjects c LEFT JOIN periods p
    ON p.ticket = c.id AND p.type = {EventType.ASSIGNED} AND p.valid_from < p.valid_to
  WHERE {HAS_SCHEDULES} OR {HAS_TARGETS}
), owner_turns AS (
  SELECT ticket, array_agg(at ORDER BY at) AS since, array_agg(team ORDER BY at) AS teams
  FROM (
    SELECT DISTINCT ON (ticket, at) ticket, at, team FROM (
      SELECT ticket, valid_from AS at, team FROM owned
      UNION ALL
      SELECT o.ticket, turn.at, turn.team FROM owned o
      CROSS JOIN LATERAL (
        SELECT valid_from, valid_to, team FROM agent_teams
        WHERE tenant_id = $1 AND agent = o.agent
          AND valid_from < o.valid_to AND o.valid_from < valid_to
        OFFSET 0) AS m
      CROSS JOIN LATERAL (
        VALUES (greatest(m.valid_from, o.valid_from), m.team), (m.valid_to, NULL)
      ) AS turn (at, team)
      WHERE o.team IS NULL AND turn.at < o.valid_to
    ) AS turns
    ORDER BY ticket, at, team NULLS LAST
  ) AS apart
  GROUP BY ticket
)"""
OWNER_TURNS_JOIN = "LEFT JOIN owner_turns ON owner_turns.ticket = c.id"
TEAM_OF_OWNER = "owner_turns.teams[width_bucket(piece.starts_at, owner_turns.since)]"
OWNER_TURNS_AT = "owner_turns.since"
