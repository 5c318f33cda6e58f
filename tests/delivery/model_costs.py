"""What the time of agents costs, in plain Python: each piece at the rate of its start.

Fractions are summed up and rounded once, at the end of each piece.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

from tests.delivery.model import Fact, Item, World, at
from tests.delivery.spans import Span, cut, joined, length_ms

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import StaffCostOutcome

Facts = dict[tuple[Kind, int], Fact]
HOUR_MS = 3_600_000
NEAR = timedelta(hours=12)


def in_force(world: World, of: Item, when: datetime) -> Fraction | None:
    """The rate of exactly this agent, team, or (of an empty item) of everybody else."""
    today = when.astimezone(ZoneInfo(world.zone)).date()
    found = [
        (date.fromisoformat(entry["valid_from"]), name, entry)
        for name, entry in sorted(world.all("cost-book"))
        if not entry.get("deleted") and "hourly_rate" in entry
        if {key: entry[key] for key in ("agent", "team") if entry.get(key)} == of
        if date.fromisoformat(entry["valid_from"]) <= today
        if not entry.get("valid_to") or today < date.fromisoformat(entry["valid_to"])
    ]
    if not found:
        return None
    latest = max(start for start, _, _ in found)
    entry = next(entry for start, _, entry in found if start == latest)
    return Fraction(str(entry["hourly_rate"]))


def rate_of(world: World, agent: str, when: datetime) -> Fraction | None:
    team = world.team(agent, when)
    keys: list[Item] = [{"agent": agent}, *([{"team": team}] if team else []), {}]
    found = [in_force(world, key, when) for key in keys]
    return next((rate for rate in found if rate is not None), None)


def rounded(amount: Fraction) -> int:
    return floor(amount * 10_000 + Fraction(1, 2))


def has_rates(world: World) -> bool:
    return any(
        "hourly_rate" in entry and not entry.get("deleted") for _, entry in world.all("cost-book")
    )


def cost_facts(world: World, agent: str, outcome: StaffCostOutcome, spans: Iterable[Span]) -> Facts:
    if not has_rates(world):
        return {}
    facts: Facts = {}
    spent = Fraction(0)
    for number, span in enumerate(cut(spans), start=1):
        ms, rate = length_ms(span), rate_of(world, agent, span[0])
        if rate is None:
            fact = Fact(span[0], StaffCostOutcome.UNRATED, duration_ms=ms)
        else:
            before, spent = spent, spent + rate * ms / HOUR_MS
            fact = Fact(span[0], outcome, duration_ms=ms, value=rounded(spent) - rounded(before))
        facts[Kind.STAFF_COST, number] = fact
    return facts


def shift_cost(world: World, item: Item) -> Facts:
    if not item.get("is_paid", True):
        return {}
    span = at(item, "started_at"), at(item, "ended_at")
    return cost_facts(world, item["agent"], StaffCostOutcome.SHIFT, [span])


def presence_cost(world: World, item: Item, mine: Iterable[Span]) -> Facts:
    """`mine`: what counts of the record. Not near any shift of the agent."""
    if item["state"] == "offline":
        return {}
    shifts = [
        (at(shift, "started_at") - NEAR, at(shift, "ended_at") + NEAR)
        for _, shift in world.all("shifts")
        if shift["agent"] == item["agent"] and not shift.get("deleted")
    ]
    paid = list(mine)
    for low, high in joined(shifts):
        paid = [
            part
            for start, end in paid
            for part in ((start, min(end, low)), (max(start, high), end))
            if part[0] < part[1]
        ]
    return cost_facts(world, item["agent"], StaffCostOutcome.PRESENCE, paid)
