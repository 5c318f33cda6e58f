"""The numbers of a first screen on the wire."""

from enum import StrEnum

import msgspec
from msgspec import UNSET, UnsetType

from csapi.metrics.metric import Direction, Unit
from csapi.reports.comparison import CompareTo, Comparison, Excluded, NullReason
from csapi.reports.layouts import Precision
from csapi.reports.schemas import QueryMeta


class KpiCompare(StrEnum):
    """What each number is held against: of `compare.to` of a query, what needs nothing else."""

    previous_period = CompareTo.previous_period.value
    same_weekdays = CompareTo.same_weekdays.value
    previous_year = CompareTo.previous_year.value


class KpiValue(msgspec.Struct, kw_only=True):
    """A number of a first screen, with everything that a tile shows. `compare`, if it is asked for:
    the other side, the difference and its verdict, as in POST /v1/query."""

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
    compare: Comparison | UnsetType = UNSET


class KpiReport(msgspec.Struct, kw_only=True):
    """The numbers of one set, in their order."""

    set: str
    data: list[KpiValue]
    meta: QueryMeta
