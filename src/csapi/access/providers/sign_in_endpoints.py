"""Signing in by an identity provider, and one's own identities: the endpoints."""

from typing import Any
from uuid import UUID

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.people.endpoints import (
    admit_pages,
    caller_of,
    person_of,
    tokens_of,
)
from csapi.access.people.members import refuse_invitation
from csapi.access.people.schemas import SignInAnswer, TenantChoice
from csapi.access.principals import Principal
from csapi.access.providers import flows, joining
from csapi.access.providers.endpoints import issuers_of
from csapi.access.providers.flows import Begun, Linking, Returned
from csapi.access.providers.schemas import (
    BegunSignIn,
    Identity,
    IdentityList,
    IdentityPath,
    LinkStart,
    OfferedParams,
    OfferedProvider,
    OfferedProviderList,
    ProviderFinish,
    ProviderStart,
)
from csapi.access.sealed import FLOW, INVITATION, parse_sealed
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, body_of, params_of, path_of
from csapi.kit.problems import Problem

TENANT_NAME = "SELECT name FROM tenants WHERE tenant_id = $1"
IDENTITIES = """
SELECT id, issuer, email, created_at, used_at FROM identities
WHERE tenant_id = $1 AND person = $2 ORDER BY created_at, id"""
# In one order, so that two of the last two do not go at once.
LOCKED = f"{IDENTITIES} FOR UPDATE"
UNLINK = "DELETE FROM identities WHERE tenant_id = $1 AND id = $2"
END_BY_ISSUER = """
DELETE FROM person_sessions s USING identity_providers p
WHERE s.tenant_id = $1 AND s.person = $2 AND p.tenant_id = $1 AND p.id = s.provider
  AND p.issuer = $3"""
HAS_PASSWORD = "SELECT password_hash IS NOT NULL FROM password_of($1)"  # noqa: S105  a statement


async def list_offered(request: AnyRequest, principal: None) -> Response:
    del principal
    tenant_id, pool = params_of(request, OfferedParams).tenant_id, request.app.state.pool
    await admit_pages(request, tenant_id)
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(flows.OFFERED, tenant_id)
    return json_response(OfferedProviderList(data=[OfferedProvider(**row) for row in rows]))


def begun_answer(begun: Begun) -> Response:
    told = BegunSignIn(
        authorization_url=begun.authorization_url,
        state=begun.state,
        browser_token=begun.browser_token,
        expires_at=begun.expires_at,
    )
    return json_response(told, 201)


async def start(request: AnyRequest, principal: None) -> Response:
    del principal
    given, pool, at = await body_of(request, ProviderStart), request.app.state.pool, now()
    await admit_pages(request, given.tenant_id)
    await flows.check_starts(pool, caller_of(request), at)
    place = given.tenant_id, given.provider_id, given.redirect_uri
    return begun_answer(await flows.begin(pool, issuers_of(request), place, None, at))


async def start_linking(request: AnyRequest, principal: Principal) -> Response:
    given, pool, at = await body_of(request, LinkStart), request.app.state.pool, now()
    linking = Linking(person_of(principal), UUID(principal.key_id))
    place = principal.tenant_id, given.provider_id, given.redirect_uri
    return begun_answer(await flows.begin(pool, issuers_of(request), place, linking, at))


async def finish(request: AnyRequest, principal: None) -> Response:
    del principal
    given, pool, at = await body_of(request, ProviderFinish), request.app.state.pool, now()
    state = parse_sealed(FLOW, given.state)
    if state is None:
        flows.refuse_flow()
    tenant_id, caller = state.owner, caller_of(request)
    await admit_pages(request, tenant_id)
    invitation = None
    if given.invitation_token is not None:
        invitation = parse_sealed(INVITATION, given.invitation_token)
        if invitation is None:
            refuse_invitation()
    returned = Returned(state, given.code, given.browser_token, given.iss)
    finished = await flows.finish(pool, issuers_of(request), returned, at)
    # The provider may have taken its time.
    at = now()
    session = await joining.settle(pool, tenant_id, finished, invitation, caller, at)
    await flows.forgive_start(pool, caller, at)
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        name = await connection.fetchval(TENANT_NAME, tenant_id)
    # Of other tenants nothing is told: the provider is this one's alone.
    choice = TenantChoice(tenant_id=tenant_id, name=name, role=session.role)
    tokens = await tokens_of(request, session, at)
    return json_response(SignInAnswer(tokens=tokens, tenants=[choice]))


async def list_identities(request: AnyRequest, principal: Principal) -> Response:
    pool, tenant_id = request.app.state.pool, principal.tenant_id
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        rows = await connection.fetch(IDENTITIES, tenant_id, person_of(principal))
    return json_response(IdentityList(data=[Identity(**row) for row in rows]))


def found_identity(rows: Any, id_: UUID) -> Any:
    for row in rows:
        if row["id"] == id_:
            return row
    raise Problem("not_found", "You have no such identity.")


async def unlink(request: AnyRequest, principal: Principal) -> Response:
    id_, person = path_of(request, IdentityPath).identity_id, person_of(principal)
    tenant_id = principal.tenant_id
    async with tenant_transaction(request.app.state.pool, tenant_id) as connection:
        rows = await connection.fetch(LOCKED, tenant_id, person)
        row = found_identity(rows, id_)
        if len(rows) == 1 and not await connection.fetchval(HAS_PASSWORD, person):
            raise Problem("conflict", "You sign in by this identity alone: nothing else is left.")
        await connection.execute(UNLINK, tenant_id, id_)
        await connection.execute(END_BY_ISSUER, tenant_id, person, row["issuer"])
        await audited(connection, principal, AuditAction.identity_unlinked, person)
    return no_content()
