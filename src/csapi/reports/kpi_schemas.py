"""The numbers of a first screen on the wire."""

from datetime import date
from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.metrics.metric import Direction, Unit
from csapi.metrics.periods import TimeGrain
from csapi.reports.comparison import CompareTo, Comparison, Excluded, NullReason
from csapi.reports.goals.schemas import GoalStatus
from csapi.reports.layouts import DimensionValue, Precision, Series
from csapi.reports.matrix_schemas import Matrix
from csapi.reports.ordering import Shape
from csapi.reports.schemas import QueryMeta


class KpiSet(StrEnum):
    """Which numbers a first screen shows."""

    help_desk_home = "help_desk_home"
    call_center = "call_center"
    e_commerce = "e_commerce"
    executive = "executive"


class KpiCompare(StrEnum):
    """What each number is held against: of `compare.to` of a query, what needs nothing else."""

    previous_period = CompareTo.previous_period.value
    same_weekdays = CompareTo.same_weekdays.value
    previous_year = CompareTo.previous_year.value


class SparkPoint(msgspec.Struct, kw_only=True):
    """A value of a bucket that starts at `start`."""

    start: UtcDatetime | None
    value: float | None
    n: int


class Sparkline(msgspec.Struct, kw_only=True):
    """A number over time: each bucket of the range, in order; null where it has no value."""

    grain: TimeGrain
    points: list[SparkPoint]


class KpiGoal(msgspec.Struct, kw_only=True):
    """A goal under way that is about the same metric, without parameters, and the same filters.
    `status` as of `status_at`: since the last local midnight, or since it was written. GET
    /v1/goals/{goal_id} has it as of now, by the goal's own window."""

    id: str
    title: str
    target: float
    due_on: date
    status: GoalStatus
    status_at: UtcDatetime


class KpiValue(msgspec.Struct, kw_only=True):
    """A number of a first screen, with everything that a tile shows. `compare`, if it is asked for:
    the other side, the difference and its verdict, as in POST /v1/query. `sparkline`, if it is
    asked for: the number over time. `pairs_with`: metrics without which it misleads. `goal`: the
    first to be due of those for it; null where there is none, and to portal tokens with filters.
    """

    id: str
    label: str
    unit: Unit
    direction: Direction
    value: float | None
    n: int
    numerator: float | None
    denominator: float | None
    null_reason: NullReason | None
    precision: Precision
    relative_error: float | None
    excluded: Excluded
    pairs_with: list[str]
    goal: KpiGoal | None
    compare: Comparison | UnsetType = UNSET
    sparkline: Sparkline | UnsetType = UNSET


class KpiChart(msgspec.Struct, kw_only=True):
    """A chart: what POST /v1/query answers to these metrics and dimensions in this shape, laid out
    to be drawn as it is. Of a matrix `matrix`, of series `categories` and `series`."""

    id: str
    metrics: list[str]
    dimensions: list[str]
    shape: Shape
    categories: list[DimensionValue] | None
    series: list[Series] | None
    matrix: Matrix | None


class KpiReport(msgspec.Struct, kw_only=True):
    """The numbers of one set, in their order; `charts`, if they are asked for."""

    set: str
    data: list[KpiValue]
    meta: QueryMeta
    charts: list[KpiChart] | UnsetType = UNSET
