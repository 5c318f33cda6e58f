"""Why a number changed: the question and the answer on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.reports.comparison import NullReason, RowPresence
from csapi.reports.layouts import DimensionValue
from csapi.reports.ordering import LARGEST_TOP, Name
from csapi.reports.schemas import (
    MOST_DIMENSIONS,
    CompareRequest,
    FilterNode,
    MetricRequest,
    MetricValue,
    QueryMeta,
    QueryTime,
)


class ChangeTop(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Only the `n` members with the largest contributions; `other` is the rest as one."""

    n: Annotated[int, Meta(ge=1, le=LARGEST_TOP)]
    other: bool = True


class ChangeQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A query of one metric with a comparison, and the dimensions to split its change by."""

    metrics: Annotated[list[MetricRequest], Meta(min_length=1, max_length=1)]
    time: QueryTime
    compare: CompareRequest
    by: Annotated[list[Name], Meta(min_length=1, max_length=MOST_DIMENSIONS)]
    filters: FilterNode | None = None
    top: ChangeTop | None = None


class ChangeParts(msgspec.Struct, kw_only=True):
    """A contribution by what it comes from. Of sums: `volume`, from members on both sides. Of
    quotients: `rate`, from members whose own value changed, and `mix`, from their shares of the
    whole. `new` and `gone`: from members that only one side has. Null: there is no such part."""

    volume: float | None
    mix: float | None
    rate: float | None
    new: float | None
    gone: float | None


class ChangeRow(msgspec.Struct, kw_only=True):
    """A member's contribution to the change. Weights are its shares of the denominator."""

    dimensions: dict[str, DimensionValue]
    presence: RowPresence
    contribution: float
    parts: ChangeParts
    weight: float | None
    compare_weight: float | None
    value: MetricValue


class ChangeRest(msgspec.Struct, kw_only=True):
    """All members that `top` leaves out, as one."""

    members: int
    contribution: float
    parts: ChangeParts
    value: MetricValue


class ChangeAnswer(msgspec.Struct, kw_only=True):
    """The change, and what it is made of: contributions add up to it, and the parts of each to it.
    Null where the metric has no value on one side."""

    change: float | None
    null_reason: NullReason | None
    parts: ChangeParts | None
    total: MetricValue
    data: list[ChangeRow]
    other: ChangeRest | None
    meta: QueryMeta
