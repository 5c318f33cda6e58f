"""What happens in the knowledge base: searches, clicks on results, views and votes."""

from enum import IntEnum, StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.kinds import Kind, Resource
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import SearchOutcome, VoteOutcome
from csapi.facts.resource import Column, RecordKind, attribute_columns
from csapi.facts.self_service_tables import kb_events
from csapi.facts.sql import ATTRIBUTES, fact_select, lateral
from csapi.facts.text import search_term, words
from csapi.facts.wire import Count, Custom, Key, Record
from csapi.kit.quantities import UtcDatetime

Term = Annotated[str, Meta(max_length=500, description="As it was typed")]


class KbEventType(StrEnum):
    """What a visitor did."""

    search = "search"
    click = "click"
    view = "view"
    vote = "vote"


class StoredType(IntEnum):
    SEARCH = 1
    CLICK = 2
    VIEW = 3
    VOTE = 4


class KbEvent(Record):
    """One act of a visitor. `session` ties a click to the search before it."""

    type: KbEventType
    occurred_at: UtcDatetime
    source_updated_at: UtcDatetime | None = None
    session: Key | None = None
    article: Key | None = None
    term: Term | None = None
    results_count: Count | None = None
    is_helpful: bool | None = None
    customer: Key | None = None
    language: Key | None = None
    custom: Custom = {}
    deleted: bool = False


TYPES = {each: StoredType[each.value.upper()] for each in KbEventType}
ONLY_OF = {
    "term": KbEventType.search,
    "results_count": KbEventType.search,
    "is_helpful": KbEventType.vote,
}
NEEDED = {KbEventType.search: "results_count", KbEventType.vote: "is_helpful"}


def check_kb_event(event: KbEvent) -> tuple[str, str, str] | None:
    """What a type of event cannot do without, and what only one type has."""
    needed = NEEDED.get(event.type)
    if needed is not None and getattr(event, needed) is None:
        return f"/{needed}", "required", f"A {event.type} needs `{needed}`."
    for name, owner in ONLY_OF.items():
        if event.type is not owner and getattr(event, name) is not None:
            return f"/{name}", "invalid_value", f"Only a {owner} has `{name}`."
    return None


def kb_event_row(event: KbEvent, lookup: Lookup) -> tuple[object, ...]:
    term = None if event.term is None else search_term(event.term)
    listed = None if term is None else list(dict.fromkeys(words(term)))
    return (
        int(TYPES[event.type]),
        event.occurred_at,
        event.session,
        event.article,
        event.results_count,
        event.is_helpful,
        term,
        None if listed is None else msgspec.json.encode(listed).decode(),
        lookup.customer(event.source, event.customer),
        *lookup.custom(event.custom),
    )


def of_session(alias: str, type_: StoredType) -> str:
    """The events of one type in the session of `c`."""
    return (
        f"{alias}.tenant_id = $1 AND {alias}.session = c.session AND {alias}.type = {type_} "
        f"AND NOT {alias}.is_deleted"
    )


# Searches of one instant need an order: all events of a session have the same source.
NEXT_SEARCH = f"""
LEFT JOIN LATERAL (
  SELECT n.occurred_at AS at FROM kb_events n
  WHERE c.type = {StoredType.SEARCH} AND {of_session("n", StoredType.SEARCH)}
    AND (n.occurred_at, n.external_id COLLATE "C") > (c.occurred_at, c.external_id COLLATE "C")
  ORDER BY n.occurred_at LIMIT 1) following ON true"""

IS_CLICKED = f"""EXISTS (
      SELECT 1 FROM kb_events k WHERE {of_session("k", StoredType.CLICK)}
        AND k.occurred_at >= c.occurred_at
        AND (following.at IS NULL OR k.occurred_at < following.at))"""

KB_FACTS = f"""
  SELECT CASE c.type WHEN {StoredType.SEARCH} THEN {Kind.KB_SEARCH}
                     WHEN {StoredType.VIEW} THEN {Kind.KB_VIEW} ELSE {Kind.KB_VOTE} END,
    0,
    CASE WHEN c.type = {StoredType.VIEW} THEN 0
         WHEN c.type = {StoredType.VOTE} AND c.is_helpful THEN {VoteOutcome.HELPFUL}
         WHEN c.type = {StoredType.VOTE} THEN {VoteOutcome.NOT_HELPFUL}
         WHEN c.results_count = 0 THEN {SearchOutcome.ZERO_RESULTS}
         WHEN c.session IS NULL THEN {SearchOutcome.UNTRACKED}
         WHEN {IS_CLICKED} THEN {SearchOutcome.CLICKED}
         ELSE {SearchOutcome.NOT_CLICKED} END,
    c.occurred_at, NULL::int, NULL::int, NULL::bigint, NULL::bigint, NULL::bigint, true
  WHERE c.type <> {StoredType.CLICK}"""

KB_EVENTS = RecordKind(
    name="kb-events",
    table=kb_events.name,
    resource=Resource.KB_EVENT,
    item=KbEvent,
    columns=(
        Column("type", "smallint"),
        Column("occurred_at", "timestamptz"),
        Column("session", "text", link="sessions"),
        Column("article", "text", link="kb_articles"),
        Column("results_count", "integer"),
        Column("is_helpful", "boolean"),
        Column("term", "text"),
        Column("words", "jsonb"),
        Column("customer", "bigint"),
        *attribute_columns(),
    ),
    row=kb_event_row,
    instants=("occurred_at",),
    checks=(check_kb_event,),
    returning=tuple(
        f"{version}.{name} AS {version}_{name}"
        for version in ("old", "new")
        for name in ("type", "session", "occurred_at")
    ),
    people="SELECT customer FROM kb_events WHERE tenant_id = $1 AND id = ANY($2::uuid[])",
    derivation=fact_select(
        resource=Resource.KB_EVENT,
        source="kb_events c "
        "LEFT JOIN kb_articles a ON a.tenant_id = $1 AND a.id = c.article AND NOT a.is_deleted"
        f"{NEXT_SEARCH}\n{lateral(KB_FACTS)}",
        dimensions={
            "topic": "a.topic",
            "customer": "c.customer",
            **{name: f"c.{name}" for name in ATTRIBUTES},
        },
    ),
)
