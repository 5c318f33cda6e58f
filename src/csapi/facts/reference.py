"""What inboxes, queues, channels, topics and ticket types are called, and how topics hang together.

Items name these, and each name is a member of a dimension. A record of the same name, of whatever
source, describes the member; the key stays the name. Names that no record describes go on working.
"""

from collections.abc import Callable
from typing import Any

from csapi.facts.kinds import Dimension
from csapi.facts.lookup import Lookup
from csapi.facts.reference_tables import channels, inboxes, queues, ticket_types, topics
from csapi.facts.resource import Column, RecordKind
from csapi.facts.wire import Custom, Key, Record, normalized
from csapi.kit.quantities import UtcDatetime


class Description(Record):
    """What a name stands for. `external_id` is the name that items use; `label` is what people
    read."""

    source_updated_at: UtcDatetime | None = None
    label: Key | None = None
    custom: Custom = {}
    deleted: bool = False


class Inbox(Description):
    """An inbox. `external_id` is the name that tickets use; answers show the label."""


class Queue(Description):
    """A queue of calls. `external_id` is the name that calls use; answers show the label."""


class Channel(Description):
    """A channel. `external_id` is the name that items use; answers show the label."""


class TicketType(Description):
    """A type of contact. `external_id` is the name that items use; answers show the label."""


class Topic(Description):
    """A topic. `external_id` is the name that items use; answers show the label.

    `parent` is the name of the topic above it, `department` who is responsible.
    """

    parent: Key | None = None
    department: Key | None = None
    owner: Key | None = None


def check_parent(topic: Topic) -> tuple[str, str, str] | None:
    if topic.parent is None or normalized(topic.parent) != normalized(topic.external_id):
        return None
    return "/parent", "invalid_value", "A topic cannot be above itself."


def describing(dimension: Dimension) -> Callable[[Any, Lookup], tuple[object, ...]]:
    def row(item: Description, lookup: Lookup) -> tuple[object, ...]:
        return lookup.label(dimension, item.external_id), item.label

    return row


def topic_row(topic: Topic, lookup: Lookup) -> tuple[object, ...]:
    return (
        lookup.label(Dimension.TOPIC, topic.external_id),
        topic.label,
        lookup.label(Dimension.TOPIC, topic.parent),
        lookup.label(Dimension.DEPARTMENT, topic.department),
    )


DESCRIBED = (Column("member", "integer"), Column("label", "text"))


def described(name: str, table: str, item: type[Description], dimension: Dimension) -> RecordKind:
    return RecordKind(
        name=name,
        table=table,
        item=item,
        columns=DESCRIBED,
        row=describing(dimension),
        instants=(),
    )


INBOXES = described("inboxes", inboxes.name, Inbox, Dimension.INBOX)
QUEUES = described("queues", queues.name, Queue, Dimension.QUEUE)
CHANNELS = described("channels", channels.name, Channel, Dimension.CHANNEL)
TICKET_TYPES = described("ticket-types", ticket_types.name, TicketType, Dimension.TYPE)
TOPICS = RecordKind(
    name="topics",
    table=topics.name,
    item=Topic,
    columns=(*DESCRIBED, Column("parent", "integer"), Column("department", "integer")),
    row=topic_row,
    instants=(),
    checks=(check_parent,),
)

DESCRIPTIONS = (INBOXES, QUEUES, CHANNELS, TOPICS, TICKET_TYPES)
# Where the records are that describe the members of a dimension.
DESCRIPTION_TABLES = {
    Dimension.INBOX: INBOXES.table,
    Dimension.QUEUE: QUEUES.table,
    Dimension.CHANNEL: CHANNELS.table,
    Dimension.TOPIC: TOPICS.table,
    Dimension.TYPE: TICKET_TYPES.table,
}
