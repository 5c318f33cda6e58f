"""What goes into the file: the rows of an answer, or records, as encoded lines."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.facts.call import CALLS
from csapi.facts.feedback import FEEDBACK
from csapi.facts.resource import RecordKind
from csapi.facts.stored import stored
from csapi.facts.ticket import TICKETS
from csapi.kit.db import Arguments, Statement
from csapi.metrics.compile import MOST_GROUPS
from csapi.metrics.periods import PeriodError, check_timezone, read_bound
from csapi.reports.encoders import csv_line, csv_lines, ndjson_lines
from csapi.reports.exports.schemas import ExportFormat, ExportRequest, ExportResource, RecordExport
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Query
from csapi.reports.service import Snapshot, answer_on

# What a record is, and the instant by which it is chosen.
RESOURCES: dict[ExportResource, tuple[RecordKind, str]] = {
    ExportResource.tickets: (TICKETS, "created_at"),
    ExportResource.calls: (CALLS, "queue_entered_at"),
    ExportResource.feedback: (FEEDBACK, "responded_at"),
}
PREFETCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """Bytes of the file. A header and what is said at the end are no rows."""

    content: bytes
    is_row: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """The lines, and how many of them are rows."""

    rows: int
    lines: AsyncIterator[Line]


async def source_of(snapshot: Snapshot, request: ExportRequest) -> Source:
    """Everything comes from the one snapshot. Raises Problem for what cannot be asked."""
    if request.query is not None:
        return await rows_of_query(snapshot, request.query, request.format)
    if request.records is None:
        raise AssertionError(request)
    return await rows_of_records(snapshot, request.records, request.format)


async def rows_of_query(snapshot: Snapshot, query: Query, format_: ExportFormat) -> Source:
    query = msgspec.structs.replace(query, limit=MOST_GROUPS, cursor=None)
    answer = await answer_on(snapshot, query)
    encoded = csv_lines(query, answer) if format_ is ExportFormat.csv else ndjson_lines(answer)
    rows = len(answer.data) + (answer.other is not None) + (answer.totals is not None)

    async def lines() -> AsyncIterator[Line]:
        for content, is_row in encoded:
            yield Line(content, is_row)

    return Source(rows, lines())


def bounds_of(
    records: RecordExport, timezone: str, where: str
) -> tuple[datetime | None, datetime | None]:
    """The instants of the range. Raises Problem."""
    zone = records.timezone or timezone
    try:
        check_timezone(zone)
        since = None if records.from_ is None else read_bound(records.from_, zone, "from")
        until = None if records.to is None else read_bound(records.to, zone, "to")
    except PeriodError as error:
        refuse(f"{where}/{error.field}", "invalid_value", error.message)
    if since is not None and until is not None and until <= since:
        message = "`to` must be later than `from`: the range is half-open."
        refuse(f"{where}/to", "invalid_value", message)
    return since, until


def chosen(
    tenant_id: UUID, kind: RecordKind, column: str, since: datetime | None, until: datetime | None
) -> tuple[Statement, Statement]:
    """How many records there are, and the records in the order of first receipt."""
    arguments = Arguments()
    table = kind.table
    conditions = [
        f"tenant_id = {arguments.add(tenant_id, 'uuid')}",
        "NOT is_stub",
        "NOT is_deleted",
    ]
    if since is not None:
        conditions.append(f"{column} >= {arguments.add(since, 'timestamptz')}")
    if until is not None:
        conditions.append(f"{column} < {arguments.add(until, 'timestamptz')}")
    known = " AND ".join(conditions)
    values = tuple(arguments.values)
    return (
        Statement(f"SELECT count(*) FROM {table} WHERE {known}", values),
        Statement(
            f"SELECT id, received_at, item::text AS item FROM {table} WHERE {known} ORDER BY id",
            values,
        ),
    )


async def rows_of_records(
    snapshot: Snapshot, records: RecordExport, format_: ExportFormat
) -> Source:
    kind, column = RESOURCES[records.resource]
    since, until = bounds_of(records, snapshot.desk.timezone, "/records")
    counted, listed = chosen(snapshot.desk.tenant_id, kind, column, since, until)
    connection = snapshot.connection
    rows = await connection.fetchval(counted.sql, *counted.arguments)
    names = list(kind.item.__struct_encode_fields__)

    async def lines() -> AsyncIterator[Line]:
        if format_ is ExportFormat.csv:
            yield Line(csv_line(["id", "received_at", *names]), is_row=False)
        async for row in connection.cursor(listed.sql, *listed.arguments, prefetch=PREFETCH):
            is_table = format_ is ExportFormat.csv
            yield Line(record_line(row, names) if is_table else stored(row) + b"\n")

    return Source(rows, lines())


def record_line(row: asyncpg.Record, names: list[str]) -> bytes:
    """A record as a line of a table; lists and objects as JSON text."""
    item = msgspec.json.decode(row["item"])
    cells = [str(row["id"]), row["received_at"]]
    for value in (item.get(name) for name in names):
        is_nested = isinstance(value, list | dict)
        cells.append(msgspec.json.encode(value).decode() if is_nested else value)
    return csv_line(cells)
