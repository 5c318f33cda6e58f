"""Asking for exports, watching them, fetching and cancelling them."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.http import Response, StreamedResponse, json_response, no_content
from csapi.kit.language import asked_language
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.encoders import NDJSON
from csapi.reports.endpoints import EXAMPLE
from csapi.reports.exports.asking import check_request, missing_scopes, what_of
from csapi.reports.exports.links import is_signed, read_link, write_link
from csapi.reports.exports.schemas import (
    LINK_SECONDS,
    MOST_ARCHIVES,
    MOST_KEPT,
    MOST_WAITING,
    DownloadParams,
    Export,
    ExportDownload,
    ExportFormat,
    ExportList,
    ExportPath,
    ExportProblem,
    ExportRequest,
    ExportStatus,
)
from csapi.reports.exports.store import remove

TAG = "Exports"
ZIP = "application/zip"
MEDIA_TYPES = {
    ExportFormat.csv: "text/csv; charset=utf-8",
    ExportFormat.ndjson: NDJSON,
    ExportFormat.zip: ZIP,
}


ADD = f"""
WITH known AS (
  SELECT count(*) AS kept, count(*) FILTER (WHERE status IN ('queued', 'running')) AS waiting,
    count(*) FILTER (WHERE request->>'tenant_data' = 'true') AS archives
  FROM exports WHERE tenant_id = $1
), added AS (
  INSERT INTO exports (tenant_id, request, secret)
  SELECT $1, $2::text::json, $3 FROM known
  WHERE kept < {MOST_KEPT} AND waiting < {MOST_WAITING}
    AND (archives < {MOST_ARCHIVES} OR NOT $4) RETURNING *
), marked AS (
  INSERT INTO export_marks (tenant_id, export, due_at)
  SELECT tenant_id, id, clock_timestamp() FROM added
) SELECT *, request::text AS asked, problem::text AS told FROM added"""
COLUMNS = "*, request::text AS asked, problem::text AS told"
LIVING = "(expires_at IS NULL OR expires_at > clock_timestamp())"
ONE = f"SELECT {COLUMNS} FROM exports WHERE tenant_id = $1 AND id = $2 AND {LIVING}"
LIST = f"SELECT {COLUMNS} FROM exports WHERE tenant_id = $1 AND {LIVING} ORDER BY id DESC"
CHUNKS = "SELECT count(*) FROM export_chunks WHERE tenant_id = $1 AND export = $2"
CHUNK = """
SELECT content FROM export_chunks WHERE tenant_id = $1 AND export = $2 AND number = $3"""


def export_of(row: asyncpg.Record, principal: Principal) -> Export:
    request = msgspec.json.decode(row["asked"], type=ExportRequest)
    status, total = ExportStatus(row["status"]), row["rows_total"]
    progress = 1.0 if status is ExportStatus.done else None
    if progress is None and total is not None:
        progress = row["rows"] / total if total else 0.0
    return Export(
        id=str(row["id"]),
        status=status,
        request=request,
        progress=progress,
        rows=row["rows"],
        rows_total=total,
        bytes=row["bytes"],
        problem=row["told"] and msgspec.json.decode(row["told"], type=ExportProblem),
        download=download_of(row, principal)
        if status is ExportStatus.done and not missing_scopes(principal, request)
        else None,
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        expires_at=row["expires_at"],
    )


def download_of(row: asyncpg.Record, principal: Principal) -> ExportDownload:
    until = min(now() + timedelta(seconds=LINK_SECONDS), row["expires_at"])
    expires = int(until.timestamp())
    token = write_link(row["secret"], principal.tenant_id, row["id"], expires)
    return ExportDownload(
        url=f"/v1/exports/{row['id']}/download?token={token}",
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


async def create_export(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, ExportRequest)
    await check_request(request, principal, wanted)
    if wanted.language is None:
        wanted.language = asked_language(request.scope)
    text = msgspec.json.encode(wanted).decode()
    pool = request.app.state.pool
    # Of several at once, each counts those before it.
    async with tenant_transaction(pool, principal.tenant_id, lock="exclusive") as connection:
        row = await connection.fetchrow(
            ADD, principal.tenant_id, text, secrets.token_bytes(32), wanted.tenant_data
        )
        if row is not None:
            act, what = AuditAction.export_created, what_of(wanted)
            await audited(connection, principal, act, row["id"], of=what)
    if row is None:
        raise Problem(
            "too_many_exports",
            f"A tenant has at most {MOST_WAITING} exports that wait and {MOST_KEPT} in all, "
            f"{MOST_ARCHIVES} of them of all data. Delete one, or wait.",
        )
    request.app.state.wake_exports()
    headers = {"location": f"/v1/exports/{row['id']}", "retry-after": "1"}
    return json_response(export_of(row, principal), 202, headers)


async def list_exports(request: AnyRequest, principal: Principal) -> Response:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(LIST, principal.tenant_id)
    return json_response(ExportList(data=[export_of(row, principal) for row in rows]))


async def get_export(request: AnyRequest, principal: Principal) -> Response:
    export = path_of(request, ExportPath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(ONE, principal.tenant_id, export)
    if row is None:
        raise Problem("not_found", "There is no such export for this key.")
    found = export_of(row, principal)
    is_over = found.status in (ExportStatus.done, ExportStatus.failed)
    return json_response(found, headers={} if is_over else {"retry-after": "1"})


async def delete_export(request: AnyRequest, principal: Principal) -> Response:
    export = path_of(request, ExportPath).id
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if not await remove(connection, principal.tenant_id, export):
            raise Problem("not_found", "There is no such export for this key.")
        await audited(connection, principal, AuditAction.export_deleted, export)
    return no_content()


async def pieces_of_file(
    pool: asyncpg.Pool, tenant_id: UUID, export: UUID, count: int
) -> AsyncIterator[bytes]:
    """The file, a piece in a transaction: a slow reader holds no connection."""
    for number in range(count):
        async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
            content = await connection.fetchval(CHUNK, tenant_id, export, number)
        if content is None:
            raise Problem("not_found", "The export has been deleted.")
        yield content


async def download(request: AnyRequest, principal: None) -> Response:
    del principal
    export = path_of(request, ExportPath).id
    link = read_link(params_of(request, DownloadParams).token)
    gone = Problem("not_found", "No such file: the link may be old; read the export for a new one.")
    if link is None or link.expires <= now().timestamp():
        raise gone
    pool = request.app.state.pool
    async with tenant_transaction(pool, link.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(ONE, link.tenant_id, export)
        if row is None or not is_signed(link, row["secret"], export):
            raise gone
        if row["status"] != ExportStatus.done:
            raise gone
        count = await connection.fetchval(CHUNKS, link.tenant_id, export)
        if row["bytes"] and not count:
            raise gone
    asked = msgspec.json.decode(row["asked"], type=ExportRequest)
    if request.scope["method"] != "HEAD":
        holder, act = Actor(link.tenant_id, ActorKind.holder), AuditAction.export_downloaded
        async with tenant_transaction(pool, link.tenant_id) as connection:
            await audited(connection, holder, act, export)
    name = f"{what_of(asked)}-{export}.{asked.format.value}"
    return StreamedResponse(
        pieces_of_file(pool, link.tenant_id, export, count),
        row["bytes"],
        media_type=MEDIA_TYPES[asked.format],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/exports",
        operation_id="createExport",
        repeats="keyed",
        while_closing=True,
        cost=10,
        summary="Ask for a file",
        description="All rows of a query, or records one a row, as CSV or NDJSON, or all that the "
        "tenant has sent as a ZIP, made in the background from one snapshot. Location names the "
        "export: read it until it is done. Of records the key needs the scope `records:read`, too; "
        "of everything `admin:write`, `records:read` and `names:read`.",
        tag=TAG,
        handler=create_export,
        scope=Scope.REPORTS_READ,
        request=ExportRequest,
        request_examples={
            "query": {"format": "csv", "query": EXAMPLE},
            "records": {
                "format": "ndjson",
                "records": {"resource": "tickets", "from": "2026-01-01", "to": "2026-02-01"},
            },
            "everything": {"format": "zip", "tenant_data": True},
        },
        responses={202: Media(body=Export, headers=("Location", "Retry-After"))},
        problems=("too_many_exports", "too_many_queries"),
    ),
    Operation(
        method="GET",
        path="/v1/exports",
        operation_id="listExports",
        summary="List exports",
        description="All exports that there are, the newest first.",
        tag=TAG,
        handler=list_exports,
        scope=Scope.REPORTS_READ,
        responses={200: ExportList},
    ),
    Operation(
        method="GET",
        path="/v1/exports/{id}",
        operation_id="getExport",
        summary="Watch an export",
        description="How far it is; once it is done, with a link to the file that is good for five "
        "minutes. The link needs no key: treat it like one.",
        tag=TAG,
        handler=get_export,
        scope=Scope.REPORTS_READ,
        path_params=ExportPath,
        responses={200: Export},
    ),
    Operation(
        method="GET",
        path="/v1/exports/{id}/download",
        operation_id="downloadExport",
        summary="Fetch the file",
        description="The `download.url` of an export. Content-Length says how long it is: a body "
        "that is shorter is not the file.",
        tag=TAG,
        handler=download,
        public=True,
        params=DownloadParams,
        path_params=ExportPath,
        responses={
            200: Media(
                body=str,
                description="The file, as text/csv or application/x-ndjson.",
                media_type="text/csv",
                headers=("Content-Disposition",),
                texts={NDJSON: "The same, an object a line."},
                files={ZIP: "All data of the tenant, with manifest.json."},
            )
        },
        problems=("not_found",),
    ),
    Operation(
        method="DELETE",
        path="/v1/exports/{id}",
        operation_id="deleteExport",
        while_closing=True,
        summary="Cancel or delete an export",
        description="Stops it, if it is not done, and takes the file away. Its links end.",
        tag=TAG,
        handler=delete_export,
        scope=Scope.REPORTS_READ,
        path_params=ExportPath,
        responses={204: None},
    ),
]
