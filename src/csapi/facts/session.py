"""Sessions without an agent: on a help page, with a bot, in a phone menu."""

from enum import StrEnum

from csapi.facts.kb_event import StoredType
from csapi.facts.kinds import VALUE_SCALE, Dimension, Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import MessageOutcome, SessionOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.self_service_tables import sessions
from csapi.facts.sql import ATTRIBUTES, canonical, fact_select, lateral, milliseconds_between
from csapi.facts.ticket_history import EventType
from csapi.facts.ticket_work import DONE
from csapi.facts.wire import Custom, Key, Record
from csapi.kit.quantities import UtcDatetime


class SessionKind(StrEnum):
    """Where people helped themselves."""

    self_service = "self_service"
    bot = "bot"
    ivr = "ivr"


class SessionResult(StrEnum):
    """How it ended, as far as the source knows."""

    resolved = "resolved"
    handed_off = "handed_off"
    abandoned = "abandoned"
    unknown = "unknown"


class Session(Record):
    """A visit in which no agent took part. `ticket` is the one that it led to."""

    kind: SessionKind
    started_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    ended_at: UtcDatetime | None = None
    outcome: SessionResult = SessionResult.unknown
    customer: Key | None = None
    ticket: Key | None = None
    topic: Key | None = None
    channel: Key | None = None
    custom: Custom = {}
    deleted: bool = False


KINDS = {
    SessionKind.self_service: Kind.SELF_SERVICE_SESSION,
    SessionKind.bot: Kind.BOT_SESSION,
    SessionKind.ivr: Kind.IVR_SESSION,
}


def check_end(session: Session) -> tuple[str, str, str] | None:
    if session.ended_at is not None and session.ended_at < session.started_at:
        return "/ended_at", "invalid_value", "A session cannot end before it starts."
    return None


def session_row(session: Session, lookup: Lookup) -> tuple[object, ...]:
    return (
        int(KINDS[session.kind]),
        session.started_at,
        session.ended_at,
        int(SessionOutcome[session.outcome.value.upper()]),
        lookup.label(Dimension.CHANNEL, session.channel),
        lookup.label(Dimension.TOPIC, session.topic),
        lookup.customer(session.source, session.customer),
        session.ticket,
        *lookup.custom(session.custom),
    )


ENDED = "coalesce(c.ended_at, c.started_at)"

# Contacts are facts of other subjects: facts/followed.py sees to it when one comes or goes.
NEXT_CONTACT_MS = f"""(
    SELECT (extract(epoch FROM greatest(p.occurred_at, {ENDED}) - {ENDED}) * 1000)::bigint
    FROM facts p
    WHERE p.tenant_id = $1 AND p.kind = {Kind.CONTACT} AND p.customer IS NOT NULL
      AND p.customer = {canonical("c.customer")} AND p.occurred_at >= c.started_at
    ORDER BY p.occurred_at LIMIT 1)"""

# What shows that a bot's resolution did not last: on the ticket that the session led to, a message
# of the customer's, or a reopening.
CAME_BACK_MS = f"""CASE WHEN c.kind = {Kind.BOT_SESSION} AND c.customer IS NOT NULL THEN (
    SELECT {milliseconds_between(ENDED, "min(v.occurred_at)")} FROM ticket_events v
    WHERE v.tenant_id = $1 AND v.ticket = c.ticket AND v.occurred_at > {ENDED}
      AND (v.message_kind = {MessageOutcome.INBOUND}
        OR v.type = {EventType.STATUS_CHANGED} AND v.from_value IN {DONE}
          AND v.to_value NOT IN {DONE})) END"""

SEARCHES = (
    "FROM kb_events s WHERE s.tenant_id = $1 AND s.session = c.id "
    f"AND s.type = {StoredType.SEARCH} AND NOT s.is_deleted"
)

SESSION_EVENTS = f"""
  SELECT c.kind::int, 0, c.outcome::int, c.started_at, NULL::int, NULL::int, {NEXT_CONTACT_MS},
    CASE WHEN c.customer IS NOT NULL THEN {VALUE_SCALE}::bigint END, NULL::bigint, true,
    {CAME_BACK_MS}
  UNION ALL
  SELECT {Kind.SEARCH_SESSION}, 0, 0, c.started_at, NULL, NULL,
    (extract(epoch FROM t.created_at - (
      SELECT max(s.occurred_at) {SEARCHES} AND s.occurred_at <= t.created_at)) * 1000)::bigint,
    NULL, NULL, true, NULL
  WHERE EXISTS (SELECT 1 {SEARCHES})"""

SESSIONS = RecordKind(
    name="sessions",
    table=sessions.name,
    resource=Resource.SESSION,
    item=Session,
    columns=(
        Column("kind", "smallint"),
        Column("started_at", "timestamptz"),
        Column("ended_at", "timestamptz"),
        Column("outcome", "smallint"),
        Column("channel", "integer"),
        Column("topic", "integer"),
        Column("customer", "bigint"),
        Column("ticket", "text", link="tickets"),
        *attribute_columns(),
    ),
    row=session_row,
    instants=("started_at", "ended_at"),
    checks=(check_end,),
    people="SELECT customer FROM sessions WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    derivation=fact_select(
        resource=Resource.SESSION,
        source="sessions c LEFT JOIN tickets t ON t.tenant_id = $1 AND t.id = c.ticket "
        f"AND NOT t.is_deleted AND NOT t.is_excluded {lateral(SESSION_EVENTS, 'gap_next')}",
        dimensions={
            "channel": "c.channel",
            "topic": "c.topic",
            "customer": "c.customer",
            "gap_next_ms": "e.gap_next",
            **{name: f"c.{name}" for name in ATTRIBUTES},
        },
    ),
)
