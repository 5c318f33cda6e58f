"""Two dimensions laid out as a table, as on the wire."""

import msgspec
from msgspec import UNSET, UnsetType

from csapi.metrics.metric import Unit
from csapi.reports.comparison import Verdict
from csapi.reports.layouts import DimensionValue, Precision


class MatrixValues(msgspec.Struct, kw_only=True):
    """One metric: a list for each row, in it a value for each column. `averages`, of what adds up,
    where the matrix has occurrences: the value of one such hour. Of comparisons, of each cell:
    `compare_values` and `compare_n`, the other side; `deltas`, this side less the other; and
    `verdicts`, null where there is none. `ci95_low`, `ci95_high`: the ends of the 95 %
    intervals, if `confidence` is included."""

    metric: str
    label: str
    unit: Unit
    precision: Precision
    values: list[list[float | None]]
    n: list[list[int]]
    averages: list[list[float | None]] | None
    compare_values: list[list[float | None]] | UnsetType = UNSET
    compare_n: list[list[int]] | UnsetType = UNSET
    deltas: list[list[float | None]] | UnsetType = UNSET
    verdicts: list[list[Verdict | None]] | UnsetType = UNSET
    ci95_low: list[list[float | None]] | UnsetType = UNSET
    ci95_high: list[list[float | None]] | UnsetType = UNSET


class Matrix(msgspec.Struct, kw_only=True):
    """Two dimensions: the first gives the rows, the second the columns. `occurrences`, of weekdays
    by hours of the day: how many such hours there are in the range."""

    rows: list[DimensionValue]
    columns: list[DimensionValue]
    metrics: list[MatrixValues]
    occurrences: list[list[int]] | None
