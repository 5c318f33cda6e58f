"""The facts of forms, of the knowledge base and of sessions in plain Python."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tests.delivery.model import CONTEXT, Fact, Item, World, at, first, nearest_ms
from tests.delivery.model_replies import message_outcome
from tests.delivery.model_work import DONE

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import MessageOutcome, SearchOutcome, SessionOutcome, VoteOutcome

KINDS = {
    "self_service": Kind.SELF_SERVICE_SESSION,
    "bot": Kind.BOT_SESSION,
    "ivr": Kind.IVR_SESSION,
}
Contacts = Sequence[tuple[str | None, datetime]]


def context_of(world: World, item: Item, when: datetime, **values: Any) -> tuple[str | None, ...]:
    customer = item.get("customer")
    known = {
        "channel": item.get("channel"),
        "customer": world.customer(customer),
        "segment": world.segment(customer, when),
        "attr1": world.custom(item),
        **values,
    }
    return tuple(known.get(name) for name in CONTEXT)


def form_fact(world: World, form: Item) -> Fact:
    when = at(form, "submitted_at")
    return Fact(when, context=context_of(world, form, when, type=form.get("form")))


def visit_fact(world: World, visit: Item) -> dict[Kind, Fact]:
    """The fact of an event of the knowledge base; a click has none of its own."""
    if visit.get("deleted") or visit["type"] == "click":
        return {}
    article = world.get("kb-articles", visit.get("article"))
    topic = None if article.get("deleted") else article.get("topic")
    kind, outcome = Kind.KB_VIEW, 0
    if visit["type"] == "vote":
        kind = Kind.KB_VOTE
        outcome = VoteOutcome.HELPFUL if visit["is_helpful"] else VoteOutcome.NOT_HELPFUL
    elif visit["type"] == "search":
        kind, outcome = Kind.KB_SEARCH, search_outcome(world, visit)
    context = context_of(world, visit, at(visit, "occurred_at"), topic=topic)
    return {kind: Fact(at(visit, "occurred_at"), outcome, context=context)}


def search_outcome(world: World, search: Item) -> SearchOutcome:
    """Read the session from its start: a click goes to the last search at or before it."""
    if search["results_count"] == 0:
        return SearchOutcome.ZERO_RESULTS
    if search.get("session") is None:
        return SearchOutcome.UNTRACKED
    events = events_in(world, search["session"])
    searches = sorted(
        (at(event, "occurred_at"), event["external_id"])
        for event in events
        if event["type"] == "search"
    )
    clicked = set()
    for event in events:
        if event["type"] == "click":
            before = [each for each in searches if each[0] <= at(event, "occurred_at")]
            clicked |= set(before[-1:])
    mine = at(search, "occurred_at"), search["external_id"]
    return SearchOutcome.CLICKED if mine in clicked else SearchOutcome.NOT_CLICKED


def events_in(world: World, session: str) -> list[Item]:
    return [
        event
        for _, event in world.all("kb-events")
        if event.get("session") == session and not event.get("deleted")
    ]


def session_facts(world: World, session: Item, contacts: Contacts) -> dict[Kind, Fact]:
    if session.get("deleted"):
        return {}
    started, customer = at(session, "started_at"), world.customer(session.get("customer"))
    ended = first(at(session, "ended_at"), started)
    context = context_of(world, session, started, topic=session.get("topic"))
    later = [when for who, when in contacts if customer and who == customer and when >= started]
    facts = {
        KINDS[session["kind"]]: Fact(
            started,
            SessionOutcome[session["outcome"].upper()],
            duration_ms=max(0, nearest_ms(min(later) - ended)) if later else None,
            value=10_000 if customer else None,
            gap_next_ms=came_back_ms(world, session, ended) if customer else None,
            context=context,
        )
    }
    searches = [
        at(event, "occurred_at")
        for event in events_in(world, session["external_id"])
        if event["type"] == "search"
    ]
    if searches:
        opened = opened_at(world, session.get("ticket"))
        before = [when for when in searches if opened is not None and when <= opened]
        facts[Kind.SEARCH_SESSION] = Fact(
            started,
            duration_ms=nearest_ms(opened - max(before)) if before else None,
            context=context,
        )
    return facts


def came_back_ms(world: World, session: Item, ended: datetime) -> int | None:
    """How long until something on the ticket showed that a bot had not resolved it."""
    signs = [
        at(event, "occurred_at")
        for event in world.events_of(session.get("ticket"))
        if session["kind"] == "bot" and (is_from_customer(event) or is_reopening(event))
    ]
    later = [when for when in signs if when > ended]
    return nearest_ms(min(later) - ended) if later else None


def is_from_customer(event: Item) -> bool:
    return event["type"] == "message" and message_outcome(event) is MessageOutcome.INBOUND


def is_reopening(event: Item) -> bool:
    changed = event["type"] == "status_changed"
    return changed and event.get("from") in DONE and event["to"] not in DONE


def opened_at(world: World, name: str | None) -> Any:
    """When a ticket that counts was created."""
    ticket = world.get("tickets", name)
    if any(ticket.get(flag) for flag in ("deleted", "is_spam", "is_test", "merged_into")):
        return None
    return at(ticket, "created_at")
