"""Asking for erasures and reading their receipts."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.audit import actor_of, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.erasures import (
    ErasureMode,
    ErasureStatus,
    Wish,
    begin_erasure,
    customers_by_id,
    customers_named,
    erasure_of_name,
    erasure_of_people,
)
from csapi.facts.wire import normalized
from csapi.kit.cursors import id_before
from csapi.kit.http import Response, json_response
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.administration.erasure_schemas import (
    ErasedFacts,
    ErasedRecords,
    Erasure,
    ErasureActor,
    ErasureList,
    ErasureParams,
    ErasurePath,
    ErasureRequest,
)
from csapi.reports.pages import page_by_id
from csapi.reports.refusals import refuse

TAG = "Erasure"

COLUMNS = """e.id, e.status, e.mode, e.reference, e.actor_kind, e.actor, e.requested_at,
  e.started_at, e.finished_at, e.counts::text AS counts,
  (SELECT count(*) FROM erased_names n WHERE n.tenant_id = $1 AND n.erasure = e.id) AS names"""
ONE = f"SELECT {COLUMNS} FROM erasures e WHERE e.tenant_id = $1 AND e.id = $2"
LIST = f"""
SELECT {COLUMNS} FROM erasures e WHERE e.tenant_id = $1 AND ($2::uuid IS NULL OR e.id < $2)
ORDER BY e.id DESC LIMIT $3"""
# What tables are called on the wire, where that is another word.
RESOURCES = {
    "customer_merges": "customers/merge",
    "idempotency": "kept-answers",
    "saved_queries": "queries",
}


def resource_of(table: str) -> str:
    return RESOURCES.get(table, table.replace("_", "-"))


def erasure_of(row: asyncpg.Record) -> Erasure:
    counts = msgspec.json.decode(row["counts"], type=dict[str, dict[str, int]])
    overwritten, deleted = counts.get("overwritten", {}), counts.get("deleted", {})
    facts = counts.get("facts", {})
    return Erasure(
        id=str(row["id"]),
        status=ErasureStatus(row["status"]),
        mode=ErasureMode(row["mode"]),
        reference=row["reference"],
        requested_by=ErasureActor(kind=ActorKind(row["actor_kind"]), id=row["actor"]),
        requested_at=row["requested_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        names_kept_out=row["names"],
        records=[
            ErasedRecords(
                resource=resource_of(table),
                overwritten=overwritten.get(table, 0),
                deleted=deleted.get(table, 0),
            )
            for table in sorted(overwritten.keys() | deleted.keys(), key=resource_of)
        ],
        facts=ErasedFacts(
            before=facts.get("before", 0),
            after=facts.get("after", 0),
            checksum_before=str(facts.get("checksum_before", 0)),
            checksum_after=str(facts.get("checksum_after", 0)),
        ),
    )


def check_named(wanted: ErasureRequest) -> None:
    """Raises Problem unless one way of naming the customer is used, and used in full."""
    if (wanted.source is None) != (wanted.external_id is None):
        missing = "source" if wanted.source is None else "external_id"
        refuse(f"/{missing}", "required", "Give source and external_id together.")
    if (wanted.id is None) == (wanted.source is None):
        refuse("", "invalid_value", "Give either id, or source and external_id.")


async def people_of(
    connection: asyncpg.Connection, tenant_id: UUID, wanted: ErasureRequest
) -> tuple[list[Any], UUID | None]:
    """The customers who are meant, locked, and an erasure that they are in or were in."""
    if wanted.source is None or wanted.external_id is None:
        people = await customers_by_id(connection, tenant_id, [wanted.id] if wanted.id else [])
        return people, await erasure_of_people(connection, tenant_id, people, wanted.mode)
    name = normalized(wanted.source), normalized(wanted.external_id)
    people = await customers_named(connection, tenant_id, *name)
    if not people:
        return [], await erasure_of_name(connection, tenant_id, *name)
    return people, await erasure_of_people(connection, tenant_id, people, wanted.mode)


async def create_erasure(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, ErasureRequest)
    check_named(wanted)
    tenant_id, pool = principal.tenant_id, request.app.state.pool
    async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
        people, erasure = await people_of(connection, tenant_id, wanted)
        if not people and erasure is None:
            where = "/id" if wanted.external_id is None else "/external_id"
            refuse(where, "unknown_customer", "There is no such customer, and none was erased.")
        if erasure is None:
            by = actor_of(principal)
            wish = Wish(wanted.mode, wanted.reference, by.kind.value, by.id)
            erasure = await begin_erasure(connection, tenant_id, people, wish)
        act, mode = AuditAction.erasure_requested, wanted.mode.value
        await audited(connection, principal, act, erasure, mode=mode, customers=len(people))
        row = await connection.fetchrow(ONE, tenant_id, erasure)
    request.app.state.wake_erasures()
    headers = {"location": f"/v1/erasures/{erasure}", "retry-after": "1"}
    return json_response(erasure_of(row), 202, headers)


async def list_erasures(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, ErasureParams)
    arguments = (principal.tenant_id, id_before(wanted), wanted.limit + 1)
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(LIST, *arguments)
    found, page = page_by_id(rows, wanted)
    return json_response(ErasureList(data=[erasure_of(row) for row in found], page=page))


async def get_erasure(request: AnyRequest, principal: Principal) -> Response:
    erasure = path_of(request, ErasurePath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(ONE, principal.tenant_id, erasure)
    if row is None:
        raise Problem("not_found", "There is no such erasure for this key.")
    found = erasure_of(row)
    is_done = found.status is ErasureStatus.done
    return json_response(found, headers={} if is_done else {"retry-after": "1"})


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/erasures",
        operation_id="createErasure",
        repeats="harmless",
        cost=10,
        summary="Erase a customer",
        description="From the answer on, the customer is not taken in again; what is here is "
        "overwritten or deleted in the background. `overwrite` takes names, addresses and words "
        "and leaves every number as it is; `delete` takes the records, too. Whoever was erased "
        "already, or is being erased, is answered with that receipt.",
        tag=TAG,
        handler=create_erasure,
        scope=Scope.ADMIN_WRITE,
        request=ErasureRequest,
        request_examples={
            "by name": {"source": "zendesk", "external_id": "u7", "reference": "DSR-17"},
        },
        responses={202: Media(body=Erasure, headers=("Location", "Retry-After"))},
    ),
    Operation(
        method="GET",
        path="/v1/erasures",
        operation_id="listErasures",
        summary="List erasures",
        description="All receipts, the newest first. They are kept for as long as the tenant is.",
        tag=TAG,
        handler=list_erasures,
        scope=Scope.ADMIN_WRITE,
        params=ErasureParams,
        responses={200: ErasureList},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/erasures/{id}",
        operation_id="getErasure",
        summary="Read a receipt",
        description="How far it is, what was done with which records, and whether facts have "
        "stayed as they were.",
        tag=TAG,
        handler=get_erasure,
        scope=Scope.ADMIN_WRITE,
        path_params=ErasurePath,
        responses={200: Erasure},
    ),
]
