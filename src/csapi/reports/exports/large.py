"""The file of a query with more rows than an answer can have: the same lines, made of pieces."""

from collections.abc import AsyncIterator, Sequence

from csapi.metrics.question import Question, TimeGroup
from csapi.reports.encoders import csv_line, csv_row, header, ndjson_end, ndjson_row
from csapi.reports.exports.lines import Line, Source
from csapi.reports.exports.pieces import Piece, Walk, not_divisible
from csapi.reports.exports.schemas import ExportFormat
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.ranking import Rows
from csapi.reports.schemas import AnswerSource, Include, Query, QueryMeta, QueryPage, ResultRow
from csapi.reports.service import Resolved, Snapshot
from csapi.reports.shape import result_rows
from csapi.reports.telling import Teller


async def large_source(
    snapshot: Snapshot, query: Query, asked: Resolved, format_: ExportFormat
) -> Source:
    """Raises Problem for what takes all rows at once."""
    await check_divisible(snapshot, query)
    source = Source(None)
    source.lines = lines_of(snapshot, query, asked, format_, source)
    return source


async def check_divisible(snapshot: Snapshot, query: Query) -> None:
    given = {
        "compare": query.compare is not None,
        "having": bool(query.having),
        "top": query.top is not None,
        "order_by": bool(query.order_by),
    }
    if names := [name for name, is_given in given.items() if is_given]:
        raise not_divisible(f"without {', '.join(names)} a file may have any number of them.")
    if await snapshot.smallest_group() is not None:
        raise not_divisible("which small groups are hidden takes all rows at once; filter.")


async def lines_of(
    snapshot: Snapshot, query: Query, asked: Resolved, format_: ExportFormat, source: Source
) -> AsyncIterator[Line]:
    """The header, the rows as they are read, and what an answer says at its end."""
    whole = await snapshot.read(asked.question.undivided())
    rows = Rows(asked.question, whole, whole.groups)
    meta = meta_of(query, rows, None, asked.warnings, snapshot.desk.now)
    await add_currency(snapshot.connection, snapshot.desk.tenant_id, asked.question, meta)
    names = list(meta.columns)
    is_table = format_ is ExportFormat.csv

    def line(kind: str, row: ResultRow) -> Line:
        return Line(csv_row(query, names, kind, row) if is_table else ndjson_row(kind, row))

    if is_table:
        yield Line(csv_line(header(query, names)), is_row=False)
    walk, count, sources = Walk(snapshot), 0, set[str]()
    async for piece in walk.pieces(asked.question):
        note(meta, piece, sources)
        shown = rows_of(asked.question, query, piece)
        count += len(shown)
        source.rows = round(count / walk.share) if walk.share else None
        for row in shown:
            yield line("data", row)
    source.rows = count
    if Include.totals in query.include and whole.total is not None:
        source.rows += 1
        teller = Teller(asked.question, None, Include.confidence in query.include)
        yield line("totals", ResultRow(dimensions={}, metrics=teller.one(whole.total, None)))
    if not is_table:
        yield Line(ndjson_end(QueryPage(next_cursor=None), meta), is_row=False)


def note(meta: QueryMeta, piece: Piece, sources: set[str]) -> None:
    """Say in the end what the rows were read from, and whether each is exact."""
    sources.add(piece.reading.source)
    meta.source = AnswerSource(min(sources) if len(sources) == 1 else "mixed")
    meta.exact = meta.exact and piece.reading.is_exact


def rows_of(question: Question, query: Query, piece: Piece) -> Sequence[ResultRow]:
    teller = Teller(piece.question, None, Include.confidence in query.include)
    values = teller.cells(teller.paired(piece.groups))
    rows = result_rows(piece.question, piece.reading, piece.groups, values)
    # A bucket that reaches beyond the piece is told whole.
    for group in question.groups:
        if isinstance(group, TimeGroup) and not group.is_cycle:
            buckets = {bucket.key: bucket for bucket in group.buckets}
            for row in rows:
                value = row.dimensions[group.id]
                bucket = buckets[value.key or ""]
                value.start, value.end = bucket.start, bucket.end
    return rows
