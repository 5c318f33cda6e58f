"""Measured uplift of annotations on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.metrics.effects import Scale
from csapi.reports.comparison import Bounds
from csapi.reports.ordering import Name
from csapi.reports.ranges import RangeParams
from csapi.reports.schemas import ColumnInfo, QueryAnnotation
from csapi.reports.windows import WindowsMeta, WindowValue

MOST_WEEKS_BEFORE, MOST_WEEKS_AFTER = 26, 26


class UpliftComparison(StrEnum):
    """What it is held against. seasonal: the same days of the week before, continued by their own
    trend. outside: the work that is not within the annotation's scope, over the same weeks."""

    seasonal = "seasonal"
    outside = "outside"


class UpliftVerdict(StrEnum):
    """What became of the metric, by its direction; `changed` where no direction is good."""

    improved = "improved"
    worsened = "worsened"
    changed = "changed"
    cannot_tell = "cannot_tell"


class UpliftReason(StrEnum):
    """Why nothing can be told. not_started: of plans that are not in effect yet. too_few: a side is
    of fewer than 20. too_few_weeks_before, _after: of fewer than six weeks before, or of none after
    that is over, there is a value."""

    not_started = "not_started"
    too_few_weeks_before = "too_few_weeks_before"
    too_few_weeks_after = "too_few_weeks_after"
    too_few = "too_few"
    no_value = "no_value"
    not_significant = "not_significant"


class UpliftWeek(msgspec.Struct, kw_only=True):
    """Seven days from `from` on. `outside`: the value of the comparison group."""

    from_: date = msgspec.field(name="from")
    to: date
    is_after: bool
    value: float | None
    n: int
    outside: float | None
    outside_n: int | None


class UpliftMethod(msgspec.Struct, kw_only=True):
    """How the interval was made: docs/goals.md has the formula. `ratio`: effects are factors, as of
    counts. `autocorrelation`: of neighboring weeks, as it was allowed for."""

    scale: Scale
    weeks_before: int
    weeks_after: int
    autocorrelation: float
    degrees_of_freedom: float


class Measured(msgspec.Struct, kw_only=True):
    """What something changed in a metric.

    `uplift`: the value after it less what was `expected` there; `relative_uplift`: its share of
    that. `confounders`: other annotations in the same weeks, which this does not tell apart.
    """

    metric: str
    column: ColumnInfo | None
    definition: str | None
    before: WindowValue | None
    after: WindowValue | None
    outside_before: WindowValue | None
    outside_after: WindowValue | None
    expected: float | None = None
    uplift: float | None = None
    uplift_ci95: Bounds | None = None
    relative_uplift: float | None = None
    relative_uplift_ci95: Bounds | None = None
    p_value: float | None = None
    verdict: UpliftVerdict = UpliftVerdict.cannot_tell
    reason: UpliftReason | None = None
    method: UpliftMethod | None = None
    weeks: list[UpliftWeek]
    confounders: list[QueryAnnotation]
    meta: WindowsMeta


class AnnotationUplift(Measured, kw_only=True):
    """What an annotated event changed in a metric."""

    annotation: QueryAnnotation
    comparison: UpliftComparison


class AnnotationPath(msgspec.Struct, kw_only=True):
    id: Annotated[UUID, Meta(description="Our id of the annotation")]


class UpliftParams(msgspec.Struct, kw_only=True):
    """Of which metric, and over which weeks."""

    metric: Annotated[Name, Meta(description="Id of a metric of the catalog, or of your own")] = (
        "contacts"
    )
    agg: Annotated[str | None, Meta(description="As in a query")] = None
    comparison: Annotated[
        UpliftComparison | None,
        Meta(description="`outside` where the annotation has a scope, else `seasonal`, if absent"),
    ] = None
    weeks_before: Annotated[
        int, Meta(ge=6, le=MOST_WEEKS_BEFORE, description="Whole weeks before it")
    ] = 12
    weeks_after: Annotated[
        int, Meta(ge=1, le=MOST_WEEKS_AFTER, description="Whole weeks after it, at most")
    ] = 4


class TimelineParams(RangeParams, kw_only=True):
    """Annotations of a range, the last 30 days if there is none."""


class Timeline(msgspec.Struct, kw_only=True):
    """Annotations in the order of time, at most 1,000."""

    data: list[QueryAnnotation]
