"""Measures what an annotated event changed: weeks before and after it, asked of the engine."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from csapi.metrics.effects import Effect, NoEffect, Scale, Week, effect_of
from csapi.metrics.metric import Direction, Metric, Unit
from csapi.metrics.periods import Period
from csapi.metrics.sampling import MINIMUM_N
from csapi.metrics.zones import day_start, local_date
from csapi.reports.over_time import scale_of, since_first
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    MetricRequest,
    MetricValue,
    QueryAnnotation,
)
from csapi.reports.service import Snapshot
from csapi.reports.surroundings import annotations_of
from csapi.reports.uplift.schemas import (
    AnnotationUplift,
    UpliftComparison,
    UpliftMethod,
    UpliftParams,
    UpliftReason,
    UpliftVerdict,
    UpliftWeek,
)
from csapi.reports.windows import Seeing, Window, WindowValue

WEEK, DAY = timedelta(days=7), timedelta(days=1)
SIGNIFICANT, FARTHEST_LOGARITHM = 0.05, 100.0


def scope_filter(annotation: QueryAnnotation) -> FilterNode | None:
    tests = [
        FilterNode(dimension=each.dimension, op=FilterOp.is_in, values=each.values)
        for each in annotation.scope
    ]
    return FilterNode(and_=tests) if tests else None


@dataclass(frozen=True)
class Plan:
    """Which weeks of which work tell what an event changed."""

    annotation: QueryAnnotation
    wanted: UpliftParams
    comparison: UpliftComparison
    timezone: str
    today: date

    @cached_property
    def metric(self) -> MetricRequest:
        return MetricRequest(id=self.wanted.metric, agg=self.wanted.agg)

    @cached_property
    def inside(self) -> FilterNode | None:
        return scope_filter(self.annotation)

    @cached_property
    def outside(self) -> FilterNode | None:
        """The work beside it; None where it is not held against any."""
        if self.comparison is UpliftComparison.seasonal or self.inside is None:
            return None
        return FilterNode(not_=self.inside)

    @cached_property
    def happened_on(self) -> date:
        return local_date(self.timezone, self.annotation.starts_at)

    @cached_property
    def after_from(self) -> date:
        """The first whole local day after it has happened."""
        starts_at, day = self.annotation.starts_at, self.happened_on
        return day if day_start(self.timezone, day) == starts_at else day + DAY

    @cached_property
    def weeks_after(self) -> int:
        """As many as are over, and while it lasted."""
        until = self.today
        if self.annotation.ends_at is not None:
            until = min(until, local_date(self.timezone, self.annotation.ends_at) + DAY)
        over = max((until - self.after_from) // WEEK, 0)
        return min(over, self.wanted.weeks_after)

    def starts(self) -> list[tuple[date, bool]]:
        """The first day of each week, and whether it lies after."""
        before = [
            (self.happened_on - WEEK * number, False)
            for number in range(self.wanted.weeks_before, 0, -1)
        ]
        return before + [(self.after_from + WEEK * n, True) for n in range(self.weeks_after)]

    def window(self, start: date, end: date, filters: FilterNode | None) -> Window:
        return Window(self.metric, filters, start, end)

    def weeks(self, filters: FilterNode | None) -> list[Window]:
        return [self.window(start, start + WEEK, filters) for start, _ in self.starts()]

    def before(self, filters: FilterNode | None) -> Window:
        start = self.happened_on - WEEK * self.wanted.weeks_before
        return self.window(start, self.happened_on, filters)

    def after(self, filters: FilterNode | None) -> Window | None:
        if not self.weeks_after:
            return None
        return self.window(self.after_from, self.after_from + WEEK * self.weeks_after, filters)

    def all(self) -> list[Window]:
        found: list[Window | None] = []
        for filters in (self.inside, *([] if self.outside is None else [self.outside])):
            found += [self.before(filters), self.after(filters), *self.weeks(filters)]
        return [each for each in found if each is not None]


def week_of(value: MetricValue | None) -> Week:
    if value is None:
        return Week(None)
    return Week(value.value, 1.0 if value.denominator is None else float(value.n))


async def measured(snapshot: Snapshot, plan: Plan, metric: Metric) -> AnnotationUplift:
    seeing = Seeing(snapshot)
    await seeing.read(plan.all())
    inside = [seeing.of(each).value for each in plan.weeks(plan.inside)]
    outside: list[MetricValue | None] | None = None
    if plan.outside is not None:
        outside = [seeing.of(each).value for each in plan.weeks(plan.outside)]

    def seen(window: Window | None) -> WindowValue | None:
        return None if window is None else seeing.value_of(window)

    column = seeing.of(plan.before(plan.inside)).column
    found = AnnotationUplift(
        annotation=plan.annotation,
        metric=plan.metric.id,
        column=column,
        definition=metric.version,
        comparison=plan.comparison,
        before=seen(plan.before(plan.inside)),
        after=seen(plan.after(plan.inside)),
        outside_before=None if plan.outside is None else seen(plan.before(plan.outside)),
        outside_after=None if plan.outside is None else seen(plan.after(plan.outside)),
        expected=None, uplift=None, uplift_ci95=None, relative_uplift=None,
        relative_uplift_ci95=None, p_value=None, verdict=UpliftVerdict.cannot_tell, reason=None,
        method=None,
        weeks=weeks_told(plan, inside, outside),
        confounders=await confounders_of(snapshot, plan),
        meta=seeing.meta,
    )  # fmt: skip
    unit = Unit.COUNT if column is None else column.unit
    both = [*inside, *(outside or ())]
    values = [None if each is None else each.value for each in both]
    scale = scale_of(plan.metric, unit, values)
    judge(found, plan, metric.direction, scale, inside, outside)
    return found


def weeks_told(
    plan: Plan, inside: Sequence[MetricValue | None], outside: Sequence[MetricValue | None] | None
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
        for (start, is_after), own, other in zip(plan.starts(), inside, beside, strict=True)
    ]


async def confounders_of(snapshot: Snapshot, plan: Plan) -> list[QueryAnnotation]:
    zone, (first, _) = plan.timezone, plan.starts()[0]
    end = plan.after_from + WEEK * max(plan.weeks_after, 1)
    period = Period(day_start(zone, first), day_start(zone, end), zone)
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    found = await annotations_of(connection, tenant_id, period, plan.inside)
    return [each for each in found if each.id != plan.annotation.id]


def is_small(*seen: WindowValue | None) -> bool:
    return any(
        each is not None and each.value.denominator is not None and each.value.n < MINIMUM_N
        for each in seen
    )


def judge(
    found: AnnotationUplift,
    plan: Plan,
    good: Direction,
    scale: Scale,
    inside: Sequence[MetricValue | None],
    outside: Sequence[MetricValue | None] | None,
) -> None:
    """Fill in the effect and what it means."""
    cut = plan.wanted.weeks_before
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


def fill_in(found: AnnotationUplift, effect: Effect, scale: Scale, value: float) -> None:
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
