"""Tags: a record has any number of them, and a fact those of its record at that moment.

A tag that events tell of was there when its last event said so, before the first one when that
took it away; of a tag without events the header decides.
"""

from csapi.facts.kinds import Dimension
from csapi.facts.resource import Column
from csapi.facts.ticket_history import EVENT_ORDER, EventType

TAGS_COLUMN = Column("tags", "integer[]")
TAG_EVENTS = f"({EventType.TAGGED}, {EventType.UNTAGGED})"


def tag_log(events: str) -> str:
    """A query of when the tags that events tell of were there: one row for each such ticket, with
    the spans as parallel arrays tags, since, until. `events` is a FROM item."""
    told = f"{events} WHERE type IN {TAG_EVENTS} AND to_value IS NOT NULL"
    return f"""
  SELECT ticket, array_agg(tag) AS tags, array_agg(since) AS since, array_agg(until) AS until
  FROM (
    SELECT ticket, to_value AS tag, occurred_at AS since,
      lead(occurred_at, 1, 'infinity') OVER w AS until, type = {EventType.TAGGED} AS is_on
    FROM {told} WINDOW w AS (PARTITION BY ticket, to_value ORDER BY {EVENT_ORDER})
    UNION ALL
    (SELECT DISTINCT ON (ticket, to_value) ticket, to_value, '-infinity', occurred_at,
      type = {EventType.UNTAGGED}
    FROM {told} ORDER BY ticket, to_value, {EVENT_ORDER})
  ) AS spans WHERE is_on GROUP BY ticket"""


TAG_JOIN = "LEFT JOIN tag_log tagged ON tagged.ticket = {ticket}"


def tags_at(header: str, at: str) -> str:
    """The tags at an instant, of the row that TAG_JOIN joins and the tags of the header."""
    return f"""CASE WHEN tagged.ticket IS NULL THEN {header} ELSE (
    SELECT array_agg(tag ORDER BY tag) FROM (
      SELECT unnest({header}) EXCEPT SELECT unnest(tagged.tags)
      UNION SELECT span.tag FROM unnest(tagged.tags, tagged.since, tagged.until)
        AS span (tag, since, until) WHERE span.since <= {at} AND {at} < span.until
    ) AS together (tag)) END"""


def refill_tags(table: str) -> tuple[str, ...]:
    """Statements that read the tags of earlier records out of their items."""
    chosen = (
        "r.tenant_id = $1 AND r.id = ANY($2::uuid[]) AND NOT r.is_stub AND r.tags IS NULL "
        "AND json_array_length(r.item->'tags') > 0"
    )
    return (
        f"""INSERT INTO members (tenant_id, dimension, key)
        SELECT DISTINCT $1::uuid, {Dimension.TAG}::smallint, normalize(t.tag, NFC)
        FROM {table} r CROSS JOIN LATERAL json_array_elements_text(r.item->'tags') AS t (tag)
        WHERE {chosen} ON CONFLICT DO NOTHING""",
        f"""UPDATE {table} r SET tags = (
          SELECT array_agg(DISTINCT m.member ORDER BY m.member)
          FROM json_array_elements_text(r.item->'tags') AS t (tag) JOIN members m
            ON m.tenant_id = $1 AND m.dimension = {Dimension.TAG} AND m.key = normalize(t.tag, NFC))
        WHERE {chosen}""",
    )


REFILL_TAG_EVENTS = (
    f"""INSERT INTO members (tenant_id, dimension, key)
    SELECT DISTINCT $1::uuid, {Dimension.TAG}::smallint, normalize(item->>'tag', NFC)
    FROM ticket_events WHERE tenant_id = $1 AND ticket = ANY($2::uuid[]) AND type IN {TAG_EVENTS}
      AND to_value IS NULL ON CONFLICT DO NOTHING""",
    f"""UPDATE ticket_events e SET to_value = m.member FROM members m
    WHERE e.tenant_id = $1 AND e.ticket = ANY($2::uuid[]) AND e.type IN {TAG_EVENTS}
      AND e.to_value IS NULL AND m.tenant_id = $1 AND m.dimension = {Dimension.TAG}
      AND m.key = normalize(e.item->>'tag', NFC)""",
)
