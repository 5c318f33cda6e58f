"""The front door: POST one, POST a batch, GET them back, for every kind of record."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.facts.resource import RecordKind
from csapi.facts.stored import stored
from csapi.facts.wire import normalized
from csapi.ingest.events import ingest_events
from csapi.ingest.examples import EXAMPLES
from csapi.ingest.queries import (
    Within,
    list_statement,
    one_statement,
)
from csapi.ingest.schemas import (
    BatchAnswer,
    BatchResult,
    BatchSummary,
    IngestReceipt,
    IngestStatus,
    RangeFilter,
    RecordFilter,
    RecordPath,
    page_struct,
    record_struct,
)
from csapi.ingest.service import Intake, Outcome, ingest_records
from csapi.kit.body import read_body
from csapi.kit.clock import now
from csapi.kit.cursors import cut_by_id, id_before
from csapi.kit.db import run
from csapi.kit.faultpoints import faultpoint
from csapi.kit.http import Response, json_response
from csapi.kit.operations import (
    AnyRequest,
    Handler,
    Operation,
    items_of,
    operation_of,
    params_of,
    path_of,
)
from csapi.kit.problems import FieldError, Problem, invalid
from csapi.metrics.periods import PeriodError, read_bound

TAG = "Records"


async def take_in(
    request: AnyRequest,
    principal: Principal,
    kind: RecordKind,
    raw: Sequence[bytes],
    *,
    is_batch: bool,
) -> tuple[list[Outcome], Counter[str]]:
    """What became of each item, and of how many."""
    intake: Intake = replace(request.app.state.intake, principal=principal)
    taking = ingest_events if kind is EVENTS else ingest_records
    at, quotas = now(), request.app.state.quotas
    await quotas.check(principal.tenant_id, at)
    outcomes = await taking(intake, principal.tenant_id, kind, raw, at, is_batch=is_batch)
    counts = Counter(outcome.status for outcome in outcomes)
    request.app.state.tally.add(principal.tenant_id, kind.name, counts, at)
    quotas.add(principal.tenant_id, counts["created"])
    if counts["created"] or counts["updated"]:
        request.app.state.wake_worker()
        request.app.state.tell_news(principal.tenant_id)
    faultpoint("ingest.before_reply")
    return outcomes, counts


def post_one(kind: RecordKind) -> Handler:
    async def handler(request: AnyRequest, principal: Principal) -> Response:
        raw = await read_body(request, limit=operation_of(request).body_limit)
        (outcome,), _ = await take_in(request, principal, kind, [raw], is_batch=False)
        if outcome.errors:
            raise invalid(*outcome.errors)
        receipt = IngestReceipt(
            id=str(outcome.id),
            source=outcome.source or "",
            external_id=outcome.external_id or "",
            status=IngestStatus(outcome.status),
            request_id=request.scope["state"]["request_id"],
        )
        return json_response(receipt, 201 if outcome.status == "created" else 200)

    return handler


def post_batch(kind: RecordKind) -> Handler:
    async def handler(request: AnyRequest, principal: Principal) -> Response:
        raw = await items_of(request)
        async with request.app.state.batch_lanes.enter(principal.tenant_id):
            outcomes, counts = await take_in(request, principal, kind, raw, is_batch=True)
        answer = BatchAnswer(
            summary=BatchSummary(
                received=len(outcomes), **{status.value: counts[status] for status in IngestStatus}
            ),
            results=[
                BatchResult(
                    index=outcome.index,
                    external_id=outcome.external_id,
                    status=IngestStatus(outcome.status),
                    errors=outcome.errors,
                )
                for outcome in outcomes
            ],
            request_id=request.scope["state"]["request_id"],
        )
        return json_response(answer)

    return handler


def filter_of(kind: RecordKind) -> type[RecordFilter]:
    return RecordFilter if kind.lasting is None else RangeFilter


def within_of(kind: RecordKind, wanted: RecordFilter, timezone: str) -> Within | None:
    """The range that is asked for, in a local zone."""
    if kind.lasting is None or not isinstance(wanted, RangeFilter):
        return None
    since = until = None
    try:
        if wanted.from_ is not None:
            since = read_bound(wanted.from_, timezone, "from")
        if wanted.to is not None:
            until = read_bound(wanted.to, timezone, "to")
    except PeriodError as error:
        raise invalid(FieldError(f"/{error.field}", "invalid_value", error.message)) from None
    return Within(kind.lasting, since, until) if since or until else None


def list_records(kind: RecordKind) -> Handler:
    filter_struct = filter_of(kind)

    async def handler(request: AnyRequest, principal: Principal) -> Response:
        wanted = params_of(request, filter_struct)
        statement = list_statement(
            kind.table,
            kind.name_column,
            principal.tenant_id,
            source=None if wanted.source is None else normalized(wanted.source),
            external_id=None if wanted.external_id is None else normalized(wanted.external_id),
            after=id_before(wanted, kind.name),
            limit=wanted.limit + 1,
            within=within_of(kind, wanted, principal.timezone),
        )
        pool = request.app.state.pool
        async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
            rows = await run(connection, statement)
        page, cursor = cut_by_id(rows, wanted, kind.name)
        data = b",".join(stored(row) for row in page)
        tail = msgspec.json.encode({"next_cursor": cursor})
        return json_response(b'{"data":[' + data + b'],"page":' + tail + b"}")

    return handler


def get_record(kind: RecordKind) -> Handler:
    async def handler(request: AnyRequest, principal: Principal) -> Response:
        statement = one_statement(kind.table, principal.tenant_id, path_of(request, RecordPath).id)
        pool = request.app.state.pool
        async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
            rows = await run(connection, statement)
        if not rows:
            raise Problem("not_found", "There is no such record for this key.")
        return json_response(stored(rows[0]))

    return handler


def camel(name: str) -> str:
    """ticket-events to TicketEvents."""
    return "".join(part.capitalize() for part in name.replace("/", "-").split("-"))


def operations_of(kind: RecordKind) -> list[Operation]:
    record = record_struct(kind)
    one, many = kind.item.__name__, camel(kind.name)
    examples = EXAMPLES[kind.name]
    replaced = (
        "Events are never replaced: the same source and event_id is a duplicate."
        if kind is EVENTS
        else "Replaces the whole record of the same source and external_id: an absent field is "
        "null. The newest version by source_updated_at wins, whatever the order of arrival; "
        "without it, the last one received."
    )
    return [
        Operation(
            method="POST",
            path=f"/v1/{kind.name}",
            operation_id=f"ingest{one}",
            repeats="harmless",
            summary=f"Send one of {kind.name}",
            description=f"{replaced} A success means that it is committed.",
            tag=TAG,
            handler=post_one(kind),
            scope=Scope.INGEST_WRITE,
            request=kind.item,
            request_examples=examples,
            responses={200: IngestReceipt, 201: IngestReceipt},
            problems=("quota_exceeded",),
        ),
        Operation(
            method="POST",
            path=f"/v1/{kind.name}/batch",
            operation_id=f"ingest{many}Batch",
            repeats="harmless",
            summary=f"Send up to 1,000 {kind.name}",
            description=f"Good items are committed together, bad ones are named. {replaced}",
            tag=TAG,
            handler=post_batch(kind),
            scope=Scope.INGEST_WRITE,
            request=kind.item,
            request_examples={name: [example] for name, example in examples.items()},
            ndjson=True,
            responses={200: BatchAnswer},
            problems=("empty_batch", "too_many_items", "rate_limited", "quota_exceeded"),
        ),
        Operation(
            method="GET",
            path=f"/v1/{kind.name}",
            operation_id=f"list{many}",
            summary=f"List {kind.name}",
            description="Records as they were sent, in the order of first receipt.",
            tag=TAG,
            handler=list_records(kind),
            scope=Scope.RECORDS_READ,
            params=filter_of(kind),
            responses={200: page_struct(record)},
            problems=("invalid_cursor",),
        ),
        Operation(
            method="GET",
            path=f"/v1/{kind.name}/{{id}}",
            operation_id=f"get{one}",
            summary=f"Read one of {kind.name}",
            description="The record as it was sent; a deleted one says so.",
            tag=TAG,
            handler=get_record(kind),
            scope=Scope.RECORDS_READ,
            path_params=RecordPath,
            responses={200: record},
        ),
    ]


OPERATIONS = [operation for kind in (*RECORD_KINDS, EVENTS) for operation in operations_of(kind)]
