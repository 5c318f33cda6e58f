"""Use from browsers: portal tokens, and whose pages may read answers."""

import re
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.portal import (
    create_portal_token,
    origins_of,
    revoke_portal_token,
    set_origins,
)
from csapi.access.principals import Principal, Scope
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Operation, body_of, path_of
from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.dimensions import Source
from csapi.reports.cautions import names_in
from csapi.reports.endpoints import desk_of
from csapi.reports.refusals import refuse
from csapi.reports.resolve import Setting, check_filter
from csapi.reports.schemas import FilterNode
from csapi.reports.service import Desk, snapshot_of

TAG = "Browsers"
LONGEST_SECONDS = 3_600
MOST_ORIGINS = 20
ORIGIN = re.compile(
    r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?::[1-9][0-9]{0,4})?"
)


class PortalTokenRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A token that sees only what passes `filters`, such as one team."""

    expires_in_seconds: Annotated[int, Meta(ge=60, le=LONGEST_SECONDS)] = 900
    filters: FilterNode | None = None


class PortalToken(msgspec.Struct, kw_only=True):
    """The token is shown this once. `id`, which is part of it, is what it is revoked by."""

    id: str
    token: str
    expires_at: UtcDatetime


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


async def create_token(request: AnyRequest, principal: Principal) -> Response:
    wanted = await body_of(request, PortalTokenRequest)
    if Scope.REPORTS_READ not in principal.scopes:
        detail = f"A token may not do more than its key, which lacks {Scope.REPORTS_READ}."
        raise Problem("insufficient_scope", detail)
    text = None
    if wanted.filters is not None:
        await check_filters(desk_of(request, principal), wanted.filters)
        text = msgspec.json.encode(wanted.filters).decode()
    made = now()
    expires_at = made + timedelta(seconds=wanted.expires_in_seconds)
    pool = request.app.state.pool
    token = await create_portal_token(pool, principal, text, now=made, expires_at=expires_at)
    return json_response(PortalToken(id=token.key_id, token=token.text, expires_at=expires_at), 201)


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
    await set_origins(request.app.state.pool, principal.tenant_id, origins)
    return json_response(BrowserOrigins(origins=origins))


OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/portal-tokens",
        operation_id="createPortalToken",
        summary="Make a token for a browser",
        description="A short-lived token in place of a key, which must not sit in a page. It may "
        "ask queries and read answers of saved ones, and nothing else; `filters` are joined to "
        "each question. It ends after its time, and within seconds of the end of its key, which "
        "needs `reports:read` itself.",
        tag=TAG,
        handler=create_token,
        scope=Scope.TOKENS_WRITE,
        request=PortalTokenRequest,
        request_examples={
            "one_team": {
                "expires_in_seconds": 900,
                "filters": {"dimension": "team", "op": "in", "values": ["t1"]},
            }
        },
        responses={201: PortalToken},
        problems=("too_many_queries",),
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
