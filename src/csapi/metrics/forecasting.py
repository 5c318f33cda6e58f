"""How many contacts will come, interval by interval: a level that follows, times the weekday, times
the share of the interval in such a day, times what events are known to do. Pure.

docs/decisions/0025 says what was chosen, and docs/staffing.md how it is worked out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = 7
# The weekdays and the course of a day are those of so many days.
PROFILE_DAYS = 56
# How much of a day's surprise goes into the level.
FOLLOWS = 0.1
# An event has a factor of its own once so many days of it were seen.
EVENT_DAYS = 2
LARGEST_FACTOR = 5.0

Counts = Sequence[float]


@dataclass(frozen=True, slots=True)
class Day:
    """A local day that is over: its contacts by interval of the local clock. `counts`: None where
    only the sum is known. `planned`: events that were known before; `troubles`: that were not."""

    day: date
    total: float
    counts: Counts | None
    planned: frozenset[str] = frozenset()
    troubles: frozenset[str] = frozenset()

    @property
    def is_usual(self) -> bool:
        return not self.planned and not self.troubles


@dataclass(frozen=True, slots=True)
class EventFactor:
    """What an event did to days: `value` times what was expected, of `days`; None: too few."""

    value: float | None
    days: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """What usual days are like: a level, a factor for each weekday, the share of each interval."""

    level: float
    weekdays: Sequence[float]
    shares: Sequence[Counts]
    events: Mapping[str, EventFactor]

    def expected(self, day: date, events: Iterable[str]) -> list[float]:
        weekday = day.weekday()
        amount = self.level * self.weekdays[weekday]
        for event in events:
            factor = self.events.get(event)
            amount *= 1.0 if factor is None or factor.value is None else factor.value
        return [amount * share for share in self.shares[weekday]]


def fitted(days: Sequence[Day], slots: int) -> Baseline:
    """The baseline of what is known by the end of the last day."""
    last = days[-1].day
    recent = [
        each for each in days if each.is_usual and (last - each.day).days < PROFILE_DAYS
    ] or list(days[-PROFILE_DAYS:])
    weekdays = weekday_factors(recent)
    level, events = followed(days, weekdays)
    return Baseline(level, weekdays, day_shares(recent, slots), events)


def weekday_factors(recent: Sequence[Day]) -> list[float]:
    """The mean of each weekday over that of all; of one that was not seen, 1."""
    totals: list[list[float]] = [[] for _ in range(WEEK)]
    for each in recent:
        totals[each.day.weekday()].append(each.total)
    means = [sum(each) / len(each) if each else None for each in totals]
    known = [each for each in means if each is not None]
    whole = sum(known) / len(known)
    return [1.0 if each is None or not whole else each / whole for each in means]


def day_shares(recent: Sequence[Day], slots: int) -> list[list[float]]:
    """The share of each interval in the contacts of its weekday; of a weekday without any, in those
    of all days."""
    sums = [[0.0] * slots for _ in range(WEEK)]
    for each in recent:
        if each.counts is not None:
            own = sums[each.day.weekday()]
            for slot, count in enumerate(each.counts):
                own[slot] += count
    whole = [sum(each) for each in zip(*sums, strict=True)]
    return [shares_of(each) or shares_of(whole) or [0.0] * slots for each in sums]


def shares_of(counts: Counts) -> list[float]:
    total = sum(counts)
    return [each / total for each in counts] if total else []


def followed(
    days: Sequence[Day], weekdays: Sequence[float]
) -> tuple[float, dict[str, EventFactor]]:
    """The level after the last day, by exponential smoothing over usual days, and what events did
    to the level of their time."""
    usual = [each for each in days if each.is_usual and weekdays[each.day.weekday()] > 0][:WEEK]
    weights = sum(weekdays[each.day.weekday()] for each in usual)
    level = sum(each.total for each in usual) / weights if weights else 0.0
    seen: dict[str, tuple[float, float, int]] = {}
    for each in days:
        factor = weekdays[each.day.weekday()]
        if each.is_usual:
            if factor > 0:
                level += FOLLOWS * min(factor, 1.0) * (each.total / factor - level)
            continue
        if len(each.planned) == 1 and not each.troubles:
            (event,) = each.planned
            actual, expected, count = seen.get(event, (0.0, 0.0, 0))
            seen[event] = actual + each.total, expected + level * factor, count + 1
    events = {
        event: EventFactor(
            min(actual / expected, LARGEST_FACTOR) if count >= EVENT_DAYS and expected else None,
            count,
        )
        for event, (actual, expected, count) in seen.items()
    }
    return max(level, 0.0), events


def naive(days: Sequence[Day], day: date, slots: int) -> list[float]:
    """The same weekday of the last week that is known."""
    last = days[-1].day
    back = (last - day).days % WEEK
    wanted = last - timedelta(days=back)
    for each in reversed(days):
        if each.day <= wanted:
            if each.day == wanted and each.counts is not None:
                return list(each.counts)
            break
    return [0.0] * slots
