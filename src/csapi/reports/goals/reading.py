"""Asks the engine for everything that the states of goals are told by, in one snapshot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Direction, Metric, Unit
from csapi.metrics.periods import TimeGrain
from csapi.metrics.zones import local_date
from csapi.reports.goals.schemas import (
    GoalDirection,
    GoalMilestone,
    GoalReason,
    GoalRequest,
    GoalState,
    GoalStatus,
)
from csapi.reports.goals.states import (
    DAY,
    Span,
    Weeks,
    direction_of,
    hindrance,
    milestone_state,
    pace,
    projection_of,
    status_of,
)
from csapi.reports.over_time import weeks_in
from csapi.reports.service import Snapshot
from csapi.reports.windows import Seeing, Window, WindowValue


@dataclass(frozen=True)
class Look:
    """A goal seen from a local day, and the windows that tell where it is."""

    goal: GoalRequest
    today: date

    @cached_property
    def span(self) -> Span:
        return Span(self.goal, self.today)

    def window(self, end: date) -> Window:
        start, until = self.span.window(end)
        return Window(self.goal.metric, self.goal.filters, start, until)

    @cached_property
    def current(self) -> Window:
        return self.window(self.span.end)

    @cached_property
    def before(self) -> Window | None:
        """Of the baseline, where it is to be measured and its days are over."""
        if self.goal.baseline is not None or not self.span.has_started:
            return None
        return self.window(self.goal.starts_on)

    @cached_property
    def weeks(self) -> Window | None:
        start, end = self.span.weeks
        if start >= end:
            return None
        return Window(self.goal.metric, self.goal.filters, start, end, TimeGrain.week)

    def milestone(self, due_on: date) -> Window:
        """Of its day, once that is over."""
        return self.window(min(due_on + DAY, self.span.end))

    def all(self) -> Iterator[Window]:
        yield self.current
        if self.before is not None:
            yield self.before
        if self.weeks is not None:
            yield self.weeks
        for each in self.goal.milestones:
            yield self.milestone(each.due_on)


async def states_of(
    seeing: Seeing, goals: Sequence[GoalRequest], snapshot: Snapshot
) -> list[GoalState]:
    """Where each goal is, as of the desk's now."""
    today = local_date(snapshot.desk.timezone, snapshot.desk.now)
    looks = [Look(goal, today) for goal in goals]
    await seeing.read(window for look in looks for window in look.all())
    return [await state_of(seeing, look, snapshot) for look in looks]


async def metric_of(snapshot: Snapshot, metric_id: str) -> Metric | None:
    """None: there is none by now."""
    return METRICS.get(metric_id) or (await snapshot.metrics([metric_id])).get(metric_id)


async def state_of(seeing: Seeing, look: Look, snapshot: Snapshot) -> GoalState:
    goal, span = look.goal, look.span
    metric = await metric_of(snapshot, goal.metric.id)
    good = Direction.neutral if metric is None else metric.direction
    seen = seeing.of(look.current)
    column = seen.column
    current = seeing.value_of(look.current)
    measured = None if look.before is None else seeing.value_of(look.before)
    baseline = goal.baseline if goal.baseline is not None else known_value(measured)
    direction = direction_of(good, baseline, goal.target)
    weeks = weeks_of(seeing, look, Unit.COUNT if column is None else column.unit)
    projection = projection_of(weeks, direction)
    value = None if current is None else current.value
    status, reason = status_of(span, value, direction, projection)
    if seen.problem is not None and status is not GoalStatus.not_started:
        status, reason = GoalStatus.cannot_tell, GoalReason.cannot_be_asked
    now = known_value(current)
    sign = 1 if direction is None or direction == "up" else -1
    missing = None if now is None else goal.target - now
    way = None if baseline is None or baseline == goal.target else goal.target - baseline
    days_left = span.days_left
    return GoalState(
        status=status,
        reason=reason,
        direction=direction,
        column=column,
        definition=None if metric is None else metric.version,
        baseline=baseline,
        measured_baseline=measured,
        current=current,
        gap=None if missing is None else sign * missing,
        progress=None if missing is None or way is None else 1 - missing / way,
        planned=span.planned(span.end, baseline) if span.has_started else baseline,
        days_left=days_left,
        required_pace=None if missing is None or not days_left else pace(missing / days_left),
        projection=projection,
        milestones=list(milestones_of(seeing, look, direction)),
    )


def known_value(seen: WindowValue | None) -> float | None:
    """The value that is worth something: one of too few is none."""
    if seen is None or hindrance(seen.value) is not None:
        return None
    return seen.value.value


def weeks_of(seeing: Seeing, look: Look, unit: Unit) -> Weeks:
    scale = weeks_in(look.goal.metric, unit, look.goal.window_days)
    if look.weeks is None:
        return Weeks(look.span, unit, scale, [])
    zone = seeing.snapshot.desk.timezone
    values = [
        (local_date(zone, each.start), each.value)
        for each in seeing.of(look.weeks).buckets
        if each.start is not None
    ]
    return Weeks(look.span, unit, scale, values)


def milestones_of(
    seeing: Seeing, look: Look, direction: GoalDirection | None
) -> Iterator[GoalMilestone]:
    for each in look.goal.milestones:
        seen = seeing.value_of(look.milestone(each.due_on))
        yield GoalMilestone(
            due_on=each.due_on,
            value=each.value,
            state=milestone_state(
                each.value,
                None if seen is None else seen.value,
                direction,
                is_due=look.today > each.due_on,
            ),
            seen=seen if look.span.has_started else None,
        )
