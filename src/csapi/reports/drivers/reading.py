"""The questions behind drivers, all to the engine, all on one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from csapi.kit.problems import Problem
from csapi.metrics.periods import Period, WeekStart
from csapi.metrics.sampling import NoInterval
from csapi.metrics.zones import local_date
from csapi.reports.comparison import NullReason
from csapi.reports.drivers.params import DriverParams, TopicParams
from csapi.reports.drivers.trends import MONTHS, WEEKS, YEAR, begun
from csapi.reports.layouts import DimensionValue, Precision
from csapi.reports.ordering import Shape
from csapi.reports.schemas import (
    LARGEST_PAGE,
    CompareRequest,
    MetricRequest,
    MetricValue,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Snapshot, read_answer, resolved
from csapi.reports.shape import NO_EXCLUDED
from csapi.reports.work_params import PREVIOUS, query_of

CONTACTS = MetricRequest(id="contacts")
# Counted from facts, each customer once; asked on its own, so that the rest comes from summaries.
CUSTOMERS = MetricRequest(id="customers_with_new_conversations", as_="customers")
# What a topic has besides.
AMOUNTS = (
    MetricRequest(id="csat_bottom_2_box", as_="dissatisfied"),
    MetricRequest(id="average_handle_time", as_="handling", agg="sum"),
    MetricRequest(id="staff_cost"),
)
ONE_TOUCH = MetricRequest(id="one_touch_rate", as_="one_touch")
DEPARTMENT = "topic.department"
QUOTIENTS = {"dissatisfied", "one_touch"}
Cells = Mapping[str, MetricValue]


@dataclass(frozen=True, slots=True)
class Drivers:
    """What was read of all topics. departments: of each topic, those with most contacts first."""

    period: Period
    meta: QueryMeta
    currency: str | None
    rows: Mapping[str | None, Cells]
    totals: Cells
    departments: Mapping[str, Sequence[DimensionValue]]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """Contacts of topics over whole weeks or months, from where anything was recorded. starts: the
    first day of each. None: something of it is hidden."""

    starts: Sequence[str]
    values: Mapping[str, Sequence[float] | None]


def asked_of(
    wanted: TopicParams,
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
    return whole(await read_answer(snapshot, query, await resolved(snapshot, query)))


def whole(answer: QueryAnswer) -> QueryAnswer:
    if answer.page.next_cursor is not None:
        raise Problem("range_too_long", f"There are more than {LARGEST_PAGE:,} topics: filter.")
    return answer


def nothing(name: str) -> MetricValue:
    """The value of a metric where nothing happened."""
    is_count = name not in QUOTIENTS
    return MetricValue(
        value=0 if is_count else None,
        n=0,
        numerator=0,
        denominator=None if is_count else 0,
        null_reason=None if is_count else NullReason.no_observations,
        precision=Precision.exact,
        relative_error=None,
        excluded=NO_EXCLUDED,
        ci95=None,
        ci95_reason=NoInterval.no_observations,
    )


def joined(name: str, *answers: QueryAnswer) -> Mapping[str | None, Cells]:
    """The rows of several answers as one, by their keys."""
    nowhere = {each: nothing(each) for answer in answers for each in answer.meta.columns}
    # What is not told of any topic is not told of those without a row either.
    for answer in answers:
        for row in answer.data[:1]:
            nowhere |= {
                name: cell
                for name, cell in row.metrics.items()
                if cell.null_reason is NullReason.definition_changing
            }
    found: dict[str | None, dict[str, MetricValue]] = {}
    for answer in answers:
        for row in answer.data:
            found.setdefault(row.dimensions[name].key, {**nowhere}).update(row.metrics)
    return found


async def read_drivers(
    snapshot: Snapshot, wanted: DriverParams, amounts: Sequence[MetricRequest]
) -> Drivers:
    """Contacts with the range before, and what else each topic has. Only contacts are tested: with
    everything compared, a few hundred topics would be too many."""
    name = wanted.dimension
    query = asked_of(wanted, [CONTACTS], [name], PREVIOUS)
    asked = await resolved(snapshot, query)
    contacts = whole(await read_answer(snapshot, query, asked))
    people = await answered(snapshot, asked_of(wanted, [CUSTOMERS], [name]))
    others = await answered(snapshot, asked_of(wanted, amounts, [name]))
    responsible = await answered(snapshot, asked_of(wanted, [CONTACTS], [name, DEPARTMENT]))
    others.meta.exact = others.meta.exact and contacts.meta.exact
    answers = (contacts, people, others)
    members = [row.dimensions[name] for each in answers for row in each.data]
    return Drivers(
        period=asked.question.period,
        meta=others.meta,
        currency=others.meta.columns["staff_cost"].currency,
        rows=joined(name, *answers),
        totals={key: cell for each in answers for key, cell in (each.totals or {}).items()},
        departments=departments_of(responsible, name),
        labels={each.key: each.label for each in members if each.key is not None},
    )


def departments_of(responsible: QueryAnswer, name: str) -> dict[str, list[DimensionValue]]:
    """Of each topic the departments that are responsible for it, those with most contacts first."""
    departments: dict[str, list[DimensionValue]] = {}
    for row in sorted(responsible.data, key=lambda row: -row.metrics[CONTACTS.id].n):
        key, department = row.dimensions[name].key, row.dimensions[DEPARTMENT]
        if key is not None and department.key is not None:
            departments.setdefault(key, []).append(department)
    return departments


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
        time = QueryTime(range=range_, timezone=timezone, week_starts_on=WeekStart.monday)
        return replace(query, time=time, shape=Shape.series, include=[])

    everything = await answered(snapshot, over_time([grain], ()))
    by_topic = await answered(snapshot, over_time([grain, wanted.dimension], topics))
    found = {each.dimensions[wanted.dimension].key: each.values for each in by_topic.series or ()}
    starts = [each.key or "" for each in everything.categories or ()]
    counted = [each or 0 for series in everything.series or () for each in series.values]
    values: dict[str, Sequence[float] | None] = {}
    for topic in topics:
        known = [each for each in found.get(topic, [0.0] * len(starts)) if each is not None]
        values[topic] = begun([known], counted)[0] if len(known) == len(starts) else None
    (shown,) = begun([list(range(len(starts)))], counted)
    return History([starts[int(place)] for place in shown], values)
