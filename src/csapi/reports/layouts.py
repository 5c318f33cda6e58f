"""How groups are laid out for charts and tables."""

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.metrics.metric import Unit


class DimensionValue(msgspec.Struct, kw_only=True, gc=False):
    """A member or a time bucket. `start` and `end` are instants of time buckets."""

    key: str | None
    label: str
    start: UtcDatetime | None
    end: UtcDatetime | None


class Precision(StrEnum):
    """How precise a value is."""

    exact = "exact"
    approximate = "approximate"


class Series(msgspec.Struct, kw_only=True):
    """One metric, of one member where there is a second dimension, over all categories.

    `key`: the member's key, several joined by " / "; without a second dimension the metric's name.
    `is_other`: of all members that top leaves out. `compare_values`, `compare_n`: the other side of
    a comparison; `deltas`: this side less the other. `ci95_low`, `ci95_high`: the 95 % intervals,
    if `confidence` is included.
    """

    key: str | None
    label: str
    metric: str
    unit: Unit
    dimensions: dict[str, DimensionValue]
    is_other: bool
    precision: Precision
    values: list[float | None]
    n: list[int]
    compare_values: list[float | None] | UnsetType = UNSET
    compare_n: list[int] | UnsetType = UNSET
    deltas: list[float | None] | UnsetType = UNSET
    ci95_low: list[float | None] | UnsetType = UNSET
    ci95_high: list[float | None] | UnsetType = UNSET


class Histogram(msgspec.Struct, kw_only=True):
    """How many durations lie between fixed edges, by a metric's clock and choice of zeros. The
    first count is of 0, each other of what is above the edge before and at or under its own, the
    last of what is above all edges. `n` is their sum."""

    edges_seconds: list[float]
    counts: list[int]
    n: int
