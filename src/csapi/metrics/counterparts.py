"""The range that a range is compared with, and which of its buckets is held against which. Pure."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from csapi.metrics.periods import EARLIEST, Period, PeriodError, RangePreset, TimeGrain
from csapi.metrics.question import TimeGroup
from csapi.metrics.zones import at_clock, clock, day_start, local_date, month_start

WEEK = timedelta(days=7)
MONTHLY = {
    RangePreset.this_month,
    RangePreset.last_month,
    RangePreset.this_year,
    RangePreset.last_year,
}
CLOCKED = {TimeGrain.quarter_hour, TimeGrain.hour}


class Alignment(StrEnum):
    """How time buckets find their counterpart: by their place in the range (hours by day and clock,
    where both ranges start at the same clock time), or by the local date a year before."""

    position = "position"
    local_date = "local_date"


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The other range."""

    period: Period
    alignment: Alignment = Alignment.position


def is_day_start(zone: str, instant: datetime) -> bool:
    return day_start(zone, local_date(zone, instant)) == instant


def moved(zone: str, instant: datetime, day: date) -> datetime:
    """The same clock time on another local day."""
    if is_day_start(zone, instant):
        return day_start(zone, day)
    return at_clock(zone, datetime.combine(day, clock(zone, instant).time()))


def checked(start: datetime, end: datetime, like: Period) -> Period:
    if start.year < EARLIEST:
        raise PeriodError("to", f"The compared range would start before the year {EARLIEST}.")
    return replace(like, start=start, end=end)


def previous_period(period: Period, preset: RangePreset | None) -> Counterpart:
    """What lies just before: of whole months as many months, unless a preset speaks of days; of
    whole local days as many days; else as much time."""
    zone = period.timezone
    first, last = local_date(zone, period.start), local_date(zone, period.end)
    whole_days = is_day_start(zone, period.start) and is_day_start(zone, period.end)
    if whole_days and first.day == last.day == 1 and (preset is None or preset in MONTHLY):
        months = 12 * (last.year - first.year) + last.month - first.month
        start = month_start(zone, first, -months)
    elif whole_days:
        start = day_start(zone, first, (first - last).days)
    else:
        start = period.start - (period.end - period.start)
    return Counterpart(checked(start, period.start, period))


def same_weekdays(period: Period) -> Counterpart:
    """As many whole weeks before as it takes not to overlap."""
    zone = period.timezone
    length = clock(zone, period.end) - clock(zone, period.start)
    weeks = max(1, -(-length // WEEK))
    bounds = [
        moved(zone, bound, local_date(zone, bound) - weeks * WEEK)
        for bound in (period.start, period.end)
    ]
    return Counterpart(checked(bounds[0], bounds[1], period))


def year_before(day: date) -> date | None:
    """The same date a year before; 29 February has none."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return None


def previous_year(period: Period) -> Counterpart:
    """The same local dates a year before. A bound on 29 February is 1 March there; of that day
    alone nothing would be left, so it is compared with 28 February."""
    zone, bounds = period.timezone, []
    for bound in (period.start, period.end):
        day = local_date(zone, bound)
        before = year_before(day)
        if before is None:
            bounds.append(day_start(zone, date(day.year - 1, 3, 1)))
        else:
            bounds.append(moved(zone, bound, before))
    if bounds[0] < bounds[1]:
        return Counterpart(checked(bounds[0], bounds[1], period), Alignment.local_date)
    ends_with_day = local_date(zone, period.end).day == 1
    last = date(local_date(zone, period.start).year - 1, 2, 28)
    end = bounds[1] if ends_with_day else moved(zone, period.end, last)
    return Counterpart(checked(moved(zone, period.start, last), end, period))


def same_clock(first: Period, second: Period) -> bool:
    """Whether both ranges start at the same clock time, or with a day."""
    shown = [
        None if is_day_start(each.timezone, each.start) else clock(each.timezone, each.start).time()
        for each in (first, second)
    ]
    return shown[0] == shown[1]


def pairs(
    asked: tuple[Period, TimeGroup], other: tuple[Period, TimeGroup], alignment: Alignment
) -> list[int | None]:
    """For each bucket of the other range, the number of the bucket that is held against it."""
    by_clock = same_clock(asked[0], other[0])
    places = {
        place: number
        for number, place in enumerate(_places(*asked, alignment, by_clock=by_clock, is_asked=True))
        if place is not None
    }
    others = _places(*other, alignment, by_clock=by_clock, is_asked=False)
    return [None if place is None else places.get(place) for place in others]


def _places(
    period: Period, group: TimeGroup, alignment: Alignment, *, by_clock: bool, is_asked: bool
) -> Sequence[Hashable]:
    """What the buckets of both sides share."""
    daily = group.grain is TimeGrain.day or (group.grain in CLOCKED and by_clock)
    if not daily:
        return range(len(group.buckets))
    zone, found, seen = period.timezone, list[Hashable](), dict[Hashable, int]()
    first = local_date(zone, period.start)
    for bucket in group.buckets:
        start = bucket.start or period.start
        shown = clock(zone, start)
        day: Hashable = (shown.date() - first).days
        if alignment is Alignment.local_date:
            day = year_before(shown.date()) if is_asked else shown.date()
        if day is None or group.grain is TimeGrain.day:
            found.append(day)
            continue
        # An hour that the clock shows twice has its second time, too.
        place = (day, shown.time())
        seen[place] = seen.get(place, 0) + 1
        found.append((*place, seen[place]))
    return found
