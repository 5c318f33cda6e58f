"""The facts of people's time in plain Python: who was in which state, moment by moment."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from tests.delivery.model import CONTEXT, Fact, FactKey, Item, World, at
from tests.delivery.model_costs import presence_cost, shift_cost
from tests.delivery.spans import Span, cut, joined, length_ms, overlap

from csapi.facts.kinds import NO_OUTCOME, Kind
from csapi.facts.outcomes import PresenceOutcome, ShiftOutcome

Facts = dict[tuple[Kind, int], Fact]
LONGEST = timedelta(days=31)
NO_WORK = {"break", "meeting", "training"}
READY = {"available", "handling", "after_call_work"}


def people_facts(world: World) -> dict[FactKey, Fact]:
    """All facts of presence, shifts and work sessions."""
    facts: dict[FactKey, Fact] = {}
    for resource in ("presence", "shifts", "work-sessions"):
        for name, item in world.all(resource):
            if item.get("deleted"):
                continue
            found = (
                presence_facts(world, name, item)
                if resource == "presence"
                else shift_facts(world, item)
                if resource == "shifts"
                else session_facts(item)
            )
            for (kind, ordinal), fact in placed(world, item, found).items():
                facts[resource, name, kind, ordinal] = fact
    return facts


def timeline_of(world: World, agent: str) -> list[tuple[datetime, str, Item]]:
    """The presence of an agent in the order of its starts."""
    return sorted(
        (at(item, "started_at"), name, item)
        for name, item in world.all("presence")
        if item["agent"] == agent and not item.get("deleted")
    )


def end_of(timeline: list[tuple[datetime, str, Item]], number: int) -> datetime | None:
    started_at, _, item = timeline[number]
    if item.get("ended_at"):
        return datetime.fromisoformat(item["ended_at"])
    later = [start for start, *_ in timeline[number + 1 :]]
    return later[0] if later and later[0] - started_at <= LONGEST else None


def owners(world: World, agent: str) -> list[tuple[Span, str, Item]]:
    """Whose each stretch of time is: of the records that cover it, the last to start."""
    timeline = timeline_of(world, agent)
    lasting = [
        (start, end, name, item)
        for number, (start, name, item) in enumerate(timeline)
        if (end := end_of(timeline, number)) is not None
    ]
    cuts = sorted({cut for start, end, *_ in lasting for cut in (start, end)})
    found = []
    for low, high in pairwise(cuts):
        covering = [(name, item) for start, end, name, item in lasting if start <= low < end]
        if covering:
            found.append(((low, high), *covering[-1]))
    return found


def pieces_of(kind: Kind, outcome: int, spans: Iterable[Span]) -> Facts:
    return {
        (kind, number): Fact(span[0], outcome, duration_ms=length_ms(span))
        for number, span in enumerate(cut(spans), start=1)
    }


def whole_of(kind: Kind, outcome: int, end: datetime | None, spans: Iterable[Span]) -> Facts:
    if end is None:
        return {}
    counted = sum(length_ms(span) for span in joined(spans))
    return {(kind, 0): Fact(end, outcome, duration_ms=counted)}


def presence_facts(world: World, name: str, item: Item) -> Facts:
    state = PresenceOutcome[item["state"].upper()]
    timeline = timeline_of(world, item["agent"])
    number = [other for _, other, _ in timeline].index(name)
    mine = [span for span, owner, _ in owners(world, item["agent"]) if owner == name]
    facts = pieces_of(Kind.PRESENCE, state, mine)
    facts |= presence_cost(world, item, mine)
    return facts | whole_of(Kind.PRESENCE_INTERVAL, state, end_of(timeline, number), mine)


def shift_facts(world: World, item: Item) -> Facts:
    pay = ShiftOutcome.PAID if item.get("is_paid", True) else ShiftOutcome.UNPAID
    span = at(item, "started_at"), at(item, "ended_at")
    theirs = owners(world, item["agent"])
    online = [each for each, _, record in theirs if record["state"] != "offline"]
    ready = [each for each, _, record in theirs if record["state"] in READY]
    facts = pieces_of(Kind.SHIFT, pay, [span])
    facts |= pieces_of(Kind.SHIFT_ONLINE, pay, overlap(online, span))
    facts |= pieces_of(Kind.SHIFT_READY, pay, overlap(ready, span))
    if (planned := (item.get("activity") or "").lower()) in NO_WORK:
        kept = [each for each, _, record in theirs if record["state"] == planned]
        facts |= pieces_of(Kind.SHIFT_KEPT, pay, overlap(kept, span))
        facts |= pieces_of(Kind.SHIFT_WORKED, pay, overlap(ready, span))
    facts |= shift_cost(world, item)
    return facts | whole_of(Kind.SHIFT_INTERVAL, pay, span[1], [span])


def session_facts(item: Item) -> Facts:
    if not item.get("ended_at"):
        return {}
    span = at(item, "started_at"), at(item, "ended_at")
    facts = pieces_of(Kind.WORK_SESSION, NO_OUTCOME, [span])
    return facts | whole_of(Kind.WORK_SESSION_INTERVAL, NO_OUTCOME, span[1], [span])


def placed(world: World, item: Item, facts: Facts) -> Facts:
    agent, values = item["agent"], {"channel": item.get("channel"), "attr1": world.custom(item)}
    context = tuple(values.get(name) for name in CONTEXT)
    found = {}
    for key, fact in facts.items():
        team = world.team(agent, fact.at)
        found[key] = replace(
            fact,
            actor_agent=agent,
            actor_team=team,
            owner_agent=agent,
            owner_team=team,
            context=context,
        )
    return found
