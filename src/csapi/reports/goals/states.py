"""Where a goal is, by numbers that are there already. Pure; docs/goals.md publishes the rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from csapi.metrics.metric import Direction, Unit
from csapi.metrics.sampling import MINIMUM_N
from csapi.metrics.trends import Line, Point, line_through
from csapi.reports.goals.schemas import (
    GoalDirection,
    GoalPace,
    GoalProjection,
    GoalReason,
    GoalRequest,
    GoalStatus,
    MilestoneState,
)
from csapi.reports.schemas import MetricValue

WEEK, MOST_WEEKS = 7, 26
FARTHEST_DAYS = 3_660
DAY = timedelta(days=1)
# What values of a unit cannot go beyond.
BOUNDS = {
    Unit.SHARE: (0.0, 1.0),
    Unit.POINTS: (-100.0, 100.0),
    Unit.COUNT: (0.0, math.inf),
    Unit.SECONDS: (0.0, math.inf),
}
BAD_SAMPLES = GoalReason.no_value, GoalReason.too_few


def bounds_of(unit: Unit) -> tuple[float, float]:
    return BOUNDS.get(unit, (-math.inf, math.inf))


def monday_after(day: date) -> date:
    """That day, or the first Monday later."""
    return day + timedelta(days=-day.weekday() % WEEK)


def direction_of(
    direction: Direction, baseline: float | None, target: float
) -> GoalDirection | None:
    """By what is good of the metric; where nothing is, from baseline to target."""
    if direction is not Direction.neutral:
        is_up = direction is Direction.higher_is_better
        return GoalDirection.up if is_up else GoalDirection.down
    if baseline is None or baseline == target:
        return None
    return GoalDirection.up if target > baseline else GoalDirection.down


@dataclass(frozen=True)
class Span:
    """The days of a goal, seen from a local day. Ends are exclusive."""

    goal: GoalRequest
    today: date

    @cached_property
    def deadline(self) -> date:
        return self.goal.due_on + DAY

    @cached_property
    def end(self) -> date:
        """The end of the window of the current value."""
        return min(self.today, self.deadline)

    @property
    def is_over(self) -> bool:
        return self.today >= self.deadline

    @property
    def has_started(self) -> bool:
        return self.today >= self.goal.starts_on

    @property
    def days_left(self) -> int:
        return (self.deadline - self.end).days

    @property
    def weeks(self) -> tuple[date, date]:
        """The whole weeks since the start, the latest of them; none where both are the same."""
        first = monday_after(self.goal.starts_on)
        last = self.end - timedelta(days=self.end.weekday())
        return max(first, last - timedelta(weeks=MOST_WEEKS)), max(first, last)

    def window(self, end: date) -> tuple[date, date]:
        return end - timedelta(days=self.goal.window_days), end

    def planned(self, end: date, baseline: float | None) -> float | None:
        """Where a straight line would be for the window that ends there."""
        if baseline is None:
            return None
        days = (self.deadline - self.goal.starts_on).days
        share = min(max((end - self.goal.starts_on).days / days, 0.0), 1.0)
        return baseline + (self.goal.target - baseline) * share


def hindrance(value: MetricValue | None) -> GoalReason | None:
    """Why a value tells nothing."""
    if value is None or value.value is None:
        return GoalReason.no_value
    is_small = value.denominator is not None and value.n < MINIMUM_N
    return GoalReason.too_few if is_small else None


def is_there(value: float, target: float, direction: GoalDirection) -> bool:
    return value >= target if direction is GoalDirection.up else value <= target


@dataclass(frozen=True)
class Weeks:
    """The whole weeks since the start. scale: of a sum, how many weeks a window is; None: weeks say
    nothing of a window."""

    span: Span
    unit: Unit
    scale: float | None
    values: Sequence[tuple[date, MetricValue]]

    @cached_property
    def points(self) -> list[Point]:
        """In days since the start, each in the middle of its week."""
        first = self.span.goal.starts_on
        return [
            Point(
                (start - first).days + WEEK / 2,
                value.value * (self.scale or 1.0),
                1.0 if value.denominator is None else float(value.n),
            )
            for start, value in self.values
            if value.value is not None
        ]

    @cached_property
    def line(self) -> Line | None:
        if self.scale is None or self.small:
            return None
        return line_through(self.points)

    @cached_property
    def small(self) -> bool:
        """Whether all weeks together are a sample that is too small."""
        seen = [value for _, value in self.values if value.value is not None]
        are_quotients = any(each.denominator is not None for each in seen)
        return are_quotients and sum(each.n for each in seen) < MINIMUM_N

    @property
    def reason(self) -> GoalReason | None:
        if self.scale is None:
            return GoalReason.not_additive
        if self.small:
            return GoalReason.too_few
        return GoalReason.too_few_points if self.line is None else None

    def bounded(self, value: float) -> float:
        """Within what values of the unit can be, if all of them are."""
        low, high = bounds_of(self.unit)
        are_within = all(low <= each.y <= high for each in self.points)
        return min(max(value, low), high) if are_within else value

    def at_due(self, line: Line) -> tuple[float, list[float]]:
        """The value of the window that ends on the due date, whose middle lies before it."""
        goal = self.span.goal
        x = (self.span.deadline - goal.starts_on).days - goal.window_days / 2
        weight = line.weights / line.points * goal.window_days / WEEK
        low, high = line.interval_at(x, weight)
        return self.bounded(line.at(x)), [self.bounded(low), self.bounded(high)]

    def reaching(
        self, line: Line, direction: GoalDirection | None
    ) -> tuple[tuple[date, date, date] | None, GoalReason | None]:
        """The day on which the target is reached, the earliest and the latest; or why not."""
        goal = self.span.goal
        found = line.reaches(goal.target)
        if found is None or direction is None:
            return None, GoalReason.flat
        if (line.slope > 0) is not (direction is GoalDirection.up):
            return None, GoalReason.adverse
        at, ends = found
        days = [each + goal.window_days / 2 for each in (at, *ends)]
        if max(abs(each) for each in days) > FARTHEST_DAYS:
            return None, GoalReason.too_far
        # The window that ends with a day ends before the next one.
        on, early, late = (goal.starts_on + timedelta(days=math.ceil(each) - 1) for each in days)
        return (on, early, late), None


def pace(per_day: float) -> GoalPace:
    return GoalPace(per_day=per_day, per_week=per_day * WEEK)


def projection_of(weeks: Weeks, direction: GoalDirection | None) -> GoalProjection:
    line = weeks.line
    found = GoalProjection(
        points=len(weeks.points),
        pace=None, pace_per_week_ci95=None, value=None, value_ci95=None,
        reason=weeks.reason, reaches_on=None, reaches_from=None, reaches_until=None,
        reaches_reason=weeks.reason,
    )  # fmt: skip
    if line is None:
        return found
    found.pace = pace(line.slope)
    reach = line.slope_reach
    found.pace_per_week_ci95 = [(line.slope - reach) * WEEK, (line.slope + reach) * WEEK]
    if weeks.span.is_over:
        found.reason = found.reaches_reason = GoalReason.over
        return found
    found.value, found.value_ci95 = weeks.at_due(line)
    days, found.reaches_reason = weeks.reaching(line, direction)
    if days is not None:
        found.reaches_on, found.reaches_from, found.reaches_until = days
    return found


def status_of(
    span: Span,
    current: MetricValue | None,
    direction: GoalDirection | None,
    projection: GoalProjection,
) -> tuple[GoalStatus, GoalReason | None]:
    """The first that holds: not started; nothing to tell it by; reached; missed, once it is over;
    and before that by where the trend leads on the due date."""
    if not span.has_started:
        return GoalStatus.not_started, None
    reason = hindrance(current)
    if reason is not None or current is None or current.value is None:
        return GoalStatus.cannot_tell, reason
    if direction is None:
        return GoalStatus.cannot_tell, GoalReason.no_baseline
    if is_there(current.value, span.goal.target, direction):
        return GoalStatus.reached, None
    return (GoalStatus.missed, None) if span.is_over else outlook(span, direction, projection)


def outlook(
    span: Span, direction: GoalDirection, projection: GoalProjection
) -> tuple[GoalStatus, GoalReason | None]:
    """By where the trend leads."""
    target, ends = span.goal.target, projection.value_ci95
    if projection.value is None or ends is None:
        return GoalStatus.cannot_tell, projection.reason
    if is_there(projection.value, target, direction):
        return GoalStatus.on_track, None
    best = max(ends) if direction is GoalDirection.up else min(ends)
    is_possible = is_there(best, target, direction)
    return (GoalStatus.at_risk if is_possible else GoalStatus.off_track), None


def milestone_state(
    value: float, seen: MetricValue | None, direction: GoalDirection | None, *, is_due: bool
) -> MilestoneState:
    is_told = hindrance(seen) is None and direction is not None
    if not is_told or seen is None or seen.value is None or direction is None:
        return MilestoneState.cannot_tell if is_due else MilestoneState.open
    if is_there(seen.value, value, direction):
        return MilestoneState.reached
    return MilestoneState.missed if is_due else MilestoneState.open
