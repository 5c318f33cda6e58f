"""A look of an alert: asks the engine for values by time, and the detector what they mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import msgspec

from csapi.metrics.effects import Scale
from csapi.metrics.metric import Direction, Metric, Unit
from csapi.metrics.periods import TimeGrain
from csapi.metrics.zones import clock, local_date
from csapi.reports.alerts.detector import (
    DAY_LIMIT,
    DRIFT_HISTORY,
    HOUR_LIMIT,
    WEEK,
    WEEKS_BEFORE,
    YEARS_BEFORE,
    Finding,
    History,
    NoFinding,
    Place,
    Seen,
    Side,
    anomaly,
    drift,
    nothing,
    threshold,
)
from csapi.reports.alerts.schemas import AlertFinding, AlertGrain, AlertKind, AlertRequest
from csapi.reports.alerts.timing import grain_of, start_of
from csapi.reports.goals.reading import metric_of
from csapi.reports.over_time import scale_of, since_first
from csapi.reports.radar.detector import SEASONS
from csapi.reports.schemas import MetricValue
from csapi.reports.service import Snapshot
from csapi.reports.windows import Bucket, Seeing, Window

DAY = timedelta(days=1)
HISTORY_DAYS = WEEK * WEEKS_BEFORE
GRAINS = {AlertGrain.hour: TimeGrain.hour, AlertGrain.day: TimeGrain.day}


def side_of(alert: AlertRequest, metric: Metric | None) -> Side:
    """The way that is told of: that which is worse, or both where none is."""
    if alert.bound is not None:
        return Side.down if alert.bound.above is None else Side.up
    if alert.side is not None:
        return alert.side
    direction = Direction.neutral if metric is None else metric.direction
    worse = {Direction.higher_is_better: Side.down, Direction.lower_is_better: Side.up}
    return worse.get(direction, Side.both)


@dataclass(frozen=True)
class Glance:
    """An alert at the end of a bucket, and the windows that tell what it finds."""

    alert: AlertRequest
    zone: str
    end: datetime

    @cached_property
    def start(self) -> datetime:
        """Of what is looked at: the bucket, of a threshold as many as its window has."""
        start = self.end
        for _ in range(self.alert.window or 1):
            start = start_of(grain_of(self.alert), self.zone, start)
        return start

    @cached_property
    def day(self) -> date:
        return local_date(self.zone, self.start)

    def window(
        self, start: date | datetime, end: date | datetime, by: TimeGrain | None = None
    ) -> Window:
        return Window(self.alert.metric, self.alert.filters, start, end, by)

    @property
    def value(self) -> Window:
        return self.window(self.start, self.end)

    def all(self) -> list[Window]:
        """What the kind of alert needs; of hours the weeks a year before apart."""
        grain, day = grain_of(self.alert), self.day
        if self.alert.kind is AlertKind.threshold:
            return [self.value]
        if self.alert.kind is AlertKind.drift:
            first = day - timedelta(weeks=DRIFT_HISTORY + YEARS_BEFORE[-1] - 1)
            return [self.window(first, day + timedelta(weeks=1), TimeGrain.week)]
        before = timedelta(days=HISTORY_DAYS)
        if grain is AlertGrain.day:
            first = day - before - timedelta(days=SEASONS[-1])
            return [self.window(first, day + DAY, TimeGrain.day)]
        year = self.window(
            day - before - timedelta(days=SEASONS[-1]),
            day - timedelta(days=SEASONS[0]) + DAY,
            TimeGrain.hour,
        )
        return [year, self.window(day - before, day + DAY, TimeGrain.hour)]


def seen_in(value: MetricValue | None) -> Seen | None:
    if value is None or value.value is None:
        return None
    return Seen(value.value, value.n)


def places(
    glance: Glance, buckets: Sequence[Bucket], *, by_hour: bool
) -> Iterator[tuple[Place, Seen]]:
    """What is over, from the first record on. Of an hour that the clocks go through twice the
    later one."""
    known = since_first(each.value for each in buckets)
    for each, value in zip(buckets, known, strict=True):
        seen = seen_in(value)
        if each.start is not None and each.start < glance.end and seen is not None:
            local = clock(glance.zone, each.start)
            yield (local.toordinal(), local.hour if by_hour else 0), seen


async def look(snapshot: Snapshot, alert: AlertRequest, end: datetime) -> tuple[AlertFinding, bool]:
    """What an alert finds at the end of a bucket, and whether that rests on everything that was
    accepted until then."""
    zone = snapshot.desk.timezone
    glance, seeing = Glance(alert, zone, end), Seeing(snapshot)
    windows = glance.all()
    await seeing.read(windows)
    metric = await metric_of(snapshot, alert.metric.id)
    buckets = [each for window in windows for each in seeing.of(window).buckets]
    column = seeing.of(windows[-1]).column
    if seeing.of(windows[-1]).problem is not None or column is None:
        found = nothing(NoFinding.cannot_be_asked)
    else:
        found = judged(glance, buckets, column.unit, side_of(alert, metric))
    told = AlertFinding(
        start=glance.start,
        end=end,
        is_out=found.is_out,
        value=found.value,
        n=found.n,
        expected=found.expected,
        expected_low=found.low,
        expected_high=found.high,
        score=found.score,
        is_seasonal=found.is_seasonal,
        reason=found.reason,
        query=msgspec.to_builtins(glance.value.query),
    )
    return told, seeing.meta.exact


def judged(glance: Glance, buckets: Sequence[Bucket], unit: Unit, side: Side) -> Finding:
    alert = glance.alert
    scale = scale_of(alert.metric, unit, (each.value.value for each in buckets))
    minimum_n = alert.minimum_n if scale is Scale.linear else 0
    if alert.kind is AlertKind.threshold:
        bound = alert.bound
        limit = None if bound is None else bound.below if bound.above is None else bound.above
        seen = seen_in(buckets[0].value) if buckets else None
        return threshold(seen, limit or 0.0, side, minimum_n)
    if alert.kind is AlertKind.drift:
        weeks = [seen_in(each) for each in since_first(each.value for each in buckets)]
        return drift(weeks, scale, side, minimum_n=minimum_n)
    by_hour = grain_of(alert) is AlertGrain.hour
    seen_at: Mapping[Place, Seen] = dict(places(glance, buckets, by_hour=by_hour))
    local = clock(glance.zone, glance.start)
    place = local.toordinal(), local.hour if by_hour else 0
    limit_of = HOUR_LIMIT if by_hour else DAY_LIMIT
    return anomaly(History(seen_at, scale), place, side, limit=limit_of, minimum_n=minimum_n)
