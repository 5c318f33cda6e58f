"""What differences mean: intervals, tests corrected for their number, verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from msgspec import UNSET

from csapi.metrics.arithmetic import evaluate
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.metric import Direction
from csapi.metrics.question import Asked, Places, Question, TimeGroup
from csapi.metrics.sampling import (
    MINIMUM_N,
    Difference,
    NoInterval,
    Sample,
    SampleKind,
    difference,
)
from csapi.metrics.statistics import LEVEL, holm_of_known
from csapi.reports.comparing import Beside
from csapi.reports.comparison import (
    Comparison,
    NullReason,
    Verdict,
    VerdictReason,
)
from csapi.reports.fillings import Group
from csapi.reports.layouts import Precision
from csapi.reports.ranking import Keys
from csapi.reports.resolve_compare import SAME_RANGE
from csapi.reports.schemas import MetricValue
from csapi.reports.shape import NO_EXCLUDED, are_scales_mixed, operands_of, total

SIGNIFICANT = 1 - LEVEL
HOUR, SHORT_DAY = timedelta(hours=1), timedelta(hours=23)
COUNTED = {SampleKind.COUNT, SampleKind.TOTAL}
Span = tuple[datetime, datetime]
# A group, and what is shown of it.
Side = tuple[Group, MetricValue]


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


def exact_value(asked: Asked, places: Places, sample: Sample, side: Side) -> Fraction | None:
    """What is shown, before it was rounded; of percentiles and the like what is shown."""
    formula, (group, cell) = asked.formula, side
    shown = cell.value
    if shown is None:
        return None
    if isinstance(formula, ComposedFormula):
        return evaluate(formula.root, operands_of(formula, places, group)).value
    if asked.percentile is not None or asked.extreme is not None or formula.survival is not None:
        return Fraction(str(shown))
    if asked.agg == "count":
        return Fraction(sample.n)
    above = Fraction(sample.numerator, formula.numerator_scale)
    if sample.denominator is None or asked.agg == "sum":
        return above
    return above / Fraction(sample.denominator, formula.denominator_scale)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both sides of a difference: what they are made of, and their exact values, if they have any
    that can be held against each other."""

    samples: tuple[Sample, Sample]
    values: tuple[Fraction, Fraction] | None
    reason: VerdictReason | None = None


def paired_values(asked: Asked, places: Places, own: Side, other: Side) -> Pair:
    samples = sample_of(places, own[0]), sample_of(places, other[0])
    mine, theirs = (
        exact_value(asked, places, sample, side)
        for sample, side in zip(samples, (own, other), strict=True)
    )
    if mine is None or theirs is None:
        return Pair(samples, None, VerdictReason.no_value)
    if are_scales_mixed(asked, places, own[0], other[0]):
        return Pair(samples, None, VerdictReason.mixed_scales)
    return Pair(samples, (mine, theirs))


def delta_of(asked: Asked, places: Places, own: Side, other: Side) -> int | float | None:
    """This side less the other; None where they have none."""
    values = paired_values(asked, places, own, other).values
    return None if values is None else number(values[0] - values[1])


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

    def pair(self, asked: Asked, places: Places, own: Side, other: Side) -> Assessment:
        pair = paired_values(asked, places, own, other)
        if asked.sampling is None:
            return NOTHING
        if pair.values is None:
            return Assessment(None, None, None, pair.reason)
        mine, theirs = pair.values
        delta = mine - theirs
        relative = delta / abs(theirs) if theirs else None
        found = difference(asked.sampling, asked.formula, *pair.samples, asked.agg)
        if isinstance(found, NoInterval):
            return Assessment(delta, relative, None, VerdictReason.no_test)
        return Assessment(delta, relative, found, self.hindrance(asked, found, own[0], other[0]))

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
        return None, assessed.reason
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
    return holm_of_known(
        [
            each.difference.p_value if each.difference and each.reason is None else None
            for each in assessed
        ]
    )


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
