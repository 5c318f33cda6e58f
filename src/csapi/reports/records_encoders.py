"""The records behind a cell as CSV and NDJSON: the numbers of the JSON, digit for digit."""

import csv
import io
from typing import Any

import msgspec

from csapi.kit.http import Response, json_response
from csapi.kit.language import Language, spoken
from csapi.reports.encoders import (
    BY_ACCEPT,
    CSV,
    JSON,
    NEXT_CURSOR_HEADER,
    cell,
    media_type_of,
    text_response,
)
from csapi.reports.records_schemas import CellRecord, RecordsAnswer
from csapi.reports.schemas import RecordRef

RECORDS_CSV_FORM = (
    "A table, UTF-8, with a header. First `row`: data, or in the last line cell, with the parts of "
    "the value. Then record and ticket, occurred_at, the keys of agent, team and channel, and the "
    "contribution. Text that a spreadsheet could take for a formula, or that starts with an "
    f"apostrophe, has an apostrophe before it. The next page's cursor is in `{NEXT_CURSOR_HEADER}`."
)
RECORDS_NDJSON_FORM = (
    "An object a line: each of data with `row` data, then one with `row` meta, which has the value "
    "of the cell, page and meta."
)

REF = RecordRef.__struct_fields__
HEADER = (
    "row",
    *(f"record.{name}" for name in REF),
    *(f"ticket.{name}" for name in REF[1:]),
    "occurred_at",
    "agent",
    "team",
    "channel",
    "numerator",
    "denominator",
    "n",
    "value",
    "excluded.negative_duration",
)
NAMED = HEADER.index("numerator")

_json = msgspec.json.Encoder()


def encoded_records(answer: RecordsAnswer, accept: str | None, language: Language) -> Response:
    """The answer as the request wants it."""
    media_type = media_type_of(accept)
    if media_type == JSON:
        return json_response(answer, headers=spoken(language, BY_ACCEPT))
    body = records_csv(answer) if media_type == CSV else records_ndjson(answer)
    return text_response(body, media_type, answer.page.next_cursor, language)


def records_ndjson(answer: RecordsAnswer) -> bytes:
    lines: list[Any] = [
        {"row": "data"} | {name: getattr(each, name) for name in CellRecord.__struct_fields__}
        for each in answer.data
    ]
    lines.append({"row": "meta", "value": answer.value, "page": answer.page, "meta": answer.meta})
    return _json.encode_lines(lines)


def records_csv(answer: RecordsAnswer) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for each in answer.data:
        row = [
            "data",
            *ref_cells(each.record, REF),
            *ref_cells(each.ticket, REF[1:]),
            each.occurred_at,
            each.agent,
            each.team,
            each.channel,
            *number_cells(each.contribution),
        ]
        writer.writerow([cell(value) for value in row])
    row = ["cell", *[None] * (NAMED - 1), *number_cells(answer.value)]
    writer.writerow([cell(value) for value in row])
    return text.getvalue().encode()


def ref_cells(ref: RecordRef | None, names: tuple[str, ...]) -> list[str | None]:
    return [None if ref is None else getattr(ref, name) for name in names]


def number_cells(parts: Any) -> list[Any]:
    """Of a contribution or a value: both have the same parts."""
    numbers = [parts.numerator, parts.denominator, parts.n, parts.value]
    return [*numbers, parts.excluded.negative_duration]
