"""The questions behind staffing, all to the engine, all on one snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from csapi.kit.problems import Problem
from csapi.kit.turns import aside
from csapi.metrics.metric import Unit
from csapi.metrics.periods import (
    Period,
    PeriodError,
    check_timezone,
    explicit_period,
    preset_period,
)
from csapi.metrics.zones import clock
from csapi.reports.comparison import NullReason
from csapi.reports.layouts import DimensionValue, Series
from csapi.reports.ordering import Shape
from csapi.reports.refusals import moved, refuse
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    MetricRequest,
    MetricValue,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Desk, Snapshot, read_answer, resolved, week_start_of
from csapi.reports.staffing.schemas import (
    LONGEST_HISTORY_DAYS,
    StaffingInterval,
    StaffingMeta,
)

HIDDEN = (
    "Some numbers are about fewer customers than are shown: ask about longer intervals or more "
    "work, or use a key with admin:write."
)


@dataclass(frozen=True, slots=True)
class Bucket:
    """An interval of a range: its instants, and where it lies in the local week."""

    start: datetime
    end: datetime
    weekday: int
    slot: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Column:
    """One metric over buckets, with sample sizes."""

    values: Sequence[float | None]
    n: Sequence[int]

    def sum(self, places: Sequence[int]) -> tuple[float, int]:
        """Of a mean the sum of what it is the mean of; of buckets and their n."""
        counted = [(self.values[each] or 0.0, self.n[each]) for each in places]
        return sum(value * n for value, n in counted), sum(n for _, n in counted)


@dataclass(slots=True)
class Asker:
    """Asks about one period in a snapshot, and keeps what answers say of themselves."""

    snapshot: Snapshot
    period: Period
    metas: list[QueryMeta] = field(default_factory=list)

    async def ask(
        self,
        metrics: Sequence[MetricRequest],
        filters: FilterNode | None,
        dimensions: Sequence[str] = (),
        shape: Shape = Shape.rows,
        period: Period | None = None,
    ) -> QueryAnswer:
        query = Query(
            metrics=list(metrics),
            time=time_of(period or self.period),
            dimensions=list(dimensions),
            filters=filters,
            shape=shape,
        )
        found = await read_answer(self.snapshot, query, await resolved(self.snapshot, query))
        self.metas.append(found.meta)
        return found

    async def whole(
        self, metrics: Sequence[MetricRequest], filters: FilterNode | None
    ) -> Mapping[str, MetricValue]:
        found = (await self.ask(metrics, filters)).data[0].metrics
        # What the model makes of a number would tell it.
        if any(each.null_reason is NullReason.suppressed for each in found.values()):
            refuse("/interval", "not_supported", HIDDEN)
        return found

    async def over_time(
        self,
        metrics: Sequence[MetricRequest],
        filters: FilterNode | None,
        interval: StaffingInterval,
        period: Period | None = None,
    ) -> tuple[list[Bucket], dict[str, Column]]:
        """Each metric by interval, those alone that are over."""
        found = await self.ask(metrics, filters, [interval.dimension], Shape.series, period)
        now, zone = self.snapshot.desk.now, self.period.timezone
        buckets = await aside(buckets_of, found.categories or (), zone, interval, now)
        return buckets, columns_of(found.series or (), len(buckets))

    def meta(self) -> StaffingMeta:
        through = [each.data_through for each in self.metas if each.data_through is not None]
        columns = [column for each in self.metas for column in each.columns.values()]
        warnings = dict.fromkeys(text for each in self.metas for text in each.warnings)
        return StaffingMeta(
            start=self.period.start,
            end=self.period.end,
            timezone=self.period.timezone,
            definitions={
                name: each for meta in self.metas for name, each in meta.definitions.items()
            },
            currency=next((each.currency for each in columns if each.currency is not None), None),
            exact=all(each.exact for each in self.metas),
            pending_buckets=max(each.pending_buckets for each in self.metas),
            pending_subjects=max(each.pending_subjects for each in self.metas),
            data_through=max(through, default=None),
            warnings=list(warnings),
        )


def buckets_of(
    categories: Sequence[DimensionValue], timezone: str, interval: StaffingInterval, now: datetime
) -> list[Bucket]:
    """Those that are over."""
    found = []
    for each in categories:
        if each.start is None or each.end is None or each.end > now:
            break
        shown = clock(timezone, each.start)
        slot = timedelta(hours=shown.hour, minutes=shown.minute) // interval.length
        found.append(Bucket(each.start, each.end, shown.weekday(), slot))
    return found


def columns_of(series: Sequence[Series], size: int) -> dict[str, Column]:
    """By metric. Raises Problem where a count is hidden: it is null for no other reason."""
    found = {}
    for each in series:
        values, n = each.values[:size], each.n[:size]
        if each.unit is Unit.COUNT and None in values:
            refuse("/interval", "not_supported", HIDDEN)
        found[each.metric] = Column(values, n)
    return found


def time_of(period: Period) -> QueryTime:
    start, end = (each.isoformat() for each in (period.start, period.end))
    return QueryTime(range=TimeRange(from_=start, to=end), timezone=period.timezone)


def work_filter(channel: str, filters: FilterNode | None) -> FilterNode:
    """The contacts of a channel that pass the filters, which stand second."""
    own = FilterNode(dimension="channel", op=FilterOp.is_in, values=[channel])
    return FilterNode(and_=[own, *([] if filters is None else [filters])])


@contextmanager
def told_at(filters: str) -> Iterator[None]:
    """Problems of a question as those of what the request calls its filters."""
    own = "/filters/and/1"
    try:
        yield
    except Problem as problem:
        raise moved(
            problem,
            lambda place: filters + place.removeprefix(own) if place.startswith(own) else place,
        ) from None


async def history_of(desk: Desk, time: QueryTime) -> Period:
    """The range of a history. Raises Problem."""
    zone, wanted, place, now = time.timezone or desk.timezone, time.range, "/time", desk.now
    week_start = time.week_starts_on or await week_start_of(desk, wanted.preset)
    try:
        check_timezone(zone)
        if wanted.preset is not None and wanted.from_ is None and wanted.to is None:
            period = preset_period(wanted.preset, zone, now, week_start)
        else:
            period = explicit_period(wanted.from_ or "", wanted.to or "", zone, week_start)
    except PeriodError as error:
        field_ = error.field if error.field == "timezone" else f"range/{error.field}"
        refuse(f"{place}/{field_}", "invalid_value", error.message)
    if wanted.preset is not None and (wanted.from_ is not None or wanted.to is not None):
        refuse(f"{place}/range", "invalid_value", "Give either `from` and `to` or a preset.")
    if period.end - period.start > timedelta(days=LONGEST_HISTORY_DAYS, hours=1):
        message = f"At most {LONGEST_HISTORY_DAYS} days at once: what was long ago says little."
        bound = "to" if wanted.preset is None else "preset"
        refuse(f"{place}/range/{bound}", "out_of_range", message)
    if period.start >= now:
        refuse(f"{place}/range", "invalid_value", "None of this range is over.")
    return period
