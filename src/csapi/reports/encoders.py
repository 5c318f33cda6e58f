"""One answer in three encodings: JSON, CSV, NDJSON. The numbers are the same, digit for digit."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from litestar.datastructures.headers import Accept

from csapi.kit.http import Response, json_response
from csapi.reports.layouts import DimensionValue
from csapi.reports.ordering import Shape
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Excluded, MetricValue, Query, QueryAnswer

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
MEDIA_TYPES = [JSON, CSV, NDJSON]
NEXT_CURSOR_HEADER = "x-next-cursor"
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
NO_PARTS = ("value", "excluded", "record")
PARTS = tuple(name for name in MetricValue.__struct_fields__ if name not in NO_PARTS)
EXCLUDED = tuple(Excluded.__struct_fields__)

_json = msgspec.json.Encoder()


def media_type_of(accept: str | None) -> str:
    """The encoding that a request prefers; JSON where it has no wish that can be met."""
    return (Accept(accept).best_match(MEDIA_TYPES) if accept else None) or JSON


def encoded(query: Query, answer: QueryAnswer, accept: str | None) -> Response:
    """The answer as the request wants it. CSV and NDJSON are of rows alone."""
    media_type = media_type_of(accept)
    headers = {"vary": "Accept"}
    if media_type == JSON:
        return json_response(answer, headers=headers)
    if query.shape is not Shape.rows:
        refuse("/shape", "invalid_value", f"{media_type} holds rows.", [Shape.rows.value])
    if answer.page.next_cursor is not None:
        headers[NEXT_CURSOR_HEADER] = answer.page.next_cursor
    if media_type == CSV:
        return Response(
            csv_of(query, answer), media_type="text/csv; charset=utf-8", headers=headers
        )
    return Response(ndjson_of(answer), media_type=NDJSON, headers=headers)


def rows_of(
    answer: QueryAnswer,
) -> Iterator[tuple[str, Mapping[str, DimensionValue], Mapping[str, MetricValue]]]:
    """What kind of row, its dimensions, its metrics."""
    for row in answer.data:
        yield "data", row.dimensions, row.metrics
    if answer.other is not None:
        yield "other", {}, answer.other
    if answer.totals is not None:
        yield "totals", {}, answer.totals


def ndjson_of(answer: QueryAnswer) -> bytes:
    lines: list[Any] = [
        {"row": kind, "dimensions": dimensions, "metrics": metrics}
        for kind, dimensions, metrics in rows_of(answer)
    ]
    lines.append({"row": "meta", "page": answer.page, "meta": answer.meta})
    return _json.encode_lines(lines)


def csv_of(query: Query, answer: QueryAnswer) -> bytes:
    dimensions, metrics = query.dimensions, list(answer.meta.columns)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header(dimensions, metrics))
    for kind, members, values in rows_of(answer):
        cells: list[Any] = [kind]
        for name in dimensions:
            cells += member_cells(name, members.get(name))
        for name in metrics:
            cells += value_cells(values[name])
        writer.writerow([cell(each) for each in cells])
    return text.getvalue().encode()


def header(dimensions: Sequence[str], metrics: Iterable[str]) -> list[str]:
    names = ["row"]
    for name in dimensions:
        names += [name, f"{name}.label"]
        if is_time(name):
            names += [f"{name}.start", f"{name}.end"]
    for name in metrics:
        names += [name, *(f"{name}.{part}" for part in PARTS)]
        names += [f"{name}.excluded.{part}" for part in EXCLUDED]
    return [guarded(name) for name in names]


def is_time(dimension: str) -> bool:
    return dimension.startswith("time:")


def member_cells(name: str, member: DimensionValue | None) -> list[Any]:
    if member is None:
        return [None] * (4 if is_time(name) else 2)
    cells: list[Any] = [member.key, member.label]
    return [*cells, member.start, member.end] if is_time(name) else cells


def value_cells(value: MetricValue) -> list[Any]:
    parts = [getattr(value, part) for part in PARTS]
    return [value.value, *parts, *(getattr(value.excluded, part) for part in EXCLUDED)]


def cell(value: Any) -> str:
    """A value as JSON writes it, without quotes; null is empty."""
    if value is None:
        return ""
    text = _json.encode(value).decode()
    return text if isinstance(value, int | float) else guarded(msgspec.json.decode(text, type=str))


def guarded(text: str) -> str:
    return f"'{text}" if text.startswith(GUARDED) else text
