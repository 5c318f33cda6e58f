"""Presence: which state an agent was in, and from when to when."""

from enum import StrEnum

from csapi.facts.interval import CHECKS, pieces, whole
from csapi.facts.kinds import Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import PresenceOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.staff_cost import PRESENCE_COST
from csapi.facts.timeline import counted
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime


class PresenceState(StrEnum):
    """What an agent is doing. All but `offline` is time online."""

    available = "available"
    handling = "handling"
    after_call_work = "after_call_work"
    break_ = "break"
    meeting = "meeting"
    training = "training"
    away = "away"
    offline = "offline"


STATES = {state: PresenceOutcome[state.name.removesuffix("_").upper()] for state in PresenceState}


class Presence(Record):
    """An agent was in a state for a while: 31 days at most.

    Without `ended_at` it lasts until the same agent's next presence starts. Where two overlap, the
    one that started last counts.
    """

    agent: Key
    state: PresenceState
    started_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    channel: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def presence_row(presence: Presence, lookup: Lookup) -> tuple[object, ...]:
    return (
        lookup.agent(presence.source, presence.agent),
        int(STATES[presence.state]),
        presence.started_at,
        presence.ended_at,
        lookup.label(Dimension.CHANNEL, presence.channel),
        *lookup.custom(presence.custom),
    )


PRESENCE_EVENTS = f"""
  {pieces(Kind.PRESENCE, "c.state::int", "c_time.spans")}
  UNION ALL
  {whole(Kind.PRESENCE_INTERVAL, "c.state::int", "c_end.at", "c_time.spans")}
  UNION ALL
  {PRESENCE_COST}"""

PRESENCE = RecordKind(
    name="presence",
    table="presence",
    resource=Resource.PRESENCE,
    item=Presence,
    columns=(
        Column("agent", "integer"),
        Column("state", "smallint"),
        Column("started_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        Column("channel", "integer"),
        *attribute_columns(),
    ),
    row=presence_row,
    instants=("started_at", "ended_at"),
    checks=CHECKS,
    returning=(
        "old.agent AS old_agent",
        "new.agent AS agent",
        "old.started_at AS old_started_at",
        "new.started_at AS started_at",
    ),
    derivation=fact_select(
        resource=Resource.PRESENCE,
        source=f"presence c {counted('c')} {lateral(PRESENCE_EVENTS)}",
        dimensions={"channel": "c.channel", **{name: f"c.{name}" for name in ATTRIBUTES}},
    ),
)
