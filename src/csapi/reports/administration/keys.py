"""API keys over HTTP: made, listed, replaced and ended."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from csapi.access import keys
from csapi.access.addresses import Network, covers, read_network, read_networks
from csapi.access.principals import Principal, Scope
from csapi.access.service import AccessError, WantedKey, check_name
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.cursors import cursor_at, place_before
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, Media, Operation, body_of, params_of, path_of
from csapi.kit.problems import Problem
from csapi.reports.administration.key_schemas import (
    ApiKey,
    ApiKeyPage,
    ApiKeyParams,
    ApiKeyPath,
    CreatedApiKey,
    KeyRotation,
    KeyState,
    LeakedReceipt,
    LeakedTokens,
    NewApiKey,
    RotatedApiKey,
)
from csapi.reports.refusals import refuse
from csapi.reports.schemas import QueryPage

TAG = "Administration"


def missing() -> Problem:
    return Problem("not_found", "There is no such key for this key.")


def too_many() -> Problem:
    return Problem("conflict", f"There are {keys.MOST_KEYS} keys that work: revoke one first.")


def state_of(row: Any, at: datetime) -> KeyState:
    if row["revoked_at"] is not None:
        return KeyState.revoked
    if row["expires_at"] is not None and row["expires_at"] <= at:
        return KeyState.expired
    return KeyState.active if row["replaced_by"] is None else KeyState.replaced


def fields_of(row: Any, at: datetime) -> dict[str, Any]:
    return {
        "id": row["key_id"],
        "name": row["name"],
        "state": state_of(row, at),
        "scopes": sorted(row["scopes"]),
        "allowed_ips": row["allowed_ips"] or [],
        "created_at": row["created_at"],
        "created_by": row["created_by"],
        "expires_at": row["expires_at"],
        "revoked_at": row["revoked_at"],
        "last_used_at": row["last_used_at"],
        "replaced_by": row["replaced_by"],
    }


def check_expiry(expires_at: datetime | None, at: datetime) -> None:
    if expires_at is not None and expires_at <= at:
        refuse("/expires_at", "out_of_range", "A key expires in the future.")


def networks_of(texts: Sequence[str], maker: Principal) -> tuple[Network, ...]:
    """Raises Problem where one is none, or reaches beyond those of the key that makes the key."""
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(read_network(text))
        except ValueError:
            message = "An address, or a network such as 192.0.2.0/24 without bits of hosts."
            refuse(f"/allowed_ips/{index}", "invalid_value", message)
    check_reach(maker, found)
    return tuple(dict.fromkeys(found))


def check_reach(maker: Principal, networks: Sequence[Network]) -> None:
    """No key makes one that may be used from where it may not be used itself."""
    if not maker.allowed_ips:
        return
    if not networks or not all(covers(maker.allowed_ips, each) for each in networks):
        message = "The key that asks is bound to addresses: the new one must be within them."
        refuse("/allowed_ips", "invalid_value", message)


def check_reach_of_scopes(maker: Principal, scopes: Sequence[str]) -> None:
    if lacking := sorted(set(scopes) - maker.scopes):
        detail = f"A key can give only what it has, and this one lacks {', '.join(lacking)}."
        raise Problem("insufficient_scope", detail)


async def create_key(request: AnyRequest, principal: Principal) -> Response:
    asked, at = await body_of(request, NewApiKey), now()
    scopes = tuple(dict.fromkeys(each.value for each in asked.scopes))
    check_reach_of_scopes(principal, scopes)
    check_expiry(asked.expires_at, at)
    try:
        name = check_name(asked.name, "key")
    except AccessError as error:
        refuse("/name", "invalid_value", str(error))
    networks = networks_of(asked.allowed_ips, principal)
    wanted = WantedKey(name, scopes, asked.expires_at, networks)
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        try:
            token, row = await keys.make_key(connection, principal, wanted, at)
        except keys.TooManyKeysError:
            raise too_many() from None
    made = CreatedApiKey(**fields_of(row, at), token=token.text)
    return json_response(made, 201, {"location": f"/v1/api-keys/{made.id}"})


async def list_keys(request: AnyRequest, principal: Principal) -> Response:
    wanted, at = params_of(request, ApiKeyParams), now()
    after = place_before(wanted, tuple[datetime, str]) or (None, "")
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(keys.LIST, tenant_id, *after, wanted.limit + 1)
    page = rows[: wanted.limit]
    cursor = None
    if len(rows) > wanted.limit:
        cursor = cursor_at(wanted, [page[-1]["created_at"], page[-1]["key_id"]])
    data = [ApiKey(**fields_of(row, at)) for row in page]
    return json_response(ApiKeyPage(data=data, page=QueryPage(next_cursor=cursor)))


async def get_key(request: AnyRequest, principal: Principal) -> Response:
    key_id, pool = path_of(request, ApiKeyPath).key_id, request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id, readonly=True) as connection:
        row = await connection.fetchrow(keys.ONE, principal.tenant_id, key_id)
    if row is None:
        raise missing()
    return json_response(ApiKey(**fields_of(row, now())))


async def rotate_key(request: AnyRequest, principal: Principal) -> Response:
    key_id, at = path_of(request, ApiKeyPath).key_id, now()
    asked = await body_of(request, KeyRotation)
    check_expiry(asked.expires_at, at)
    overlap = timedelta(seconds=asked.overlap_seconds)
    async with tenant_transaction(request.app.state.pool, principal.tenant_id) as connection:
        old = await connection.fetchrow(keys.ONE, principal.tenant_id, key_id)
        if old is None:
            raise missing()
        # Whoever replaces a key holds the new one: it is as if they made it.
        check_reach_of_scopes(principal, old["scopes"])
        check_reach(principal, read_networks(old["allowed_ips"] or ()))
        try:
            made = await keys.rotate_key(
                connection, principal, old, asked.expires_at, overlap=overlap, now=at
            )
        except keys.TooManyKeysError:
            raise too_many() from None
        except keys.EndedKeyError:
            raise Problem("conflict", "The key has ended: make a new one.") from None
    answer = RotatedApiKey(
        **fields_of(made.row, at),
        token=made.token.text,
        replaces=key_id,
        overlap_ends_at=made.overlap_ends_at,
    )
    return json_response(answer, 201, {"location": f"/v1/api-keys/{answer.id}"})


async def revoke_key(request: AnyRequest, principal: Principal) -> Response:
    key_id, pool = path_of(request, ApiKeyPath).key_id, request.app.state.pool
    async with tenant_transaction(pool, principal.tenant_id) as connection:
        try:
            found = await keys.end_key(connection, principal, key_id, now())
        except keys.LastAdminKeyError:
            detail = (
                "It is the last key with the scope admin:write, and without one nobody could make "
                "another: make that first. What is being replaced does not count."
            )
            raise Problem("conflict", detail) from None
        if not found:
            raise missing()
    return no_content()


async def report_leaked(request: AnyRequest, principal: None) -> Response:
    del principal
    asked = await body_of(request, LeakedTokens)
    await keys.end_tokens(request.app.state.pool, asked.tokens, now())
    return json_response(LeakedReceipt(received=len(asked.tokens)))


CREATED = ("Location",)
OPERATIONS = [
    Operation(
        method="POST",
        path="/v1/api-keys",
        operation_id="createApiKey",
        repeats="keyed",
        secret=True,
        summary="Make a key",
        description="With scopes, and if wanted an end and the addresses that it may be used from. "
        "A key can give only scopes that it has, and addresses that it may be used from itself. "
        "The key is shown this once.",
        tag=TAG,
        handler=create_key,
        scope=Scope.ADMIN_WRITE,
        request=NewApiKey,
        request_examples={
            "sender": {
                "name": "nightly import",
                "scopes": ["ingest:write"],
                "allowed_ips": ["192.0.2.0/24", "2001:db8::/32"],
            }
        },
        responses={201: Media(body=CreatedApiKey, headers=CREATED)},
        problems=("conflict", "insufficient_scope"),
    ),
    Operation(
        method="GET",
        path="/v1/api-keys",
        operation_id="listApiKeys",
        summary="List keys",
        description="Those that work and those that have ended, without their secrets: what each "
        "may do, who made it and when it was last used.",
        tag=TAG,
        handler=list_keys,
        scope=Scope.ADMIN_WRITE,
        params=ApiKeyParams,
        responses={200: ApiKeyPage},
        problems=("invalid_cursor",),
    ),
    Operation(
        method="GET",
        path="/v1/api-keys/{key_id}",
        operation_id="getApiKey",
        summary="Look at a key",
        description="What it may do, from where, and when it was last used; never its secret.",
        tag=TAG,
        handler=get_key,
        scope=Scope.ADMIN_WRITE,
        path_params=ApiKeyPath,
        responses={200: ApiKey},
    ),
    Operation(
        method="POST",
        path="/v1/api-keys/{key_id}/rotate",
        operation_id="rotateApiKey",
        repeats="keyed",
        secret=True,
        summary="Replace a key, with overlap",
        description="Makes a new key with the same name, scopes and addresses; the old one goes on "
        "for `overlap_seconds`, so that nobody is refused while it is being replaced everywhere. "
        "The key is shown this once. If the answer is lost, ask again and revoke the key that "
        "nobody has.",
        tag=TAG,
        handler=rotate_key,
        scope=Scope.ADMIN_WRITE,
        path_params=ApiKeyPath,
        request=KeyRotation,
        request_examples={"a_day": {"overlap_seconds": 86_400}},
        responses={201: Media(body=RotatedApiKey, headers=CREATED)},
        problems=("conflict", "insufficient_scope"),
    ),
    Operation(
        method="DELETE",
        path="/v1/api-keys/{key_id}",
        operation_id="revokeApiKey",
        summary="Revoke a key",
        description="It ends within five seconds everywhere, with the portal tokens that it has "
        "made. The last key with the scope `admin:write` cannot be revoked.",
        tag=TAG,
        handler=revoke_key,
        scope=Scope.ADMIN_WRITE,
        path_params=ApiKeyPath,
        responses={204: None},
        problems=("conflict",),
    ),
    Operation(
        method="POST",
        path="/v1/api-keys/revocations",
        operation_id="reportLeakedTokens",
        repeats="harmless",
        summary="Revoke keys by themselves",
        description="For scanners that find keys where they should not be, and whoever holds one: "
        "no other credentials are needed. Every text that is a key or a portal token of ours ends "
        "within five seconds, also a last one; the answer is the same whether it was one or not.",
        tag=TAG,
        handler=report_leaked,
        public=True,
        request=LeakedTokens,
        request_examples={"found": {"tokens": ["csk_live_..."]}},
        responses={200: LeakedReceipt},
    ),
]
