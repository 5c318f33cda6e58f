"""The facts of feedback and of requests for it in plain Python."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.delivery.model import (
    CONTEXT,
    Fact,
    Item,
    World,
    at,
    first,
    owner_of,
    scaled,
    tags_of,
    tone,
    was,
)

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import Box

Facts = dict[tuple[Kind, int], Fact]


def request_facts(world: World, name: str, request: Item) -> Facts:
    answers = [
        answer
        for _, answer in world.all("feedback")
        if answer.get("request") == name and not answer.get("deleted")
    ]
    if not is_real(world, [request]):
        return {}
    sent, delivered = at(request, "sent_at"), at(request, "delivered_at")
    facts = {
        Kind.FEEDBACK_REQUEST: Fact(sent, outcome=1 if answers else 2),
        Kind.FEEDBACK_REQUEST_CREATED: Fact(first(at(request, "created_at"), sent)),
    }
    if delivered:
        facts[Kind.FEEDBACK_REQUEST_DELIVERED] = Fact(delivered)
    return {(kind, 0): asked(world, [request], fact) for kind, fact in facts.items()}


def feedback_facts(world: World, answer: Item) -> Facts:
    request = world.get("feedback-requests", answer.get("request"))
    if not is_real(world, [answer, request]):
        return {}
    when = at(answer, "responded_at")
    facts = {
        Kind[answer["survey"].upper()]: Fact(
            when,
            outcome=box(answer),
            value=round(answer["rating"] * 10_000),
            duration_ms=scale_mark(answer),
        ),
        Kind.FEEDBACK_COMMENT: Fact(when, outcome=1 if answer.get("comment", "").strip() else 2),
    }
    if answer["survey"] == "csat":
        value = normalized(answer)
        facts[Kind.RATING_NORMALIZED] = Fact(when, outcome=box(answer), value=value)
    if heard := tone(answer):
        facts[Kind.SENTIMENT] = Fact(when, **heard)
    return {(kind, 0): asked(world, [answer, request], fact) for kind, fact in facts.items()}


def scale_mark(answer: Item) -> int | None:
    """What stands for a scale with whole ends; only of ratings whose mean is taken as they are."""
    highest = {"csat": 5, "ces": 7}.get(answer["survey"])
    if highest is None:
        return None
    ends = first(answer.get("scale_min"), 1), first(answer.get("scale_max"), highest)
    low, high = (Decimal(str(end)) for end in ends)
    assert low % 1 == high % 1 == 0
    return int((low + 1_000) * 2_001 + high + 1_000)


def normalized(answer: Item) -> int | None:
    """From 0 for the lowest rating of the scale to 1 for its highest."""
    low, high = (
        Decimal(str(first(answer.get(name), usual)))
        for name, usual in (("scale_min", 1), ("scale_max", 5))
    )
    return scaled((Decimal(str(answer["rating"])) - low) / (high - low))


def is_real(world: World, chain: list[Item]) -> bool:
    """What is about a test or spam is no feedback."""
    ticket = world.get("tickets", first(*(item.get("ticket") for item in chain)))
    return not (ticket.get("is_test") or ticket.get("is_spam"))


def asked(world: World, chain: list[Item], fact: Fact) -> Fact:
    """A fact about asking: what it does not say itself, its ticket says, then its call."""

    def said(name: str) -> Any:
        return first(*(item.get(name) for item in chain))

    ticket, call = world.get("tickets", said("ticket")), world.get("calls", said("call"))
    events, when = world.events_of(said("ticket")), fact.at
    agent, team = owner_of(ticket, events, when) if said("ticket") else (None, None)
    legs = call.get("legs") or [{}]
    owner = first(agent, call.get("agent"), legs[0].get("agent"))
    owner_team = first(team, call.get("team"), world.team(owner, when))
    actor = first(said("agent"), owner)
    customer = first(said("customer"), ticket.get("customer"), call.get("customer"))
    values = {
        "channel": first(ticket.get("channel"), "phone" if call else None, chain[0].get("site")),
        "inbox": ticket.get("inbox"),
        "queue": call.get("queue"),
        "type": first(ticket.get("type"), call.get("type")),
        "topic": first(
            was(events, "topic_changed", "to", when, ticket.get("topic")), call.get("topic")
        ),
        "priority": first(
            was(events, "priority_changed", "to", when, ticket.get("priority")),
            call.get("priority"),
        ),
        "customer": world.customer(customer),
        "segment": world.segment(customer, when),
        "attr1": first(*(world.custom(item) for item in (*chain, ticket, call))),
    }
    return replace(
        fact,
        actor_agent=actor,
        actor_team=first(said("team"), world.team(actor, when)),
        owner_agent=owner,
        owner_team=owner_team,
        context=tuple(values[name] for name in CONTEXT),
        tags=tags_of(ticket, events, when) or frozenset(call.get("tags", [])),
    )


def box(answer: Item) -> int:
    """Top-2-box and bottom-2-box; one point at each end of scales with fewer than four."""
    rating = answer["rating"]
    if answer["survey"] == "nps":
        return Box.POSITIVE if rating >= 9 else Box.NEUTRAL if rating > 6 else Box.NEGATIVE
    if answer["survey"] == "fcr":
        return Box.POSITIVE if rating == 1 else Box.NEGATIVE
    low, high = 1, 5 if answer["survey"] == "csat" else 7
    if rating >= high - 1:
        return Box.POSITIVE
    return Box.NEGATIVE if rating <= low + 1 else Box.NEUTRAL
