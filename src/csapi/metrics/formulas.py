"""The vocabulary of the catalog: additive parts of facts, and formulas over them.

A part is an integer that adds up over buckets and groups. A formula divides once, at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from csapi.facts.business_hours import BUSINESS_KINDS
from csapi.facts.kinds import VALUE_SCALE, Kind

MS_PER_SECOND = 1000


class Measure(StrEnum):
    """What of the matching facts is added up (or, for extremes, compared)."""

    N = "n"
    NEGATIVE_N = "negative_n"
    NEGATIVE_SUM = "negative_sum"
    DURATION_N = "duration_n"
    DURATION_SUM = "duration_sum"
    DURATION_ZERO_N = "duration_zero_n"
    DURATION_MIN = "duration_min"
    DURATION_MAX = "duration_max"
    # The shortest of those above zero. Summaries do not have it.
    POSITIVE_MIN = "positive_min"
    VALUE_N = "value_n"
    VALUE_SUM = "value_sum"
    # Facts whose duration is at most threshold_ms.
    WITHIN_N = "within_n"
    # The same of business time. Summaries have the number and the sum alone.
    BUSINESS_N = "business_n"
    BUSINESS_SUM = "business_sum"
    BUSINESS_ZERO_N = "business_zero_n"
    BUSINESS_MIN = "business_min"
    BUSINESS_POSITIVE_MIN = "business_positive_min"
    BUSINESS_MAX = "business_max"
    BUSINESS_WITHIN_N = "business_within_n"


EXTREMES = {
    Measure.DURATION_MIN: "min",
    Measure.POSITIVE_MIN: "min",
    Measure.DURATION_MAX: "max",
    Measure.BUSINESS_MIN: "min",
    Measure.BUSINESS_POSITIVE_MIN: "min",
    Measure.BUSINESS_MAX: "max",
}
THRESHOLDS = (Measure.WITHIN_N, Measure.BUSINESS_WITHIN_N)

# A negative duration has no business time: it stays out, and is counted as such, by both clocks.
BUSINESS_TWINS = {
    Measure.NEGATIVE_N: Measure.NEGATIVE_N,
    Measure.DURATION_N: Measure.BUSINESS_N,
    Measure.DURATION_SUM: Measure.BUSINESS_SUM,
    Measure.DURATION_ZERO_N: Measure.BUSINESS_ZERO_N,
    Measure.DURATION_MIN: Measure.BUSINESS_MIN,
    Measure.POSITIVE_MIN: Measure.BUSINESS_POSITIVE_MIN,
    Measure.DURATION_MAX: Measure.BUSINESS_MAX,
    Measure.WITHIN_N: Measure.BUSINESS_WITHIN_N,
}


class Hours(StrEnum):
    """Which clock durations are measured by: that on the wall, or business hours alone."""

    calendar = "calendar"
    business = "business"


@dataclass(frozen=True, slots=True)
class Part:
    """A measure of the facts of one kind, of some of its outcomes (empty: of all)."""

    kind: Kind
    outcomes: tuple[int, ...]
    measure: Measure
    threshold_ms: int | None = None

    @property
    def has_twin(self) -> bool:
        return self.kind in BUSINESS_KINDS and self.measure in BUSINESS_TWINS

    def in_business_hours(self) -> "Part":
        return replace(self, measure=BUSINESS_TWINS[self.measure])


@dataclass(frozen=True, slots=True)
class Combo:
    """A sum of parts, each added or subtracted."""

    terms: tuple[tuple[int, Part], ...]

    def __add__(self, other: "Combo") -> "Combo":
        return Combo(self.terms + other.terms)

    def __sub__(self, other: "Combo") -> "Combo":
        return Combo(self.terms + tuple((-sign, part) for sign, part in other.terms))

    def total(self, values: Mapping[Part, int]) -> int:
        return sum(sign * values[part] for sign, part in self.terms)

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for _, part in self.terms)

    def in_business_hours(self) -> "Combo":
        return Combo(tuple((sign, part.in_business_hours()) for sign, part in self.terms))


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of one kind and some outcomes, to take parts of."""

    kind: Kind
    outcomes: tuple[int, ...] = ()
    hours: Hours = Hours.calendar

    def _of(self, measure: Measure, threshold_ms: int | None = None) -> Combo:
        return Combo(((1, Part(self.kind, self.outcomes, measure, threshold_ms)),))

    def count(self) -> Combo:
        return self._of(Measure.N)

    def negative(self) -> Combo:
        return self._of(Measure.NEGATIVE_N)

    def negative_duration(self) -> Combo:
        return self._of(Measure.NEGATIVE_SUM)

    def measured(self, *, exclude_zero: bool = False) -> Combo:
        known = self._of(Measure.DURATION_N)
        return known - self._of(Measure.DURATION_ZERO_N) if exclude_zero else known

    def duration(self) -> Combo:
        return self._of(Measure.DURATION_SUM)

    def within(self, threshold_ms: int) -> Combo:
        return self._of(Measure.WITHIN_N, threshold_ms)

    def rated(self) -> Combo:
        return self._of(Measure.VALUE_N)

    def value(self) -> Combo:
        return self._of(Measure.VALUE_SUM)

    def extreme(self, measure: Measure) -> Part:
        part = Part(self.kind, self.outcomes, measure)
        return part.in_business_hours() if self.hours is Hours.business else part


@dataclass(frozen=True, slots=True)
class Formula:
    """How a metric comes out of parts.

    Without a denominator the value is the numerator. numerator_scale turns stored integers into the
    metric's unit. spread: the facts whose durations percentiles and extremes are taken of.
    """

    numerator: Combo
    n: Combo
    denominator: Combo | None = None
    numerator_scale: int = 1
    denominator_scale: int = 1
    negative: Combo | None = None
    spread: Facts | None = None
    exclude_zero: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        combos = [self.numerator, self.n]
        combos += [each for each in (self.denominator, self.negative) if each is not None]
        return tuple(dict.fromkeys(part for combo in combos for part in combo.parts))

    @property
    def has_twin(self) -> bool:
        """Whether the same can be asked of business time."""
        return all(part.has_twin for part in self.parts)

    def in_business_hours(self) -> "Formula":
        """The same of business time."""

        def known(combo: Combo | None) -> Combo | None:
            return None if combo is None else combo.in_business_hours()

        return replace(
            self,
            numerator=self.numerator.in_business_hours(),
            n=self.n.in_business_hours(),
            denominator=known(self.denominator),
            negative=known(self.negative),
            spread=self.spread and replace(self.spread, hours=Hours.business),
        )


def count(facts: Facts, *more: Facts) -> Formula:
    """How many facts there are."""
    total = facts.count()
    for each in more:
        total += each.count()
    return Formula(numerator=total, n=total)


def value_sum(facts: Facts) -> Formula:
    """The sum of a value that counts something, such as messages."""
    return Formula(numerator=facts.value(), n=facts.count(), numerator_scale=VALUE_SCALE)


def share(numerator: Combo, denominator: Combo, negative: Combo | None = None) -> Formula:
    """numerator / denominator, both counted over the same facts."""
    return Formula(numerator=numerator, denominator=denominator, n=denominator, negative=negative)


def mean_seconds(
    facts: Facts, *, exclude_zero: bool = False, include_negative: bool = False
) -> Formula:
    """The mean duration in seconds; negative durations stay out and are counted apart, unless they
    are asked for."""
    known, total = facts.measured(exclude_zero=exclude_zero), facts.duration()
    if include_negative:
        known, total = known + facts.negative(), total + facts.negative_duration()
    return Formula(
        numerator=total,
        denominator=known,
        n=known,
        numerator_scale=MS_PER_SECOND,
        negative=None if include_negative else facts.negative(),
        spread=facts,
        exclude_zero=exclude_zero,
    )


def mean_value(facts: Facts) -> Formula:
    """The mean of a value on its own scale."""
    return Formula(
        numerator=facts.value(),
        denominator=facts.rated(),
        n=facts.rated(),
        numerator_scale=VALUE_SCALE,
    )


def within_share(facts: Facts, threshold_seconds: float) -> Formula:
    """The share of durations at or under the threshold, among those that are known."""
    return share(
        facts.within(round(threshold_seconds * MS_PER_SECOND)), facts.measured(), facts.negative()
    )


class ParamType(StrEnum):
    """What a parameter takes."""

    number = "number"
    flag = "flag"
    choice = "choice"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a metric, with its default and what is allowed."""

    name: str
    type: ParamType
    default: Any
    description: str
    choices: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = 0


class Unit(StrEnum):
    """What a value is measured in. Shares lie between 0 and 1."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    SCORE = "score"


class Direction(StrEnum):
    """Which way is good."""

    higher_is_better = "higher_is_better"
    lower_is_better = "lower_is_better"
    neutral = "neutral"


class TimeBasis(StrEnum):
    """Which instant decides the bucket: that of the event, or that of the start of the unit."""

    event = "event"
    cohort = "cohort"


class MergeClass(StrEnum):
    """What has to be added so that merging buckets is exact."""

    additive = "additive"
    ratio = "ratio"
    mean = "mean"


class Attribution(StrEnum):
    """Whose the number is when asked for by agent or team."""

    actor = "actor"
    owner_then = "owner_then"
    survey_snapshot = "survey_snapshot"


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the catalog. Everything else about a metric derives from it."""

    id: str
    label: str
    description: str
    formula_text: str
    unit: Unit
    direction: Direction
    time_basis: TimeBasis
    merge_class: MergeClass
    attribution: Attribution
    build: Callable[[Mapping[str, Any]], Formula]
    example: str
    pitfalls: str
    params: Sequence[Param] = ()
    version: str = "1"
    by_rating: bool = False
    # What to know when it is asked for by agent or team.
    caution_by_agent: str = ""

    @property
    def defaults(self) -> dict[str, Any]:
        return {param.name: param.default for param in self.params}

    @property
    def aggregations(self) -> list[str]:
        """What `agg` may be: of means also their sum and count, of durations the spread, too."""
        if self.merge_class is not MergeClass.mean:
            return []
        if self.build(self.defaults).spread is None:
            return ["avg", "sum", "count"]
        return ["avg", "sum", "count", "min", "max", *(f"p{n}" for n in range(1, 100))]

    @property
    def hours(self) -> list[Hours]:
        """The clocks that it can be measured by."""
        has_twin = self.build(self.defaults).has_twin
        return [Hours.calendar, *([Hours.business] if has_twin else [])]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        formula = self.build(self.defaults)
        return tuple(dict.fromkeys(part.kind for part in formula.parts))
