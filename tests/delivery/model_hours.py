"""Business time in plain Python: a clock on the wall is looked at in every minute of a wait."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.delivery.model import Fact, Item, World, at, first, nearest_ms, owner_of
from tests.delivery.model_replies import of
from tests.delivery.model_state import owed_runs
from tests.delivery.model_work import Span, changes_of, status_spans

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import MessageOutcome, WaitOutcome

# Facts that stand at the end of what they measure.
ENDING = (
    Kind.FIRST_RESPONSE, Kind.RESOLUTION, Kind.RESPONSE, Kind.REPLY_PAIR, Kind.AGENT_RESPONSE,
    Kind.AGENT_ASSIGNED, Kind.HUMAN_RESOLUTION,
)  # fmt: skip

MINUTE = timedelta(minutes=1)
ZERO = timedelta(0)
FIRST_DAY = "2015-01-01"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TeamAt = Callable[[datetime], str | None]


def local(schedule: Item, when: datetime) -> datetime:
    return when.astimezone(ZoneInfo(schedule["timezone"]))


def chain_of(schedule: Item, when: datetime) -> list[Item]:
    """The version in force and those that it follows without a break, newest first."""
    day = local(schedule, when).date().isoformat()
    versions = sorted(schedule["versions"], key=lambda each: each.get("valid_from") or "")
    past = [each for each in versions if (each.get("valid_from") or "") <= day]
    if not past or (past[-1].get("valid_to") or "9999") <= day:
        return []
    chain = [past.pop()]
    while past and (past[-1].get("valid_to") or chain[-1]["valid_from"]) == chain[-1]["valid_from"]:
        chain.append(past.pop())
    return chain


def in_force_since(schedule: Item, when: datetime) -> datetime | None:
    chain = chain_of(schedule, when)
    if not chain:
        return None
    day = date.fromisoformat(max(chain[-1].get("valid_from") or "", FIRST_DAY))
    zone = ZoneInfo(schedule["timezone"])
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def chosen(world: World, team: str | None, inbox: str | None, when: datetime) -> Item | None:
    """Team, then inbox, then all: of several the one in force for the shortest time."""
    rules: Iterable[Callable[[Item], bool]] = (
        lambda each: team in each.get("teams", []),
        lambda each: inbox in each.get("inboxes", []),
        lambda each: bool(each.get("is_default")),
    )
    for rule in rules:
        found = [
            (since, name, schedule)
            for name, schedule in sorted(world.all("schedules"))
            if not schedule.get("deleted") and rule(schedule)
            if (since := in_force_since(schedule, when))
        ]
        if found:
            latest = max(since for since, _, _ in found)
            return next(schedule for since, _, schedule in found if since == latest)
    return None


def is_open(schedule: Item, when: datetime) -> bool:
    clock = local(schedule, when)
    minute = f"{clock.hour:02}:{clock.minute:02}"
    return any(
        hours["day"] == DAYS[clock.weekday()] and hours["from"] <= minute < hours["to"]
        for hours in chain_of(schedule, when)[0].get("weekly", [])
    )


def business_ms(
    world: World, spans: list[Span], turns: set[datetime], inbox: str | None, team_at: TeamAt
) -> int | None:
    """Open time within spans; `turns` are the instants at which the team may change."""
    passed = [open_time(world, span, turns, inbox, team_at) for span in spans]
    known = [each for each in passed if each is not None]
    return nearest_ms(sum(known, ZERO)) if len(known) == len(spans) else None


def open_time(
    world: World, span: Span, turns: set[datetime], inbox: str | None, team_at: TeamAt
) -> timedelta | None:
    start, end = span
    minutes = {start.replace(second=0, microsecond=0) + MINUTE}
    while max(minutes) < end:
        minutes.add(max(minutes) + MINUTE)
    cuts = sorted({start} | {turn for turn in turns | minutes if start < turn < end})
    total = ZERO
    for one, other in zip(cuts, [*cuts[1:], end], strict=True):
        schedule = chosen(world, team_at(one), inbox, one)
        if schedule is None:
            return None
        if is_open(schedule, one):
            total += other - one
    return total


def spans_of(ticket: Item, events: list[Item], kind: Kind, fact: Fact) -> list[Span]:
    """The times of which a fact of a ticket says how long they lasted together."""
    if kind is Kind.TIME_IN_STATUS:
        return status_spans(ticket, events)[WaitOutcome(fact.outcome)]
    if kind in (Kind.OWED, Kind.OWED_ENDED):
        runs, _ = owed_runs(ticket, events) if changes_of(events) else ([], None)
        return [span for _, span in runs if span[1] <= owed_since(kind, fact)]
    if kind is Kind.AWAITED and fact.negative_ms is None:
        asked = [at(event, "occurred_at") for event in of(events, MessageOutcome.INBOUND)]
        start = asked[0] if asked else fact.at
        return [(start, start + timedelta(milliseconds=fact.duration_ms or 0))]
    span = span_of(kind, fact)
    return [] if span is None else [span]


def owed_since(kind: Kind, fact: Fact) -> datetime:
    """When the status began that the fact is about."""
    if kind is Kind.OWED:
        return fact.at
    return fact.at - timedelta(milliseconds=fact.duration_ms or 0)


def span_of(kind: Kind, fact: Fact) -> Span | None:
    if fact.duration_ms is None:
        return None
    length = timedelta(milliseconds=fact.duration_ms)
    if kind in ENDING:
        return fact.at - length, fact.at
    return (fact.at, fact.at + length) if kind is Kind.CALL else None


def timed_ticket(world: World, ticket: Item, events: list[Item], kind: Kind, fact: Fact) -> Fact:
    """The fact of a ticket with its business time."""
    if not (spans := spans_of(ticket, events, kind, fact)):
        return fact
    turns = {at(event, "occurred_at") for event in events}
    for _, agent in world.all("agents"):
        for period in agent.get("memberships", []):
            turns |= {at(period, "from"), at(period, "to")}

    def team_at(when: datetime) -> str | None:
        owner, team = owner_of(ticket, events, when)
        found: str | None = first(team, world.team(owner, when))
        return found

    spent = business_ms(world, spans, turns - {None}, ticket.get("inbox"), team_at)
    return replace(fact, business_ms=spent)


def timed_call(world: World, kind: Kind, fact: Fact) -> Fact:
    """The fact of a call with its business time: the team of its instant, throughout."""
    if (span := span_of(kind, fact)) is None:
        return fact
    return replace(
        fact, business_ms=business_ms(world, [span], set(), None, lambda _: fact.actor_team)
    )
