"""Customers as a stock in plain Python: what each was from one point to the next."""

from itertools import pairwise
from typing import Any

from tests.delivery.model import CONTEXT, Fact, Item, World, at, holding

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CustomerOutcome

Facts = dict[tuple[Kind, int], Fact]
OUTCOMES = {
    "active": CustomerOutcome.ACTIVE,
    "churned": CustomerOutcome.CHURNED,
    None: CustomerOutcome.UNKNOWN,
}


def customer_facts(world: World, name: str, item: Item) -> Facts:
    if item.get("deleted") or world.customer(name) != name:
        return {}
    statuses, segments = item.get("statuses", []), item.get("segments", [])
    dated = [at(period, "from") for period in statuses if period.get("from")]
    dated += [at(period, "to") for period in statuses if period.get("to")]
    known = at(item, "created_at") or min(dated, default=None)
    if known is None:
        return {}
    edges = {at(period, edge) for period in (*statuses, *segments) for edge in ("from", "to")}
    points = sorted({known, *(each for each in edges - {None} if each > known)})
    facts: Facts = {}
    for nth, (start, end) in enumerate(pairwise([*points, None]), start=1):
        values = {
            "customer": name,
            "segment": world.segment(name, start),
            "attr1": world.custom(item),
        }
        what: dict[str, Any] = {
            "outcome": OUTCOMES[holding(statuses, "status", start)],
            "context": tuple(values.get(each) for each in CONTEXT),
            "tags": frozenset(item.get("tags", [])),
        }
        facts[Kind.CUSTOMER, 2 * nth] = Fact(start, value=10_000, **what)
        if end is not None:
            facts[Kind.CUSTOMER, 2 * nth + 1] = Fact(end, value=-10_000, **what)
    return facts
