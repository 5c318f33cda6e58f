"""Additive parts of facts: integers that add up over buckets and groups."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from csapi.facts.business_hours import BUSINESS_KINDS
from csapi.facts.kinds import Kind


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
    # Facts whose gap to the next one is at most threshold_ms. Summaries do not have it.
    NEXT_WITHIN_N = "next_within_n"
    # Contacts with another one of the same customer about the same topic within threshold_ms after
    # or before; of an unknown topic, with any other. Summaries do not have them.
    NEXT_ON_TOPIC_N = "next_on_topic_n"
    PREVIOUS_ON_TOPIC_N = "previous_on_topic_n"
    # The sum of all values up to the end of the bucket, since the beginning.
    BALANCE = "balance"
    # How many different ones. They add up over nothing; summaries do not have them.
    SUBJECTS = "subjects"
    CUSTOMERS = "customers"
    # The same as those of durations, of business time. Summaries have the number and sum alone.
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
DISTINCT = {Measure.SUBJECTS: "subject", Measure.CUSTOMERS: "customer"}
# What is held against the threshold.
THRESHOLDS = {
    Measure.WITHIN_N: "duration_ms",
    Measure.NEXT_WITHIN_N: "gap_next_ms",
    Measure.BUSINESS_WITHIN_N: "business_ms",
}
# The gap that must be within the threshold already for any topic.
ON_TOPIC = {Measure.NEXT_ON_TOPIC_N: "gap_next_ms", Measure.PREVIOUS_ON_TOPIC_N: "duration_ms"}

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
    """A measure of the facts of one kind, of some of its outcomes (empty: of all), and of some
    time alone where a definition holds, or a number is unsettled, for a part of a range."""

    kind: Kind
    outcomes: tuple[int, ...]
    measure: Measure
    threshold_ms: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def has_twin(self) -> bool:
        return self.kind in BUSINESS_KINDS and self.measure in BUSINESS_TWINS

    def in_business_hours(self) -> "Part":
        return replace(self, measure=BUSINESS_TWINS[self.measure])

    def between(self, since: datetime | None, until: datetime | None) -> "Part":
        """What of it lies in [since, until)."""
        starts = [each for each in (self.since, since) if each is not None]
        ends = [each for each in (self.until, until) if each is not None]
        return replace(self, since=max(starts, default=None), until=min(ends, default=None))


@dataclass(frozen=True, slots=True)
class Combo:
    """A sum of parts, each times a whole number."""

    terms: tuple[tuple[int, Part], ...]

    def __add__(self, other: "Combo") -> "Combo":
        return Combo(self.terms + other.terms)

    def __sub__(self, other: "Combo") -> "Combo":
        return Combo(self.terms + tuple((-sign, part) for sign, part in other.terms))

    def times(self, factor: int) -> "Combo":
        return Combo(tuple((factor * sign, part) for sign, part in self.terms))

    def between(self, since: datetime | None, until: datetime | None) -> "Combo":
        return Combo(tuple((sign, part.between(since, until)) for sign, part in self.terms))

    def total(self, values: Mapping[Part, int]) -> int:
        return sum(sign * values[part] for sign, part in self.terms)

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for _, part in self.terms)

    def in_business_hours(self) -> "Combo":
        return Combo(tuple((sign, part.in_business_hours()) for sign, part in self.terms))
