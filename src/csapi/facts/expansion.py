"""From a schedule to the instants at which it is open. Pure.

Open is every instant whose local clock lies in the hours of its local day: where the clocks go
back, an hour on the wall comes twice and is open twice; where they go forward it never comes.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from csapi.facts.calendars import public_holidays
from csapi.facts.schedule import ExtraDate, Schedule, ScheduleVersion, hours_of, in_order, minute_of
from csapi.kit.zones import changes, day_start, offset

# Nothing is expanded before; waits that reach further back have no business time.
FIRST_DAY = date(2015, 1, 1)
YEARS_AHEAD = 3
EPOCH_DAY = date(1970, 1, 1).toordinal()
DAY_SECONDS = 86_400

# Seconds since 1970, half-open.
Span = tuple[int, int]
# Minutes since local midnight, half-open.
Hours = tuple[tuple[int, int], ...]


def horizon(now: datetime) -> datetime:
    """How far schedules are expanded: to the end of a year, three years or more ahead."""
    return datetime(now.year + YEARS_AHEAD + 1, 1, 1, tzinfo=UTC)


class Days:
    """The hours of every local day of one version."""

    def __init__(self, version: ScheduleVersion, first: date, last: date) -> None:
        self._weekly = weekly_hours(version)
        self._extra = {extra.date: extra for extra in version.extra_dates}
        self._closed: frozenset[date] = frozenset()
        if version.holidays is not None:
            wanted = version.holidays
            self._closed = public_holidays(
                wanted.country, wanted.subdivision, first.year, last.year
            )

    def hours(self, day: date) -> Hours:
        usual = self._weekly[day.weekday()]
        extra = self._extra.get(day)
        if extra is not None:
            return shortened(usual, extra)
        return () if day in self._closed else usual


def special_days(schedule: Schedule, first: date, last: date) -> dict[date, bool]:
    """The days from `first` until before `last` whose hours are not those of their weekday, and
    whether they are closed."""
    found = {}
    for begins, after, version in version_days(schedule):
        start, end = max(begins, first), min(after, last)
        if start >= end:
            continue
        days, weekly = Days(version, start, end), weekly_hours(version)
        for number in range(start.toordinal(), end.toordinal()):
            day = date.fromordinal(number)
            if (hours := days.hours(day)) != weekly[day.weekday()]:
                found[day] = not hours
    return found


def weekly_hours(version: ScheduleVersion) -> tuple[Hours, ...]:
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for weekday, start, end in hours_of(version):
        days[weekday].append((start, end))
    return tuple(tuple(sorted(hours)) for hours in days)


def shortened(hours: Hours, extra: ExtraDate) -> Hours:
    if extra.from_ is None and extra.to is None:
        return ()
    start, end = minute_of(extra.from_ or "00:00"), minute_of(extra.to or "24:00")
    kept = ((max(one, start), min(other, end)) for one, other in hours)
    return tuple((one, other) for one, other in kept if one < other)


def version_days(schedule: Schedule) -> list[tuple[date, date, ScheduleVersion]]:
    """The versions in order, each with its first local day and the one after its last."""
    ordered = in_order(schedule.versions)
    starts = [version.valid_from or date.min for version in ordered]
    ends = [*starts[1:], date.max]
    return [
        (start, min(end, version.valid_to or date.max), version)
        for start, end, version in zip(starts, ends, ordered, strict=True)
    ]


def in_force(schedule: Schedule, until: datetime) -> list[tuple[datetime, datetime]]:
    """When the schedule is in force, as far as it is expanded: versions on end are one period."""
    last_day = until.date()
    periods: list[tuple[datetime, datetime]] = []
    for first, after, _ in version_days(schedule):
        if first >= last_day or after <= FIRST_DAY:
            continue
        start = day_start(schedule.timezone, max(first, FIRST_DAY))
        end = until if after >= last_day else day_start(schedule.timezone, after)
        if periods and periods[-1][1] == start:
            periods[-1] = (periods[-1][0], end)
        elif start < end:
            periods.append((start, end))
    return periods


def segments(timezone: str, start: datetime, end: datetime) -> Iterator[tuple[int, int, int]]:
    """Stretches of one offset from UTC: start, end and offset, in seconds."""
    turns = [start, *(turn for turn in changes(timezone, start, end) if start < turn < end), end]
    for one, other in pairwise(turns):
        shift = int(offset(timezone, one).total_seconds())
        yield int(one.timestamp()), int(other.timestamp()), shift


def open_spans(schedule: Schedule, start: datetime, end: datetime) -> list[Span]:
    """When the schedule is open within [start, end), in order and apart from each other."""
    margin = timedelta(days=2)
    first, last = (start - margin).date(), (end + margin).date()
    versions = [
        (begins.toordinal(), after.toordinal(), Days(version, first, last))
        for begins, after, version in version_days(schedule)
    ]
    begins_at = [begins for begins, _, _ in versions]
    spans: list[Span] = []
    for low, high, shift in segments(schedule.timezone, start, end):
        first_day = (low + shift) // DAY_SECONDS
        last_day = (high - 1 + shift) // DAY_SECONDS
        for number in range(first_day, last_day + 1):
            day = number + EPOCH_DAY
            place = bisect_right(begins_at, day) - 1
            if place < 0 or day >= versions[place][1]:
                continue
            midnight = number * DAY_SECONDS - shift
            for opens, closes in versions[place][2].hours(date.fromordinal(day)):
                add(spans, max(midnight + opens * 60, low), min(midnight + closes * 60, high))
    return spans


def add(spans: list[Span], start: int, end: int) -> None:
    if start >= end:
        return
    if spans and spans[-1][1] == start:
        spans[-1] = (spans[-1][0], end)
    else:
        spans.append((start, end))
