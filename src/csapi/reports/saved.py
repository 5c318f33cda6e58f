"""Saved queries: asked by name, answered with an ETag."""

import re
from dataclasses import replace
from typing import Annotated, Any

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.kit.body import header
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.language import spoken
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.encoders import encoded, media_type_of
from csapi.reports.endpoints import (
    EXAMPLE,
    QUERY_TAG,
    SERIES_EXAMPLE,
    SPOKEN,
    TEXTS,
    desk_of,
)
from csapi.reports.etags import known_tags, matching, state_of, tag_of, unchanged
from csapi.reports.pages import Cursor
from csapi.reports.refusals import refuse
from csapi.reports.schemas import Query, QueryAnswer
from csapi.reports.service import Desk, read_answer, resolved, slowness_told, snapshot_of

MOST_SAVED = 500
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")
CACHING = {"cache-control": "private, no-cache"}
VARIES = "Accept, Authorization"

COLUMNS = "name, question::text AS question, created_at, updated_at"
LIST = f"SELECT {COLUMNS} FROM saved_queries WHERE tenant_id = $1 ORDER BY name"
ONE = f"SELECT {COLUMNS} FROM saved_queries WHERE tenant_id = $1 AND name = $2"
DELETE = "DELETE FROM saved_queries WHERE tenant_id = $1 AND name = $2 RETURNING name"
SAVE = f"""
INSERT INTO saved_queries AS q (tenant_id, name, question)
SELECT $1, $2::text, $3::text::json
WHERE (SELECT count(*) FROM saved_queries WHERE tenant_id = $1 AND name <> $2) < {MOST_SAVED}
ON CONFLICT (tenant_id, name) DO UPDATE
SET question = excluded.question, updated_at = clock_timestamp()
RETURNING new.name, new.question::text AS question, new.created_at, new.updated_at,
  old.name IS NULL AS is_new"""


class SavedQueryPath(msgspec.Struct, kw_only=True):
    name: Annotated[str, Meta(description="Name of the query: letters, digits, `.`, `_`, `~`, `-`")]


class ResultParams(msgspec.Struct, kw_only=True):
    """Which page of the answer."""

    cursor: Cursor = None


class SavedQuery(msgspec.Struct, kw_only=True):
    """A query under its name."""

    name: str
    query: Query
    created_at: UtcDatetime
    updated_at: UtcDatetime


class SavedQueryList(msgspec.Struct, kw_only=True):
    """All saved queries by name."""

    data: list[SavedQuery]


def saved_query(row: asyncpg.Record) -> SavedQuery:
    return SavedQuery(
        name=row["name"],
        query=msgspec.json.decode(row["question"], type=Query),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


async def check_query(desk: Desk, query: Query) -> None:
    """Whether the query could be asked now. Raises Problem with the places that are wrong."""
    async with snapshot_of(desk) as snapshot:
        check_rows(query, (await resolved(snapshot, query)).question)


async def put_query(request: AnyRequest, principal: Principal) -> Response:
    name = path_of(request, SavedQueryPath).name
    query = await body_of(request, Query)
    if NAME.fullmatch(name) is None:
        refuse("/name", "invalid_value", "Up to 100 of: letters, digits, `.`, `_`, `~`, `-`.")
    if query.cursor is not None:
        refuse("/cursor", "not_supported", "A saved query has no page: give it with the result.")
    await check_query(desk_of(request, principal), query)
    pool = request.app.state.pool
    text = msgspec.json.encode(query).decode()
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        row = await connection.fetchrow(SAVE, principal.tenant_id, name, text)
        if row is not None:
            await audited(connection, principal, AuditAction.saved_query_changed, name)
    if row is None:
        raise Problem("conflict", f"{MOST_SAVED} queries are saved: delete one first.")
    return json_response(saved_query(row), 201 if row["is_new"] else 200)


async def list_queries(request: AnyRequest, principal: Principal) -> Response:
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        rows = await connection.fetch(LIST, principal.tenant_id)
    return json_response(SavedQueryList(data=[saved_query(row) for row in rows]))


async def found_query(connection: asyncpg.Connection, principal: Principal, name: str) -> Any:
    row = await connection.fetchrow(ONE, principal.tenant_id, name)
    if row is None:
        raise Problem("not_found", "There is no such query for this key.")
    return row


async def get_query(request: AnyRequest, principal: Principal) -> Response:
    name = path_of(request, SavedQueryPath).name
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        return json_response(saved_query(await found_query(connection, principal, name)))


async def delete_query(request: AnyRequest, principal: Principal) -> Response:
    name = path_of(request, SavedQueryPath).name
    pool = request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        if await connection.fetchval(DELETE, principal.tenant_id, name) is None:
            raise Problem("not_found", "There is no such query for this key.")
        await audited(connection, principal, AuditAction.saved_query_deleted, name)
    return no_content()


async def get_result(request: AnyRequest, principal: Principal) -> Response:
    name = path_of(request, SavedQueryPath).name
    cursor = params_of(request, ResultParams).cursor
    accept = request.headers.get("accept")
    known = known_tags(header(request, b"if-none-match"))
    # To the minute, so that what is said of windows that look ahead does not change all the time.
    desk = desk_of(request, principal)
    desk = replace(desk, now=desk.now.replace(second=0, microsecond=0))
    with slowness_told():
        async with snapshot_of(desk) as snapshot:
            row = await found_query(snapshot.connection, principal, name)
            query = msgspec.json.decode(row["question"], type=Query)
            query = msgspec.structs.replace(query, cursor=cursor)
            asked = await resolved(snapshot, query)
            caching = CACHING | spoken(desk.language, VARIES)
            state = await state_of(snapshot, query, asked, media_type_of(accept))
            if (tag := unchanged(state, known)) is not None:
                return Response(status=304, headers={**caching, "etag": f'"{tag}"'})
            answer = await read_answer(snapshot, query, asked)
    response = encoded(query, answer, accept, desk.language)
    tag = tag_of(response.body, state)
    if matching(tag, known):
        return Response(status=304, headers={**caching, "etag": f'"{tag}"'})
    headers = {**caching, "etag": f'"{tag}"'}
    told = {name.encode() for name in headers}
    response.headers = [each for each in response.headers if each[0] not in told]
    response.headers += [(key.encode(), value.encode()) for key, value in headers.items()]
    return response


OPERATIONS = [
    Operation(
        method="GET",
        path="/v1/queries",
        operation_id="listSavedQueries",
        summary="List saved queries",
        description="All saved queries in the order of their names.",
        tag=QUERY_TAG,
        handler=list_queries,
        scope=Scope.REPORTS_READ,
        responses={200: SavedQueryList},
    ),
    Operation(
        method="GET",
        path="/v1/queries/{name}",
        operation_id="getSavedQuery",
        summary="Read a saved query",
        description="The query as it is saved.",
        tag=QUERY_TAG,
        handler=get_query,
        scope=Scope.REPORTS_READ,
        path_params=SavedQueryPath,
        responses={200: SavedQuery},
    ),
    Operation(
        method="GET",
        path="/v1/queries/{name}/result",
        operation_id="getSavedQueryResult",
        summary="Answer a saved query",
        description="What POST /v1/query would answer now, presets such as last_7_days resolved "
        "now, with a strong ETag. Sent back as If-None-Match, it gives 304 while the answer is the "
        "same, byte for byte.",
        tag=QUERY_TAG,
        handler=get_result,
        scope=Scope.REPORTS_READ,
        portal=True,
        params=ResultParams,
        path_params=SavedQueryPath,
        responses={
            200: Media(body=QueryAnswer, texts=TEXTS, headers=(*SPOKEN, "ETag", "X-Next-Cursor")),
            304: Media(description="The answer is the one that you have.", headers=("ETag",)),
        },
        problems=(
            "invalid_cursor",
            "snapshot_moved",
            "query_timeout",
            "too_many_queries",
            "unknown_metric",
        ),
    ),
    Operation(
        method="DELETE",
        path="/v1/queries/{name}",
        operation_id="deleteSavedQuery",
        summary="Delete a saved query",
        description="The query is gone; nothing else changes.",
        tag=QUERY_TAG,
        handler=delete_query,
        scope=Scope.ADMIN_WRITE,
        path_params=SavedQueryPath,
        responses={204: None},
    ),
    Operation(
        method="PUT",
        path="/v1/queries/{name}",
        operation_id="saveQuery",
        summary="Save a query under a name",
        description="Checked at once like a query that is asked; replaces the one of that name.",
        tag=QUERY_TAG,
        handler=put_query,
        scope=Scope.ADMIN_WRITE,
        path_params=SavedQueryPath,
        request=Query,
        request_examples={
            "last_days": {**EXAMPLE, "time": {"range": {"preset": "last_7_days"}}},
            "largest_queues": SERIES_EXAMPLE,
        },
        responses={200: SavedQuery, 201: SavedQuery},
        problems=("conflict", "too_many_queries"),
    ),
]
