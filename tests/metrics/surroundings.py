"""What a row of an answer is held against, and waits that may still last: in plain Python."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.metrics.world import NOW, TIME_KEYS, Around, Fact, Key, grouped, key_of

from csapi.metrics.formulas import Formula

INSTANT = timedelta(microseconds=1)


def instant(text: str, zone: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))


@cache
def days_in(since: str, until: str, zone: str) -> list[date]:
    clock = ZoneInfo(zone)
    day = instant(since, zone).astimezone(clock).date()
    last = (instant(until, zone) - INSTANT).astimezone(clock).date()
    found = []
    while day <= last:
        found.append(day)
        day += timedelta(days=1)
    return found


def matches(day: date, dimension: str, key: str | None) -> bool:
    grain = dimension.removeprefix("time:")
    if grain == "hour_of_day":
        return True
    at = datetime(day.year, day.month, day.day)  # noqa: DTZ001  a local day
    if grain in ("hour", "15min"):
        return str(key).startswith(day.isoformat())
    return TIME_KEYS[grain](at) == key


@cache
def day_count(since: str, until: str, zone: str, times: tuple[tuple[str, str | None], ...]) -> int:
    """How many days of a range are in all of some time buckets."""
    return sum(
        all(matches(day, name, member) for name, member in times)
        for day in days_in(since, until, zone)
    )


def around(
    facts: Sequence[Fact], dimensions: Sequence[str], key: Key, range_: dict[str, str], zone: str
) -> Around:
    """What the row `key` of an answer about `facts` is held against."""
    times = tuple(
        (name, member)
        for name, member in zip(dimensions, key, strict=True)
        if name.startswith("time:")
    )
    whole = facts
    if len(times) < len(dimensions) and times:
        names = [(key_of(name, zone), member) for name, member in times]
        whole = [fact for fact in facts if all(name(fact) == member for name, member in names)]
    return Around(NOW, day_count(range_["from"], range_["to"], zone, times), whole)


def by_row(
    facts: Sequence[Fact], dimensions: Sequence[str], range_: dict[str, str], zone: str
) -> dict[Key, tuple[list[Fact], Around]]:
    return {
        key: (found, around(facts, dimensions, key, range_, zone))
        for key, found in grouped(facts, dimensions, zone).items()
    }


def seen_for(fact: Fact) -> int:
    """For how long a wait without a reply has been seen."""
    return int((NOW - fact["occurred_at"]) / timedelta(milliseconds=1) + 0.5)


def estimate(formula: Formula, facts: Sequence[Fact]) -> Any:
    """Kaplan and Meier's, instant by instant."""
    survival = formula.survival
    assert survival is not None
    waits = [fact for fact in facts if fact["kind"] == formula.n.parts[0].kind]
    ended = [fact["duration_ms"] for fact in waits if fact["duration_ms"] is not None]
    seen = [
        max(seen_for(fact), 0)
        for fact in waits
        if fact["duration_ms"] is None and fact["negative_ms"] is None
    ]
    share = Fraction(1)
    for when in sorted(set(ended)):
        if survival.threshold_ms is not None and when > survival.threshold_ms:
            break
        at_risk = sum(each >= when for each in (*ended, *seen))
        share *= Fraction(at_risk - ended.count(when), at_risk)
        if survival.threshold_ms is None and share <= Fraction(1, 2):
            return when / 1000
    if survival.threshold_ms is None or not (ended or seen):
        return None
    return pytest.approx(float(share), rel=1e-9)
