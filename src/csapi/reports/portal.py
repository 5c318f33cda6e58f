"""Use from browsers: portal tokens, and whose pages may read answers."""

import re
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Meta

from csapi.access.portal import (
    SCOPES,
    create_portal_token,
    list_portal_tokens,
    origins_of,
    revoke_portal_token,
    set_origins,
)
from csapi.access.principals import Principal, Scope
from csapi.access.tenancy import tenant_transaction
from csapi.facts.wire import Key, normalized
from csapi.kit.clock import now
from csapi.kit.cursors import cut_by_id, place_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import Source
from csapi.reports.cautions import names_in
from csapi.reports.endpoints import desk_of
from csapi.reports.narrowing import read_filters
from csapi.reports.pages import Cursor
from csapi.reports.refusals import refuse
from csapi.reports.resolve import Setting, check_filter
from csapi.reports.schemas import FilterNode, QueryPage
from csapi.reports.service import Desk, snapshot_of

TAG = "Browsers"
LONGEST_SECONDS = 3_600
MOST_ORIGINS = 20
ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?::[1-9][0-9]{0,4})?"
)


class PortalAgent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An agent by our id, or by the source's."""

    id: UUID | None = None
    source: Key | None = None
    external_id: Key | None = None


class PortalTokenRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A token that sees only what passes `filters`, such as one team; or, with `agent`, the own
    token of an agent, which sees what is under /v1/me and nothing else."""

    expires_in_seconds: Annotated[int, Meta(ge=60, le=LONGEST_SECONDS)] = 900
    filters: FilterNode | None = None
    agent: PortalAgent | None = None


class PortalToken(msgspec.Struct, kw_only=True):
    """The token is shown this once. `id`, which is part of it, is what it is revoked by."""

    id: str
    token: str
    expires_at: UtcDatetime
    agent_id: str | None


class LivePortalToken(msgspec.Struct, kw_only=True):
    """A token that works now. `issued_by`: the id of the key that made it. `agent_id`: whose own
    it is."""

    id: str
    scopes: list[str]
    filters: FilterNode | None
    agent_id: str | None
    issued_by: str
    expires_at: UtcDatetime


class PortalTokenPage(msgspec.Struct, kw_only=True):
    """Tokens in the order of their ids."""

    data: list[LivePortalToken]
    page: QueryPage


class PortalTokenParams(msgspec.Struct, kw_only=True):
    """Which tokens to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class PortalTokenPath(msgspec.Struct, kw_only=True):
    id: Annotated[str, Meta(description="Id of the token; in its text it follows `csp_live_`")]


class BrowserOrigins(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Origins as browsers send them: scheme, host and, if it is not the usual one, port."""

    origins: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=MOST_ORIGINS)]


async def check_filters(desk: Desk, filters: FilterNode) -> None:
    """Whether it can be joined to every question. Raises Problem."""
    async with snapshot_of(desk) as snapshot:
        custom = await snapshot.custom(names_in(filters))
    for where, dimension, _ in check_filter(filters, Setting(desk.timezone, custom, desk.now)):
        if dimension.source is Source.value:
            message = "Not every metric has this dimension: it would be refused."
            refuse(f"{where}/dimension", "dimension_not_allowed", message)


FIND_AGENT = """
SELECT id FROM agents
WHERE tenant_id = $1 AND NOT is_deleted AND NOT is_bot
  AND (id = $2::uuid OR source = $3::text AND external_id = $4::text)"""


async def agent_of(pool: asyncpg.Pool, tenant_id: UUID, wanted: PortalAgent) -> UUID:
    """Raises Problem where there is no such person."""
    names = (wanted.source, wanted.external_id)
    if (wanted.id is None) == (None in names) or (wanted.id is not None and any(names)):
        refuse("/agent", "invalid_value", "Give `id`, or `source` and `external_id`.")
    keys = [None if name is None else normalized(name) for name in names]
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        found: UUID | None = await connection.fetchval(FIND_AGENT, tenant_id, wanted.id, *keys)
    if found is None:
        refuse("/agent", "invalid_value", "There is no such agent, or it is a bot.")
    return found


async def create_token(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, PortalTokenRequest)
    if Scope.REPORTS_READ not in principal.scopes:
        detail = f"A token may not do more than its key, which lacks {Scope.REPORTS_READ}."
        raise Problem("insufficient_scope", detail)
    text = agent_id = None
    pool = request.app.state.pool
    if wanted.agent is not None:
        if Scope.RECORDS_READ not in principal.scopes:
            detail = f"What an agent wrote is personal, and the key lacks {Scope.RECORDS_READ}."
            raise Problem("insufficient_scope", detail)
        if wanted.filters is not None:
            refuse("/filters", "not_supported", "An agent's own token has no filters.")
        agent_id = await agent_of(pool, principal.tenant_id, wanted.agent)
    if wanted.filters is not None:
        await check_filters(desk_of(request, principal), wanted.filters)
        text = msgspec.json.encode(wanted.filters).decode()
    made = now()
    expires_at = made + timedelta(seconds=wanted.expires_in_seconds)
    token = await create_portal_token(
        pool, principal, text, now=made, expires_at=expires_at, agent_id=agent_id
    )
    return json_response(
        PortalToken(
            id=token.key_id,
            token=token.text,
            expires_at=expires_at,
            agent_id=None if agent_id is None else str(agent_id),
        ),
        201,
    )


async def list_tokens(request: AnyRequest, principal: Principal) -> Response:
    wanted = params_of(request, PortalTokenParams)
    place = place_before(wanted, tuple[str])
    after = None if place is None else place[0]
    rows = await list_portal_tokens(
        request.app.state.pool, principal, now=now(), after=after, limit=wanted.limit + 1
    )
    page, cursor = cut_by_id(rows, wanted, key="token_id")
    data = [
        LivePortalToken(
            id=row["token_id"],
            scopes=sorted(SCOPES),
            filters=None if row["filters"] is None else read_filters(row["filters"]),
            agent_id=None if row["agent"] is None else str(row["agent"]),
            issued_by=row["key_id"],
            expires_at=row["expires_at"],
        )
        for row in page
    ]
    return json_response(PortalTokenPage(data=data, page=QueryPage(next_cursor=cursor)))


async def revoke_token(request: AnyRequest, principal: Principal) -> Response:
    token_id = path_of(request, PortalTokenPath).id
    if not await revoke_portal_token(request.app.state.pool, principal, token_id):
        raise Problem("not_found", "There is no such token for this key.")
    return no_content()


async def get_origins(request: AnyRequest, principal: Principal) -> Response:
    found = await origins_of(request.app.state.pool, principal.tenant_id)
    return json_response(BrowserOrigins(origins=sorted(found)))


async def put_origins(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, BrowserOrigins)
    for index, origin in enumerate(wanted.origins):
        if ORIGIN.fullmatch(origin) is None:
            message = "An origin is like https://app.example.com: no path, no star."
            refuse(f"/origins/{index}", "invalid_value", message)
    origins = sorted(set(wanted.origins))
    await set_origins(request.app.state.pool, principal, origins)
    return json_response(BrowserOrigins(origins=origins))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/portal-tokens",
        operation_id="createPortalToken",
        repeats="keyed",
        secret=True,
        summary="Make a token for a browser",
        description="A short-lived token in place of a key, which must not sit in a page. It may "
        "ask queries and read answers of saved ones, and nothing else; `filters` are joined to "
        "each question. With `agent` it is that agent's own, and sees what is under /v1/me alone. "
        "It ends after its time, and within seconds of the end of its key, which needs "
        "`reports:read` itself, and for an agent's own token `records:read`, too.",
        tag=TAG,
        handler=create_token,
        scope=Scope.TOKENS_WRITE,
        request=PortalTokenRequest,
        request_examples={
            "one_team": {
                "expires_in_seconds": 900,
                "filters": {"dimension": "team", "op": "in", "values": ["t1"]},
            },
            "one_agent": {"agent": {"source": "zd", "external_id": "a1"}},
        },
        responses={201: PortalToken},
        problems=("too_many_queries",),
    ),
    Operation(
        method="GET",
        path="/v1/portal-tokens",
        operation_id="listPortalTokens",
        summary="List the tokens that work now",
        description="Those of the key that asks, with the scope `admin:write`, too, those of its "
        "tenant: what each may see, who made it and when it ends. The tokens themselves are kept "
        "nowhere.",
        tag=TAG,
        handler=list_tokens,
        scope=Scope.TOKENS_WRITE,
        params=PortalTokenParams,
        responses={200: PortalTokenPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="DELETE",
        path="/v1/portal-tokens/{id}",
        operation_id="revokePortalToken",
        summary="End a token for a browser",
        description="The token ends within five seconds. A key ends the tokens that it has made; "
        "with the scope `admin:write`, too, any of its tenant.",
        tag=TAG,
        handler=revoke_token,
        scope=Scope.TOKENS_WRITE,
        path_params=PortalTokenPath,
        responses={204: None},
    ),
    Operation(
        method="GET",
        path="/v1/browser-origins",
        operation_id="getBrowserOrigins",
        summary="Whose pages may read answers",
        description="The origins that browsers are told; none at first.",
        tag=TAG,
        handler=get_origins,
        scope=Scope.ADMIN_WRITE,
        responses={200: BrowserOrigins},
    ),
    Operation(
        method="PUT",
        path="/v1/browser-origins",
        operation_id="setBrowserOrigins",
        summary="Say whose pages may read answers",
        description="Exactly these origins from now on; processes take a few seconds to know.",
        tag=TAG,
        handler=put_origins,
        scope=Scope.ADMIN_WRITE,
        request=BrowserOrigins,
        request_examples={"one": {"origins": ["https://app.example.com"]}},
        responses={200: BrowserOrigins},
    ),
]
