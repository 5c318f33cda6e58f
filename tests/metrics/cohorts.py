"""Cohorts by brute force: every subject by itself."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

from tests.metrics.world import Fact, Key, key_of

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CustomerOutcome

Sizes = dict[Key, tuple[int, int]]


def cohorts(
    facts: Sequence[Fact],
    members: Sequence[str],
    start: str,
    end: str,
    is_chosen: Callable[[Fact], bool] = lambda _: True,
) -> Sizes:
    """By the members at the start: who was in stock just before it, and who of them still is just
    before the end."""
    names = [key_of(name, "UTC") for name in members]
    theirs: dict[object, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact["kind"] == Kind.CUSTOMER and fact["outcome"] == CustomerOutcome.ACTIVE:
            theirs[fact["subject"]].append(fact)
    started: Counter[Key] = Counter()
    stayed: Counter[Key] = Counter()
    for own in theirs.values():
        held: Counter[Key] = Counter()
        for fact in own:
            if fact["occurred_at"] < datetime.fromisoformat(start) and is_chosen(fact):
                held[tuple(name(fact) for name in names)] += fact["value"]
        until = datetime.fromisoformat(end)
        is_left = sum(fact["value"] for fact in own if fact["occurred_at"] < until) > 0
        for key, balance in held.items():
            if balance > 0:
                started[key] += 1
                stayed[key] += is_left
    return {key: (count, stayed[key]) for key, count in started.items()}
