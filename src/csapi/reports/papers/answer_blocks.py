"""An answer as tables and charts. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import UNSET

from csapi.metrics.dimensions import TIME_PREFIX
from csapi.reports.layouts import Series
from csapi.reports.matrix_schemas import Matrix, MatrixValues
from csapi.reports.papers import blocks, pieces
from csapi.reports.papers.cells import Answered, wholes
from csapi.reports.papers.cells import Cell as Value
from csapi.reports.papers.labels import Labels
from csapi.reports.papers.pieces import (
    POINTS_SHOWN,
    Drawn,
    Setter,
    compare_of,
    marked,
    plain_cells,
)
from csapi.reports.schemas import ColumnInfo, MetricRequest, MetricValue, ResultRow

# So many rows of a table, metrics side by side, columns of a matrix, and charts of an answer.
MOST_ROWS, SIDE_BY_SIDE, COLUMNS_SHOWN, CHARTS_SHOWN = 200, 4, 12, 6
Blocks = Iterator[blocks.Block]


def answer_blocks(setter: Setter, labels: Labels, of: Answered) -> Blocks:
    time = of.answer.meta.query["time"]
    start, end = (datetime.fromisoformat(time["range"][name]) for name in ("from", "to"))
    zone = time["timezone"]
    text = f"{setter.range(start, end, zone)}, {setter.name(zone)}"
    yield blocks.Paragraph(text=f"{setter.text('range')}: {text}", muted=True)
    whole = list(wholes(of))
    if whole:
        yield whole_table(setter, labels, whole)
    if of.answer.matrix is not None:
        yield from matrix_blocks(setter, labels, of, of.answer.matrix)
    elif of.answer.series is not None:
        yield from series_blocks(setter, labels, of, of.answer.series)
    elif of.section.query.dimensions:
        yield from row_charts(setter, labels, of)
        yield from row_tables(setter, labels, of)


def whole_table(setter: Setter, labels: Labels, cells: Sequence[Value]) -> blocks.Table:
    """A line for each metric over the whole range."""
    is_compared = any(each.compare is not None for each in cells)
    has_intervals = any(each.value.ci95 for each in cells)
    terms = ["value", *(["interval"] if has_intervals else []), "n"]
    terms += ["before", "change", "p", "verdict"] if is_compared else []
    rows = []
    for cell in cells:
        column, value, compare = cell.column, cell.value, cell.compare
        row = [blocks.Cell(text=setter.name(labels.metric(cell.asked, column)))]
        row.append(marked(setter.number(value.value, column), compare))
        if has_intervals:
            row.append(blocks.Cell(text=setter.interval(value, column)))
        row.append(blocks.Cell(text=setter.count(value.n)))
        if is_compared:
            row += plain_cells(
                setter.number(None if compare is None else compare.value, column),
                setter.difference(None if compare is None else compare.delta, column),
                setter.probability(None if compare is None else compare.p_adjusted),
            )
            row.append(setter.verdict(compare))
        rows.append(row)
    return blocks.Table(
        columns=[
            blocks.Column(label=setter.text("metric"), is_number=False, weight=1),
            *(
                blocks.Column(label=setter.text(term), is_number=term != "verdict")
                for term in terms
            ),
        ],
        rows=rows,
    )


def shown_rows(of: Answered) -> list[tuple[str, ResultRow]]:
    """The rows of an answer with what kind they are; those of all others at the end."""
    answer = of.answer
    rows = [("data", row) for row in answer.data[:MOST_ROWS]]
    for kind, metrics in (("other", answer.other), ("totals", answer.totals)):
        if metrics is not None:
            rows.append((kind, ResultRow(dimensions={}, metrics=metrics)))
    return rows


def row_tables(setter: Setter, labels: Labels, of: Answered) -> Blocks:
    """The rows, with a few metrics side by side in each table."""
    asked = of.section.query.metrics
    rows = shown_rows(of)
    for at in range(0, len(asked), SIDE_BY_SIDE):
        yield row_table(setter, labels, of, asked[at : at + SIDE_BY_SIDE], rows)
    if len(of.answer.data) > MOST_ROWS:
        yield blocks.Paragraph(text=setter.text("more_rows"), muted=True)


def row_table(
    setter: Setter,
    labels: Labels,
    of: Answered,
    metrics: Sequence[MetricRequest],
    shown: Sequence[tuple[str, ResultRow]],
) -> blocks.Table:
    names = of.section.query.dimensions
    is_compared = of.section.query.compare is not None
    columns = [
        blocks.Column(label=setter.name(labels.dimension(each)), is_number=False, weight=1)
        for each in names
    ]
    for asked in metrics:
        column = of.answer.meta.columns[asked.as_ or asked.id]
        label = setter.name(labels.metric(asked, column))
        columns.append(blocks.Column(label=label, is_number=True, weight=1))
        columns.append(blocks.Column(label=setter.text("n"), is_number=True))
        if is_compared:
            columns.append(blocks.Column(label=setter.text("change"), is_number=True))
    rows = []
    for kind, row in shown:
        cells = plain_cells(*member_texts(setter, labels, names, kind, row))
        for asked in metrics:
            name = asked.as_ or asked.id
            column = of.answer.meta.columns[name]
            cells += value_cells(setter, row.metrics[name], column, is_compared=is_compared)
        rows.append(cells)
    strong = sum(kind != "data" for kind, _ in shown)
    return blocks.Table(columns=columns, rows=rows, strong=strong)


def member_texts(
    setter: Setter, labels: Labels, names: Sequence[str], kind: str, row: ResultRow
) -> list[str]:
    if kind != "data":
        return [setter.words.choice("row", kind), *[""] * (len(names) - 1)]
    return [setter.name(labels.member(name, row.dimensions[name])) for name in names]


def value_cells(
    setter: Setter, value: MetricValue, column: ColumnInfo, *, is_compared: bool
) -> list[blocks.Cell]:
    compare = compare_of(value)
    cells = plain_cells(setter.number(value.value, column), setter.count(value.n))
    if is_compared:
        delta = None if compare is None else compare.delta
        is_known = compare is not None and compare.significant
        text = setter.difference(delta, column)
        cells.append(marked(text, compare if is_known else None))
    return cells


def row_charts(setter: Setter, labels: Labels, of: Answered) -> Blocks:
    """Of rows by one dimension: lines over time, or bars."""
    names = of.section.query.dimensions
    if len(names) != 1:
        return
    is_time = names[0].startswith(TIME_PREFIX)
    rows = of.answer.data[: POINTS_SHOWN + 1 if is_time else MOST_ROWS]
    texts = [setter.short_name(labels.member(names[0], row.dimensions[names[0]])) for row in rows]
    for asked in of.section.query.metrics[:CHARTS_SHOWN]:
        name = asked.as_ or asked.id
        column = of.answer.meta.columns[name]
        title = setter.name(labels.metric(asked, column))
        values = [row.metrics[name] for row in rows]
        drawn: blocks.Block | None
        if is_time:
            low = [each.ci95[0] if each.ci95 else None for each in values]
            high = [each.ci95[1] if each.ci95 else None for each in values]
            line = Drawn(title, [each.value for each in values], low, high)
            drawn = pieces.lines(setter, title, texts, [line], column)
        else:
            drawn = pieces.bars(setter, title, texts, values, column)
        if drawn is not None:
            yield drawn


def series_blocks(setter: Setter, labels: Labels, of: Answered, series: Sequence[Series]) -> Blocks:
    """A chart for each metric, and its lines as a table."""
    categories = of.answer.categories or []
    first = of.section.query.dimensions[0]
    texts = [setter.name(labels.member(first, each)) for each in categories]
    for asked in of.section.query.metrics[:CHARTS_SHOWN]:
        name = asked.as_ or asked.id
        own = [each for each in series if each.metric == name]
        column = of.answer.meta.columns[name]
        title = setter.name(labels.metric(asked, column))
        headers = [
            title if each.key == name else setter.name(each.label) for each in own[:COLUMNS_SHOWN]
        ]
        drawn = [
            Drawn(header, each.values, known(each.ci95_low), known(each.ci95_high))
            for header, each in zip(headers, own[:COLUMNS_SHOWN], strict=True)
        ]
        if first.startswith(TIME_PREFIX):
            chart = pieces.lines(setter, title, texts, drawn, column)
            if chart is not None:
                yield chart
        yield blocks.Heading(level=3, text=title)
        yield blocks.Table(
            columns=[
                blocks.Column(
                    label=setter.name(labels.dimension(first)), is_number=False, weight=1
                ),
                *(blocks.Column(label=each, is_number=True, weight=1) for each in headers),
            ],
            rows=[
                plain_cells(
                    texts[place], *(setter.number(each.values[place], column) for each in drawn)
                )
                for place in range(min(len(texts), MOST_ROWS))
            ],
        )
        if len(own) > COLUMNS_SHOWN or len(texts) > MOST_ROWS:
            yield blocks.Paragraph(text=setter.text("more_rows"), muted=True)


def known(values: object) -> list[float | None] | None:
    return values if values is not UNSET and isinstance(values, list) else None


def matrix_blocks(setter: Setter, labels: Labels, of: Answered, matrix: Matrix) -> Blocks:
    for values in matrix.metrics[:CHARTS_SHOWN]:
        column = of.answer.meta.columns[values.metric]
        asked = of.asked(values.metric)
        yield blocks.Heading(level=3, text=setter.name(labels.metric(asked, column)))
        for at in range(0, min(len(matrix.columns), 2 * COLUMNS_SHOWN), COLUMNS_SHOWN):
            yield matrix_table(setter, labels, of, matrix, values, at)
    if len(matrix.columns) > 2 * COLUMNS_SHOWN or len(matrix.rows) > MOST_ROWS:
        yield blocks.Paragraph(text=setter.text("more_rows"), muted=True)


def matrix_table(
    setter: Setter, labels: Labels, of: Answered, matrix: Matrix, values: MatrixValues, at: int
) -> blocks.Table:
    across, down = of.section.query.dimensions[1], of.section.query.dimensions[0]
    column = of.answer.meta.columns[values.metric]
    shown = matrix.columns[at : at + COLUMNS_SHOWN]
    return blocks.Table(
        columns=[
            blocks.Column(label=setter.name(labels.dimension(down)), is_number=False, weight=2),
            *(
                blocks.Column(
                    label=setter.name(labels.member(across, each)), is_number=True, weight=1
                )
                for each in shown
            ),
        ],
        rows=[
            plain_cells(
                setter.name(labels.member(down, row)),
                *(setter.number(each, column) for each in line[at : at + COLUMNS_SHOWN]),
            )
            for row, line in zip(matrix.rows[:MOST_ROWS], values.values[:MOST_ROWS], strict=True)
        ],
    )
