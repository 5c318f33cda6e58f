"""Ranges and time buckets as instants, in any IANA zone. Everything is half-open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from csapi.metrics.zones import changes, day_start, known_zones, local_date, month_start, offset

QUARTER_HOUR = timedelta(minutes=15)
HOUR = timedelta(hours=1)
LONGEST_DAYS = 3_660
MOST_BUCKETS = 10_000
# From 1980 on, the offset of every zone is a multiple of 15 minutes.
EARLIEST, LATEST = 1980, 2200
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


class RangePreset(StrEnum):
    """Ranges in local days, today included where the name says so."""

    today = "today"
    yesterday = "yesterday"
    last_7_days = "last_7_days"
    last_30_days = "last_30_days"
    last_90_days = "last_90_days"
    last_365_days = "last_365_days"
    this_week = "this_week"
    last_week = "last_week"
    this_month = "this_month"
    last_month = "last_month"
    this_year = "this_year"
    last_year = "last_year"


class WeekStart(StrEnum):
    """The day that a week begins with."""

    monday = "monday"
    saturday = "saturday"
    sunday = "sunday"

    def of(self, day: date) -> date:
        """The first day of a day's week."""
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(self.title())) % 7)


# Presets that are about weeks.
WEEKLY = {RangePreset.this_week, RangePreset.last_week}


class TimeGrain(StrEnum):
    """What follows `time:` in a dimension."""

    quarter_hour = "15min"
    hour = "hour"
    day = "day"
    week = "week"
    month = "month"
    quarter = "quarter"
    year = "year"
    hour_of_day = "hour_of_day"
    day_of_week = "day_of_week"


CYCLES = {TimeGrain.hour_of_day: 24, TimeGrain.day_of_week: 7}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class PeriodError(ValueError):
    """What is wrong with a range, in words for the caller; `field` is the part of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class Period:
    """A half-open range of instants, and the zone whose days it is about, and how these make up
    weeks."""

    start: datetime
    end: datetime
    timezone: str
    week_start: WeekStart = WeekStart.monday


@dataclass(frozen=True, slots=True)
class Bucket:
    """A time bucket of an answer; a cycle such as an hour of the day has no instants."""

    key: str
    label: str
    start: datetime | None
    end: datetime | None


def check_timezone(name: str) -> str:
    if name not in known_zones():
        raise PeriodError("timezone", "Not an IANA time zone; name one such as Europe/Berlin.")
    return name


def read_bound(text: str, timezone: str, field: str) -> datetime:
    """A local date or an instant with an offset."""
    try:
        if DATE.match(text):
            return day_start(timezone, date.fromisoformat(text))
        instant = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise PeriodError(field, "Neither a date (2026-01-31) nor an RFC 3339 date-time.") from None
    if instant.tzinfo is None:
        raise PeriodError(field, "A date-time needs an offset; a date alone is a local day.")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise PeriodError(field, "The year is out of range.") from None


def explicit_period(
    start: str, end: str, timezone: str, week_start: WeekStart = WeekStart.monday
) -> Period:
    """The range from `start` until before `end`. Raises PeriodError."""
    first, last = read_bound(start, timezone, "from"), read_bound(end, timezone, "to")
    if not EARLIEST <= first.year <= LATEST or not EARLIEST <= last.year <= LATEST:
        raise PeriodError("from", f"The range lies outside the years {EARLIEST} to {LATEST}.")
    if last <= first:
        raise PeriodError("to", "`to` must be later than `from`: the range is half-open.")
    if last - first > timedelta(days=LONGEST_DAYS):
        raise PeriodError("to", f"At most {LONGEST_DAYS:,} days at once: ask for a shorter range.")
    return Period(first, last, timezone, week_start)


def preset_period(
    preset: RangePreset, timezone: str, now: datetime, week_start: WeekStart = WeekStart.monday
) -> Period:
    """A range in local days around `now`."""
    today = local_date(timezone, now)
    week = (week_start.of(today) - today).days
    days = {
        RangePreset.today: (0, 1),
        RangePreset.yesterday: (-1, 0),
        RangePreset.last_7_days: (-6, 1),
        RangePreset.last_30_days: (-29, 1),
        RangePreset.last_90_days: (-89, 1),
        RangePreset.last_365_days: (-364, 1),
        RangePreset.this_week: (week, week + 7),
        RangePreset.last_week: (week - 7, week),
    }
    if preset in days:
        first, last = (day_start(timezone, today, each) for each in days[preset])
        return Period(first, last, timezone, week_start)
    january = 1 - today.month
    months = {
        RangePreset.this_month: (0, 1),
        RangePreset.last_month: (-1, 0),
        RangePreset.this_year: (january, january + 12),
        RangePreset.last_year: (january - 12, january),
    }
    first, last = (month_start(timezone, today, each) for each in months[preset])
    return Period(first, last, timezone, week_start)


def edges(grain: TimeGrain, period: Period) -> list[datetime]:
    """The starts of the buckets that a period touches, and the end of the last one.

    The first and last are clipped to the period. Raises PeriodError past the limit.
    """
    return clipped(_starts(grain, period), period)


def clipped(starts: Sequence[datetime], period: Period) -> list[datetime]:
    return [max(starts[0], period.start), *starts[1:], period.end]


def _starts(grain: TimeGrain, period: Period) -> Sequence[datetime]:
    zone, found = period.timezone, list[datetime]()
    day = local_date(zone, period.start)
    if grain in (TimeGrain.quarter_hour, TimeGrain.hour):
        return _short_starts(QUARTER_HOUR if grain is TimeGrain.quarter_hour else HOUR, period)
    if grain is TimeGrain.week:
        day = period.week_start.of(day)
    if grain is TimeGrain.year:
        day = day.replace(month=1)
    if grain is TimeGrain.quarter:
        day = day.replace(month=day.month - (day.month - 1) % 3, day=1)
    steps = {TimeGrain.month: 1, TimeGrain.quarter: 3, TimeGrain.year: 12}
    number = 0
    while True:
        if grain in steps:
            start = month_start(zone, day, number * steps[grain])
        else:
            start = day_start(zone, day, number * (7 if grain is TimeGrain.week else 1))
        if start >= period.end:
            return found
        # A day that a zone skipped, at the date line, has no length.
        if found and start == found[-1]:
            found.pop()
        found.append(start)
        number += 1
        if number > MOST_BUCKETS:
            raise PeriodError("to", f"At most {MOST_BUCKETS:,} time buckets at once.")


def _short_starts(step: timedelta, period: Period) -> Sequence[datetime]:
    """Starts of local hours or quarters. Where the offset is no whole number of them, or changes,
    the local clock still decides."""
    if (period.end - period.start) / step > MOST_BUCKETS:
        raise PeriodError("to", f"At most {MOST_BUCKETS:,} time buckets at once: ask for less.")
    zone, found = period.timezone, []
    turns = [*changes(zone, period.start, period.end), period.end]
    instant = period.start
    for turn in turns:
        shift = offset(zone, instant) % step
        first = instant - (instant - datetime(1970, 1, 1, tzinfo=UTC) + shift) % step
        while first < turn:
            found.append(max(first, instant))
            first += step
        instant = turn
    return sorted(set(found))


def buckets(grain: TimeGrain, period: Period) -> list[Bucket]:
    """All buckets of a period in their order, with key and label."""
    if grain is TimeGrain.hour_of_day:
        return [Bucket(str(hour), f"{hour:02}:00", None, None) for hour in range(24)]
    if grain is TimeGrain.day_of_week:
        return [Bucket(str(n), name, None, None) for n, name in enumerate(WEEKDAYS, start=1)]
    starts = _starts(grain, period)
    bounds = clipped(starts, period)
    return [
        Bucket(key_of(grain, whole, period.timezone), label_of(grain, whole, period), *ends)
        for whole, ends in zip(starts, pairwise(bounds), strict=True)
    ]


def key_of(grain: TimeGrain, start: datetime, timezone: str) -> str:
    """The local date of a bucket's start; of hours and quarters the instant with its offset."""
    if grain in (TimeGrain.quarter_hour, TimeGrain.hour):
        return (start + offset(timezone, start)).strftime("%Y-%m-%dT%H:%M:%S") + utc_offset(
            offset(timezone, start)
        )
    return local_date(timezone, start).isoformat()


def utc_offset(gap: timedelta) -> str:
    minutes = int(gap.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def label_of(grain: TimeGrain, start: datetime, period: Period) -> str:
    """Weeks have the number that ISO 8601 gives them; others than those of Monday have none, and
    are called by their first day."""
    timezone = period.timezone
    day = local_date(timezone, start)
    if grain in (TimeGrain.quarter_hour, TimeGrain.hour):
        return (start + offset(timezone, start)).strftime("%Y-%m-%d %H:%M")
    if grain is TimeGrain.month:
        return day.strftime("%Y-%m")
    if grain is TimeGrain.quarter:
        return f"{day.year}-Q{(day.month + 2) // 3}"
    if grain is TimeGrain.year:
        return str(day.year)
    if grain is TimeGrain.week and period.week_start is WeekStart.monday:
        return f"{day.isocalendar().year}-W{day.isocalendar().week:02}"
    return day.isoformat()
