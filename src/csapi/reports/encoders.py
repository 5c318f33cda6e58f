"""One answer in three encodings: JSON, CSV, NDJSON. The numbers are the same, digit for digit."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from litestar.datastructures.headers import Accept
from msgspec import UNSET
from msgspec.structs import asdict

from csapi.kit.http import Response, json_response
from csapi.kit.language import Language, spoken
from csapi.reports.comparison import Comparison, Excluded
from csapi.reports.kpi_schemas import KpiValue
from csapi.reports.layouts import DimensionValue
from csapi.reports.ordering import Shape
from csapi.reports.refusals import refuse
from csapi.reports.schemas import (
    Include,
    MetricValue,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryPage,
    ResultRow,
)

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
MEDIA_TYPES = [JSON, CSV, NDJSON]
NEXT_CURSOR_HEADER = "x-next-cursor"
BY_ACCEPT = "Accept"
CSV_FORM = (
    "The same rows as a table, UTF-8, with a header. First `row` (data, other or totals), then for "
    "each dimension its key and `.label`, of time also `.start` and `.end`, then for each metric "
    "its value and its parts. Text that a spreadsheet could take for a formula, or that starts "
    "with an apostrophe, has an apostrophe before it. The next page's cursor is in the header "
    f"`{NEXT_CURSOR_HEADER}`."
)
NDJSON_FORM = (
    "The same rows, an object a line, with `row` (data, other, totals); the last line has `row` "
    "meta, with page and meta."
)

# What spreadsheets run, and the mark itself, so that it can be taken off again.
GUARDED = tuple("=+-@\t\r\n'")
PARTS = ("n", "numerator", "denominator", "null_reason", "precision", "relative_error")
EXCLUDED = tuple(Excluded.__struct_fields__)
CONFIDENCE = ("ci95", "ci95_reason")
DIFFERENCE = (
    "delta", "relative_change", "delta_ci95", "p_value", "p_adjusted", "significant", "verdict",
    "verdict_reason",
)  # fmt: skip
PAIRS = {"ci95", "delta_ci95"}

_json = msgspec.json.Encoder()


def media_type_of(accept: str | None) -> str:
    """The encoding that a request prefers; JSON where it has no wish that can be met."""
    return (Accept(accept).best_match(MEDIA_TYPES) if accept else None) or JSON


def wants_csv(accept: str | None) -> bool:
    """Whether a report that comes as JSON and CSV is asked for as CSV."""
    return accept is not None and Accept(accept).best_match([JSON, CSV]) == CSV


def table_or_json(
    found: msgspec.Struct,
    table: Iterable[list[Any]],
    accept: str | None,
    language: Language,
    next_cursor: str | None = None,
) -> Response:
    """A report as JSON, or as the lines of its table where CSV is asked for."""
    if not wants_csv(accept):
        return json_response(found, headers=spoken(language, BY_ACCEPT))
    body = b"".join(csv_line(each) for each in table)
    return text_response(body, CSV, next_cursor, language)


def encoded(query: Query, answer: QueryAnswer, accept: str | None, language: Language) -> Response:
    """The answer as the request wants it. CSV and NDJSON are of rows alone."""
    media_type = media_type_of(accept)
    if media_type == JSON:
        return json_response(answer, headers=spoken(language, BY_ACCEPT))
    if query.shape is not Shape.rows:
        refuse("/shape", "invalid_value", f"{media_type} holds rows.", [Shape.rows.value])
    body = csv_of(query, answer) if media_type == CSV else ndjson_of(answer)
    return text_response(body, media_type, answer.page.next_cursor, language)


def text_response(
    body: bytes, media_type: str, next_cursor: str | None, language: Language
) -> Response:
    """CSV or NDJSON; the cursor of the next page is a header."""
    headers = spoken(language, BY_ACCEPT)
    if next_cursor is not None:
        headers[NEXT_CURSOR_HEADER] = next_cursor
    if media_type == CSV:
        media_type = f"{CSV}; charset=utf-8"
    return Response(body, media_type=media_type, headers=headers)


def rows_of(answer: QueryAnswer) -> Iterator[tuple[str, ResultRow]]:
    """What kind of row, and the row."""
    for row in answer.data:
        yield "data", row
    for kind, metrics in (("other", answer.other), ("totals", answer.totals)):
        if metrics is not None:
            yield kind, ResultRow(dimensions={}, metrics=metrics)


def given(row: ResultRow) -> dict[str, Any]:
    return {name: each for name, each in asdict(row).items() if each is not UNSET}


def ndjson_of(answer: QueryAnswer) -> bytes:
    return b"".join(line for line, _ in ndjson_lines(answer))


def ndjson_lines(answer: QueryAnswer) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is a row."""
    for kind, row in rows_of(answer):
        yield ndjson_row(kind, row), True
    yield ndjson_end(answer.page, answer.meta), False


def ndjson_row(kind: str, row: ResultRow) -> bytes:
    return _json.encode({"row": kind, **given(row)}) + b"\n"


def ndjson_end(page: QueryPage, meta: QueryMeta) -> bytes:
    return _json.encode({"row": "meta", "page": page, "meta": meta}) + b"\n"


def csv_of(query: Query, answer: QueryAnswer) -> bytes:
    return b"".join(line for line, _ in csv_lines(query, answer))


def csv_lines(query: Query, answer: QueryAnswer) -> Iterator[tuple[bytes, bool]]:
    """Each line, and whether it is a row."""
    metrics = list(answer.meta.columns)
    yield csv_line(header(query, metrics)), False
    for kind, row in rows_of(answer):
        yield csv_row(query, metrics, kind, row), True


def csv_row(query: Query, metrics: Iterable[str], kind: str, row: ResultRow) -> bytes:
    return csv_line(row_values(query, metrics, kind, row))


def row_values(query: Query, metrics: Iterable[str], kind: str, row: ResultRow) -> list[Any]:
    """What stands in a row of a table, under the names of its header."""
    is_compared = query.compare is not None
    cells: list[Any] = [kind]
    if is_compared:
        cells.append(known(row.presence))
    theirs = known(row.compare_dimensions) or {}
    for name in query.dimensions:
        cells += member_cells(name, row.dimensions.get(name))
        if is_compared and is_time(name):
            cells += instants(theirs.get(name))
    for name in metrics:
        cells += value_cells(row.metrics[name])
    return cells


def csv_line(values: Iterable[Any]) -> bytes:
    """A line of a table."""
    text = io.StringIO()
    csv.writer(text).writerow([cell(each) for each in values])
    return text.getvalue().encode()


def header(query: Query, metrics: Iterable[str]) -> list[str]:
    is_compared = query.compare is not None
    names = ["row", *(["presence"] if is_compared else [])]
    for name in query.dimensions:
        names += [name, f"{name}.label"]
        if is_time(name):
            names += [f"{name}.start", f"{name}.end"]
            if is_compared:
                names += [f"{name}.compare.start", f"{name}.compare.end"]
    return [*names, *(name + part for name in metrics for part in parts_header(query))]


def parts_header(query: Query) -> list[str]:
    """What follows the name of each metric."""
    value = value_header(with_intervals=Include.confidence in query.include)
    return value if query.compare is None else compared_header(value)


def value_header(*, with_intervals: bool) -> list[str]:
    """What follows a metric's name. Of the other side the value has a name of its own."""
    found = ["", *(f".{part}" for part in PARTS), *(f".excluded.{part}" for part in EXCLUDED)]
    if with_intervals:
        found += [part for name in CONFIDENCE for part in ends(name)]
    return found


def compared_header(value: list[str]) -> list[str]:
    """What follows the name of a metric that is compared."""
    other = [f".compare{part or '.value'}" for part in value]
    return [*value, *other, *(f".compare{part}" for name in DIFFERENCE for part in ends(name))]


def ends(name: str) -> list[str]:
    return [f".{name}.low", f".{name}.high"] if name in PAIRS else [f".{name}"]


def known(value: Any) -> Any:
    return None if value is UNSET else value


def is_time(dimension: str) -> bool:
    return dimension.startswith("time:")


def member_cells(name: str, member: DimensionValue | None) -> list[Any]:
    if member is None:
        return [None] * (4 if is_time(name) else 2)
    cells: list[Any] = [member.key, member.label]
    return [*cells, *instants(member)] if is_time(name) else cells


def instants(member: DimensionValue | None) -> list[Any]:
    return [None, None] if member is None else [member.start, member.end]


def value_cells(value: MetricValue | KpiValue | Comparison) -> list[Any]:
    """The value and its parts, its interval if it is there, and the same of the other side."""
    cells = [value.value, *(getattr(value, part) for part in PARTS)]
    cells += [getattr(value.excluded, part) for part in EXCLUDED]
    if not isinstance(value, KpiValue) and value.ci95_reason is not UNSET:
        cells += parts_of(value, CONFIDENCE)
    if isinstance(value, Comparison):
        return [*cells, *parts_of(value, DIFFERENCE)]
    return cells if value.compare is UNSET else [*cells, *value_cells(value.compare)]


def parts_of(value: MetricValue | Comparison, names: Iterable[str]) -> list[Any]:
    cells: list[Any] = []
    for name in names:
        found = getattr(value, name)
        cells += (found or [None, None]) if name in PAIRS else [found]
    return cells


def cell(value: Any) -> str:
    """A value as JSON writes it, without quotes; null is empty."""
    if value is None:
        return ""
    text = _json.encode(value).decode()
    return text if isinstance(value, int | float) else guarded(msgspec.json.decode(text, type=str))


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(GUARDED) else text
