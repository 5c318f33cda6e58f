"""What differences mean: intervals, tests corrected for their number, verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction

from msgspec import UNSET

from csapi.metrics.arithmetic import evaluate
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.formulas import Direction
from csapi.metrics.question import Asked, Places, Question, TimeGroup
from csapi.metrics.sampling import (
    MINIMUM_N,
    Difference,
    NoInterval,
    Sample,
    SampleKind,
    difference,
    interval,
)
from csapi.metrics.statistics import LEVEL, Interval, holm
from csapi.metrics.stocks import empty_parts
from csapi.reports.comparing import Beside
from csapi.reports.comparison import (
    Comparison,
    Correction,
    NullReason,
    RowPresence,
    StatisticsInfo,
    Verdict,
    VerdictReason,
)
from csapi.reports.fillings import Group
from csapi.reports.layouts import Precision
from csapi.reports.ranking import Keys, Rows
from csapi.reports.resolve_compare import SAME_RANGE
from csapi.reports.schemas import MetricValue, ResultRow
from csapi.reports.shape import NO_EXCLUDED, dimension_value, metric_value, operands_of, total

SIGNIFICANT = 1 - LEVEL
HOUR, SHORT_DAY = timedelta(hours=1), timedelta(hours=23)
COUNTED = {SampleKind.COUNT, SampleKind.TOTAL}
Span = tuple[datetime, datetime]


def sample_of(places: Places, group: Group) -> Sample:
    parts = group.parts
    return Sample(
        numerator=total(places.numerator, parts),
        denominator=None if places.denominator is None else total(places.denominator, parts),
        n=total(places.n, parts),
        squares=None if places.squares is None else total(places.squares, parts),
    )


def number(exact: Fraction) -> int | float:
    """A fraction as JSON has it: rounded once."""
    return exact.numerator if exact.denominator == 1 else float(exact)


def exact_value(asked: Asked, places: Places, group: Group, shown: float | None) -> Fraction | None:
    """What is shown, before it was rounded; of percentiles and the like what is shown."""
    formula = asked.formula
    if shown is None:
        return None
    if isinstance(formula, ComposedFormula):
        return evaluate(formula.root, operands_of(formula, places, group)).value
    if asked.percentile is not None or asked.extreme is not None or formula.survival is not None:
        return Fraction(str(shown))
    sample = sample_of(places, group)
    if asked.agg == "count":
        return Fraction(shown)
    above = Fraction(sample.numerator, formula.numerator_scale)
    if sample.denominator is None or asked.agg == "sum":
        return above
    return above / Fraction(sample.denominator, formula.denominator_scale)


def span_of(question: Question, keys: Keys) -> Span:
    """The time that a group is about."""
    start, end = question.period.start, question.period.end
    for group, key in zip(question.groups, keys, strict=False):
        if isinstance(group, TimeGroup) and not group.is_cycle:
            bucket = group.buckets[key or 0]
            start, end = max(start, bucket.start or start), min(end, bucket.end or end)
    return start, end


def are_alike(first: Span, second: Span) -> bool:
    """Whether two times are of the same length; a change of the clocks makes no difference."""
    lengths = [first[1] - first[0], second[1] - second[0]]
    slack = HOUR if min(lengths) >= SHORT_DAY else timedelta(0)
    return abs(lengths[0] - lengths[1]) <= slack


@dataclass(frozen=True, slots=True)
class Assessment:
    """One difference, before it is known how many there are. reason: why it is not tested."""

    delta: Fraction | None
    relative: Fraction | None
    difference: Difference | None
    reason: VerdictReason | None


NOTHING = Assessment(None, None, None, VerdictReason.no_value)


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares groups of a question with those of the other side."""

    question: Question
    beside: Beside
    now: datetime

    def pair(self, asked: Asked, places: Places, own: Group, other: Group) -> Assessment:
        values = [
            exact_value(asked, places, group, metric_value(asked, places, group).value)
            for group in (own, other)
        ]
        if values[0] is None or values[1] is None or asked.sampling is None:
            return NOTHING
        delta = values[0] - values[1]
        relative = delta / abs(values[1]) if values[1] else None
        samples = sample_of(places, own), sample_of(places, other)
        found = difference(asked.sampling, asked.formula, *samples, asked.agg)
        if isinstance(found, NoInterval):
            return Assessment(delta, relative, None, VerdictReason.no_test)
        return Assessment(delta, relative, found, self.hindrance(asked, found, own, other))

    def hindrance(
        self, asked: Asked, found: Difference, own: Group, other: Group
    ) -> VerdictReason | None:
        """Why a difference says nothing, whatever its size."""
        spans = (
            span_of(self.question, own.keys),
            span_of(self.beside.target.question, other.keys),
        )
        is_count = asked.sampling is not None and asked.sampling.kind in COUNTED
        if is_count and (self.beside.target.to in SAME_RANGE or not are_alike(*spans)):
            return VerdictReason.not_comparable
        matures = timedelta(milliseconds=asked.formula.matures_ms or 0)
        can_change = is_count or asked.formula.matures_ms is not None
        if can_change and max(spans[0][1], spans[1][1]) > self.now - matures:
            return VerdictReason.not_final
        return VerdictReason.too_few if found.observed < MINIMUM_N else None


def verdict_of(
    direction: Direction, assessed: Assessment, adjusted: float | None
) -> tuple[Verdict | None, VerdictReason | None]:
    if assessed.delta is None:
        return None, VerdictReason.no_value
    if direction is Direction.neutral:
        return None, VerdictReason.neutral
    if assessed.delta == 0:
        return Verdict.unchanged, None
    if adjusted is None:
        return Verdict.unclear, assessed.reason
    if adjusted >= SIGNIFICANT:
        return Verdict.unclear, VerdictReason.not_significant
    is_up = assessed.delta > 0
    is_good = is_up == (direction is Direction.higher_is_better)
    return (Verdict.improved if is_good else Verdict.worsened), None


def corrected(assessed: Sequence[Assessment]) -> list[float | None]:
    """The p-values of the differences that are tested, corrected for their number."""
    tested = [n for n, each in enumerate(assessed) if each.difference and each.reason is None]
    p_values = [each.difference.p_value for each in assessed if each.difference and not each.reason]
    found: list[float | None] = [None] * len(assessed)
    for place, adjusted in zip(tested, holm(p_values), strict=True):
        found[place] = adjusted
    return found


def comparison(
    asked: Asked, other: MetricValue, assessed: Assessment, adjusted: float | None
) -> Comparison:
    delta, found = assessed.delta, assessed.difference
    verdict, reason = verdict_of(asked.metric.direction, assessed, adjusted)
    return Comparison(
        value=other.value,
        n=other.n,
        numerator=other.numerator,
        denominator=other.denominator,
        null_reason=other.null_reason,
        precision=other.precision,
        relative_error=other.relative_error,
        excluded=other.excluded,
        delta=None if delta is None else number(delta),
        relative_change=None if assessed.relative is None else float(assessed.relative),
        delta_ci95=None if found is None else list(found.interval),
        p_value=None if found is None or adjusted is None else found.p_value,
        p_adjusted=adjusted,
        significant=None if adjusted is None else adjusted < SIGNIFICANT,
        verdict=verdict,
        verdict_reason=reason,
        ci95=other.ci95,
        ci95_reason=other.ci95_reason,
    )


def no_counterpart(asked: Asked, *, with_intervals: bool) -> Comparison:
    nothing = MetricValue(
        value=None,
        n=0,
        numerator=None,
        denominator=None,
        null_reason=NullReason.no_counterpart,
        precision=Precision.exact,
        relative_error=None,
        excluded=NO_EXCLUDED,
        ci95=None if with_intervals else UNSET,
        ci95_reason=NoInterval.no_observations if with_intervals else UNSET,
    )
    return comparison(asked, nothing, NOTHING, None)


def add_interval(asked: Asked, places: Places, group: Group, cell: MetricValue) -> None:
    """Give a value its interval."""
    cell.ci95 = cell.ci95_reason = None
    if cell.value is None:
        cell.ci95_reason = NoInterval.no_observations
    elif asked.sampling is not None:
        found: Interval | NoInterval
        if asked.has_bounds:
            found = group.percentiles[asked.name].interval or NoInterval.too_few
        else:
            found = interval(asked.sampling, asked.formula, sample_of(places, group), asked.agg)
        if isinstance(found, NoInterval):
            cell.ci95_reason = found
        else:
            cell.ci95 = list(found)


@dataclass(frozen=True, slots=True)
class Teller:
    """Values as an answer tells them, with intervals and comparisons where they are asked for."""

    question: Question
    judge: Judge | None
    with_intervals: bool

    def value(self, place: int, group: Group) -> MetricValue:
        asked, places = self.question.metrics[place], self.question.places[place]
        cell = metric_value(asked, places, group)
        if self.with_intervals:
            add_interval(asked, places, group, cell)
        return cell

    def cells(self, groups: Sequence[tuple[Group, Group | None]]) -> list[dict[str, MetricValue]]:
        """The values of groups, each with that of the other side (None: it can have none). All are
        corrected for their number."""
        found: list[dict[str, MetricValue]] = [{} for _ in groups]
        for place, asked in enumerate(self.question.metrics):
            for cells, (own, _) in zip(found, groups, strict=True):
                cells[asked.name] = self.value(place, own)
            if self.judge is not None:
                for cells, compared in zip(found, self.compared(place, groups), strict=True):
                    cells[asked.name].compare = compared
        return found

    def compared(
        self, place: int, groups: Sequence[tuple[Group, Group | None]]
    ) -> list[Comparison]:
        asked, places = self.question.metrics[place], self.question.places[place]
        judge = self.judge
        assessed = [
            NOTHING if judge is None or other is None else judge.pair(asked, places, own, other)
            for own, other in groups
        ]
        return [
            no_counterpart(asked, with_intervals=self.with_intervals)
            if other is None
            else comparison(asked, self.value(place, other), each, adjusted)
            for (_, other), each, adjusted in zip(
                groups, assessed, corrected(assessed), strict=True
            )
        ]

    def one(self, own: Group, other: Group | None) -> dict[str, MetricValue]:
        """The values of a group that stands alone, over the whole range: totals, other."""
        whole = replace(own, keys=()), None if other is None else replace(other, keys=())
        return self.cells([whole])[0]

    def paired(self, groups: Sequence[Group]) -> list[tuple[Group, Group | None]]:
        """Groups, each with the one that is held against it."""
        if self.judge is None:
            return [(group, None) for group in groups]
        beside, nothing = self.judge.beside, empty_parts(self.question)
        found: list[tuple[Group, Group | None]] = []
        for group in groups:
            theirs = beside.paired.theirs(group.keys)
            other = None
            if theirs is not None:
                other = beside.groups.get(group.keys) or Group(theirs, nothing, {})
            found.append((group, other))
        return found


def add_sides(
    rows: Rows, beside: Beside, groups: Sequence[Group], shown: Sequence[ResultRow]
) -> None:
    """Say of rows which sides have them, and which time buckets they are compared with."""
    own = {group.keys for group in rows.reading.groups}
    question, other = rows.question, beside.target.question
    times = [n for n, each in enumerate(question.groups) if isinstance(each, TimeGroup)]
    is_dense = len(times) == len(question.groups)
    for group, row in zip(groups, shown, strict=True):
        theirs = beside.paired.theirs(group.keys)
        row.compare_dimensions = {}
        if theirs is None:
            row.presence = RowPresence.unmatched
            continue
        row.presence = RowPresence.both
        if not is_dense and group.keys not in own:
            row.presence = RowPresence.gone
        elif not is_dense and group.keys not in beside.groups:
            row.presence = RowPresence.new
        row.compare_dimensions = {
            other.groups[n].id: dimension_value(other.groups[n], theirs[n], beside.reading)
            for n in times
        }


def statistics_info(question: Question) -> StatisticsInfo:
    """How the intervals and tests of an answer are made."""
    return StatisticsInfo(
        level=LEVEL,
        minimum_n=MINIMUM_N,
        correction=Correction.holm,
        samples={
            asked.name: None if asked.sampling is None else asked.sampling.kind
            for asked in question.metrics
        },
        tests={},
    )


def tests_in(rows: Sequence[Mapping[str, MetricValue]]) -> dict[str, int]:
    """Of each metric, in how many rows its difference is tested."""
    found: dict[str, int] = {}
    for row in rows:
        for name, cell in row.items():
            if cell.compare is not UNSET:
                found[name] = found.get(name, 0) + (cell.compare.p_value is not None)
    return found
