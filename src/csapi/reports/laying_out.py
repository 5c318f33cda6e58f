"""From what was read to the answer. Pure."""

from datetime import datetime

from msgspec import UNSET

from csapi.reports.comparing import Beside, check_compared
from csapi.reports.matrix import matrix_of
from csapi.reports.meta import meta_of
from csapi.reports.ordering import Shape
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows
from csapi.reports.schemas import Include, Query, QueryAnswer, QueryPage
from csapi.reports.series import Grid, series_of
from csapi.reports.shape import result_rows
from csapi.reports.telling import Teller, add_sides, tests_in
from csapi.reports.verdicts import Judge


def shaped(
    query: Query, rows: Rows, beside: Beside | None, warnings: list[str], now: datetime
) -> QueryAnswer:
    question, reading = rows.question, rows.reading
    judge = None if beside is None else Judge(question, beside, now)
    teller = Teller(question, judge, Include.confidence in query.include)
    totals = None
    if question.with_totals and reading.total is not None:
        totals = teller.one(reading.total, None if beside is None else beside.reading.total)
    other = None
    if rows.other is not None:
        other = teller.one(rows.other, None if beside is None else beside.other)
    found = QueryAnswer(
        data=[],
        categories=None,
        series=None,
        matrix=None,
        totals=totals,
        other=other,
        page=QueryPage(next_cursor=None),
        meta=meta_of(query, rows, beside, warnings, now),
    )
    if query.shape is Shape.rows:
        add_rows(query, rows, beside, teller, found)
        return found
    grid = Grid(rows, query, found.meta.columns, teller)
    if query.shape is Shape.series:
        found.categories, found.series = series_of(grid)
    else:
        found.matrix, cells = matrix_of(grid)
        if found.meta.statistics is not UNSET:
            found.meta.statistics.tests = tests_in(cells)
    return found


def add_rows(
    query: Query, rows: Rows, beside: Beside | None, teller: Teller, found: QueryAnswer
) -> None:
    """The page of rows that is asked for. Differences are corrected for the rows of all pages."""
    if beside is not None:
        check_compared(len(rows.groups) * len(rows.question.metrics))
    others = () if beside is None else beside.groups.values()
    page, found.page.next_cursor = page_of(
        rows.groups, query.limit, query.cursor, fingerprint_of(query), others
    )
    shown = rows.groups if beside is not None else page
    values = teller.cells(teller.paired(shown))
    if found.meta.statistics is not UNSET:
        found.meta.statistics.tests = tests_in(values)
    if beside is None:
        found.data = result_rows(rows.question, rows.reading, page, values)
        return
    known = {group.keys: each for group, each in zip(shown, values, strict=True)}
    cells = [known[group.keys] for group in page]
    found.data = result_rows(rows.question, rows.reading, page, cells)
    add_sides(rows, beside, page, found.data)
