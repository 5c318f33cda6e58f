"""What goes into the file: the rows of an answer, or records, as encoded lines."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.facts.call import CALLS
from csapi.facts.feedback import FEEDBACK
from csapi.facts.kinds import Kind
from csapi.facts.resource import RecordKind
from csapi.facts.stored import stored
from csapi.facts.ticket import TICKETS
from csapi.kit.db import Arguments, Statement
from csapi.kit.problems import Problem
from csapi.metrics.compile import MOST_GROUPS, Compiler
from csapi.metrics.periods import PeriodError, RangePreset, check_timezone, read_bound
from csapi.metrics.question import Question
from csapi.reports.encoders import csv_line, csv_lines, ndjson_lines
from csapi.reports.exports.archive import archive_source
from csapi.reports.exports.large import large_source
from csapi.reports.exports.lines import Line, Source
from csapi.reports.exports.schemas import ExportFormat, ExportRequest, ExportResource, RecordExport
from csapi.reports.refusals import refuse
from csapi.reports.schemas import MetricRequest, Query, QueryTime, TimeRange
from csapi.reports.service import Snapshot, read_answer, resolved, slowness_told


@dataclass(frozen=True, slots=True)
class Exported:
    """What a record is, and the instant by which it is chosen. Filters are about the fact that it
    leaves at that instant: the one that `metric` counts, or one of the further kinds."""

    kind: RecordKind
    column: str
    metric: str
    further: tuple[Kind, ...] = ()


RESOURCES: dict[ExportResource, Exported] = {
    ExportResource.tickets: Exported(TICKETS, "created_at", "tickets_created"),
    ExportResource.calls: Exported(
        CALLS, "queue_entered_at", "calls_offered", (Kind.OUTBOUND_CALL,)
    ),
    ExportResource.feedback: Exported(
        FEEDBACK, "responded_at", "rating_distribution", (Kind.CES, Kind.NPS, Kind.FCR)
    ),
}
PREFETCH = 500


async def source_of(snapshot: Snapshot, request: ExportRequest, asked_at: datetime) -> Source:
    """Everything comes from the one snapshot. Raises Problem for what cannot be asked."""
    if request.tenant_data:
        return await archive_source(snapshot, asked_at)
    if request.query is not None:
        return await rows_of_query(snapshot, request.query, request.format)
    if request.records is None:
        raise AssertionError(request)
    return await rows_of_records(snapshot, request.records, request.format)


async def rows_of_query(snapshot: Snapshot, query: Query, format_: ExportFormat) -> Source:
    """All rows: as one answer, or if it cannot have so many, in pieces."""
    query = msgspec.structs.replace(query, limit=MOST_GROUPS, cursor=None)
    with slowness_told():
        asked = await resolved(snapshot, query)
        try:
            answer = await read_answer(snapshot, query, asked)
        except Problem as problem:
            if problem.code != "range_too_long" or not asked.question.groups:
                raise
            return await large_source(snapshot, query, asked, format_)
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


async def filtered(snapshot: Snapshot, records: RecordExport) -> Question | None:
    """The question that has the filters of an export as its condition. Raises Problem."""
    if records.filters is None:
        return None
    metric = MetricRequest(id=RESOURCES[records.resource].metric)
    time = QueryTime(range=TimeRange(preset=RangePreset.today))
    query = Query(metrics=[metric], time=time, filters=records.filters)
    return (await resolved(snapshot, query)).question


def bounded(
    arguments: Arguments, column: str, since: datetime | None, until: datetime | None
) -> str:
    """Whether an instant is in the range."""
    tests = ["true"]
    if since is not None:
        tests.append(f"{column} >= {arguments.add(since, 'timestamptz')}")
    if until is not None:
        tests.append(f"{column} < {arguments.add(until, 'timestamptz')}")
    return " AND ".join(tests)


def chosen(
    tenant_id: UUID,
    exported: Exported,
    since: datetime | None,
    until: datetime | None,
    question: Question | None,
) -> tuple[Statement, Statement]:
    """How many records there are, and the records in the order of first receipt. question: its
    condition is what their facts must pass."""
    arguments, table = Arguments(), exported.kind.table
    passes = "true"
    if question is not None:
        compiler = Compiler(tenant_id, question)
        arguments = compiler.arguments
        further = ", ".join(str(int(kind)) for kind in exported.further) or "NULL"
        passes = f"""id IN (
  SELECT f.subject FROM facts f
  WHERE f.tenant_id = {compiler.tenant}
    AND (f.kind = ANY ({compiler.kinds}) OR f.kind IN ({further}))
    AND {bounded(arguments, "f.occurred_at", since, until)}
    AND {compiler.condition(question.condition, None)})"""
    known = f"""tenant_id = {arguments.add(tenant_id, "uuid")} AND NOT is_stub AND NOT is_deleted
  AND {bounded(arguments, exported.column, since, until)} AND {passes}"""
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
    exported = RESOURCES[records.resource]
    kind = exported.kind
    since, until = bounds_of(records, snapshot.desk.timezone, "/records")
    question = await filtered(snapshot, records)
    counted, listed = chosen(snapshot.desk.tenant_id, exported, since, until, question)
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
