"""Groups as a matrix: dense, a list for each row, in it a value for each column."""

from collections.abc import Sequence
from itertools import product

from msgspec import UNSET

from csapi.metrics.metric import MergeClass
from csapi.metrics.occurrences import hours_of_week
from csapi.metrics.periods import CYCLES, TimeGrain
from csapi.metrics.question import Question, TimeGroup
from csapi.reports.comparing import check_compared
from csapi.reports.comparison import Comparison
from csapi.reports.matrix_schemas import Matrix, MatrixValues
from csapi.reports.schemas import MetricValue
from csapi.reports.series import Grid, bounds_of, check_size, precision_of

Cells = list[dict[str, MetricValue]]


def matrix_of(grid: Grid) -> tuple[Matrix, Cells]:
    """The first dimension as rows, the second as columns; and the cells, row by row."""
    question = grid.question
    rows, columns = grid.axis(0), grid.axis(1)
    size = len(rows) * len(columns) * len(question.metrics)
    check_size(size)
    if grid.teller.judge is not None:
        check_compared(size)
    groups = [grid.group(keys) for keys in product(rows, columns)]
    cells = grid.teller.cells(grid.teller.paired(groups))
    occurrences = occurrences_of(question, rows, columns)
    found = Matrix(
        rows=[grid.named(0)(key) for key in rows],
        columns=[grid.named(1)(key) for key in columns],
        metrics=[],
        occurrences=occurrences,
    )
    for asked in question.metrics:
        values = [cell[asked.name] for cell in cells]
        lines = [values[at : at + len(columns)] for at in range(0, len(values), len(columns) or 1)]
        adds_up = asked.metric.merge_class is MergeClass.additive
        column = grid.columns[asked.name]
        each = MatrixValues(
            metric=asked.name,
            label=column.label,
            unit=column.unit,
            precision=precision_of(values),
            values=[[cell.value for cell in line] for line in lines],
            n=[[cell.n for cell in line] for line in lines],
            averages=averages(lines, occurrences) if occurrences and adds_up else None,
        )
        if grid.teller.judge is not None:
            add_other_side(each, lines)
        if grid.teller.with_intervals:
            bounds = [bounds_of(line) for line in lines]
            each.ci95_low, each.ci95_high = [low for low, _ in bounds], [high for _, high in bounds]
        found.metrics.append(each)
    return found, cells


def add_other_side(found: MatrixValues, lines: Sequence[Sequence[MetricValue]]) -> None:
    """What each cell is held against, and what the difference means."""
    sides = [[compared(cell) for cell in line] for line in lines]
    found.compare_values = [[side.value for side in line] for line in sides]
    found.compare_n = [[side.n for side in line] for line in sides]
    found.deltas = [[side.delta for side in line] for line in sides]
    found.verdicts = [[side.verdict for side in line] for line in sides]


def compared(cell: MetricValue) -> Comparison:
    if cell.compare is UNSET:
        raise AssertionError(cell)
    return cell.compare


def occurrences_of(
    question: Question, rows: Sequence[int | None], columns: Sequence[int | None]
) -> list[list[int]] | None:
    """How often each cell's hour comes in the range; None of other than weekdays by hours."""
    grains = [group.grain for group in question.groups if isinstance(group, TimeGroup)]
    if set(grains) != set(CYCLES) or len(grains) != 2:
        return None
    counts = hours_of_week(question.period)
    if grains[0] is TimeGrain.hour_of_day:
        return [[counts[day or 0][hour or 0] for day in columns] for hour in rows]
    return [[counts[day or 0][hour or 0] for hour in columns] for day in rows]


def averages(
    lines: Sequence[Sequence[MetricValue]], occurrences: Sequence[Sequence[int]]
) -> list[list[float | None]]:
    return [
        [
            None if cell.value is None or not count else cell.value / count
            for cell, count in zip(line, counts, strict=True)
        ]
        for line, counts in zip(lines, occurrences, strict=True)
    ]
