"""Signing in by an identity provider: authorization code with PKCE, begun and finished by one
browser (docs/decisions/0032).

`state` goes through the provider and says which sign-in it is; the browser's token never leaves the
page that began. Verifier and nonce are digests of the browser's token, so nothing that is stored
here finishes a sign-in.
"""

import base64
import hashlib
import hmac
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn
from urllib.parse import quote_plus, urlencode, urlsplit
from uuid import UUID

import asyncpg

from csapi.access.people.accounts import Caller
from csapi.access.people.roles import digest_of
from csapi.access.providers.id_tokens import Expected, IdTokenError, Vouched, verified
from csapi.access.providers.issuers import Endpoints, IssuerError, Issuers, unavailable
from csapi.access.providers.store import ONE
from csapi.access.sealed import FLOW, Sealed, new_sealed
from csapi.access.tenancy import tenant_transaction
from csapi.access.tokens import SECRET_LENGTH, random_text
from csapi.kit.db import acquire
from csapi.kit.problems import FieldError, Problem, invalid

log = logging.getLogger(__name__)

FLOW_LIVES = timedelta(minutes=10)
MOST_FLOWS = 10_000
OFFERED = """
SELECT id, name FROM identity_providers WHERE tenant_id = $1 AND is_enabled ORDER BY name, id"""
FORGET = "DELETE FROM sign_in_flows WHERE tenant_id = $1 AND began_at < $2"
# Nobody who is signed in takes the place of those who want to.
MOST_LINKING = 10
FORGET_LINKING = """
DELETE FROM sign_in_flows WHERE tenant_id = $1 AND token_id IN (
  SELECT token_id FROM sign_in_flows WHERE tenant_id = $1 AND person = $2
  ORDER BY began_at DESC OFFSET $3::int - 1)"""
COUNT = "SELECT count(*) FROM sign_in_flows WHERE tenant_id = $1"
BEGIN = """
INSERT INTO sign_in_flows (tenant_id, token_id, secret_sha256, browser_sha256, provider,
  redirect_uri, person, session, began_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
# Whoever comes with the right state ends it, whatever comes of it.
TAKE = """
DELETE FROM sign_in_flows
WHERE tenant_id = $1 AND token_id = $2 AND secret_sha256 = $3 AND began_at > $4
RETURNING browser_sha256, provider, redirect_uri, person, session, began_at"""


@dataclass(frozen=True, slots=True)
class Linking:
    """Whose identity it is to become, by which session."""

    person: UUID
    session: UUID


@dataclass(frozen=True, slots=True)
class Begun:
    """What the page needs. `browser_token` exists only here."""

    authorization_url: str
    state: str
    browser_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Returned:
    """What a page brings back."""

    state: Sealed
    code: str
    browser_token: str
    iss: str | None


@dataclass(frozen=True, slots=True)
class Finished:
    """Whom a provider vouches for, and who wanted what."""

    provider: asyncpg.Record
    vouched: Vouched
    linking: Linking | None


def refuse_flow() -> NoReturn:
    raise Problem("token_used", "The sign-in is unknown, used or over. Begin again.")


def refuse(reason: str) -> NoReturn:
    raise Problem("sign_in_failed", f"The answer of the identity provider is no good: {reason}.")


def derived(purpose: str, browser_token: str) -> str:
    digest = hashlib.sha256(f"csapi {purpose}:{browser_token}".encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def browser_digest(browser_token: str) -> bytes:
    return hashlib.sha256(browser_token.encode("utf-8", "replace")).digest()


async def check_starts(pool: asyncpg.Pool, caller: Caller, now: datetime) -> None:
    """Raises Problem (too_many_attempts) where an address has begun many and finished few."""
    async with acquire(pool) as connection:
        wait = await connection.fetchval(
            "SELECT take_start($1, $2)", digest_of("start", caller.address), now
        )
    if wait:
        detail = "Too many sign-ins were begun from this address."
        raise Problem("too_many_attempts", detail, headers={"Retry-After": str(wait)})


async def forgive_start(pool: asyncpg.Pool, caller: Caller, now: datetime) -> None:
    nobody, address = digest_of("start", ""), digest_of("start", caller.address)
    async with acquire(pool) as connection:
        await connection.execute("SELECT forgive_attempt($1, $2, $3)", nobody, address, now)


async def begin(
    pool: asyncpg.Pool,
    issuers: Issuers,
    place: tuple[UUID, UUID, str | None],
    linking: Linking | None,
    now: datetime,
) -> Begun:
    """`place`: tenant, provider, and where the provider is to send the browser back to, if it is
    not the first place that it may. Raises Problem."""
    tenant_id, id_, redirect_uri = place
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        provider = await connection.fetchrow(ONE, tenant_id, id_)
    if provider is None or not provider["is_enabled"]:
        raise Problem("not_found", "There is no such identity provider.")
    wanted = redirect_uri or provider["redirect_uris"][0]
    if wanted not in provider["redirect_uris"]:
        text = "The provider is not configured for this address."
        raise invalid(FieldError("/redirect_uri", "invalid_value", text))
    try:
        endpoints = await issuers.endpoints(tenant_id, provider["issuer"])
    except IssuerError as error:
        raise unavailable(error) from None
    state, browser_token = new_sealed(FLOW, tenant_id), f"csb_{random_text(SECRET_LENGTH)}"
    who = (None, None) if linking is None else (linking.person, linking.session)
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(FORGET, tenant_id, now - FLOW_LIVES)
        if linking is not None:
            await connection.execute(FORGET_LINKING, tenant_id, linking.person, MOST_LINKING)
        if await connection.fetchval(COUNT, tenant_id) >= MOST_FLOWS:
            raise Problem("overloaded", "Too many sign-ins are under way.")
        digests = state.digest, browser_digest(browser_token)
        await connection.execute(BEGIN, tenant_id, state.id, *digests, id_, wanted, *who, now)
    url = authorization_url(endpoints, provider["client_id"], wanted, state.text, browser_token)
    return Begun(url, state.text, browser_token, now + FLOW_LIVES)


def authorization_url(
    endpoints: Endpoints, client_id: str, redirect_uri: str, state: str, browser_token: str
) -> str:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid email",
        "state": state,
        "nonce": derived("nonce", browser_token),
        "code_challenge": challenge_of(derived("verifier", browser_token)),
        "code_challenge_method": "S256",
    }
    url = endpoints.authorization_endpoint
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}"


async def finish(
    pool: asyncpg.Pool, issuers: Issuers, returned: Returned, now: datetime
) -> Finished:
    """Whom the provider vouches for. Raises Problem."""
    state, tenant_id = returned.state, returned.state.owner
    async with tenant_transaction(pool, tenant_id) as connection:
        flow = await connection.fetchrow(TAKE, tenant_id, state.id, state.digest, now - FLOW_LIVES)
    if flow is None or not hmac.compare_digest(
        flow["browser_sha256"], browser_digest(returned.browser_token)
    ):
        refuse_flow()
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        provider = await connection.fetchrow(ONE, tenant_id, flow["provider"])
        secret = await connection.fetchval("SELECT provider_secret($1)", flow["provider"])
    if provider is None or secret is None:
        refuse("the provider is not in use any more")
    try:
        endpoints = await issuers.endpoints(tenant_id, provider["issuer"])
        check_iss(endpoints, returned.iss)
        text = await id_token(issuers, endpoints, provider, secret, flow, returned)
        expected = Expected(
            tenant_id, provider["issuer"], provider["client_id"],
            derived("nonce", returned.browser_token), flow["began_at"],
        )  # fmt: skip
        vouched = await verified(issuers, text, expected, now)
    except IssuerError as error:
        raise unavailable(error) from None
    except IdTokenError as error:
        log.warning("an ID token of provider %s not believed: %s", provider["id"], error.reason)
        refuse(error.reason)
    person = flow["person"]
    linking = None if person is None else Linking(person, flow["session"])
    return Finished(provider, vouched, linking)


def check_iss(endpoints: Endpoints, iss: str | None) -> None:
    """Whether the answer came from the provider that was asked (RFC 9207). Raises Problem."""
    if iss is None and endpoints.authorization_response_iss_parameter_supported:
        text = "The provider names itself in its answer: send `iss` of the address."
        raise invalid(FieldError("/iss", "required", text))
    if iss is not None and iss != endpoints.issuer:
        refuse("it came from another provider")


async def id_token(
    issuers: Issuers,
    endpoints: Endpoints,
    provider: asyncpg.Record,
    secret: str,
    flow: asyncpg.Record,
    returned: Returned,
) -> str:
    """What the token endpoint gives for the code. Raises IssuerError, Problem."""
    form = {
        "grant_type": "authorization_code",
        "code": returned.code,
        "redirect_uri": flow["redirect_uri"],
        "code_verifier": derived("verifier", returned.browser_token),
    }
    headers = {"content-type": "application/x-www-form-urlencoded"}
    if endpoints.posts_secret:
        form |= {"client_id": provider["client_id"], "client_secret": secret}
    else:
        pair = f"{quote_plus(provider['client_id'])}:{quote_plus(secret)}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    body = urlencode(form, errors="replace").encode()
    status, answer = await issuers.post(endpoints.token_endpoint, headers, body)
    if status in (400, 401, 403):
        refuse(f"it refused {refused_what(answer)}")
    if status != 200 or not isinstance(answer, dict):
        raise IssuerError(f"status_{status}")
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise IdTokenError("missing")
    return token


def refused_what(answer: Any) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    return "our client id or secret" if error == "invalid_client" else "the code"
