"""Measures what something changed: weeks before and after it, asked of the engine."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from csapi.metrics.effects import Effect, NoEffect, Scale, Week, effect_of
from csapi.metrics.metric import Direction, Metric, Unit
from csapi.metrics.sampling import MINIMUM_N
from csapi.reports.over_time import scale_of, since_first
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    MetricValue,
    QueryAnnotation,
)
from csapi.reports.service import Snapshot
from csapi.reports.surroundings import annotations_of
from csapi.reports.uplift.schemas import (
    Measured,
    UpliftMethod,
    UpliftReason,
    UpliftVerdict,
    UpliftWeek,
)
from csapi.reports.uplift.trial import WEEK, Trial
from csapi.reports.windows import Seeing, Window, WindowValue

M = TypeVar("M", bound=Measured)
SIGNIFICANT, FARTHEST_LOGARITHM = 0.05, 100.0


def scope_filter(annotation: QueryAnnotation) -> FilterNode | None:
    tests = [
        FilterNode(dimension=each.dimension, op=FilterOp.is_in, values=each.values)
        for each in annotation.scope
    ]
    return FilterNode(and_=tests) if tests else None


def week_of(value: MetricValue | None) -> Week:
    if value is None:
        return Week(None)
    return Week(value.value, 1.0 if value.denominator is None else float(value.n))


async def measured(
    snapshot: Snapshot,
    trial: Trial,
    metric: Metric,
    make: Callable[..., M],
    *,
    known: str | None = None,
) -> M:
    """make: takes the fields of Measured. known: the annotation that is measured, if it is one."""
    seeing = Seeing(snapshot)
    await seeing.read(trial.all())
    inside = [seeing.of(each).value for each in trial.weeks(trial.inside)]
    outside: list[MetricValue | None] | None = None
    if trial.has_outside:
        outside = [seeing.of(each).value for each in trial.weeks(trial.outside)]

    def seen(window: Window | None) -> WindowValue | None:
        return None if window is None else seeing.value_of(window)

    beside = (trial.before(trial.outside), trial.after(trial.outside))
    column = seeing.of(trial.before(trial.inside)).column
    found = make(
        metric=trial.metric.id,
        column=column,
        definition=metric.version,
        before=seen(trial.before(trial.inside)),
        after=seen(trial.after(trial.inside)),
        outside_before=seen(beside[0]) if trial.has_outside else None,
        outside_after=seen(beside[1]) if trial.has_outside else None,
        weeks=weeks_told(trial, inside, outside),
        confounders=await confounders_of(snapshot, trial, known),
        meta=seeing.meta,
    )
    unit = Unit.COUNT if column is None else column.unit
    both = [*inside, *(outside or ())]
    values = [None if each is None else each.value for each in both]
    scale = scale_of(trial.metric, unit, values)
    judge(found, trial, metric.direction, scale, inside, outside)
    return found


def weeks_told(
    trial: Trial,
    inside: Sequence[MetricValue | None],
    outside: Sequence[MetricValue | None] | None,
) -> list[UpliftWeek]:
    beside = outside or [None] * len(inside)
    return [
        UpliftWeek(
            from_=start,
            to=start + WEEK,
            is_after=is_after,
            value=None if own is None else own.value,
            n=0 if own is None else own.n,
            outside=None if other is None else other.value,
            outside_n=None if other is None else other.n,
        )
        for (start, is_after), own, other in zip(trial.starts(), inside, beside, strict=True)
    ]


async def confounders_of(
    snapshot: Snapshot, trial: Trial, known: str | None
) -> list[QueryAnnotation]:
    """What else was annotated in the same weeks."""
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    found = await annotations_of(connection, tenant_id, trial.period, trial.inside)
    return [each for each in found if each.id != known]


def is_small(*seen: WindowValue | None) -> bool:
    return any(
        each is not None and each.value.denominator is not None and each.value.n < MINIMUM_N
        for each in seen
    )


def judge(
    found: Measured,
    trial: Trial,
    good: Direction,
    scale: Scale,
    inside: Sequence[MetricValue | None],
    outside: Sequence[MetricValue | None] | None,
) -> None:
    """Fill in the effect and what it means."""
    cut = trial.before_weeks
    own = [week_of(each) for each in since_first(inside)]
    others = None
    if outside is not None:
        theirs = [week_of(each) for each in since_first(outside)]
        others = theirs[:cut], theirs[cut:]
    effect = effect_of(own[:cut], own[cut:], scale=scale, others=others)
    if isinstance(effect, NoEffect):
        found.reason = UpliftReason(effect.value)
        return
    found.method = UpliftMethod(
        scale=scale,
        weeks_before=effect.weeks_before,
        weeks_after=effect.weeks_after,
        autocorrelation=effect.correlation,
        degrees_of_freedom=effect.freedom,
    )
    if is_small(found.before, found.after, found.outside_before, found.outside_after):
        found.reason = UpliftReason.too_few
        return
    if found.after is None or found.after.value.value is None:
        found.reason = UpliftReason.no_value
        return
    found.p_value = effect.p_value
    fill_in(found, effect, scale, found.after.value.value)
    if effect.p_value >= SIGNIFICANT:
        found.reason = UpliftReason.not_significant
    elif good is Direction.neutral:
        found.verdict = UpliftVerdict.changed
    else:
        is_good = (effect.effect > 0) == (good is Direction.higher_is_better)
        found.verdict = UpliftVerdict.improved if is_good else UpliftVerdict.worsened


def factor(logarithm: float) -> float:
    """However far an interval of hardly anything reaches, it stays a number."""
    return math.exp(min(max(logarithm, -FARTHEST_LOGARITHM), FARTHEST_LOGARITHM))


def fill_in(found: Measured, effect: Effect, scale: Scale, value: float) -> None:
    if scale is Scale.ratio:
        found.expected = value / factor(effect.effect)
        # Without the event it would have been the value over that factor, whichever it is.
        found.uplift_ci95 = [value - value / factor(each) for each in effect.ci95]
        found.relative_uplift = factor(effect.effect) - 1
        found.relative_uplift_ci95 = [factor(each) - 1 for each in effect.ci95]
    else:
        found.expected = value - effect.effect
        found.uplift_ci95 = list(effect.ci95)
        if found.expected:
            size = abs(found.expected)
            found.relative_uplift = effect.effect / size
            found.relative_uplift_ci95 = [each / size for each in effect.ci95]
    found.uplift = value - found.expected
