"""What was done on a ticket until its solves, and when it was open, in plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.delivery.model import Fact, Item, at, nearest_ms
from tests.delivery.model_replies import actor, of, said

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import (
    FROM_STATUS,
    EffortOutcome,
    MessageOutcome,
    OpenStatus,
    RoutingOutcome,
    WaitOutcome,
)

Facts = dict[tuple[Kind, int], Fact]
Span = tuple[datetime, datetime]
DONE = ("solved", "closed")


@dataclass(frozen=True)
class Solve:
    """A transition to solved; reopened: the next transition back."""

    at: datetime
    reopened: datetime | None = None
    solver: str | None = None
    is_event: bool = False


def changes_of(events: list[Item]) -> list[Item]:
    return [event for event in events if event["type"] == "status_changed"]


def turns_of(events: list[Item]) -> Iterator[tuple[Item, bool]]:
    """Changes between done and not done: the event, and whether it ended the work."""
    status = None
    for number, event in enumerate(changes_of(events)):
        before = status if number else event.get("from")
        status = event["to"]
        if (before in DONE) != (status in DONE):
            yield event, status in DONE


def solves_of(ticket: Item, events: list[Item]) -> list[Solve]:
    if changes_of(events):
        turns = list(turns_of(events))
        return [
            Solve(
                at(event, "occurred_at"),
                next(
                    (at(later, "occurred_at") for later, done in turns[n + 1 :] if not done), None
                ),
                is_event=True,
            )
            for n, (event, is_done) in enumerate(turns)
            if is_done
        ]
    totals = ticket.get("milestones") or {}
    ends = {at(totals, name) for name in ("first_solved_at", "last_solved_at")}
    solver = totals.get("solved_by")
    return [Solve(when, solver=solver) for when in sorted(ends - {None})]


def effort(replies: int) -> EffortOutcome:
    return (EffortOutcome.NONE, EffortOutcome.ONE, EffortOutcome.MORE)[min(replies, 2)]


def reopened_ms(solve: Solve) -> int | None:
    return nearest_ms(solve.reopened - solve.at) if solve.reopened else None


def effort_fact(solve: Solve, replies: int) -> Fact:
    return Fact(
        solve.at,
        effort(replies),
        actor_agent=solve.solver,
        duration_ms=reopened_ms(solve),
        value=replies * 10_000,
    )


def solve_facts(ticket: Item, events: list[Item]) -> Facts:
    facts: Facts = {}
    solves = solves_of(ticket, events)
    for nth, solve in enumerate(solves, start=1):
        if solve.is_event:
            facts[Kind.SOLVED, nth] = Fact(solve.at, duration_ms=reopened_ms(solve))
        if not said(events):
            continue
        out, into = (
            [each for each in of(events, kind) if at(each, "occurred_at") <= solve.at]
            for kind in (MessageOutcome.OUTBOUND, MessageOutcome.INBOUND)
        )
        facts[Kind.SOLVE_EFFORT, nth] = effort_fact(solve, len(out))
        if nth == len(solves):
            agents = {actor(each) for each in out} - {None}
            facts |= final(solve, Kind.INTERACTIONS, len(out) + len(into))
            facts |= final(solve, Kind.AGENTS_INVOLVED, len(agents))
    totals = ticket.get("milestones") or {}
    if solves and not said(events) and totals.get("messages_out") is not None:
        facts[Kind.SOLVE_EFFORT, len(solves)] = effort_fact(solves[-1], totals["messages_out"])
        if totals.get("messages_in") is not None:
            both = totals["messages_out"] + totals["messages_in"]
            facts |= final(solves[-1], Kind.INTERACTIONS, both)
    if solves:
        facts |= status_times(ticket, events, solves[-1])
    return facts


def final(solve: Solve, kind: Kind, count: int) -> Facts:
    return {(kind, 0): Fact(solve.at, actor_agent=solve.solver, value=count * 10_000)}


def status_spans(ticket: Item, events: list[Item]) -> dict[WaitOutcome, list[Span]]:
    """Whose time passed from when to when, until the last solve."""
    spans: dict[WaitOutcome, list[Span]] = {}
    changes = changes_of(events)
    since, status = at(ticket, "created_at"), changes[0].get("from") or "new" if changes else None
    last = max((n for n, (event, done) in enumerate(turns_of(events)) if done), default=None)
    final_solve = None if last is None else list(turns_of(events))[last][0]
    for event in changes:
        until = at(event, "occurred_at")
        if since and since <= until and status not in DONE:
            groups = [WaitOutcome.AGENT if status == "pending" else WaitOutcome.REQUESTER]
            groups += [WaitOutcome.ON_HOLD] if status == "on_hold" else []
            for group in groups:
                spans.setdefault(group, []).append((since, until))
        since, status = until, event["to"]
        if event is final_solve:
            break
    return spans


def status_times(ticket: Item, events: list[Item], solve: Solve) -> Facts:
    return {
        (Kind.TIME_IN_STATUS, group): Fact(
            solve.at, group, actor_agent=solve.solver, duration_ms=nearest_ms(length(spans))
        )
        for group, spans in status_spans(ticket, events).items()
    }


def length(spans: list[Span]) -> timedelta:
    return sum((until - since for since, until in spans), timedelta())


def routing_fact(ticket: Item, events: list[Item]) -> Facts:
    created, replies = at(ticket, "created_at"), of(events, MessageOutcome.OUTBOUND)
    if not (created and events):
        return {}
    early = [
        event
        for event in events
        if not replies or at(event, "occurred_at") < at(replies[0], "occurred_at")
    ]
    has_moved = False
    team: Any = None
    for event in (each for each in events if each["type"] == "assigned"):
        has_moved |= (
            event in early and None not in (team, event.get("team")) and (team != event["team"])
        )
        team = event.get("team")
    topic: Any = None
    for event in (each for each in events if each["type"] == "topic_changed"):
        topic = topic or event.get("from")
        has_moved |= event in early and topic is not None and topic != event["to"]
        topic = event["to"]
    outcome = RoutingOutcome.MISROUTED if has_moved else RoutingOutcome.KEPT
    return {(Kind.ROUTED, 0): Fact(created, outcome)}


def open_spans(ticket: Item, events: list[Item]) -> list[tuple[datetime, datetime | None]]:
    """When the ticket was open, from and until; None is until now."""
    created, changes = at(ticket, "created_at"), changes_of(events)
    points: list[tuple[datetime, bool]] = []
    if not created:
        return []
    if not changes:
        totals = ticket.get("milestones") or {}
        closed = at(totals, "last_solved_at") or at(totals, "first_solved_at")
        if closed is None and ticket.get("status") in DONE:
            return []
        points = [(created, True), *([(closed, False)] if closed else [])]
    else:
        if changes[0].get("from") not in DONE:
            points.append((min(created, at(changes[0], "occurred_at")), True))
        points += [(at(event, "occurred_at"), not done) for event, done in turns_of(events)]
    found = []
    for number, (when, is_open) in enumerate(points):
        until = points[number + 1][0] if number + 1 < len(points) else None
        if is_open and (until is None or until > when):
            found.append((when, until))
    return found


def backlog_facts(
    ticket: Item, events: list[Item]
) -> dict[tuple[Kind, int], tuple[Fact, datetime]]:
    """Facts, and the instant at which the ticket was what they are about."""
    cuts = {
        at(event, "occurred_at")
        for event in events
        if event["type"] in ("assigned", "topic_changed", "priority_changed", "tagged", "untagged")
    }
    parts: list[tuple[datetime, datetime | None]] = []
    for start, end in open_spans(ticket, events):
        inside = sorted(cut for cut in cuts if cut > start and (end is None or cut < end))
        edges = [start, *inside, end]
        parts += pairwise(edges)
    facts = {}
    for nth, (start, end) in enumerate(sorted(parts, key=lambda part: part[0]), start=1):
        facts[Kind.BACKLOG, 2 * nth] = (
            Fact(start, open_status(ticket, events, start), value=10_000), start
        )  # fmt: skip
        facts |= status_facts(ticket, events, start, end)
        age = max(nearest_ms(start - at(ticket, "created_at")), 0) * 10
        if end is None:
            facts[Kind.OPEN_TICKET, 0] = (Fact(start, value=age), start)
        else:
            status = open_status(ticket, events, end, before=True)
            facts[Kind.BACKLOG, 2 * nth + 1] = (Fact(end, status, value=-10_000), start)
            lasted = Fact(end, duration_ms=nearest_ms(end - start), value=age)
            facts[Kind.OPEN_ENDED, nth] = (lasted, start)
    return facts


def open_status(ticket: Item, events: list[Item], when: datetime, *, before: bool = False) -> int:
    """What an open ticket was at an instant, or just before it."""
    changes, totals = changes_of(events), ticket.get("milestones") or {}
    if not changes:
        is_over = totals.get("last_solved_at") or totals.get("first_solved_at")
        return OpenStatus.UNKNOWN if is_over else named(ticket.get("status"))
    past = [
        event
        for event in changes
        if at(event, "occurred_at") < when or (at(event, "occurred_at") == when and not before)
    ]
    return named(past[-1]["to"] if past else changes[0].get("from"))


def named(status: str | None) -> OpenStatus:
    return OpenStatus[(status or "new").upper()]


def status_facts(
    ticket: Item, events: list[Item], start: datetime, end: datetime | None
) -> dict[tuple[Kind, int], tuple[Fact, datetime]]:
    """Changes of status within a part in which the ticket was open."""
    facts = {}
    for event in changes_of(events):
        when = at(event, "occurred_at")
        if start < when and (end is None or when < end):
            is_last = [each for each in changes_of(events) if at(each, "occurred_at") == when][-1]
            before = open_status(ticket, events, when, before=True)
            after = open_status(ticket, events, when)
            if event is is_last and before != after:
                fact = Fact(when, before * FROM_STATUS + after, value=10_000)
                facts[Kind.OPEN_STATUS, event["place"]] = (fact, start)
    return facts
