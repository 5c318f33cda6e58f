"""What can be asked of the radar, as query parameters, and the days that they stand for."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from csapi.metrics.periods import Period, RangePreset, WeekStart
from csapi.metrics.zones import day_start, local_date
from csapi.reports.drivers.params import TopicParams
from csapi.reports.radar.detector import history_days
from csapi.reports.ranges import period_of
from csapi.reports.refusals import refuse

LONGEST_WINDOW = 31
USUAL = RangePreset.last_7_days


class RadarParams(TopicParams, kw_only=True):
    """Which contacts, of which days, and how many findings of each list."""

    top: Annotated[int, Meta(ge=1, le=50, description="At most so many of each list")] = 20


@dataclass(frozen=True, slots=True)
class Window:
    """Local days, until before `end`."""

    start: date
    end: date
    timezone: str

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def history(self) -> date:
        """The first day that is looked at."""
        return self.start - timedelta(days=history_days(self.days))

    @property
    def period(self) -> Period:
        start, end = (day_start(self.timezone, each) for each in (self.start, self.end))
        return Period(start, end, self.timezone)


def window_of(
    wanted: RadarParams, timezone: str, now: datetime, week_start: WeekStart = WeekStart.monday
) -> Window:
    """The days asked for that have begun; the last seven where none are. Raises Problem."""
    if wanted.from_ is None and wanted.to is None and wanted.preset is None:
        wanted = replace(wanted, preset=USUAL)
    period = period_of(wanted, timezone, now, week_start)
    zone = period.timezone
    start, end = local_date(zone, period.start), local_date(zone, period.end)
    for name, day, instant in (("from", start, period.start), ("to", end, period.end)):
        if day_start(zone, day) != instant:
            refuse(f"/{name}", "invalid_value", "The radar looks at whole local days: give dates.")
    end = min(end, local_date(zone, now) + timedelta(days=1))
    if end <= start:
        refuse("/from", "invalid_value", "None of these days has begun.")
    if (end - start).days > LONGEST_WINDOW:
        message = f"At most {LONGEST_WINDOW} days at once: what is new is soon no longer so."
        refuse("/from", "invalid_value", message)
    return Window(start, end, zone)
