"""Local calendar days as instants, in any IANA zone. Python's zone data is the only authority."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

STEP = timedelta(hours=12)
MINUTE = timedelta(minutes=1)
ZERO = timedelta(0)


@cache
def known_zones() -> frozenset[str]:
    """The names that are taken. "localtime" and the like are the machine's business."""
    return frozenset(name for name in available_timezones() if name not in {"localtime", "Factory"})


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def offset(name: str, instant: datetime) -> timedelta:
    return instant.astimezone(zone(name)).utcoffset() or ZERO


def local_date(name: str, instant: datetime) -> date:
    return instant.astimezone(zone(name)).date()


def _change(name: str, low: datetime, high: datetime) -> datetime:
    """The first instant, to the minute, that has the offset of `high` and not that of `low`."""
    before = offset(name, low)
    while high - low > MINUTE:
        middle = low + ((high - low) // MINUTE // 2) * MINUTE
        if offset(name, middle) == before:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=8192)
def _changes_of_year(name: str, year: int) -> tuple[datetime, ...]:
    """When the offset of a zone changes in a UTC year."""
    instant, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    changes = []
    while instant < end:
        following = min(instant + STEP, end)
        if offset(name, instant) != offset(name, following):
            changes.append(_change(name, instant, following))
        instant = following
    return tuple(changes)


def changes(name: str, start: datetime, end: datetime) -> list[datetime]:
    """Instants in [start, end] at which the offset from UTC changes."""
    found = [
        change
        for year in range(start.year, end.year + 1)
        for change in _changes_of_year(name, year)
    ]
    return [change for change in found if start <= change <= end]


@lru_cache(maxsize=16384)
def _day_start(name: str, day: date) -> datetime:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone(name))
    start = midnight.astimezone(UTC)
    if start.astimezone(zone(name)).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return start
    # Midnight was skipped: the day starts where the clocks were put forward.
    found = changes(name, start - timedelta(days=1), start)
    return found[bisect_right(found, start) - 1] if found else start


def day_start(name: str, day: date, days: int = 0) -> datetime:
    """The first instant of the local day that lies `days` after `day`."""
    return _day_start(name, day + timedelta(days=days))


def month_start(name: str, day: date, months: int = 0) -> datetime:
    """The first instant of the local month that lies `months` after the month of `day`."""
    years, month = divmod(day.month - 1 + months, 12)
    return _day_start(name, date(day.year + years, month + 1, 1))


def clock(name: str, instant: datetime) -> datetime:
    """What a calendar and a clock on the wall show, without a zone."""
    return instant.astimezone(zone(name)).replace(tzinfo=None)


def at_clock(name: str, shown: datetime) -> datetime:
    """The first instant at which calendar and clock show this; a time that is skipped counts from
    before the change, as calendars do: half past two is half past three."""
    if shown.time() == time.min:
        return _day_start(name, shown.date())
    return shown.replace(tzinfo=zone(name), fold=0).astimezone(UTC)


def next_clock(name: str, at: time, after: datetime) -> datetime:
    """The first instant after this one at which the clock shows `at`."""
    today = local_date(name, after)
    found = at_clock(name, datetime.combine(today, at))
    tomorrow = today + timedelta(days=1)
    return found if found > after else at_clock(name, datetime.combine(tomorrow, at))
