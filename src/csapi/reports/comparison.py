"""Comparisons and confidence on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.metrics.counterparts import Alignment
from csapi.metrics.sampling import NoInterval, SampleKind
from csapi.reports.layouts import Precision

Bounds = Annotated[
    list[float], Meta(min_length=2, max_length=2, description="The low end and the high end")
]


class CompareTo(StrEnum):
    """The other side of a comparison."""

    previous_period = "previous_period"
    same_weekdays = "same_weekdays"
    previous_year = "previous_year"
    range = "range"
    segment = "segment"
    rest = "rest"


class Excluded(msgspec.Struct, kw_only=True):
    """Records that stay out of a value, and why."""

    negative_duration: int


class NullReason(StrEnum):
    """Why a value is null. no_counterpart: the other range has no such time bucket.
    division_by_zero, of custom metrics alone: what is divided by is a computed zero."""

    no_observations = "no_observations"
    division_by_zero = "division_by_zero"
    # The tickets came as snapshots: what happened to them is not told.
    not_sent = "not_sent"
    # It is about fewer customers than the tenant shows.
    suppressed = "suppressed"
    no_counterpart = "no_counterpart"
    # Its facts are being derived by a changed definition, and some are of the earlier one.
    definition_changing = "definition_changing"
    # Ratings on several scales have no mean as they are.
    mixed_scales = "mixed_scales"


class RowPresence(StrEnum):
    """Which sides have a group. new: only the one asked for. gone: only the other. unmatched: the
    other range has no such time bucket."""

    both = "both"
    new = "new"
    gone = "gone"
    unmatched = "unmatched"


class Verdict(StrEnum):
    """What a difference means, by the metric's direction; against another segment, whether the one
    asked for is better. unclear: it may be chance."""

    improved = "improved"
    unchanged = "unchanged"
    worsened = "worsened"
    unclear = "unclear"


class VerdictReason(StrEnum):
    """Why a verdict is null or unclear.

    neutral: no direction of the metric is good. no_value: one side is null. no_test: the metric has
    no interval. not_comparable: counts of ranges of different length or of different records.
    not_final: a range is not over, or its records may still change sides. too_few: under minimum_n.
    mixed_scales: ratings of the sides are on different scales.
    """

    neutral = "neutral"
    no_value = "no_value"
    no_test = "no_test"
    not_comparable = "not_comparable"
    not_final = "not_final"
    too_few = "too_few"
    mixed_scales = "mixed_scales"
    not_significant = "not_significant"


class Comparison(msgspec.Struct, kw_only=True):
    """The value of the other side with its parts, and the difference: this side less the other.

    `relative_change` is the share of the other value. `p_value` is of this difference alone,
    `p_adjusted` corrected for the number of rows; `significant` where that is below 0.05.
    """

    value: float | None
    n: int
    numerator: float | None
    denominator: float | None
    null_reason: NullReason | None
    precision: Precision
    relative_error: float | None
    excluded: Excluded
    delta: float | None
    relative_change: float | None
    delta_ci95: Bounds | None
    p_value: float | None
    p_adjusted: float | None
    significant: bool | None
    verdict: Verdict | None
    verdict_reason: VerdictReason | None
    ci95: Bounds | UnsetType | None = UNSET
    ci95_reason: NoInterval | UnsetType | None = UNSET


class CompareInfo(msgspec.Struct, kw_only=True):
    """The other side as resolved. `unmatched_buckets`: time buckets of it that no row shows, since
    the range asked for has none like them; totals count them."""

    to: CompareTo
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    alignment: Alignment
    unmatched_buckets: int
    exact: bool
    pending_buckets: int


class Correction(StrEnum):
    """How p-values are corrected for the number of comparisons."""

    holm = "holm"


class StatisticsInfo(msgspec.Struct, kw_only=True):
    """How intervals and tests are made. `samples`: what each metric is to statistics, null where it
    has neither. `tests`: of each metric, how many rows are corrected together; totals and other
    stand alone."""

    level: float
    minimum_n: int
    correction: Correction
    samples: dict[str, SampleKind | None]
    tests: dict[str, int]
