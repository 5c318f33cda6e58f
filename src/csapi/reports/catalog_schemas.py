"""The catalog on the wire: metrics, dimensions and their members."""

from typing import Any

import msgspec

from csapi.metrics.metric import Attribution, Direction, MergeClass, ParamType, TimeBasis, Unit
from csapi.metrics.parts import Hours
from csapi.reports.schemas import MaturityState, QueryPage


class ParamInfo(msgspec.Struct, kw_only=True):
    """A parameter of a metric."""

    name: str
    type: ParamType
    default_value: Any
    description: str
    choices: list[str]


class MetricInfo(msgspec.Struct, kw_only=True):
    """The definition of a metric. `pairs_with`: metrics without which it misleads."""

    id: str
    label: str
    description: str
    formula: str
    unit: Unit
    direction: Direction
    time_basis: TimeBasis
    merge_class: MergeClass
    attribution: Attribution
    dimensions: list[str]
    params: list[ParamInfo]
    aggregations: list[str]
    hours: list[Hours]
    example: str
    pitfalls: str
    version: str
    fingerprint: str
    maturity: MaturityState
    pairs_with: list[str]


class MetricList(msgspec.Struct, kw_only=True):
    """All metrics of the catalog."""

    data: list[MetricInfo]


class DimensionInfo(msgspec.Struct, kw_only=True):
    """A dimension to group or filter by."""

    id: str
    label: str
    description: str


class DimensionList(msgspec.Struct, kw_only=True):
    """All dimensions, the tenant's own attributes included."""

    data: list[DimensionInfo]


class MemberInfo(msgspec.Struct, kw_only=True):
    """A member of a dimension, as filters take it."""

    key: str
    label: str


class MemberPage(msgspec.Struct, kw_only=True):
    """Members in the order of their keys."""

    data: list[MemberInfo]
    page: QueryPage
