"""Who waited how long for which reply, in plain Python."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from tests.delivery.model import CONTEXT, Fact, Item, at, timed

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import AssignmentOutcome, MessageOutcome, ReplyOutcome, ResponseOutcome

Facts = dict[tuple[Kind, int], Fact]
OUTBOUND = MessageOutcome.OUTBOUND
FIRST_NEXT = (ResponseOutcome.FIRST, ResponseOutcome.NEXT)


def by_customer(ticket: Item) -> bool:
    return bool(ticket.get("initiated_by", "customer") == "customer")


def message_outcome(event: Item) -> MessageOutcome:
    if not event.get("is_public", True):
        return MessageOutcome.INTERNAL
    if event["direction"] == "inbound":
        return MessageOutcome.INBOUND
    if event.get("is_auto_reply") or event.get("actor_type") in ("bot", "system"):
        return MessageOutcome.AUTO_REPLY
    return MessageOutcome.OUTBOUND


def actor(event: Item) -> str | None:
    """Whoever acted on our side."""
    if event.get("actor_type") == "customer" or event.get("direction") == "inbound":
        return None
    return event.get("actor")


def said(events: list[Item]) -> list[Item]:
    return [event for event in events if event["type"] == "message"]


def of(events: list[Item], outcome: MessageOutcome) -> list[Item]:
    return [event for event in said(events) if message_outcome(event) is outcome]


def spoken(event: Item, kind: Kind) -> Fact:
    team = event.get("team") if kind in (Kind.MESSAGE, Kind.SENTIMENT) else None
    return Fact(
        at(event, "occurred_at"),
        actor_agent=actor(event),
        actor_team=team,
        context=(event.get("channel"), *(None,) * (len(CONTEXT) - 1)),
    )


def answered_runs(ticket: Item, events: list[Item]) -> Iterator[tuple[Item, datetime]]:
    """Every reply by a person to something unanswered, and since when that was."""
    nobody_wrote = not of(events, MessageOutcome.INBOUND)
    since = at(ticket, "created_at") if nobody_wrote and by_customer(ticket) else None
    for event in said(events):
        outcome = message_outcome(event)
        if outcome is MessageOutcome.INBOUND:
            since = since or at(event, "occurred_at")
        elif outcome is MessageOutcome.OUTBOUND:
            if since:
                yield event, since
            since = None


def reply_facts(ticket: Item, events: list[Item]) -> Facts:
    facts: Facts = {}
    agents: set[str | None] = {None}
    for nth, (event, since) in enumerate(answered_runs(ticket, events)):
        fact = spoken(event, Kind.RESPONSE)
        outcome = FIRST_NEXT[min(nth, 1)]
        facts[Kind.RESPONSE, event["place"]] = replace(
            timed(fact, fact.at - since), outcome=outcome
        )
        if fact.actor_agent not in agents:
            agents.add(fact.actor_agent)
            given = [
                at(each, "occurred_at")
                for each in events
                if each["type"] == "assigned" and each.get("agent") == fact.actor_agent
            ]
            start = max([since, *(when for when in given if when <= fact.at)])
            facts[Kind.AGENT_RESPONSE, event["place"]] = timed(fact, fact.at - start)
    asked = {event["event_id"]: event for event in of(events, MessageOutcome.INBOUND)}
    pairs = [
        event for event in of(events, MessageOutcome.OUTBOUND) if event.get("in_reply_to") in asked
    ]
    for nth, event in enumerate(pairs):
        fact = replace(spoken(event, Kind.REPLY_PAIR), outcome=FIRST_NEXT[min(nth, 1)])
        gap = fact.at - at(asked[event["in_reply_to"]], "occurred_at")
        facts[Kind.REPLY_PAIR, event["place"]] = timed(fact, gap)
    return facts


def handled(events: list[Item], assignment: Item) -> int | None:
    """Whether the agent replied after the assignment; None of sources that send no messages."""
    if not said(events):
        return None
    later = events[events.index(assignment) + 1 :]
    return 10_000 * any(actor(each) == assignment["agent"] for each in of(later, OUTBOUND))


def assignment_facts(ticket: Item, events: list[Item]) -> Facts:
    created = at(ticket, "created_at")
    changes = [event for event in events if event["type"] == "assigned"]
    facts: Facts = {}
    for who, kind in (("agent", Kind.AGENT_ASSIGNED), ("team", Kind.TEAM_ASSIGNED)):
        before, had_any = None, False
        for event in changes:
            name = event.get(who)
            if name and name != before:
                fact = Fact(
                    at(event, "occurred_at"),
                    AssignmentOutcome.TRANSFER if had_any else AssignmentOutcome.FIRST,
                    actor_agent=event.get("agent"),
                    actor_team=event.get("team"),
                    value=handled(events, event) if who == "agent" else None,
                )
                gap = fact.at - created if created and not had_any else None
                facts[kind, event["place"]] = timed(fact, gap)
            before, had_any = name, had_any or bool(name)
    given = at(ticket.get("milestones") or {}, "first_assigned_at")
    if not changes and given and created:
        fact = Fact(given, AssignmentOutcome.FIRST)
        facts[Kind.AGENT_ASSIGNED, 0] = timed(fact, given - created)
    return facts


def waiting_facts(ticket: Item, events: list[Item], first_reply: datetime | None) -> Facts:
    """At the creation of a customer's ticket: how long until a person, and until a machine."""
    created = at(ticket, "created_at")
    if not (created and by_customer(ticket)):
        return {}
    asked = of(events, MessageOutcome.INBOUND)
    since = at(asked[0], "occurred_at") if asked else created
    outcome = ReplyOutcome.ANSWERED if first_reply else ReplyOutcome.UNANSWERED
    fact = Fact(created, outcome)
    facts = {(Kind.AWAITED, 0): timed(fact, first_reply - since if first_reply else None)}
    if events:
        automatic = of(events, MessageOutcome.AUTO_REPLY)
        outcome = ReplyOutcome.ANSWERED if automatic else ReplyOutcome.UNANSWERED
        gap = at(automatic[0], "occurred_at") - created if automatic else None
        facts[Kind.ACKNOWLEDGED, 0] = timed(Fact(created, outcome), gap)
    return facts
