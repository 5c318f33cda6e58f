"""What facts should be, in plain Python and by names: an independent reading of the definitions.

The words that the derivations of all resources share; expected.py puts them together.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.delivery.lab import SOURCE

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import ContactOutcome

Item = dict[str, Any]
# resource, external id, kind, ordinal
FactKey = tuple[str, str, Kind, int]
MICROSECOND = timedelta(microseconds=1)
CONTEXT = ("channel", "inbox", "queue", "type", "topic", "priority", "customer", "segment", "attr1")


@dataclass(frozen=True)
class Fact:
    """A fact with the names of what it is about."""

    at: datetime
    outcome: int = 0
    actor_agent: str | None = None
    actor_team: str | None = None
    owner_agent: str | None = None
    owner_team: str | None = None
    duration_ms: int | None = None
    business_ms: int | None = None
    negative_ms: int | None = None
    value: int | None = None
    gap_next_ms: int | None = None
    context: tuple[str | None, ...] = (None,) * len(CONTEXT)
    tags: frozenset[str] = frozenset()


@dataclass
class World:
    """The newest version of every record, and every event once."""

    records: dict[str, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))
    events: dict[str, Item] = field(default_factory=dict)
    attribute: str | None = None
    zone: str = "UTC"

    def get(self, resource: str, name: str | None) -> Item:
        """A record, or an empty one where nothing but its name is known."""
        return self.records[resource].get(name, {}) if name else {}

    def all(self, resource: str) -> Iterable[tuple[str, Item]]:
        return self.records[resource].items()

    def events_of(self, ticket: str | None) -> list[Item]:
        mine = [event for event in self.events.values() if event["ticket"] == ticket]
        return sorted(mine, key=place_in_history)

    def custom(self, item: Item) -> str | None:
        value = item.get("custom", {}).get(self.attribute) if self.attribute else None
        if value is None:
            return None
        return str(value).lower() if isinstance(value, bool) else str(value)

    def customer(self, name: str | None) -> str | None:
        """Who a customer is after all merges; in a circle, the one whose name comes first."""
        path: list[str | None] = []
        while name not in path:
            path.append(name)
            merge = self.get("customers/merge", name)
            if not merge or merge.get("deleted"):
                return name
            name = merge["into"]
        return min(str(each) for each in path[path.index(name) :])

    def segment(self, customer: str | None, when: datetime) -> str | None:
        item = self.get("customers", self.customer(customer))
        if item.get("deleted"):
            return None
        return item.get("segment") or holding(item.get("segments", []), "segment", when)

    def team(self, agent: str | None, when: datetime) -> str | None:
        """The team that an agent belonged to."""
        item = self.get("agents", agent)
        if item.get("deleted"):
            return None
        if item.get("team"):
            return str(item["team"])
        for period in item.get("memberships", []):
            start, end = at(period, "from"), at(period, "to")
            if (start is None or start <= when) and (end is None or when < end):
                return str(period["team"])
        return None


def holding(periods: list[Item], name: str, when: datetime) -> str | None:
    """The value of the period that an instant lies in."""
    for period in periods:
        start, end = at(period, "from"), at(period, "to")
        if (start is None or start <= when) and (end is None or when < end):
            return str(period[name])
    return None


def tags_of(item: Item, events: list[Item], when: datetime) -> frozenset[str]:
    """Each tag by its own events, if it has any; else as the header says."""
    told: dict[str, list[Item]] = defaultdict(list)
    for event in events:
        if event["type"] in ("tagged", "untagged"):
            told[event["tag"]].append(event)
    found = set(item.get("tags", [])) - told.keys()
    for tag, changes in told.items():
        past = [event for event in changes if at(event, "occurred_at") <= when]
        is_on = past[-1]["type"] == "tagged" if past else changes[0]["type"] == "untagged"
        found |= {tag} if is_on else set()
    return frozenset(found)


def place_in_history(event: Item) -> tuple[Any, ...]:
    return at(event, "occurred_at"), event.get("sequence", 0), event["event_id"]


def at(item: Item, name: str) -> Any:
    return datetime.fromisoformat(item[name]) if item.get(name) else None


def nearest_ms(gap: timedelta) -> int:
    """To whole milliseconds, halves away from zero."""
    return int((Decimal(gap // MICROSECOND) / 1000).quantize(Decimal(1), ROUND_HALF_UP))


def timed(fact: Fact, gap: timedelta | None) -> Fact:
    if gap is None:
        return fact
    milliseconds = nearest_ms(gap)
    if milliseconds < 0:
        return replace(fact, negative_ms=milliseconds)
    return replace(fact, duration_ms=milliseconds)


def first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def was(events: list[Item], type_: str, name: str, when: datetime, header: Any) -> Any:
    """The last change at or before, else the first change's `from`, else the header."""
    changes = [event for event in events if event["type"] == type_]
    past = [event for event in changes if at(event, "occurred_at") <= when]
    if past:
        return past[-1].get(name)
    return first(changes[0].get("from") if changes and name == "to" else None, header)


def owner_of(ticket: Item, events: list[Item], when: datetime) -> tuple[str | None, str | None]:
    return (
        was(events, "assigned", "agent", when, ticket.get("assignee")),
        was(events, "assigned", "team", when, ticket.get("team")),
    )


TONES = ("negative", "neutral", "positive")


def scaled(number: float | Decimal | None) -> int | None:
    """To four decimals of what was written, halves away from zero, as a whole number."""
    if number is None:
        return None
    return int((Decimal(str(number)) * 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def tone(item: Item) -> dict[str, Any] | None:
    """Outcome and value of what the source's model heard; None where it heard nothing."""
    label, score = item.get("sentiment_label"), item.get("sentiment_score")
    if label is None and score is None:
        return None
    return {"outcome": TONES.index(label) + 1 if label else 4, "value": scaled(score)}


def tie_break(name: str) -> int:
    """Where a contact stands among the customer's others of the same instant."""
    return int(hashlib.md5(f"{SOURCE}\x1f{name}".encode()).hexdigest()[:7], 16)  # noqa: S324


def identified(customer: str | None) -> int:
    return ContactOutcome.IDENTIFIED if customer else ContactOutcome.UNIDENTIFIED
