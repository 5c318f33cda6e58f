"""Tickets: what sources send about a ticket as a whole."""

from enum import StrEnum

import msgspec

from csapi.facts.kinds import Dimension, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.tags import REFILL_TAG_EVENTS, TAGS_COLUMN, refill_tags
from csapi.facts.ticket_facts import TICKET_FACTS
from csapi.facts.wire import Count, Custom, Key, Record, Tags, Text
from csapi.kit.quantities import UtcDatetime


class TicketStatus(StrEnum):
    """solved and closed both end the work on a ticket; leaving them is a reopening."""

    new = "new"
    open = "open"
    pending = "pending"
    on_hold = "on_hold"
    solved = "solved"
    closed = "closed"


class Initiator(StrEnum):
    """Whose message opened the ticket."""

    customer = "customer"
    agent = "agent"
    system = "system"


STATUS_NUMBERS = {status: number for number, status in enumerate(TicketStatus, start=1)}
INITIATOR_NUMBERS = {initiator: number for number, initiator in enumerate(Initiator, start=1)}


class TicketMilestones(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """For sources that keep no events. Where a ticket has events, those count instead."""

    first_reply_at: UtcDatetime | None = None
    first_reply_by: Key | None = None
    first_assigned_at: UtcDatetime | None = None
    first_solved_at: UtcDatetime | None = None
    last_solved_at: UtcDatetime | None = None
    solved_by: Key | None = None
    reopen_count: Count | None = None
    messages_in: Count | None = None
    messages_out: Count | None = None


class Ticket(Record):
    """A ticket as it stands now."""

    created_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    channel: Key | None = None
    inbox: Key | None = None
    type: Key | None = None
    topic: Key | None = None
    priority: Key | None = None
    status: TicketStatus | None = None
    customer: Key | None = None
    initiated_by: Initiator = Initiator.customer
    assignee: Key | None = None
    team: Key | None = None
    subject: Text | None = None
    tags: Tags = []
    is_test: bool = False
    is_spam: bool = False
    merged_into: Key | None = None
    milestones: TicketMilestones | None = None
    custom: Custom = {}
    deleted: bool = False


NO_MILESTONES = TicketMilestones()


def ticket_row(ticket: Ticket, lookup: Lookup) -> tuple[object, ...]:
    source = ticket.source
    milestones = ticket.milestones or NO_MILESTONES
    return (
        ticket.created_at,
        lookup.label(Dimension.CHANNEL, ticket.channel),
        lookup.label(Dimension.INBOX, ticket.inbox),
        lookup.label(Dimension.TYPE, ticket.type),
        lookup.label(Dimension.TOPIC, ticket.topic),
        lookup.label(Dimension.PRIORITY, ticket.priority),
        None if ticket.status is None else STATUS_NUMBERS[ticket.status],
        lookup.customer(source, ticket.customer),
        INITIATOR_NUMBERS[ticket.initiated_by],
        lookup.agent(source, ticket.assignee),
        lookup.team(source, ticket.team),
        ticket.is_test or ticket.is_spam or ticket.merged_into is not None,
        milestones.first_reply_at,
        lookup.agent(source, milestones.first_reply_by),
        milestones.first_assigned_at,
        milestones.first_solved_at,
        milestones.last_solved_at,
        lookup.agent(source, milestones.solved_by),
        milestones.messages_in,
        milestones.messages_out,
        *lookup.custom(ticket.custom),
        lookup.tags(ticket.tags),
    )


TICKETS = RecordKind(
    name="tickets",
    table="tickets",
    resource=Resource.TICKET,
    item=Ticket,
    columns=(
        Column("created_at", "timestamptz"),
        Column("channel", "integer"),
        Column("inbox", "integer"),
        Column("type", "integer"),
        Column("topic", "integer"),
        Column("priority", "integer"),
        Column("status", "smallint"),
        Column("customer", "bigint"),
        Column("initiated_by", "smallint"),
        Column("agent", "integer"),
        Column("team", "integer"),
        Column("is_excluded", "boolean"),
        Column("first_reply_at", "timestamptz"),
        Column("first_reply_by", "integer"),
        Column("first_assigned_at", "timestamptz"),
        Column("first_solved_at", "timestamptz"),
        Column("last_solved_at", "timestamptz"),
        Column("solved_by", "integer"),
        Column("messages_in", "integer"),
        Column("messages_out", "integer"),
        *attribute_columns(),
        TAGS_COLUMN,
    ),
    row=ticket_row,
    instants=(
        "created_at",
        "milestones.first_reply_at",
        "milestones.first_assigned_at",
        "milestones.first_solved_at",
        "milestones.last_solved_at",
    ),
    people="SELECT customer FROM tickets WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    derivation=TICKET_FACTS,
    refill=(
        """UPDATE tickets
        SET first_assigned_at = (item->'milestones'->>'first_assigned_at')::timestamptz
        WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND first_assigned_at IS NULL
          AND item->'milestones'->>'first_assigned_at' IS NOT NULL""",
        """UPDATE ticket_events SET in_reply_to = normalize(item->>'in_reply_to', NFC)
        WHERE tenant_id = $1 AND ticket = ANY($2::uuid[]) AND in_reply_to IS NULL
          AND item->>'in_reply_to' IS NOT NULL""",
        *refill_tags("tickets"),
        *REFILL_TAG_EVENTS,
    ),
)
