"""When a schedule asks, by the clock of a zone."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from csapi.kit.zones import at_clock, local_date
from csapi.reports.runs.schemas import ReportEvery, ReportSchedule

DAY = timedelta(days=1)


def is_due_on(schedule: ReportSchedule, day: date) -> bool:
    match schedule.every:
        case ReportEvery.day:
            return True
        case ReportEvery.week:
            return day.isoweekday() == (schedule.weekday or 1)
        case ReportEvery.month:
            return day.day == (schedule.day or 1)


def turns(
    schedule: ReportSchedule, timezone: str, instant: datetime, step: int
) -> Iterator[datetime]:
    """The instants of the schedule from the day of `instant` on; backwards if step is -1."""
    at = time.fromisoformat(schedule.at)
    # A day more on the near side: where a clock time is skipped, it is told by another day's.
    day = local_date(timezone, instant) - step * DAY
    while True:
        if is_due_on(schedule, day):
            yield at_clock(timezone, datetime.combine(day, at))
        day += step * DAY


def next_after(schedule: ReportSchedule, timezone: str, instant: datetime) -> datetime:
    """The first turn after an instant."""
    return next(turn for turn in turns(schedule, timezone, instant, 1) if turn > instant)


def last_until(schedule: ReportSchedule, timezone: str, instant: datetime) -> datetime:
    """The last turn at or before an instant."""
    return next(turn for turn in turns(schedule, timezone, instant, -1) if turn <= instant)
