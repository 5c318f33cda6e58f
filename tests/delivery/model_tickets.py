"""The facts of a ticket in plain Python."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.delivery.model import (
    CONTEXT,
    Fact,
    Item,
    World,
    at,
    first,
    identified,
    nearest_ms,
    owner_of,
    tags_of,
    tie_break,
    timed,
    tone,
    was,
)
from tests.delivery.model_replies import (
    assignment_facts,
    by_customer,
    message_outcome,
    reply_facts,
    said,
    spoken,
    waiting_facts,
)
from tests.delivery.model_state import owed_facts, state_facts
from tests.delivery.model_work import DONE, backlog_facts, routing_fact, solve_facts

from csapi.facts.kinds import SLA_KINDS, Kind
from csapi.facts.outcomes import MessageOutcome, ResolutionOutcome, Told

Facts = dict[tuple[Kind, int], Fact]
ABOUT_THE_TICKET = (
    Kind.TICKET_CREATED, Kind.CONTACT, Kind.RESOLUTION, Kind.REOPEN, Kind.AWAITED,
    Kind.ACKNOWLEDGED, Kind.SOLVED, Kind.SOLVE_EFFORT, Kind.INTERACTIONS, Kind.AGENTS_INVOLVED,
    Kind.TIME_IN_STATUS, Kind.ROUTED, Kind.BACKLOG, Kind.SENTIMENT, Kind.CLOSED,
    Kind.HUMAN_RESOLUTION, Kind.WAITING, Kind.WAIT_DROPPED, Kind.OPEN_TICKET, Kind.OPEN_ENDED,
    Kind.OPEN_STATUS, Kind.OWED, Kind.OWED_ENDED, *SLA_KINDS,
)  # fmt: skip


def ticket_facts(world: World, name: str) -> Facts:
    ticket = world.get("tickets", name)
    if any(ticket.get(flag) for flag in ("deleted", "is_test", "is_spam", "merged_into")):
        return {}
    events = world.events_of(name)
    for place, event in enumerate(events, start=1):
        event["place"] = place
    created = at(ticket, "created_at")
    facts: Facts = {}
    if created:
        facts[Kind.TICKET_CREATED, 0] = Fact(created, untold(ticket, events))
        if by_customer(ticket):
            outcome = identified(ticket.get("customer"))
            facts[Kind.CONTACT, tie_break(name)] = Fact(created, outcome)
    replied = first_response(ticket, events)
    facts |= messages(ticket, events) | tones(events) | replied | resolutions(ticket, events)
    facts |= reply_facts(ticket, events) | assignment_facts(ticket, events)
    first_reply = next((fact.at for fact in replied.values()), None)
    facts |= waiting_facts(ticket, events, first_reply)
    facts |= solve_facts(ticket, events) | routing_fact(ticket, events)
    facts |= state_facts(ticket, events)
    found = {
        key: placed(world, ticket, events, key[0], fact, fact.at) for key, fact in facts.items()
    }
    owed = owed_facts(ticket, events, is_snapshot=is_snapshot(ticket))
    for key, (fact, seen) in (backlog_facts(ticket, events) | owed).items():
        found[key] = placed(world, ticket, events, key[0], fact, seen)
    return found


def is_snapshot(ticket: Item) -> bool:
    """Whether the ticket came with milestones."""
    told = {key for key, value in (ticket.get("milestones") or {}).items() if value is not None}
    return bool(told - {"reopen_count"})


def untold(ticket: Item, events: list[Item]) -> int:
    """What a ticket with milestones comes without."""
    if not is_snapshot(ticket):
        return 0
    types = {event["type"] for event in events}
    streams = (
        ("message", Told.MESSAGES),
        ("status_changed", Told.STATUSES),
        ("assigned", Told.ASSIGNMENTS),
    )
    return sum(told for name, told in streams if name not in types)


def messages(ticket: Item, events: list[Item]) -> Facts:
    if said(events):
        return {
            (Kind.MESSAGE, event["place"]): replace(
                spoken(event, Kind.MESSAGE), outcome=message_outcome(event), value=10_000
            )
            for event in said(events)
        }
    totals = ticket.get("milestones") or {}
    created, replied = at(ticket, "created_at"), at(totals, "first_reply_at")
    facts: Facts = {}
    if created and totals.get("messages_in"):
        fact = Fact(created, MessageOutcome.INBOUND, value=totals["messages_in"] * 10_000)
        facts[Kind.MESSAGE, 1] = replace(fact, actor_team=ticket.get("team"))
    if (when := first(replied, created)) and totals.get("messages_out"):
        fact = Fact(when, MessageOutcome.OUTBOUND, value=totals["messages_out"] * 10_000)
        facts[Kind.MESSAGE, 2] = replace(
            fact, actor_agent=totals.get("first_reply_by"), actor_team=ticket.get("team")
        )
    return facts


def tones(events: list[Item]) -> Facts:
    return {
        (Kind.SENTIMENT, event["place"]): replace(spoken(event, Kind.SENTIMENT), **heard)
        for event in said(events)
        if (heard := tone(event))
    }


def first_response(ticket: Item, events: list[Item]) -> Facts:
    created = at(ticket, "created_at")
    if not said(events):
        totals = ticket.get("milestones") or {}
        replied, agent = at(totals, "first_reply_at"), totals.get("first_reply_by")
        if not (replied and created and by_customer(ticket)):
            return {}
        team = ticket.get("team") if agent in (None, ticket.get("assignee")) else None
        fact = Fact(replied, actor_agent=agent, actor_team=team)
        return {(Kind.FIRST_RESPONSE, 0): timed(fact, replied - created)}
    asked = [event for event in said(events) if message_outcome(event) is MessageOutcome.INBOUND]
    since = at(asked[0], "occurred_at") if asked else created if by_customer(ticket) else None
    place = asked[0]["place"] if asked else 0
    for event in said(events):
        is_reply = message_outcome(event) is MessageOutcome.OUTBOUND and event["place"] > place
        if is_reply and since:
            fact = spoken(event, Kind.FIRST_RESPONSE)
            return {(Kind.FIRST_RESPONSE, 0): timed(fact, fact.at - since)}
    return {}


def resolutions(ticket: Item, events: list[Item]) -> Facts:
    changes = [event for event in events if event["type"] == "status_changed"]
    facts: Facts = {}
    solved: list[datetime] = []
    solver = None
    for before, event in zip([None, *changes], changes, strict=False):
        status = before["to"] if before else event.get("from")
        was_done, is_done = status in DONE, event["to"] in DONE
        if is_done and not was_done:
            solved.append(at(event, "occurred_at"))
        elif was_done and not is_done:
            when = at(event, "occurred_at")
            gap = nearest_ms(when - solved[-1]) if solved else None
            facts[Kind.REOPEN, event["place"]] = Fact(when, duration_ms=gap)
    if not changes:
        totals = ticket.get("milestones") or {}
        ends = {at(totals, name) for name in ("first_solved_at", "last_solved_at")}
        solved, solver = sorted(ends - {None}), totals.get("solved_by")
    created = at(ticket, "created_at")
    for nth, when in enumerate(solved, start=1):
        fact = Fact(when, outcome=standing(nth, len(solved)), actor_agent=solver)
        facts[Kind.RESOLUTION, nth] = timed(fact, when - created if created else None)
    return facts


def standing(nth: int, total: int) -> ResolutionOutcome:
    if total == 1:
        return ResolutionOutcome.ONLY
    if nth == 1:
        return ResolutionOutcome.FIRST
    return ResolutionOutcome.LAST if nth == total else ResolutionOutcome.MIDDLE


def placed(
    world: World, ticket: Item, events: list[Item], kind: Kind, fact: Fact, when: datetime
) -> Fact:
    """The fact with what the ticket was at that moment."""
    owner, owner_team = owner_of(ticket, events, when)
    agent, team = fact.actor_agent, fact.actor_team
    if kind in ABOUT_THE_TICKET:
        if agent is None:
            team = owner_team
        agent = first(agent, owner)
    values: dict[str, Any] = {
        "channel": first(fact.context[0], ticket.get("channel")),
        "inbox": ticket.get("inbox"),
        "queue": None,
        "type": ticket.get("type"),
        "topic": was(events, "topic_changed", "to", when, ticket.get("topic")),
        "priority": was(events, "priority_changed", "to", when, ticket.get("priority")),
        "customer": world.customer(ticket.get("customer")),
        "segment": world.segment(ticket.get("customer"), when),
        "attr1": world.custom(ticket),
    }
    return replace(
        fact,
        actor_agent=agent,
        actor_team=first(team, world.team(agent, when)),
        owner_agent=owner,
        owner_team=first(owner_team, world.team(owner, when)),
        context=tuple(values[name] for name in CONTEXT),
        tags=tags_of(ticket, events, when),
    )
