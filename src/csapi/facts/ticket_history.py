"""What a ticket was at an instant: the last change at or before it, else the first change's
`from`, else the header."""

from collections.abc import Sequence
from enum import IntEnum


class EventType(IntEnum):
    MESSAGE = 1
    STATUS_CHANGED = 2
    PRIORITY_CHANGED = 3
    TOPIC_CHANGED = 4
    ASSIGNED = 5
    TAGGED = 6
    UNTAGGED = 7


# Whether a ticket came with milestones, by its columns.
IS_SNAPSHOT = (
    "num_nonnulls(first_reply_at, first_reply_by, first_assigned_at, first_solved_at, "
    "last_solved_at, solved_by, messages_in, messages_out) > 0"
)
EVENT_ORDER = "occurred_at, sequence, source, event_id"


def events_of(tickets: str) -> str:
    """A query of the events of some tickets. An array is an index condition, a subquery is not."""
    return f"SELECT * FROM ticket_events WHERE tenant_id = $1 AND ticket = ANY({tickets})"


OWN_CHANGES = (EventType.PRIORITY_CHANGED, EventType.TOPIC_CHANGED, EventType.ASSIGNED)


def periods(events: str, types: Sequence[EventType] = OWN_CHANGES) -> str:
    """A query of the periods between changes: ticket, type, valid_from, valid_to, value, agent,
    team, is_initial. `events` is a FROM item."""
    listed = ", ".join(str(int(each)) for each in types)
    changes = f"SELECT * FROM {events} WHERE type IN ({listed})"
    return f"""
    SELECT ticket, type, occurred_at AS valid_from,
      lead(occurred_at, 1, 'infinity') OVER (PARTITION BY ticket, type ORDER BY {EVENT_ORDER})
        AS valid_to,
      to_value AS value, agent, team, false AS is_initial
    FROM ({changes}) AS later
    UNION ALL
    (SELECT DISTINCT ON (ticket, type) ticket, type, '-infinity', occurred_at,
      from_value, NULL::int, NULL::int, true
    FROM ({changes}) AS first ORDER BY ticket, type, {EVENT_ORDER})"""


def period_join(
    alias: str, ticket: str, kind: EventType, seen: str = "e.at", source: str = "periods"
) -> str:
    """Joins the period at the instant `seen`."""
    return (
        f"LEFT JOIN {source} {alias} ON {alias}.ticket = {ticket} AND {alias}.type = {kind} "
        f"AND {alias}.valid_from <= {seen} AND {seen} < {alias}.valid_to"
    )


def was(alias: str, column: str, header: str) -> str:
    """The value of the joined period; the header where there is no change."""
    return (
        f"CASE WHEN {alias}.ticket IS NULL THEN {header} "
        f"WHEN {alias}.is_initial THEN coalesce({alias}.{column}, {header}) "
        f"ELSE {alias}.{column} END"
    )
