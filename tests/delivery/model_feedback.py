"""The facts of feedback and of requests for it in plain Python."""

from dataclasses import replace
from typing import Any

from tests.delivery.model import CONTEXT, Fact, Item, World, at, first, owner_of, was

from csapi.facts.kinds import Box


def request_fact(world: World, name: str, request: Item) -> Fact:
    answers = [
        answer
        for _, answer in world.all("feedback")
        if answer.get("request") == name and not answer.get("deleted")
    ]
    when = at(request, "sent_at")
    return asked(world, [request], Fact(when, outcome=1 if answers else 2))


def feedback_fact(world: World, answer: Item) -> Fact:
    request = world.get("feedback-requests", answer.get("request"))
    fact = Fact(
        at(answer, "responded_at"), outcome=box(answer), value=round(answer["rating"] * 10_000)
    )
    return asked(world, [answer, request], fact)


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
        "channel": first(ticket.get("channel"), "phone" if call else None),
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
        "customer": customer,
        "segment": world.segment(customer),
        "attr1": first(*(world.custom(item) for item in (*chain, ticket, call))),
    }
    return replace(
        fact,
        actor_agent=actor,
        actor_team=first(said("team"), world.team(actor, when)),
        owner_agent=owner,
        owner_team=owner_team,
        context=tuple(values[name] for name in CONTEXT),
    )


def box(answer: Item) -> int:
    """Top-2-box and bottom-2-box; one point at each end of scales with fewer than four."""
    rating = answer["rating"]
    if answer["survey"] == "nps":
        return Box.POSITIVE if rating >= 9 else Box.NEUTRAL if rating > 6 else Box.NEGATIVE
    low, high = 1, 5 if answer["survey"] == "csat" else 7
    if rating >= high - 1:
        return Box.POSITIVE
    return Box.NEGATIVE if rating <= low + 1 else Box.NEUTRAL
