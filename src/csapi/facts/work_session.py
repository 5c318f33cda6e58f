"""Work sessions: wall-clock work of an agent on a ticket, such as an e-mail or a chat."""

from csapi.facts.interval import CHECKS, pieces, span, whole
from csapi.facts.kinds import NO_OUTCOME, Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime


class WorkSession(Record):
    """An agent worked on a ticket for a while: 31 days at most.

    Without `ended_at` nothing is counted yet. Sessions that overlap are each counted in full.
    """

    agent: Key
    started_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    ticket: Key | None = None
    channel: Key | None = None
    custom: Custom = {}
    deleted: bool = False


def session_row(session: WorkSession, lookup: Lookup) -> tuple[object, ...]:
    return (
        lookup.agent(session.source, session.agent),
        session.ticket,
        lookup.label(Dimension.CHANNEL, session.channel),
        session.started_at,
        session.ended_at,
        *lookup.custom(session.custom),
    )


ALL = span("c.started_at", "coalesce(c.ended_at, c.started_at)")

SESSION_EVENTS = f"""
  {pieces(Kind.WORK_SESSION, str(NO_OUTCOME), ALL)}
  UNION ALL
  {whole(Kind.WORK_SESSION_INTERVAL, str(NO_OUTCOME), "c.ended_at", ALL)}"""

WORK_SESSIONS = RecordKind(
    name="work-sessions",
    table="work_sessions",
    resource=Resource.WORK_SESSION,
    item=WorkSession,
    columns=(
        Column("agent", "integer"),
        Column("ticket", "text", link="tickets"),
        Column("channel", "integer"),
        Column("started_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        *attribute_columns(),
    ),
    row=session_row,
    instants=("started_at", "ended_at"),
    checks=CHECKS,
    derivation=fact_select(
        resource=Resource.WORK_SESSION,
        source=f"work_sessions c {lateral(SESSION_EVENTS)}",
        dimensions={"channel": "c.channel", **{name: f"c.{name}" for name in ATTRIBUTES}},
    ),
)
