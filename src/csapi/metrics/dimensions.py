"""What answers can be grouped and filtered by, and how members get their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from csapi.facts.kinds import Dimension as Labels
from csapi.facts.reference import DESCRIPTION_TABLES
from csapi.facts.sql import own_segment
from csapi.metrics.topics import Through

CUSTOM_PREFIX = "custom."
TIME_PREFIX = "time:"


class Source(StrEnum):
    """Where the names of a dimension's members are."""

    members = "members"
    agents = "agents"
    teams = "teams"
    customers = "customers"
    # The value itself: a rating.
    value = "value"


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: the column of facts that holds its members, and where their names are.

    through: the column holds topics, and members are what those are looked at as.
    of_customer: the column holds customers, and members are what this SQL says of the customer `p`
    now. is_multiple: a record has any number of members.
    """

    id: str
    label: str
    column: str
    source: Source
    description: str
    labels: Labels | None = None
    through: Through | None = None
    of_customer: str | None = None
    is_multiple: bool = False

    @property
    def is_looked_up(self) -> bool:
        """Whether the column alone does not say which members a fact has."""
        return self.is_multiple or self.of_customer is not None


def now_of_customer(
    name: str, label: str, description: str, labels: Labels, *, is_multiple: bool = False
) -> Dimension:
    """What a customer is now, whatever it was at the event."""
    column = name.rpartition(".")[2]
    sql = {"tag": "p.tags", "segment": own_segment("p", "now()")}.get(column, f"p.{column}")
    return Dimension(
        name,
        label,
        "customer",
        Source.members,
        description,
        labels,
        of_customer=sql,
        is_multiple=is_multiple,
    )


DIMENSIONS: dict[str, Dimension] = {
    dimension.id: dimension
    for dimension in (
        Dimension("agent", "Agent", "actor_agent", Source.agents, "Who did it."),
        Dimension("team", "Team", "actor_team", Source.teams, "The team of who did it, then."),
        Dimension("owner_agent", "Owner", "owner_agent", Source.agents, "Who owned it then."),
        Dimension("owner_team", "Owning team", "owner_team", Source.teams, "Whose it was then."),
        Dimension("channel", "Channel", "channel", Source.members, "Channel.", Labels.CHANNEL),
        Dimension("inbox", "Inbox", "inbox", Source.members, "Inbox.", Labels.INBOX),
        Dimension("queue", "Queue", "queue", Source.members, "Queue of the call.", Labels.QUEUE),
        Dimension(
            "type",
            "Type",
            "type",
            Source.members,
            "Type of contact, form of a review, kind of task.",
            Labels.TYPE,
        ),
        Dimension(
            "topic", "Topic", "topic", Source.members, "Topic as it was; criterion.", Labels.TOPIC
        ),
        Dimension(
            "topic.parent",
            "Main topic",
            "topic",
            Source.members,
            "The topic at the top of the topic's tree as it is now; itself if nothing is above it.",
            Labels.TOPIC,
            Through.parent,
        ),
        Dimension(
            "topic.department",
            "Department",
            "topic",
            Source.members,
            "The department that is responsible for the topic now.",
            Labels.DEPARTMENT,
            Through.department,
        ),
        Dimension(
            "priority", "Priority", "priority", Source.members, "As it was.", Labels.PRIORITY
        ),
        Dimension(
            "segment",
            "Customer segment",
            "segment",
            Source.members,
            "The customer's segment, as it was.",
            Labels.SEGMENT,
        ),
        Dimension(
            "tag",
            "Tag",
            "tags",
            Source.members,
            "Tags as they were. A record can have several: rows overlap, totals do not.",
            Labels.TAG,
            is_multiple=True,
        ),
        now_of_customer(
            "current.segment", "Segment now", "The customer's segment now.", Labels.SEGMENT
        ),
        now_of_customer(
            "customer.type",
            "Customer type",
            "Whether the customer is a person or a company.",
            Labels.CUSTOMER_TYPE,
        ),
        now_of_customer(
            "customer.registered",
            "Registered",
            "Whether the customer is registered now: true or false.",
            Labels.REGISTERED,
        ),
        now_of_customer(
            "customer.country", "Country", "The customer's country now.", Labels.COUNTRY
        ),
        now_of_customer("customer.locale", "Locale", "The customer's locale now.", Labels.LOCALE),
        now_of_customer(
            "customer.tag",
            "Customer tag",
            "The customer's tags now. There can be several: rows overlap, totals do not.",
            Labels.TAG,
            is_multiple=True,
        ),
        Dimension("customer", "Customer", "customer", Source.customers, "The customer."),
        Dimension("rating", "Rating", "value", Source.value, "The rating that was given."),
    )
}
ALIASES = {"customer.segment": "segment"}


def custom_dimension(name: str, label: str, slot: int) -> Dimension:
    """The dimension of a declared attribute."""
    return Dimension(
        CUSTOM_PREFIX + name,
        label,
        f"attr{slot}",
        Source.members,
        f"The custom attribute {name}.",
        Labels(Labels.ATTR1 + slot - 1),
    )


def dimension_of(name: str, custom: Sequence[Dimension]) -> Dimension | None:
    """The dimension of that id, among the built-in ones and the tenant's own."""
    name = ALIASES.get(name, name)
    found = DIMENSIONS.get(name)
    if found is not None:
        return found
    return next((each for each in custom if each.id == name), None)


def label_of(labels: Labels | None) -> tuple[str, str]:
    """The label of a member `m`, and the join that it needs: that of the newest record which
    describes it, null where none does."""
    if (table := labels and DESCRIPTION_TABLES.get(labels)) is None:
        return "NULL::text", ""
    join = f"""
LEFT JOIN LATERAL (
  SELECT r.label FROM {table} r
  WHERE r.tenant_id = $1 AND r.member = m.member AND NOT r.is_stub AND NOT r.is_deleted
  ORDER BY r.version_at DESC, r.content_hash DESC LIMIT 1) described ON true"""
    return "described.label", join


def member_names(labels: Labels | None) -> str:
    label, join = label_of(labels)
    return f"""
SELECT $2::text AS dimension, m.member::bigint AS member, m.key, {label} AS label
FROM members m{join}
WHERE m.tenant_id = $1 AND m.member = ANY($3::int[])"""


# What stands below another topic is no main topic.
IS_TOP = """
  AND NOT EXISTS (
    SELECT 1 FROM topics t WHERE t.tenant_id = $1 AND t.member = m.member
      AND t.parent IS NOT NULL AND NOT t.is_stub AND NOT t.is_deleted)"""


def list_members(dimension: Dimension) -> str:
    """A page of members. $2 the dimension's number, $3 the key to start after, $4 how many."""
    label, join = label_of(dimension.labels)
    only = IS_TOP if dimension.through is Through.parent else ""
    return f"""
SELECT m.key, {label} AS label FROM members m{join}
WHERE m.tenant_id = $1 AND m.dimension = $2::smallint AND m.key > $3{only}
ORDER BY m.key LIMIT $4"""


def entity_key(table: str) -> str:
    """What a record `e` is called: its external id, with its source where two use the same one."""
    return f"""CASE WHEN EXISTS (
    SELECT 1 FROM {table} o WHERE o.tenant_id = $1 AND o.external_id = e.external_id
      AND o.source <> e.source
  ) THEN e.source || ':' || e.external_id ELSE e.external_id END"""


def entity_names(table: str, *, is_named: bool = True) -> str:
    """is_named: labels are names, else external ids."""
    label = "coalesce(e.name, e.external_id)" if is_named else "e.external_id"
    return f"""
SELECT $2::text AS dimension, e.surrogate::bigint AS member, {entity_key(table)} AS key,
  {label} AS label
FROM {table} e WHERE e.tenant_id = $1 AND e.surrogate = ANY($3::bigint[])"""


def members_in_order(dimension: Dimension) -> tuple[str, Sequence[int]]:
    """All members of a dimension in the order in which answers have them, and what the statement
    needs besides the tenant."""
    if dimension.source is Source.members:
        sql = """
SELECT member::bigint AS member FROM members WHERE tenant_id = $1 AND dimension = $2::smallint
ORDER BY key COLLATE "C"
"""
        return sql, (int(dimension.labels or 0),)
    table = dimension.source.value
    sql = f"""
SELECT member FROM (
  SELECT e.surrogate::bigint AS member, {entity_key(table)} AS key
  FROM {table} e WHERE e.tenant_id = $1) AS known
ORDER BY key COLLATE "C"
"""
    return sql, ()


FIND_MEMBERS = """
SELECT key, member::bigint AS member FROM members
WHERE tenant_id = $1 AND dimension = $2::smallint AND key = ANY($3::text[])"""


def find_entities(table: str) -> str:
    """Surrogates by external id (of any source) or by source:external_id. A customer that was
    merged stands for the one that it was merged into."""
    member = "e.surrogate"
    if table == Source.customers.value:
        member = "coalesce(e.merged_into, e.surrogate)"
    return f"""
SELECT w.key, {member}::bigint AS member FROM unnest($2::text[]) AS w (key)
JOIN {table} e ON e.tenant_id = $1 AND e.external_id = w.key
UNION
SELECT w.key, {member}::bigint FROM unnest($2::text[]) AS w (key)
JOIN {table} e ON e.tenant_id = $1 AND e.source = split_part(w.key, ':', 1)
  AND e.external_id = substr(w.key, strpos(w.key, ':') + 1)
WHERE strpos(w.key, ':') > 0"""
