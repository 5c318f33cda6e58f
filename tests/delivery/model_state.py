"""What a ticket is now: closed for good, waiting for a reply. In plain Python."""

from datetime import datetime

from tests.delivery.model import Fact, Item, at, first, nearest_ms, timed
from tests.delivery.model_replies import by_customer, of, said
from tests.delivery.model_work import DONE, Span, changes_of, length, solves_of

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import MessageOutcome

Facts = dict[tuple[Kind, int], Fact]


def is_done(ticket: Item, events: list[Item]) -> bool:
    if changes := changes_of(events):
        return changes[-1]["to"] in DONE
    return bool(solves_of(ticket, events)) or ticket.get("status") in DONE


def handled_at(ticket: Item, events: list[Item]) -> datetime | None:
    """When a person first had to do with the ticket."""
    totals = ticket.get("milestones") or {}
    given = [event for event in events if event["type"] == "assigned"]
    found = [at(each, "occurred_at") for each in of(events, MessageOutcome.OUTBOUND)]
    found += [at(each, "occurred_at") for each in given if each.get("agent")]
    if not said(events):
        found.append(at(totals, "first_reply_at"))
    if not given:
        found.append(at(totals, "first_assigned_at"))
    return min((each for each in found if each), default=None)


def waits_since(ticket: Item, events: list[Item]) -> datetime | None:
    """Since when nobody has answered what the customer wrote last."""
    asked = None
    for event in said(events):
        if event in of([event], MessageOutcome.INBOUND):
            asked = asked or at(event, "occurred_at")
        elif event in of([event], MessageOutcome.OUTBOUND):
            asked = None
    spoke = of(events, MessageOutcome.INBOUND) or of(events, MessageOutcome.OUTBOUND)
    replied = at(ticket.get("milestones") or {}, "first_reply_at") and not said(events)
    created = at(ticket, "created_at") if by_customer(ticket) and not replied else None
    found: datetime | None = first(asked, None if spoke else created)
    return found


def state_facts(ticket: Item, events: list[Item]) -> Facts:
    facts: Facts = {}
    solve = next(iter(solves_of(ticket, events)[-1:]), None)
    is_now_done, since = is_done(ticket, events), waits_since(ticket, events)
    if solve:
        fact = Fact(solve.at, actor_agent=solve.solver)
        stands = not solve.reopened if solve.is_event else ticket.get("status") in (*DONE, None)
        if stands:
            facts[Kind.CLOSED, 0] = fact
        if began := handled_at(ticket, events):
            facts[Kind.HUMAN_RESOLUTION, 0] = timed(fact, solve.at - began)
        if since and is_now_done and solve.at >= since:
            facts[Kind.WAIT_DROPPED, 0] = timed(fact, solve.at - since)
    if since and not is_now_done:
        facts[Kind.WAITING, 0] = Fact(since)
    return facts


NOT_OWED = ("pending", *DONE)


def owed_runs(ticket: Item, events: list[Item]) -> tuple[list[tuple[int, Span]], datetime | None]:
    """When we owed something: the place of the change that ended it, and from when to when; since
    when we owe something now."""
    runs, changes = [], changes_of(events)
    since, status = at(ticket, "created_at"), changes[0].get("from") or "new"
    for event in changes:
        until = at(event, "occurred_at")
        if since and since < until and status not in NOT_OWED:
            runs.append((event["place"], (since, until)))
        since, status = until, event["to"]
    return runs, None if status in NOT_OWED else since


def owed_facts(
    ticket: Item, events: list[Item], *, is_snapshot: bool
) -> dict[tuple[Kind, int], tuple[Fact, datetime]]:
    """Facts, and the instant at which the ticket was what they are about."""
    created, found = at(ticket, "created_at"), {}
    if not changes_of(events):
        is_open = not solves_of(ticket, events) and ticket.get("status") not in NOT_OWED
        if created and is_open and not is_snapshot:
            found[Kind.OWED, 0] = (Fact(created, value=0), created)
        return found
    runs, since = owed_runs(ticket, events)
    for n, (place, (start, end)) in enumerate(runs):
        before = nearest_ms(length([span for _, span in runs[:n]])) * 10
        fact = Fact(end, duration_ms=nearest_ms(end - start), value=before)
        found[Kind.OWED_ENDED, place] = (fact, start)
    if created and since:
        before = nearest_ms(length([span for _, span in runs])) * 10
        found[Kind.OWED, changes_of(events)[-1]["place"]] = (Fact(since, value=before), since)
    return found
