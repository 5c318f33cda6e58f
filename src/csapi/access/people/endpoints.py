"""Signing in and out, and what people do with their own account: the endpoints."""

from datetime import datetime
from uuid import UUID

from csapi.access.addresses import address_of
from csapi.access.people import accounts, members, sessions
from csapi.access.people.accounts import Caller, Membership, People
from csapi.access.people.schemas import (
    AccessTokens,
    JsonWebKey,
    JsonWebKeySet,
    PasswordChange,
    PersonSession,
    PersonSessionList,
    PersonSessionPath,
    RefreshRequest,
    SignIn,
    SignInAnswer,
    TenantChoice,
    TenantChoiceList,
    TenantSwitch,
    TokenAndPassword,
)
from csapi.access.people.sessions import Session
from csapi.access.people.signing import ACCESS_SECONDS
from csapi.access.principals import Principal
from csapi.access.sealed import INVITATION, REFRESH, RESET, parse_sealed
from csapi.kit.body import header
from csapi.kit.clock import now
from csapi.kit.cors import origin_of
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, body_of, path_of
from csapi.kit.problems import Problem


def people_of(request: AnyRequest) -> People:
    people: People = request.app.state.people
    return people


def caller_of(request: AnyRequest) -> Caller:
    """Where the request comes from, past the proxies that are trusted."""
    address = address_of(request.scope, request.app.state.proxies)
    told = "unknown" if address is None else str(address)
    return Caller(told, header(request, b"user-agent"))


def person_of(principal: Principal) -> UUID:
    """Who has signed in. The guard lets nobody else in."""
    if principal.person_id is None:
        raise AssertionError(principal.key_id)
    return principal.person_id


async def admit_pages(request: AnyRequest, *tenants: UUID) -> bool:
    """Let pages of the origins of any of the tenants read the answer; False for other pages."""
    origin = origin_of(request.scope)
    if origin is None:
        return True
    for tenant_id in tenants:
        if await request.app.state.guard.admit(request, origin, tenant_id):
            return True
    return False


def choice_of(membership: Membership) -> TenantChoice:
    return TenantChoice(tenant_id=membership.tenant_id, name=membership.name, role=membership.role)


async def tokens_of(request: AnyRequest, session: Session, at: datetime) -> AccessTokens:
    """What a session is answered with; pages of the tenant's origins may read it."""
    await admit_pages(request, session.tenant_id)
    access_token = await people_of(request).signer.sign(
        person=session.person,
        session=session.id,
        tenant=session.tenant_id,
        role=session.role,
        at=at,
    )
    return AccessTokens(
        access_token=access_token,
        expires_in_seconds=ACCESS_SECONDS,
        refresh_token=session.refresh.text,
        session_id=session.id,
        tenant_id=session.tenant_id,
        person_id=session.person,
        role=session.role,
    )


async def sign_in(request: AnyRequest, principal: None) -> Response:
    del principal
    given, at = await body_of(request, SignIn), now()
    session, choices = await accounts.sign_in(
        people_of(request), given.email, given.password, given.tenant_id, caller_of(request), at
    )
    if session is None:
        # Whoever is to choose must be able to read what there is.
        await admit_pages(request, *(each.tenant_id for each in choices))
    tokens = None if session is None else await tokens_of(request, session, at)
    tenants = [choice_of(each) for each in choices]
    return json_response(SignInAnswer(tokens=tokens, tenants=tenants))


async def refresh(request: AnyRequest, principal: None) -> Response:
    del principal
    given, at = await body_of(request, RefreshRequest), now()
    old = parse_sealed(REFRESH, given.refresh_token)
    session = None
    if old is not None:
        session = await sessions.continue_session(people_of(request).pool, old, at)
    if session is None:
        raise Problem("session_ended", "The refresh token is not valid. Sign in again.")
    return json_response(await tokens_of(request, session, at))


async def switch(request: AnyRequest, principal: None) -> Response:
    del principal
    given, at = await body_of(request, TenantSwitch), now()
    old = parse_sealed(REFRESH, given.refresh_token)
    session = None
    if old is not None:
        # A page that may read what comes from here, and not from there, would lose its session.
        is_ours = await admit_pages(request, old.owner)
        if is_ours and not await admit_pages(request, given.tenant_id):
            raise Problem("conflict", "The other tenant has not listed the origin of this page.")
        session = await accounts.switch(
            people_of(request).pool, old, given.tenant_id, caller_of(request), at
        )
    if session is None:
        raise Problem("session_ended", "The refresh token is not valid. Sign in again.")
    return json_response(await tokens_of(request, session, at))


async def list_tenants(request: AnyRequest, principal: Principal) -> Response:
    choices = await accounts.tenants_of(
        people_of(request).pool, principal.tenant_id, person_of(principal), UUID(principal.key_id)
    )
    return json_response(TenantChoiceList(data=[choice_of(each) for each in choices]))


async def sign_out(request: AnyRequest, principal: None) -> Response:
    del principal
    given = await body_of(request, RefreshRequest)
    token = parse_sealed(REFRESH, given.refresh_token)
    if token is not None:
        await sessions.end_by_token(people_of(request).pool, token)
    return no_content()


async def get_keys(request: AnyRequest, principal: None) -> Response:
    del principal
    keys = await people_of(request).signer.keys(now())
    found = JsonWebKeySet(keys=[JsonWebKey(**key.jwk) for key in keys])
    # Shorter than the time for which a new key is shown before it signs.
    return json_response(found, headers={"Cache-Control": "public, max-age=30"})


async def accept_invitation(request: AnyRequest, principal: None) -> Response:
    del principal
    given, at = await body_of(request, TokenAndPassword), now()
    token = parse_sealed(INVITATION, given.token)
    if token is None:
        members.refuse_invitation()
    session = await members.accept(
        people_of(request), token, given.password, caller_of(request), at
    )
    return json_response(await tokens_of(request, session, at), 201)


async def use_reset(request: AnyRequest, principal: None) -> Response:
    del principal
    given = await body_of(request, TokenAndPassword)
    token = parse_sealed(RESET, given.token)
    if token is None:
        accounts.refuse_reset()
    await accounts.use_reset(people_of(request), token, given.password, now())
    return no_content()


async def change_password(request: AnyRequest, principal: Principal) -> Response:
    given, at = await body_of(request, PasswordChange), now()
    session = await accounts.change_password(
        people_of(request),
        principal.tenant_id,
        person_of(principal),
        (given.password, given.new_password),
        caller_of(request),
        at,
    )
    return json_response(await tokens_of(request, session, at))


async def list_sessions(request: AnyRequest, principal: Principal) -> Response:
    rows = await sessions.list_sessions(
        people_of(request).pool,
        principal.tenant_id,
        person_of(principal),
        now(),
    )
    data = [PersonSession(is_current=str(row["id"]) == principal.key_id, **row) for row in rows]
    return json_response(PersonSessionList(data=data))


async def end_session(request: AnyRequest, principal: Principal) -> Response:
    id_, person = path_of(request, PersonSessionPath).session_id, person_of(principal)
    if not await sessions.end_session(people_of(request).pool, principal.tenant_id, person, id_):
        raise Problem("not_found", "You have no such session.")
    return no_content()


async def end_sessions(request: AnyRequest, principal: Principal) -> Response:
    await sessions.end_sessions(people_of(request).pool, principal.tenant_id, person_of(principal))
    return no_content()
