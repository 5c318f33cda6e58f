"""The question and the answer on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.facts.annotation import AnnotationKind, AnnotationScope
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.metric import Direction, Unit
from csapi.metrics.parts import Hours
from csapi.metrics.periods import RangePreset, WeekStart
from csapi.metrics.sampling import NoInterval
from csapi.reports.comparison import (
    Bounds,
    CompareInfo,
    CompareTo,
    Comparison,
    Excluded,
    NullReason,
    RowPresence,
    StatisticsInfo,
)
from csapi.reports.layouts import DimensionValue, Histogram, Precision, Series
from csapi.reports.matrix_schemas import Matrix
from csapi.reports.ordering import (
    MOST_ORDERS,
    MOST_TESTS,
    HavingTest,
    Name,
    OrderBy,
    Shape,
    TopRequest,
)

MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES, PAGE_SIZE, LARGEST_PAGE = 20, 4, 100, 1000, 10_000


class Include(StrEnum):
    """What an answer carries besides its rows."""

    totals = "totals"
    annotations = "annotations"
    confidence = "confidence"
    histograms = "histograms"


class FilterOp(StrEnum):
    """How a filter compares."""

    is_in = "in"
    not_in = "not_in"
    is_null = "is_null"
    is_not_null = "is_not_null"


class MetricRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A metric of the catalog. `agg`: for durations also min, max and p1 to p99. `hours`: business
    measures the time within business hours alone, of metrics that list it."""

    id: Name
    as_: Name | None = msgspec.field(name="as", default=None)
    agg: Annotated[str, Meta(pattern=r"^(avg|sum|count|min|max|p[1-9][0-9]?)$")] | None = None
    hours: Hours = Hours.calendar
    params: dict[str, Any] = {}


class TimeRange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Half-open: from `from` until before `to`, as local dates or instants; or a preset."""

    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    preset: RangePreset | None = None


class QueryTime(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The range, the zone of its days, and the first day of its weeks (the tenant's if absent)."""

    range: TimeRange
    timezone: str | None = None
    week_starts_on: WeekStart | None = None


class FilterNode(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of: `and`, `or`, `not`, or a dimension with `op` and `values`."""

    and_: list["FilterNode"] | None = msgspec.field(name="and", default=None)
    or_: list["FilterNode"] | None = msgspec.field(name="or", default=None)
    not_: "FilterNode | None" = msgspec.field(name="not", default=None)
    dimension: Name | None = None
    op: FilterOp | None = None
    values: Annotated[list[Name], Meta(max_length=MOST_VALUES)] | None = None


class CompareRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every value is held against: another range, or other records of the same range.

    `range` belongs to `to: range`. `filters` belong to `to: segment`, in place of the query's, and
    to `to: rest`: the rest of those, all records if absent, that the query's filters leave out.
    """

    to: CompareTo
    range: TimeRange | None = None
    filters: FilterNode | None = None


class Query(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A question to the engine."""

    metrics: Annotated[list[MetricRequest], Meta(min_length=1, max_length=MOST_METRICS)]
    time: QueryTime
    dimensions: Annotated[list[Name], Meta(max_length=MOST_DIMENSIONS)] = []
    filters: FilterNode | None = None
    compare: CompareRequest | None = None
    include: list[Include] = []
    shape: Shape = Shape.rows
    having: Annotated[list[HavingTest], Meta(max_length=MOST_TESTS)] = []
    top: TopRequest | None = None
    order_by: Annotated[list[OrderBy], Meta(max_length=MOST_ORDERS)] = []
    limit: Annotated[int, Meta(ge=1, le=LARGEST_PAGE)] = PAGE_SIZE
    cursor: Annotated[str, Meta(max_length=500)] | None = None
    # Whole days that were counted again since then are listed; without it, since today began.
    revised_since: UtcDatetime | None = None


class RecordRef(msgspec.Struct, kw_only=True):
    """A record: GET /v1/{resource}/{id} reads it; `external_id` is its source's."""

    resource: str
    id: str
    source: str
    external_id: str


# gc=False: an answer has thousands of them and no cycles, so the collector need not look at them.
class MetricValue(msgspec.Struct, kw_only=True, gc=False):
    """A value with its parts: numerator and denominator in the metric's unit, and sample size.

    An approximate percentile is at most `relative_error` away from the exact one. `record`, of a
    longest or shortest duration alone: whose it is, of several the earliest. `ci95`, if
    `confidence` is included: the 95 % interval; where there is none, `ci95_reason` says why.
    """

    value: float | None
    n: int
    numerator: float | None
    denominator: float | None
    null_reason: NullReason | None
    precision: Precision
    relative_error: float | None
    excluded: Excluded
    record: RecordRef | UnsetType | None = UNSET
    ci95: Bounds | UnsetType | None = UNSET
    ci95_reason: NoInterval | UnsetType | None = UNSET
    compare: Comparison | UnsetType = UNSET


class ResultRow(msgspec.Struct, kw_only=True):
    """One group: its dimensions by id, its metrics by name.

    Of comparisons also the time buckets of the other side, and which sides have the group.
    """

    dimensions: dict[str, DimensionValue]
    metrics: dict[str, MetricValue]
    presence: RowPresence | UnsetType = UNSET
    compare_dimensions: dict[str, DimensionValue] | UnsetType = UNSET


class ColumnInfo(msgspec.Struct, kw_only=True):
    """What a metric of the answer is. `currency`: of money alone; null without a cost book."""

    unit: Unit
    direction: Direction
    label: str
    currency: str | None = None


class AnswerSource(StrEnum):
    """What the rows were read from."""

    summary = "summary"
    facts = "facts"
    mixed = "mixed"


class VariantInForce(msgspec.Struct, kw_only=True):
    """The parameters that held in a part of the range; null is an end of the range. `setting`: the
    day from which the tenant has settled them; null: they are the catalog's."""

    starts_at: UtcDatetime | None
    ends_at: UtcDatetime | None
    setting: date | None
    params: dict[str, Any]


class MaturityState(StrEnum):
    """Whether units may still change sides: none, those of a window, or all for as long as they
    like."""

    final = "final"
    window = "window"
    open = "open"


class Maturity(msgspec.Struct, kw_only=True):
    """How settled a cohort metric is. `immature_n`: how many of n, over the whole answer, are later
    than `mature_through`."""

    state: MaturityState
    window_seconds: float | None
    mature_through: UtcDatetime | None
    immature_n: int | None


class RevisionReason(StrEnum):
    """Why a day was counted again: records came late or changed, or they were derived again, since
    a definition, a schedule or a reference changed."""

    records = "records"
    derived_again = "derived_again"


class RevisedBucket(msgspec.Struct, kw_only=True):
    """A local day of the tenant that was counted again after it had been counted as a whole.
    `revisions` and `reasons` are of all such times."""

    start: UtcDatetime
    end: UtcDatetime
    revised_at: UtcDatetime
    revisions: int
    reasons: list[RevisionReason]


class QueryMeta(msgspec.Struct, kw_only=True):
    """How the answer came about. `query` is the question with everything resolved.

    `mature_through`, of cohort metrics: what happened later may still change sides. `maturity` says
    how much that is. `variants`, of metrics that the tenant has settled: the parameters in force,
    in the order of time. `revised_buckets`: days that were counted again since `revised_since`, the
    latest 100 of the range; what still waits is in `pending_buckets`.
    """

    query: dict[str, Any]
    columns: dict[str, ColumnInfo]
    mature_through: dict[str, UtcDatetime]
    definitions: dict[str, str]
    exact: bool
    pending_buckets: int
    pending_subjects: int
    source: AnswerSource
    data_through: UtcDatetime | None
    warnings: list[str]
    variants: dict[str, list[VariantInForce]] = {}
    maturity: dict[str, Maturity] = {}
    revised_since: UtcDatetime | None = None
    revised_buckets: list[RevisedBucket] = []
    compare: CompareInfo | UnsetType = UNSET
    statistics: StatisticsInfo | UnsetType = UNSET


class QueryPage(msgspec.Struct, kw_only=True):
    """Where the next page starts; null at the end."""

    next_cursor: str | None


class QueryAnnotation(msgspec.Struct, kw_only=True):
    """A note on the time line, as a chart draws it."""

    id: str
    source: str
    external_id: str
    starts_at: UtcDatetime
    ends_at: UtcDatetime | None
    kind: AnnotationKind
    text: str
    scope: list[AnnotationScope]


class QueryAnswer(msgspec.Struct, kw_only=True):
    """The rows, or in their place what the other shapes have: categories and series, or a matrix.
    totals and other are recomputed from parts, never from rows. `annotations`, if they are
    included: those of the range that the filters do not contradict, at most 1,000. `histograms`, if
    they are included: of each mean of durations, over the range and the filters."""

    data: list[ResultRow]
    categories: list[DimensionValue] | None
    series: list[Series] | None
    matrix: Matrix | None
    totals: dict[str, MetricValue] | None
    other: dict[str, MetricValue] | None
    page: QueryPage
    meta: QueryMeta
    annotations: list[QueryAnnotation] | None = None
    histograms: dict[str, Histogram] | None = None
