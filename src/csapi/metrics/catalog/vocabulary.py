"""The words that entries of the catalog are written with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from csapi.facts.outcomes import Told
from csapi.metrics.formulas import (
    MS_PER_SECOND,
    Facts,
    Formula,
    added,
    count,
    mean_seconds,
    mean_value,
    within_share,
)
from csapi.metrics.metric import (
    Attribution,
    Direction,
    MergeClass,
    Metric,
    Param,
    ParamType,
    TimeBasis,
    Unit,
)
from csapi.metrics.parts import Combo, Measure

Params = Mapping[str, Any]
OFF = False
STAYS_OPEN = True

EVENT, COHORT, INTERVAL = TimeBasis.event, TimeBasis.cohort, TimeBasis.interval
HIGHER, LOWER, NEUTRAL = (
    Direction.higher_is_better,
    Direction.lower_is_better,
    Direction.neutral,
)
ACTOR, OWNER, SURVEY = Attribution.actor, Attribution.owner_then, Attribution.survey_snapshot


def total_seconds(facts: Facts) -> Formula:
    """The sum of durations in seconds."""
    return Formula(numerator=facts.duration(), n=facts.count(), numerator_scale=MS_PER_SECOND)


def time_share(part: Combo, whole: Combo, n: Combo) -> Formula:
    """The share of one time in another, both in seconds."""
    return Formula(
        numerator=part,
        denominator=whole,
        n=n,
        numerator_scale=MS_PER_SECOND,
        denominator_scale=MS_PER_SECOND,
    )


def threshold(default: int) -> Param:
    return Param(
        "threshold_seconds",
        ParamType.number,
        default,
        "At or under so many seconds counts.",
        minimum=0,
        maximum=31_536_000,
    )


EXCLUDE_ZERO = Param("exclude_zero", ParamType.flag, OFF, "Leave out durations of exactly zero.")
INCLUDE_NEGATIVE = Param(
    "include_negative",
    ParamType.flag,
    OFF,
    "Take negative durations into the mean, as some tools do. Percentiles stay without them.",
)

# What n means where time is added up.
PIECES = "n counts pieces of 15 minutes at most, into which the time is cut, not intervals."


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def counted(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    direction: Direction = NEUTRAL,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    pitfalls: str = "",
    more: tuple[Facts, ...] = (),
    by_rating: bool = False,
    needs: Told | None = None,
) -> Metric:
    """How many there are. needs: what a source must tell for 0 to mean none."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="count",
        unit=Unit.COUNT,
        direction=direction,
        time_basis=basis,
        merge_class=MergeClass.additive,
        attribution=attribution,
        build=lambda _: replace(count(facts, *more), needs=needs),
        example="Three of them in the range give 3; none gives 0.",
        pitfalls=pitfalls,
        by_rating=by_rating,
    )


def distinct(
    metric_id: str,
    label: str,
    facts: Facts,
    measure: Measure,
    description: str,
    *,
    more: tuple[Facts, ...] = (),
    pitfalls: str = "Not additive: the days of a month do not add up to the month.",
    needs: Told | None = None,
) -> Metric:
    every = (facts, *more)
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="count of different ones",
        unit=Unit.COUNT,
        direction=NEUTRAL,
        time_basis=EVENT,
        merge_class=MergeClass.distinct,
        attribution=ACTOR,
        build=lambda _: Formula(
            numerator=added(each.distinct(measure) for each in every),
            n=added(each.count() for each in every),
            needs=needs,
        ),
        example="Three of the same and one of another give 2 with n = 4.",
        pitfalls=pitfalls,
    )


def lasted(
    metric_id: str,
    label: str,
    facts: Callable[[Params], Facts],
    description: str,
    *,
    direction: Direction = NEUTRAL,
    params: tuple[Param, ...] = (),
    pitfalls: str = "",
) -> Metric:
    """A sum of seconds, each in the bucket in which it passed."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of the time in the range",
        unit=Unit.SECONDS,
        direction=direction,
        time_basis=INTERVAL,
        merge_class=MergeClass.additive,
        attribution=ACTOR,
        build=lambda built: total_seconds(facts(built)),
        example="From 22:30 to 06:15: 5,400 s on the first day and 22,500 s on the second.",
        pitfalls=" ".join(filter(None, (pitfalls, PIECES))),
        params=params,
    )


def averaged(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    pitfalls: str = "",
    zero: Param = EXCLUDE_ZERO,
) -> Metric:
    """A mean duration in seconds; percentiles and extremes of the same durations come with it."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text="sum of durations / number of known durations",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=basis,
        merge_class=MergeClass.mean,
        attribution=attribution,
        build=lambda params: mean_seconds(
            facts,
            exclude_zero=params[zero.name],
            include_negative=params[INCLUDE_NEGATIVE.name],
        ),
        example="Durations of 60 s and 120 s give 90 s with n = 2; one of 100 of 60 s and two of "
        "600 s give 70.59 s, not the mean of the two means.",
        pitfalls=pitfalls,
        params=(zero, INCLUDE_NEGATIVE),
    )


def within(
    metric_id: str,
    label: str,
    facts: Facts,
    default: int,
    *,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description="The share of the durations that are at or under `threshold_seconds`.",
        formula_text="durations <= threshold / known durations",
        unit=Unit.SHARE,
        direction=HIGHER,
        time_basis=basis,
        merge_class=MergeClass.ratio,
        attribution=attribution,
        build=lambda params: within_share(facts, params["threshold_seconds"]),
        example="Of 10 s, 20 s and 30 s, two are within 20 s: 2 / 3.",
        pitfalls="Exactly the threshold counts as within.",
        params=(threshold(default),),
    )


def scored(
    metric_id: str,
    label: str,
    facts: Facts,
    description: str,
    *,
    formula_text: str,
    example: str,
    attribution: Attribution = ACTOR,
    pitfalls: str = "",
    on_one_scale: bool = False,
) -> Metric:
    """A mean of values on their own scale. on_one_scale: there may be several, which have none."""
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text=formula_text,
        unit=Unit.SCORE,
        direction=HIGHER,
        time_basis=EVENT,
        merge_class=MergeClass.mean,
        attribution=attribution,
        build=lambda _: replace(mean_value(facts), one_scale=facts if on_one_scale else None),
        example=example,
        pitfalls=pitfalls,
    )


def ratio(
    metric_id: str,
    label: str,
    build: Any,
    description: str,
    *,
    formula_text: str,
    example: str,
    direction: Direction = HIGHER,
    basis: TimeBasis = EVENT,
    attribution: Attribution = ACTOR,
    params: tuple[Param, ...] = (),
    pitfalls: str = "",
    caution_by_agent: str = "",
    stays_open: bool = False,
) -> Metric:
    return Metric(
        id=metric_id,
        label=label,
        description=description,
        formula_text=formula_text,
        unit=Unit.SHARE,
        direction=direction,
        time_basis=basis,
        merge_class=MergeClass.ratio,
        attribution=attribution,
        build=build,
        example=example,
        pitfalls=pitfalls,
        params=params,
        caution_by_agent=caution_by_agent,
        stays_open=stays_open,
    )
