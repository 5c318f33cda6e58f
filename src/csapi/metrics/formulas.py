"""The vocabulary of the catalog: facts, and formulas over parts of them.

A formula divides once, at the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from csapi.facts.kinds import VALUE_SCALE, Kind
from csapi.facts.outcomes import Told
from csapi.metrics.parts import (
    AGE_MEASURES,
    COHORTS,
    DISTINCT,
    FILLED,
    LASTING,
    Combo,
    Hours,
    Measure,
    Part,
)

MS_PER_SECOND = 1000


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

    def followed(self, threshold_ms: int) -> Combo:
        """How many were followed by the next one within the threshold."""
        return self._of(Measure.NEXT_WITHIN_N, threshold_ms)

    def switched(self, threshold_ms: int) -> Combo:
        """How many were followed by the next one within the threshold, on another channel."""
        return self._of(Measure.SWITCHED_WITHIN_N, threshold_ms)

    def before_same_topic(self, threshold_ms: int) -> Combo:
        """How many were followed within the threshold by a contact about the same topic."""
        return self._of(Measure.NEXT_ON_TOPIC_N, threshold_ms)

    def after_same_topic(self, threshold_ms: int) -> Combo:
        """How many follow, within the threshold, a contact about the same topic."""
        return self._of(Measure.PREVIOUS_ON_TOPIC_N, threshold_ms)

    def resolved(self) -> Combo:
        """How many are of contacts that a person handled and that are resolved by now."""
        return self._of(Measure.RESOLVED_N)

    def resolved_followed(self, threshold_ms: int) -> Combo:
        """How many of those were followed by the next one within the threshold."""
        return self._of(Measure.RESOLVED_NEXT_WITHIN_N, threshold_ms)

    def resolved_before_same_topic(self, threshold_ms: int) -> Combo:
        return self._of(Measure.RESOLVED_NEXT_ON_TOPIC_N, threshold_ms)

    def either_within(self, threshold_ms: int) -> Combo:
        """How many have either of their gaps within the threshold."""
        return self._of(Measure.EITHER_WITHIN_N, threshold_ms)

    def distinct(self, measure: Measure) -> Combo:
        return self._of(measure)

    def due(self, threshold_ms: int) -> Combo:
        """How many of what has begun by the end of the range are due within the threshold."""
        return self._of(Measure.DUE_N, threshold_ms)

    def balance(self) -> Combo:
        return self._of(Measure.BALANCE)

    def started(self) -> Combo:
        """How many are in stock at the start of the bucket."""
        return self._of(Measure.STARTED)

    def stayed(self) -> Combo:
        """How many of those still are at its end."""
        return self._of(Measure.STAYED)

    def rated(self) -> Combo:
        return self._of(Measure.VALUE_N)

    def value(self) -> Combo:
        return self._of(Measure.VALUE_SUM)

    def aged(self) -> Combo:
        """How many last at the end of the bucket."""
        return self._of(Measure.AGE_N)

    def age(self) -> Combo:
        return self._of(Measure.AGE_SUM)

    def days(self) -> Combo:
        """The calendar days of a row."""
        return self._of(Measure.DAYS)

    def whole(self) -> Combo:
        """How many there are of all members together."""
        return self._of(Measure.WHOLE_N)

    def extreme(self, measure: Measure) -> Part:
        if self.kind in LASTING:
            is_longest = measure is Measure.DURATION_MAX
            measure = Measure.AGE_MAX if is_longest else Measure.AGE_MIN
        part = Part(self.kind, self.outcomes, measure)
        return part.in_business_hours() if self.hours is Hours.business else part


TICKETS = Facts(Kind.TICKET_CREATED)
MOST_UNTOLD = sum(Told)


def untold(needs: Told) -> Facts:
    """The tickets that come as snapshots without it."""
    outcomes = tuple(each for each in range(1, MOST_UNTOLD + 1) if each & needs)
    return Facts(Kind.TICKET_CREATED, outcomes)


@dataclass(frozen=True, slots=True)
class Survival:
    """Kaplan-Meier: the share that lasts longer than threshold_ms; without one, the median."""

    threshold_ms: int | None = None


@dataclass(frozen=True)
class Formula:
    """How a metric comes out of parts.

    Without a denominator the value is the numerator. numerator_scale and denominator_scale turn
    stored integers into units of the wire. spread: the facts whose durations percentiles and
    extremes are taken of. matures_ms: so long after its instant a fact may still change sides.
    survival: the value is no fraction, but estimated from what lasts and what has ended.
    """

    numerator: Combo
    n: Combo
    denominator: Combo | None = None
    numerator_scale: int = 1
    denominator_scale: int = 1
    n_scale: int = 1
    negative: Combo | None = None
    spread: Facts | None = None
    exclude_zero: bool = False
    matures_ms: int | None = None
    survival: Survival | None = None
    # What the tickets of a source must come with for 0 to mean that there is none.
    needs: Told | None = None
    # The same of business time, where that is not the same of each part.
    business: "Formula | None" = None
    # Units may change sides, and nobody can say for how long.
    stays_open: bool = False
    # The scale of its values, where a metric has several: what is on two of them does not add up.
    values_on: str = ""
    # Facts with a mark of the scale that their value is on: there is no mean over several.
    one_scale: Facts | None = None

    @cached_property
    def is_at_instant(self) -> bool:
        """Whether it is about what there is at the end of a bucket."""
        return self.is_stock or any(part.measure in AGE_MEASURES for part in self.parts)

    @cached_property
    def is_beside_rows(self) -> bool:
        """Whether something of it is in no row of facts or summaries, or is no sum of rows."""
        measures = {part.measure for part in self.parts}
        is_filled = bool(measures & (FILLED | COHORTS))
        return self.is_stock or is_filled or self.survival is not None

    @cached_property
    def is_stock(self) -> bool:
        return any(part.measure is Measure.BALANCE for part in self.parts)

    @cached_property
    def is_cohort(self) -> bool:
        return any(part.measure in COHORTS for part in self.parts)

    @cached_property
    def is_outlook(self) -> bool:
        return any(part.measure is Measure.DUE_N for part in self.parts)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        combos = [self.numerator, self.n]
        combos += [each for each in (self.denominator, self.negative) if each is not None]
        return tuple(dict.fromkeys(part for combo in combos for part in combo.parts))

    @cached_property
    def scales(self) -> tuple[tuple[Part, Part], ...]:
        """Pairs of parts that are equal unless values are on several scales."""
        if self.one_scale is None:
            return ()
        both = Measure.DURATION_MIN, Measure.DURATION_MAX
        lowest, highest = (self.one_scale.extreme(each) for each in both)
        return ((lowest, highest),)

    @cached_property
    def is_distinct(self) -> bool:
        return any(part.measure in DISTINCT for part in self.parts)

    @property
    def has_twin(self) -> bool:
        """Whether the same can be asked of business time."""
        return self.business is not None or all(part.has_twin for part in self.parts)

    def in_business_hours(self) -> "Formula":
        """The same of business time."""
        if self.business is not None:
            return self.business

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


def added(combos: Iterable[Combo]) -> Combo:
    return Combo(tuple(term for combo in combos for term in combo.terms))


def count(*facts: Facts) -> Formula:
    """How many facts there are."""
    total = added(each.count() for each in facts)
    return Formula(numerator=total, n=total)


def value_sum(facts: Facts) -> Formula:
    """The sum of a value that counts something, such as messages."""
    return Formula(numerator=facts.value(), n=facts.count(), numerator_scale=VALUE_SCALE)


def share(
    numerator: Combo,
    denominator: Combo,
    negative: Combo | None = None,
    matures_ms: int | None = None,
) -> Formula:
    """numerator / denominator, both counted over the same facts."""
    return Formula(
        numerator=numerator,
        denominator=denominator,
        n=denominator,
        negative=negative,
        matures_ms=matures_ms,
    )


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


def mean_age(facts: Facts) -> Formula:
    """How long what lasts at the end of the bucket has lasted, in seconds."""
    return Formula(
        numerator=facts.age(),
        denominator=facts.aged(),
        n=facts.aged(),
        numerator_scale=MS_PER_SECOND,
        spread=facts,
    )


def mean_value(facts: Facts) -> Formula:
    """The mean of a value on its own scale."""
    return Formula(
        numerator=facts.value(),
        denominator=facts.rated(),
        n=facts.rated(),
        numerator_scale=VALUE_SCALE,
    )


def net_points(positive: Combo, negative: Combo, everyone: Combo) -> Formula:
    """100 x (positive - negative) / everyone: the mean of 100, 0 and -100 points."""
    return Formula(numerator=(positive - negative).times(100), denominator=everyone, n=everyone)


def within_share(facts: Facts, threshold_seconds: float) -> Formula:
    """The share of durations at or under the threshold, among those that are known."""
    return share(
        facts.within(round(threshold_seconds * MS_PER_SECOND)), facts.measured(), facts.negative()
    )
