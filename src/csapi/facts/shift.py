"""Shifts: when agents are meant to work, and how much of it they were there."""

from csapi.facts.interval import CHECKS, NOTHING, pieces, span, whole
from csapi.facts.kinds import Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import PresenceOutcome, ShiftOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.staff_cost import shift_cost
from csapi.facts.timeline import presence_within
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime

# What agents are there for: contacts, what follows on them, and waiting for the next.
READY = (PresenceOutcome.AVAILABLE, PresenceOutcome.HANDLING, PresenceOutcome.AFTER_CALL_WORK)


class Shift(Record):
    """A time in which an agent is meant to work: 31 days at most, up to a year ahead.

    Shifts are counted as they are sent: two that overlap are both counted. `activity` is what is
    planned for it: "break", "meeting" and "training" are states of presence, all else is work.
    """

    agent: Key
    started_at: UtcDatetime
    ended_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    is_paid: bool = True
    activity: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def shift_row(shift: Shift, lookup: Lookup) -> tuple[object, ...]:
    return (
        lookup.agent(shift.source, shift.agent),
        shift.started_at,
        shift.ended_at,
        shift.is_paid,
        *lookup.custom(shift.custom),
    )


PAY = f"CASE WHEN c.is_paid THEN {ShiftOutcome.PAID} ELSE {ShiftOutcome.UNPAID} END"
ALL = span("c.started_at", "c.ended_at")
# Planned activities that are no work, by the names of states.
ACTIVITIES = (PresenceOutcome.BREAK, PresenceOutcome.MEETING, PresenceOutcome.TRAINING)
PLANNED = "CASE lower(c.item->>'activity') {} END".format(
    " ".join(f"WHEN '{state.name.lower()}' THEN {state}" for state in ACTIVITIES)
)
READY_STATES = ", ".join(str(int(state)) for state in READY)


def during(condition: str) -> str:
    return f"coalesce(range_agg(p_time.spans) FILTER (WHERE {condition}), {NOTHING}) * {ALL}"


THERE = f"""
CROSS JOIN LATERAL (
  SELECT {during(f"p.state <> {PresenceOutcome.OFFLINE}")} AS online,
    {during(f"p.state IN ({READY_STATES})")} AS ready,
    {during(f"p.state = {PLANNED}")} AS kept
  FROM {presence_within("c")}
  OFFSET 0) there"""

WORKED = f"CASE WHEN {PLANNED} IS NULL THEN {NOTHING} ELSE there.ready END"
SHIFT_EVENTS = f"""
  {pieces(Kind.SHIFT, PAY, ALL)}
  UNION ALL
  {pieces(Kind.SHIFT_ONLINE, PAY, "there.online")}
  UNION ALL
  {pieces(Kind.SHIFT_READY, PAY, "there.ready")}
  UNION ALL
  {pieces(Kind.SHIFT_KEPT, PAY, "there.kept")}
  UNION ALL
  {pieces(Kind.SHIFT_WORKED, PAY, WORKED)}
  UNION ALL
  {whole(Kind.SHIFT_INTERVAL, PAY, "c.ended_at", ALL)}
  UNION ALL
  {shift_cost(ALL)}"""

SHIFTS = RecordKind(
    name="shifts",
    table="shifts",
    resource=Resource.SHIFT,
    item=Shift,
    columns=(
        Column("agent", "integer"),
        Column("started_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        Column("is_paid", "boolean"),
        *attribute_columns(),
    ),
    row=shift_row,
    instants=("started_at", "ended_at"),
    planned=("started_at", "ended_at"),
    checks=CHECKS,
    returning=(
        "old.agent AS old_agent",
        "new.agent AS agent",
        "old.started_at AS old_started_at",
        "new.started_at AS started_at",
        "old.ended_at AS old_ended_at",
        "new.ended_at AS ended_at",
    ),
    derivation=fact_select(
        resource=Resource.SHIFT,
        source=f"shifts c {THERE} {lateral(SHIFT_EVENTS)}",
        dimensions={name: f"c.{name}" for name in ATTRIBUTES},
    ),
)
