"""Goals on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.facts.wire import Key
from csapi.kit.quantities import UtcDatetime
from csapi.reports.comparison import Bounds
from csapi.reports.layouts import DimensionValue, Series
from csapi.reports.pages import Cursor
from csapi.reports.runs.schemas import Title
from csapi.reports.schemas import ColumnInfo, FilterNode, MetricRequest, QueryAnnotation, QueryPage
from csapi.reports.windows import WindowsMeta, WindowValue

MOST_GOALS, MOST_MILESTONES, MOST_PROGRESS_POINTS, MOST_GOALS_AT_ONCE = 200, 12, 60, 50
LONGEST_WINDOW_DAYS, LONGEST_GOAL_DAYS = 366, 1_830
LARGEST_VALUE = 1e12

Amount = Annotated[float, Meta(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]


class Milestone(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A value on the way: to be reached by the end of that local day."""

    due_on: date
    value: Amount


class GoalRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where a metric is to be by the end of `due_on`.

    Values are those of windows of `window_days` whole local days: a count is one of so many days.
    `baseline`: where it starts from; null: the value of the window before `starts_on`. `metric` and
    `filters` are those of a query, without `as`.
    """

    title: Title
    metric: MetricRequest
    target: Amount
    starts_on: date
    due_on: date
    baseline: Amount | None = None
    filters: FilterNode | None = None
    window_days: Annotated[int, Meta(ge=1, le=LONGEST_WINDOW_DAYS)] = 28
    milestones: Annotated[list[Milestone], Meta(max_length=MOST_MILESTONES)] = []
    owner: Key | None = None


class GoalStatus(StrEnum):
    """Where a goal is. GET /v1/goals says by which rule."""

    not_started = "not_started"
    on_track = "on_track"
    at_risk = "at_risk"
    off_track = "off_track"
    reached = "reached"
    missed = "missed"
    cannot_tell = "cannot_tell"


class GoalDirection(StrEnum):
    """Which way the metric is to go."""

    up = "up"
    down = "down"


class GoalReason(StrEnum):
    """Why something is not told.

    cannot_be_asked: the query is refused by now, as where a custom metric was deleted. no_value:
    the metric is null (`current` says why). too_few: of fewer than 20. no_baseline: there is no
    value before the start, or it is the target. too_few_points: fewer than four whole weeks since
    the start have a value. not_additive: weeks say nothing of the window, as of different
    customers. flat: the trend may be none. adverse: it leads away from the target. too_far: over
    ten years. over: the day has passed.
    """

    cannot_be_asked = "cannot_be_asked"
    no_value = "no_value"
    too_few = "too_few"
    no_baseline = "no_baseline"
    too_few_points = "too_few_points"
    not_additive = "not_additive"
    flat = "flat"
    adverse = "adverse"
    too_far = "too_far"
    over = "over"


class GoalPace(msgspec.Struct, kw_only=True):
    """By how much the value changes, or has to."""

    per_day: float
    per_week: float


class GoalProjection(msgspec.Struct, kw_only=True):
    """Where the trend leads: a weighted line through the whole weeks since the start, the latest
    26. `value` is that of the window that ends on the due date; `reaches_on` the day on whose
    window the target is reached, between `reaches_from` and `reaches_until`. Intervals are of
    95 %."""

    points: int
    pace: GoalPace | None
    pace_per_week_ci95: Bounds | None
    value: float | None
    value_ci95: Bounds | None
    reason: GoalReason | None
    reaches_on: date | None
    reaches_from: date | None
    reaches_until: date | None
    reaches_reason: GoalReason | None


class MilestoneState(StrEnum):
    """Where a milestone is: before its day by the current value, later by that of its day."""

    open = "open"
    reached = "reached"
    missed = "missed"
    cannot_tell = "cannot_tell"


class GoalMilestone(msgspec.Struct, kw_only=True):
    """`seen`: the value that the state is by."""

    due_on: date
    value: float
    state: MilestoneState
    seen: WindowValue | None


class GoalState(msgspec.Struct, kw_only=True):
    """Where a goal is, by the whole local days until now, or until its due date.

    `gap`: what is still missing, 0 or below once it is there. `progress`: the share of the way from
    baseline to target that is done; below 0 it went the other way, above 1 further. `planned`:
    where a straight line from baseline to target would be. `required_pace`: from now on, to be
    there in time.
    """

    status: GoalStatus
    reason: GoalReason | None
    direction: GoalDirection | None
    column: ColumnInfo | None
    definition: str | None
    baseline: float | None
    measured_baseline: WindowValue | None
    current: WindowValue | None
    gap: float | None
    progress: float | None
    planned: float | None
    days_left: int
    required_pace: GoalPace | None
    projection: GoalProjection
    milestones: list[GoalMilestone]


class SavedGoal(msgspec.Struct, kw_only=True):
    """A goal and where it is."""

    id: str
    goal: GoalRequest
    state: GoalState
    created_at: UtcDatetime
    updated_at: UtcDatetime


class GoalList(msgspec.Struct, kw_only=True):
    """Goals, the newest first. All numbers are of one snapshot."""

    data: list[SavedGoal]
    page: QueryPage
    meta: WindowsMeta


class GoalAnswer(SavedGoal, kw_only=True):
    """One goal, and how its numbers came about."""

    meta: WindowsMeta


class GoalProgress(msgspec.Struct, kw_only=True):
    """A goal over time, ready to be drawn: the value of the window that ends with each category,
    and beside it the straight line from baseline to target. What lies ahead has no value.
    `annotations`: those from the start to the due date that its filters do not contradict."""

    id: str
    title: str
    target: float
    baseline: float | None
    column: ColumnInfo | None
    categories: list[DimensionValue]
    series: list[Series]
    annotations: list[QueryAnnotation]
    meta: WindowsMeta


class GoalPath(msgspec.Struct, kw_only=True):
    goal_id: Annotated[UUID, Meta(description="Id of the goal")]


class GoalParams(msgspec.Struct, kw_only=True):
    """Which goals."""

    metric: Annotated[str | None, Meta(description="About this metric alone")] = None
    limit: Annotated[int, Meta(ge=1, le=MOST_GOALS_AT_ONCE, description="Page size")] = 20
    cursor: Cursor = None
