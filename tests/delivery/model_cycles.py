"""When targets are to be met: from which message to which reply, from opening to solve."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.delivery.model import Item, at
from tests.delivery.model_replies import by_customer, message_outcome, said
from tests.delivery.model_work import DONE, changes_of, turns_of

from csapi.facts.outcomes import MessageOutcome

METRICS = ("first_response", "next_response", "resolution", "requester_wait")


@dataclass
class Cycle:
    """A time in which a target is to be met. `end`: None while it is open."""

    metric: str
    number: int
    start: datetime
    end: datetime | None = None
    is_met: bool = False
    reply: Item = field(default_factory=dict)


def solved_at(ticket: Item) -> Any:
    return at(ticket.get("milestones") or {}, "first_solved_at")


def clock_start(ticket: Item, events: list[Item]) -> datetime:
    known = [at(ticket, "created_at")]
    known += [
        at(event, "occurred_at")
        for event in events
        if event["type"] == "status_changed"
        or (event["type"] == "message" and message_outcome(event) is MessageOutcome.OUTBOUND)
    ]
    if not said(events):
        known.append(at(ticket.get("milestones") or {}, "first_reply_at"))
    if not changes_of(events):
        known.append(solved_at(ticket))
    found: datetime = min(each for each in known if each)
    return found


Step = tuple[datetime, float, str, Item]
STEPS = ("asked", "replied", "solved")


def told(events: list[Item]) -> Iterator[Step]:
    """What events begin, answer or end a wait for a reply."""
    solves = {id(event) for event, is_done in turns_of(events) if is_done}
    answers = {MessageOutcome.INBOUND: "asked", MessageOutcome.OUTBOUND: "replied"}
    for place, event in enumerate(events, start=1):
        kind = "solved" if id(event) in solves else None
        if event["type"] == "message":
            kind = answers.get(message_outcome(event))
        if kind:
            yield at(event, "occurred_at"), place, kind, event


def steps(ticket: Item, events: list[Item]) -> Iterator[tuple[datetime, str, Item]]:
    """The same with what the header says beside it, in order."""
    found = list(told(events))
    milestones = ticket.get("milestones") or {}
    if by_customer(ticket) and not any(step[2] == "asked" for step in found):
        found.append((clock_start(ticket, events), 0, "asked", {}))
    if not said(events) and (replied := at(milestones, "first_reply_at")):
        found.append((replied, 1, "replied", {"actor": milestones.get("first_reply_by")}))
    if not changes_of(events):
        solves = {solved_at(ticket), at(milestones, "last_solved_at")} - {None}
        found += [(when, float("inf"), "solved", {}) for when in solves]
    for when, _, kind, event in sorted(found, key=lambda each: (*each[:2], STEPS.index(each[2]))):
        yield when, kind, event


def reply_cycles(ticket: Item, events: list[Item]) -> Iterator[Cycle]:
    number, has_reply, waiting = 0, False, None
    for when, kind, event in steps(ticket, events):
        if kind == "asked":
            waiting = waiting or when
            continue
        if waiting:
            metric = METRICS[int(has_reply)]
            yield Cycle(metric, number, waiting, when, kind == "replied", event)
            has_reply = has_reply or kind == "replied"
        number, waiting = number + 1, None
    if waiting:
        yield Cycle(METRICS[int(has_reply)], number, waiting)


def work_cycles(ticket: Item, events: list[Item]) -> Iterator[tuple[int, datetime, Any, Any]]:
    """number, start, end, solver of each time in which a ticket is open."""
    changes, start = changes_of(events), clock_start(ticket, events)
    if not changes:
        yield 0, start, solved_at(ticket), (ticket.get("milestones") or {}).get("solved_by")
        return
    opened = None if changes[0].get("from") in DONE else start
    number = 0
    for event, is_done in turns_of(events):
        when = at(event, "occurred_at")
        if is_done:
            yield number, opened or when, when, None
            number, opened = number + 1, None
        else:
            opened = when
    if opened:
        yield number, opened, None, None


def cycles(ticket: Item, events: list[Item]) -> Iterator[Cycle]:
    milestones = ticket.get("milestones") or {}
    is_lost = (
        not changes_of(events)
        and ticket.get("status") in DONE
        and not (milestones.get("first_solved_at") or milestones.get("last_solved_at"))
    )
    found = list(reply_cycles(ticket, events))
    for number, start, end, solver in work_cycles(ticket, events):
        done = {"actor": solver} if end else {}
        found += [
            Cycle(metric, number, start, end, end is not None, done) for metric in METRICS[2:]
        ]
    yield from (cycle for cycle in found if cycle.end or not is_lost)
