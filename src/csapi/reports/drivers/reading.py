"""The questions behind drivers, all to the engine, all on one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from csapi.kit.problems import Problem
from csapi.metrics.periods import Period
from csapi.metrics.zones import local_date
from csapi.reports.comparison import CompareTo
from csapi.reports.drivers.params import DriverParams
from csapi.reports.drivers.trends import MONTHS, WEEKS, YEAR, begun
from csapi.reports.layouts import DimensionValue
from csapi.reports.ordering import Shape
from csapi.reports.schemas import (
    LARGEST_PAGE,
    CompareRequest,
    MetricRequest,
    MetricValue,
    Query,
    QueryAnswer,
    QueryTime,
    ResultRow,
    TimeRange,
)
from csapi.reports.service import Snapshot, read_answer, resolved
from csapi.reports.work_params import query_of

CONTACTS = MetricRequest(id="contacts")
AMOUNTS = (
    CONTACTS,
    MetricRequest(id="customers_with_new_conversations", as_="customers"),
    MetricRequest(id="csat_bottom_2_box", as_="dissatisfied"),
    MetricRequest(id="average_handle_time", as_="handling", agg="sum"),
    MetricRequest(id="staff_cost"),
)
ONE_TOUCH = MetricRequest(id="one_touch_rate", as_="one_touch")
PREVIOUS = CompareRequest(to=CompareTo.previous_period)
DEPARTMENT = "topic.department"
Keyed = Mapping[str | None, ResultRow]


@dataclass(frozen=True, slots=True)
class Drivers:
    """What was read of all topics. departments: of each topic, those with most contacts first."""

    period: Period
    answer: QueryAnswer
    rows: Keyed
    totals: Mapping[str, MetricValue]
    departments: Mapping[str, Sequence[DimensionValue]]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """Contacts of topics over whole weeks or months, from where anything was recorded. starts: the
    first day of each. None: something of it is hidden."""

    starts: Sequence[str]
    values: Mapping[str, Sequence[float] | None]


def asked_of(
    wanted: DriverParams,
    metrics: Sequence[MetricRequest],
    dimensions: Sequence[str],
    compare: CompareRequest | None = None,
    topics: Sequence[str] = (),
) -> Query:
    only = {"segment": wanted.segment, wanted.dimension: topics}
    query = query_of(wanted, metrics, dimensions, compare, only)
    return replace(query, limit=LARGEST_PAGE)


async def answered(snapshot: Snapshot, query: Query) -> QueryAnswer:
    """The whole answer. Raises Problem where it has more rows than a page."""
    answer = await read_answer(snapshot, query, await resolved(snapshot, query))
    if answer.page.next_cursor is not None:
        raise Problem("range_too_long", f"There are more than {LARGEST_PAGE:,} topics: filter.")
    return answer


async def read_drivers(
    snapshot: Snapshot, wanted: DriverParams, metrics: Sequence[MetricRequest]
) -> Drivers:
    name = wanted.dimension
    query = asked_of(wanted, metrics, [name], PREVIOUS)
    asked = await resolved(snapshot, query)
    answer = await read_answer(snapshot, query, asked)
    if answer.page.next_cursor is not None:
        raise Problem("range_too_long", f"There are more than {LARGEST_PAGE:,} topics: filter.")
    responsible = await answered(snapshot, asked_of(wanted, [CONTACTS], [name, DEPARTMENT]))
    departments: dict[str, list[DimensionValue]] = {}
    for row in sorted(responsible.data, key=lambda row: -row.metrics["contacts"].n):
        key, department = row.dimensions[name].key, row.dimensions[DEPARTMENT]
        if key is not None and department.key is not None:
            departments.setdefault(key, []).append(department)
    return Drivers(
        period=asked.question.period,
        answer=answer,
        rows={row.dimensions[name].key: row for row in answer.data},
        totals=answer.totals or {},
        departments=departments,
        labels={
            key: row.dimensions[name].label
            for row in answer.data
            if (key := row.dimensions[name].key) is not None
        },
    )


def whole_weeks(period: Period, now: datetime) -> tuple[date, date]:
    """The weeks that are over by the end of the period, Mondays to Mondays."""
    last = local_date(period.timezone, min(period.end, now))
    monday = last - timedelta(days=last.weekday())
    return monday - timedelta(weeks=WEEKS), monday


def whole_months(period: Period, now: datetime) -> tuple[date, date]:
    first = local_date(period.timezone, min(period.end, now)).replace(day=1)
    return first.replace(year=first.year - MONTHS // YEAR), first


async def read_history(
    snapshot: Snapshot,
    wanted: DriverParams,
    timezone: str,
    grain: str,
    span: tuple[date, date],
    topics: Sequence[str],
) -> History:
    """How often each topic came, bucket by bucket."""

    def over_time(dimensions: Sequence[str], chosen: Sequence[str]) -> Query:
        query = asked_of(wanted, [CONTACTS], dimensions, None, chosen)
        range_ = TimeRange(from_=span[0].isoformat(), to=span[1].isoformat())
        time = QueryTime(range=range_, timezone=timezone)
        return replace(query, time=time, shape=Shape.series, include=[])

    whole = await answered(snapshot, over_time([grain], ()))
    by_topic = await answered(snapshot, over_time([grain, wanted.dimension], topics))
    found = {each.dimensions[wanted.dimension].key: each.values for each in by_topic.series or ()}
    starts = [each.key or "" for each in whole.categories or ()]
    counted = [each or 0 for series in whole.series or () for each in series.values]
    values: dict[str, Sequence[float] | None] = {}
    for topic in topics:
        known = [each for each in found.get(topic, [0.0] * len(starts)) if each is not None]
        values[topic] = begun([known], counted)[0] if len(known) == len(starts) else None
    (shown,) = begun([list(range(len(starts)))], counted)
    return History([starts[int(place)] for place in shown], values)
