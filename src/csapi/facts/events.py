"""Ticket events: appended, never replaced."""

from enum import StrEnum

import msgspec

from csapi.facts.kinds import Dimension, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import MessageOutcome
from csapi.facts.resource import Column, RecordKind
from csapi.facts.sentiment import SENTIMENT_COLUMNS, sentiment_values
from csapi.facts.ticket import STATUS_NUMBERS, TicketStatus
from csapi.facts.ticket_history import EventType
from csapi.facts.wire import Key, Sentiment, SentimentScore, Text, normalized
from csapi.kit.quantities import UtcDatetime


class TicketEventType(StrEnum):
    """What happened to a ticket."""

    message = "message"
    status_changed = "status_changed"
    priority_changed = "priority_changed"
    topic_changed = "topic_changed"
    assigned = "assigned"
    tagged = "tagged"
    untagged = "untagged"


class ActorType(StrEnum):
    """Who did it. What a bot or the system does never counts as a person's work."""

    customer = "customer"
    agent = "agent"
    bot = "bot"
    system = "system"


class MessageDirection(StrEnum):
    """Towards us, or from us."""

    inbound = "inbound"
    outbound = "outbound"


class TicketEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something that happened to a ticket, once."""

    source: Key
    event_id: Key
    ticket: Key
    type: TicketEventType
    occurred_at: UtcDatetime
    sequence: int = 0
    actor: Key | None = None
    actor_type: ActorType | None = None
    direction: MessageDirection | None = None
    is_public: bool = True
    is_auto_reply: bool = False
    in_reply_to: Key | None = None
    channel: Key | None = None
    body: Text | None = None
    from_: Key | None = msgspec.field(name="from", default=None)
    to: Key | None = None
    agent: Key | None = None
    team: Key | None = None
    tag: Key | None = None
    sentiment_label: Sentiment | None = None
    sentiment_score: SentimentScore | None = None


TAG_CHANGES = (TicketEventType.tagged, TicketEventType.untagged)
TYPES = {each: EventType[each.value.upper()] for each in TicketEventType}
DIMENSIONS = {
    TicketEventType.priority_changed: Dimension.PRIORITY,
    TicketEventType.topic_changed: Dimension.TOPIC,
}


def message_kind(event: TicketEvent) -> MessageOutcome | None:
    if event.type is not TicketEventType.message:
        return None
    if not event.is_public:
        return MessageOutcome.INTERNAL
    if event.direction is MessageDirection.inbound:
        return MessageOutcome.INBOUND
    if event.is_auto_reply or event.actor_type in (ActorType.bot, ActorType.system):
        return MessageOutcome.AUTO_REPLY
    return MessageOutcome.OUTBOUND


def check_event(event: TicketEvent) -> tuple[str, str, str] | None:
    """What each type of event cannot do without."""
    if event.type is TicketEventType.message:
        if event.direction is None:
            return "/direction", "required", "A message needs a direction: inbound or outbound."
        return None
    if event.type in DIMENSIONS or event.type is TicketEventType.status_changed:
        if event.to is None:
            return "/to", "required", f"A {event.type} event needs `to`."
        if event.type is TicketEventType.status_changed:
            known = {status.value for status in TicketStatus}
            for name, value in (("from", event.from_), ("to", event.to)):
                if value is not None and value not in known:
                    return (
                        f"/{name}",
                        "invalid_value",
                        f"Known statuses: {', '.join(sorted(known))}.",
                    )
    elif event.type in TAG_CHANGES and event.tag is None:
        return "/tag", "required", f"A {event.type} event needs `tag`."
    return None


def change(event: TicketEvent, value: str | None, lookup: Lookup) -> int | None:
    if value is None:
        return None
    if event.type is TicketEventType.status_changed:
        return STATUS_NUMBERS[TicketStatus(value)]
    dimension = DIMENSIONS.get(event.type)
    return None if dimension is None else lookup.label(dimension, value)


def changed_to(event: TicketEvent, lookup: Lookup) -> int | None:
    """What it changed to; of a tag that came or went, the tag."""
    if event.type in TAG_CHANGES:
        return lookup.label(Dimension.TAG, event.tag)
    return change(event, event.to, lookup)


def sentiment_of(event: TicketEvent) -> tuple[int | None, int | None]:
    """Only words have a tone."""
    if event.type is not TicketEventType.message:
        return None, None
    return sentiment_values(event.sentiment_label, event.sentiment_score)


def event_row(event: TicketEvent, lookup: Lookup) -> tuple[object, ...]:
    source = event.source
    is_ours = event.actor_type is not ActorType.customer and (
        event.direction is not MessageDirection.inbound
    )
    return (
        event.ticket,
        int(TYPES[event.type]),
        event.occurred_at,
        event.sequence,
        message_kind(event),
        lookup.agent(source, event.actor) if is_ours else None,
        lookup.label(Dimension.CHANNEL, event.channel),
        change(event, event.from_, lookup),
        changed_to(event, lookup),
        lookup.agent(source, event.agent),
        lookup.team(source, event.team),
        None if event.in_reply_to is None else normalized(event.in_reply_to),
        *sentiment_of(event),
    )


EVENTS = RecordKind(
    name="ticket-events",
    table="ticket_events",
    resource=Resource.TICKET,
    item=TicketEvent,
    name_column="event_id",
    name_field="event_id",
    columns=(
        Column("ticket", "text", link="tickets"),
        Column("type", "smallint"),
        Column("occurred_at", "timestamptz"),
        Column("sequence", "bigint"),
        Column("message_kind", "smallint"),
        Column("actor", "integer"),
        Column("channel", "integer"),
        Column("from_value", "integer"),
        Column("to_value", "integer"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("in_reply_to", "text"),
        *SENTIMENT_COLUMNS,
    ),
    row=event_row,
    instants=("occurred_at",),
    checks=(check_event,),
)
