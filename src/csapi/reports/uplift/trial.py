"""Which weeks of which work tell what changed on a day. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from csapi.metrics.periods import Period
from csapi.metrics.zones import day_start
from csapi.reports.schemas import FilterNode, MetricRequest
from csapi.reports.windows import Window

WEEK, DAY = timedelta(days=7), timedelta(days=1)


@dataclass(frozen=True)
class Trial:
    """Weeks of a metric before and after something happened.

    inside: the work that it concerned; outside: what that is held against, None where it is held
    against its own past alone. before_until: the first local day that is no longer before;
    after_from: the first that lies after as a whole; after_until: the first on which it was over,
    None if it lasts. before, most_after: how many whole weeks.
    """

    metric: MetricRequest
    inside: FilterNode | None
    outside: FilterNode | None
    has_outside: bool
    before_until: date
    after_from: date
    after_until: date | None
    before_weeks: int
    most_after: int
    timezone: str
    today: date

    @cached_property
    def weeks_after(self) -> int:
        """As many as are over, and while it lasted."""
        until = self.today if self.after_until is None else min(self.today, self.after_until)
        over = max((until - self.after_from) // WEEK, 0)
        return min(over, self.most_after)

    @cached_property
    def sides(self) -> list[FilterNode | None]:
        return [self.inside, *([self.outside] if self.has_outside else [])]

    @cached_property
    def period(self) -> Period:
        """All of its weeks."""
        start = self.before_until - WEEK * self.before_weeks
        end = self.after_from + WEEK * max(self.weeks_after, 1)
        zone = self.timezone
        return Period(day_start(zone, start), day_start(zone, end), zone)

    def starts(self) -> list[tuple[date, bool]]:
        """The first day of each week, and whether it lies after."""
        before = [
            (self.before_until - WEEK * number, False) for number in range(self.before_weeks, 0, -1)
        ]
        return before + [(self.after_from + WEEK * n, True) for n in range(self.weeks_after)]

    def window(self, start: date, end: date, filters: FilterNode | None) -> Window:
        return Window(self.metric, filters, start, end)

    def weeks(self, filters: FilterNode | None) -> list[Window]:
        return [self.window(start, start + WEEK, filters) for start, _ in self.starts()]

    def before(self, filters: FilterNode | None) -> Window:
        start = self.before_until - WEEK * self.before_weeks
        return self.window(start, self.before_until, filters)

    def after(self, filters: FilterNode | None) -> Window | None:
        if not self.weeks_after:
            return None
        return self.window(self.after_from, self.after_from + WEEK * self.weeks_after, filters)

    def all(self) -> list[Window]:
        found: list[Window | None] = []
        for filters in self.sides:
            found += [self.before(filters), self.after(filters), *self.weeks(filters)]
        return [each for each in found if each is not None]
