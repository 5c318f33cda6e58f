"""What kind of sample a metric's value comes from, and so which interval and test it has.

Follows from the formula alone: a metric of the catalog says nothing about it.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from csapi.facts.kinds import VALUE_SCALE
from csapi.metrics import statistics
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.formulas import Formula
from csapi.metrics.metric import MergeClass, Metric, TimeBasis, Unit
from csapi.metrics.parts import DISTINCT, Combo, Measure
from csapi.metrics.statistics import Interval

# So many observations a side; of counts, so many events on both sides together.
MINIMUM_N = 20

COUNTS = {
    Measure.N,
    Measure.NEGATIVE_N,
    Measure.DURATION_N,
    Measure.DURATION_ZERO_N,
    Measure.BUSINESS_N,
    Measure.BUSINESS_ZERO_N,
    Measure.VALUE_N,
    Measure.WITHIN_N,
    Measure.NEXT_WITHIN_N,
    Measure.RESOLVED_N,
    Measure.RESOLVED_NEXT_WITHIN_N,
    Measure.EITHER_WITHIN_N,
    Measure.BUSINESS_WITHIN_N,
}
FACTS_ALONE = {Measure.NEGATIVE_SUMSQ, Measure.BUSINESS_SUMSQ}
DURATIONS = {Measure.DURATION_SUM, Measure.NEGATIVE_SUM, Measure.BUSINESS_SUM}


class SampleKind(StrEnum):
    """What a value is to statistics.

    share: Wilson's interval; differences by Newcombe's, tested by Fisher's exact test, or by the
    z-test where 25 or more are expected in every cell. mean: Student's t; differences by Welch's.
    count and rate (a count per time): Poisson by Byar's approximation; differences by adding its
    squares, tested by the binomial test. total: a sum of as many numbers as chance brings, normal.
    percentile: two of the sorted values, by the binomial distribution of ranks; no test.
    """

    SHARE = "share"
    MEAN = "mean"
    COUNT = "count"
    RATE = "rate"
    TOTAL = "total"
    PERCENTILE = "percentile"


QUOTIENTS = {SampleKind.SHARE, SampleKind.MEAN, SampleKind.RATE}


class NoInterval(StrEnum):
    """Why a value has no interval, or a difference no test.

    too_few: it would reach beyond what was observed. not_a_sample: time that passed, money, stocks,
    quotients of unlike things. needs_confidence: the squares are not summarized; with `confidence`
    they are read from facts.
    """

    no_observations = "no_observations"
    too_few = "too_few"
    percentile = "percentile"
    extreme = "extreme"
    distinct = "distinct"
    not_a_sample = "not_a_sample"
    needs_confidence = "needs_confidence"


@dataclass(frozen=True, slots=True)
class Sampling:
    """The kind of sample, or why there is none. squares: what is read for it besides."""

    kind: SampleKind | None
    reason: NoInterval | None = None
    squares: Combo | None = None

    def stored(self) -> "Sampling":
        """The same with nothing to read that summaries do not have."""
        if self.kind is SampleKind.PERCENTILE:
            return without(NoInterval.percentile)
        if self.squares is None or not _measures(self.squares) & FACTS_ALONE:
            return self
        return replace(self, squares=None)


def without(reason: NoInterval) -> Sampling:
    return Sampling(None, reason)


def sampling_of(metric: Metric, formula: Formula, agg: str | None) -> Sampling:
    if (reason := _unsampled(metric, formula, agg)) is not None:
        return without(reason)
    if agg is not None and agg.startswith("p"):
        return Sampling(SampleKind.PERCENTILE)
    if agg == "count":
        return Sampling(SampleKind.COUNT)
    if formula.denominator is None or agg == "sum":
        return _of_sum(formula)
    return _of_quotient(metric, formula, formula.denominator)


def _unsampled(metric: Metric, formula: Formula, agg: str | None) -> NoInterval | None:
    """Why statistics have nothing to say about a value, whatever its formula adds up."""
    if agg in ("min", "max") or metric.merge_class is MergeClass.extreme:
        return NoInterval.extreme
    if any(part.measure in DISTINCT for part in formula.parts):
        return NoInterval.distinct
    is_sum_of_rows = not (formula.is_beside_rows or isinstance(formula, ComposedFormula))
    if not is_sum_of_rows or metric.time_basis is TimeBasis.interval:
        return NoInterval.not_a_sample
    return None


def _measures(combo: Combo) -> set[Measure]:
    return {part.measure for part in combo.parts}


def _of_sum(formula: Formula) -> Sampling:
    if _measures(formula.numerator) <= COUNTS:
        return Sampling(SampleKind.COUNT)
    return Sampling(SampleKind.TOTAL, squares=formula.numerator.squared())


def _of_quotient(metric: Metric, formula: Formula, denominator: Combo) -> Sampling:
    above, below = _measures(formula.numerator), _measures(denominator)
    if below <= DURATIONS and above <= COUNTS:
        return Sampling(SampleKind.RATE)
    if not below <= COUNTS:
        return without(NoInterval.not_a_sample)
    if metric.unit is Unit.SHARE:
        return Sampling(SampleKind.SHARE)
    # Points are a mean of numbers such as 100 and -100, one for each fact.
    are_points = metric.unit is Unit.POINTS and above <= COUNTS
    if are_points or (_is_alike(formula) and not above & COUNTS):
        return Sampling(SampleKind.MEAN, squares=formula.numerator.squared())
    return without(NoInterval.not_a_sample)


def _is_alike(formula: Formula) -> bool:
    """Whether what is added up is of the very facts that are counted."""
    counted = {(p.kind, p.outcomes) for p in (formula.denominator or formula.n).parts}
    return {(p.kind, p.outcomes) for p in formula.numerator.parts} == counted


@dataclass(frozen=True, slots=True)
class Sample:
    """The parts of a value as stored: whole numbers. squares: the sum of squares, if it is read."""

    numerator: int
    denominator: int | None
    n: int
    squares: int | None = None


def _scale(formula: Formula) -> float:
    return formula.denominator_scale / formula.numerator_scale


def _scaled(interval: Interval, scale: float) -> Interval:
    return interval[0] * scale, interval[1] * scale


def _successes(formula: Formula, sample: Sample) -> int | None:
    """How many of the denominator; None where the numerator is no number of them."""
    whole, rest = divmod(sample.numerator, formula.numerator_scale)
    return whole if rest == 0 and 0 <= whole <= (sample.denominator or 0) else None


def events(formula: Formula, sample: Sample, agg: str | None) -> int | None:
    """The count that a sum is, in events; None where it is no count of like ones."""
    if agg == "count":
        return sample.n
    whole, rest = divmod(sample.numerator, formula.numerator_scale)
    if sample.squares is None:
        return whole if formula.numerator_scale == 1 and whole >= 0 else None
    # Values of 1 alone, such as messages, are events.
    is_plain = rest == 0 and sample.squares == whole * VALUE_SCALE**2
    return whole if is_plain and formula.numerator_scale == VALUE_SCALE else None


def interval(
    sampling: Sampling, formula: Formula, sample: Sample, agg: str | None
) -> Interval | NoInterval:
    """The 95 % interval of a value in its unit, or why it has none."""
    kind = sampling.kind
    if kind is None:
        return sampling.reason or NoInterval.not_a_sample
    if kind in QUOTIENTS and not sample.denominator:
        return NoInterval.no_observations
    if kind is SampleKind.SHARE:
        return _of_share(formula, sample)
    if kind is SampleKind.MEAN:
        return _of_mean(sample, _scale(formula))
    if kind is SampleKind.RATE:
        scale = _scale(formula) / (sample.denominator or 1)
        return _scaled(statistics.poisson(sample.numerator), scale)
    return _of_one_sum(kind, formula, sample, events(formula, sample, agg))


def _of_share(formula: Formula, sample: Sample) -> Interval | NoInterval:
    hits = _successes(formula, sample)
    if hits is None:
        return NoInterval.not_a_sample
    return statistics.wilson(hits, sample.denominator or 1)


def _of_one_sum(
    kind: SampleKind, formula: Formula, sample: Sample, count: int | None
) -> Interval | NoInterval:
    if count is not None:
        return statistics.poisson(count)
    if sample.squares is None:
        is_total = kind is SampleKind.TOTAL
        return NoInterval.needs_confidence if is_total else NoInterval.not_a_sample
    reach = statistics.Z * math.sqrt(sample.squares)
    return _scaled((sample.numerator - reach, sample.numerator + reach), _scale(formula))


def _of_mean(sample: Sample, scale: float) -> Interval | NoInterval:
    n, squares = sample.denominator or 0, sample.squares
    if n < 2 or squares is None:
        if squares is None:
            return NoInterval.needs_confidence
        return NoInterval.too_few if n else NoInterval.no_observations
    mean = sample.numerator / n
    reach = statistics.mean_reach(n, statistics.variance(n, sample.numerator, squares))
    return _scaled((mean - reach, mean + reach), scale)


@dataclass(frozen=True, slots=True)
class Difference:
    """How sure the difference of two values is: its p-value and its 95 % interval.

    observed: what the smallest sample is held against, MINIMUM_N.
    """

    p_value: float
    interval: Interval
    observed: int


def difference(
    sampling: Sampling, formula: Formula, first: Sample, second: Sample, agg: str | None
) -> Difference | NoInterval:
    """Of `first` less `second`, or why there is no test of it."""
    kind = sampling.kind
    if kind is None or kind is SampleKind.PERCENTILE:
        return sampling.reason or NoInterval.percentile
    if kind not in QUOTIENTS:
        counts = events(formula, first, agg), events(formula, second, agg)
        return _of_sums(kind, formula, (first, second), counts)
    if not (first.denominator and second.denominator):
        return NoInterval.no_observations
    if kind is SampleKind.SHARE:
        return _of_shares(formula, first, second)
    if kind is SampleKind.MEAN:
        return _of_means(first, second, _scale(formula))
    return _of_rates(formula, first, second)


def _of_sums(
    kind: SampleKind,
    formula: Formula,
    samples: tuple[Sample, Sample],
    counts: tuple[int | None, int | None],
) -> Difference | NoInterval:
    if counts[0] is not None and counts[1] is not None:
        return _of_counts(counts[0], counts[1])
    if kind is SampleKind.COUNT:
        return NoInterval.not_a_sample
    return _of_totals(formula, *samples)


def _of_shares(formula: Formula, first: Sample, second: Sample) -> Difference | NoInterval:
    hits, other_hits = _successes(formula, first), _successes(formula, second)
    if hits is None or other_hits is None:
        return NoInterval.not_a_sample
    n, other_n = first.denominator or 0, second.denominator or 0
    p_value = statistics.shares_p(hits, n, other_hits, other_n)
    return Difference(p_value, statistics.newcombe(hits, n, other_hits, other_n), min(n, other_n))


def _of_means(first: Sample, second: Sample, scale: float) -> Difference | NoInterval:
    sides = []
    for each in (first, second):
        n = each.denominator or 0
        if n < 2 or each.squares is None:
            is_read = each.squares is not None
            return NoInterval.too_few if is_read else NoInterval.needs_confidence
        spread = statistics.variance(n, each.numerator, each.squares)
        sides.append((n, each.numerator / n, spread))
    p_value, reach = statistics.welch(*sides)
    return Difference(p_value, _scaled(reach, scale), min(int(side[0]) for side in sides))


def _of_counts(first: int, second: int) -> Difference:
    reach = statistics.square_and_add(
        first, statistics.poisson(first), second, statistics.poisson(second)
    )
    return Difference(statistics.counts_p(first, second), reach, first + second)


def _of_rates(formula: Formula, first: Sample, second: Sample) -> Difference:
    spans = first.denominator or 1, second.denominator or 1
    rates = [each.numerator / span for each, span in zip((first, second), spans, strict=True)]
    reaches = [
        _scaled(statistics.poisson(each.numerator), 1 / span)
        for each, span in zip((first, second), spans, strict=True)
    ]
    reach = statistics.square_and_add(rates[0], reaches[0], rates[1], reaches[1])
    p_value = statistics.rates_p(first.numerator, spans[0], second.numerator, spans[1])
    observed = first.numerator + second.numerator
    return Difference(p_value, _scaled(reach, _scale(formula)), observed)


def _of_totals(formula: Formula, first: Sample, second: Sample) -> Difference | NoInterval:
    if first.squares is None or second.squares is None:
        return NoInterval.needs_confidence
    delta, spread = first.numerator - second.numerator, math.sqrt(first.squares + second.squares)
    p_value = statistics.normal_p(delta / spread) if spread else 1.0
    reach = (delta - statistics.Z * spread, delta + statistics.Z * spread)
    return Difference(p_value, _scaled(reach, _scale(formula)), first.n + second.n)
