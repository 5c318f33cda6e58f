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
    # Sums of squares: how far values spread around their mean.
    DURATION_SUMSQ = "duration_sumsq"
    VALUE_SUMSQ = "value_sumsq"
    # Facts whose duration is at most threshold_ms.
    WITHIN_N = "within_n"
    # Facts whose gap to the next one is at most threshold_ms. Summaries do not have it.
    NEXT_WITHIN_N = "next_within_n"
    # Those of them whose next one is on another channel. Summaries do not have it.
    SWITCHED_WITHIN_N = "switched_within_n"
    # Contacts with another one of the same customer about the same topic within threshold_ms after
    # or before; of an unknown topic, with any other. Summaries do not have them.
    NEXT_ON_TOPIC_N = "next_on_topic_n"
    PREVIOUS_ON_TOPIC_N = "previous_on_topic_n"
    # Contacts that a person handled and that are resolved by now; those of them with the next one
    # within threshold_ms, and with the next one about the same topic. Summaries do not have them.
    RESOLVED_N = "resolved_n"
    RESOLVED_NEXT_WITHIN_N = "resolved_next_within_n"
    RESOLVED_NEXT_ON_TOPIC_N = "resolved_next_on_topic_n"
    # Facts with either of their gaps within threshold_ms. Summaries do not have it.
    EITHER_WITHIN_N = "either_within_n"
    # The sum of all values up to the end of the bucket, since the beginning.
    BALANCE = "balance"
    # How many subjects are in stock at the start of the bucket, and how many of them still are at
    # its end. Neither adds up over time; metrics/cohorts.py counts them.
    STARTED = "started"
    STAYED = "stayed"
    # Decisions that are to come after the end of the range: of what has begun, and is due within
    # threshold_ms. Read apart from all else (outlook.py); summaries do not have it.
    DUE_N = "due_n"
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
    BUSINESS_SUMSQ = "business_sumsq"
    # Summaries do not have it.
    NEGATIVE_SUMSQ = "negative_sumsq"
    # How long what lasts at the end of the bucket has lasted. From metrics/ages.py; 0 in rows.
    AGE_N = "age_n"
    AGE_SUM = "age_sum"
    AGE_MIN = "age_min"
    AGE_MAX = "age_max"
    BUSINESS_AGE_N = "business_age_n"
    BUSINESS_AGE_SUM = "business_age_sum"
    BUSINESS_AGE_MIN = "business_age_min"
    BUSINESS_AGE_MAX = "business_age_max"
    # The calendar days of a row, and the facts of all members. From metrics/wholes.py; 0 in rows.
    DAYS = "days"
    WHOLE_N = "whole_n"


EXTREMES = {
    Measure.DURATION_MIN: "min",
    Measure.POSITIVE_MIN: "min",
    Measure.DURATION_MAX: "max",
    Measure.BUSINESS_MIN: "min",
    Measure.BUSINESS_POSITIVE_MIN: "min",
    Measure.BUSINESS_MAX: "max",
    Measure.AGE_MIN: "min",
    Measure.AGE_MAX: "max",
    Measure.BUSINESS_AGE_MIN: "min",
    Measure.BUSINESS_AGE_MAX: "max",
}
# What each adds up, as squares; and the column of facts that is squared.
SQUARES = {
    Measure.DURATION_SUM: Measure.DURATION_SUMSQ,
    Measure.NEGATIVE_SUM: Measure.NEGATIVE_SUMSQ,
    Measure.BUSINESS_SUM: Measure.BUSINESS_SUMSQ,
    Measure.VALUE_SUM: Measure.VALUE_SUMSQ,
}
SQUARED = {
    Measure.DURATION_SUMSQ: "duration_ms",
    Measure.NEGATIVE_SUMSQ: "negative_ms",
    Measure.BUSINESS_SUMSQ: "business_ms",
    Measure.VALUE_SUMSQ: "value",
}
COHORTS = frozenset({Measure.STARTED, Measure.STAYED})
DISTINCT = {Measure.SUBJECTS: "subject", Measure.CUSTOMERS: "customer"}
# What of a fact `f` is held against the threshold.
THRESHOLDS = {
    Measure.WITHIN_N: "f.duration_ms",
    Measure.NEXT_WITHIN_N: "f.gap_next_ms",
    Measure.BUSINESS_WITHIN_N: "f.business_ms",
    Measure.EITHER_WITHIN_N: "least(f.duration_ms, f.gap_next_ms)",
}
# What is counted of resolved contacts alone -> the same of all.
OF_RESOLVED = {
    Measure.RESOLVED_N: Measure.N,
    Measure.RESOLVED_NEXT_WITHIN_N: Measure.NEXT_WITHIN_N,
    Measure.RESOLVED_NEXT_ON_TOPIC_N: Measure.NEXT_ON_TOPIC_N,
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
AGES = {
    Measure.AGE_N: Measure.BUSINESS_AGE_N,
    Measure.AGE_SUM: Measure.BUSINESS_AGE_SUM,
    Measure.AGE_MIN: Measure.BUSINESS_AGE_MIN,
    Measure.AGE_MAX: Measure.BUSINESS_AGE_MAX,
}
AGE_MEASURES = frozenset({*AGES, *AGES.values()})
# What a row is held against: the same for several members of one bucket.
COMMON = frozenset({Measure.DAYS, Measure.WHOLE_N})
# What no row of facts or summaries has: it is filled in afterwards.
FILLED = AGE_MEASURES | COMMON | {Measure.DUE_N}
# What lasts -> what it becomes once it has ended.
LASTING = {
    Kind.WAITING: (Kind.RESPONSE, Kind.WAIT_DROPPED),
    Kind.OPEN_TICKET: (Kind.OPEN_ENDED,),
    Kind.OWED: (Kind.OWED_ENDED,),
}
# What adds up over several times that are not one after the other.
INTERRUPTED = frozenset({Kind.OWED})


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
        is_timed = self.kind in BUSINESS_KINDS and self.measure in BUSINESS_TWINS
        return is_timed or self.measure in AGES

    def in_business_hours(self) -> "Part":
        return replace(self, measure=(BUSINESS_TWINS | AGES)[self.measure])

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

    def squared(self) -> "Combo":
        """The sum of the squares of what is added up, where no fact is in two parts."""
        return Combo(
            tuple(
                (sign * sign, replace(part, measure=SQUARES.get(part.measure, part.measure)))
                for sign, part in self.terms
            )
        )

    def between(self, since: datetime | None, until: datetime | None) -> "Combo":
        return Combo(tuple((sign, part.between(since, until)) for sign, part in self.terms))

    def total(self, values: Mapping[Part, int]) -> int:
        return sum(sign * values[part] for sign, part in self.terms)

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(part for _, part in self.terms)

    def in_business_hours(self) -> "Combo":
        return Combo(tuple((sign, part.in_business_hours()) for sign, part in self.terms))
