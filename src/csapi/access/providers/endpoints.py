"""Identity providers of a tenant: the endpoints for administrators."""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET

from csapi.access.people.endpoints import people_of
from csapi.access.people.roles import Role
from csapi.access.principals import Principal
from csapi.access.providers import store
from csapi.access.providers.issuers import IssuerError, Issuers
from csapi.access.providers.schemas import (
    PUBLIC_ISSUERS,
    IdentityProvider,
    IdentityProviderChange,
    IdentityProviderCheck,
    IdentityProviderList,
    IdentityProviderPath,
    NewIdentityProvider,
)
from csapi.access.providers.store import Wanted
from csapi.kit.http import Response, json_response, no_content
from csapi.kit.operations import AnyRequest, body_of, path_of
from csapi.kit.problems import FieldError, invalid
from csapi.kit.public_addresses import REFUSALS, refusal

DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
HERE = ("localhost", "127.0.0.1", "::1")


def issuers_of(request: AnyRequest) -> Issuers:
    return people_of(request).issuers


def provider(row: Any) -> IdentityProvider:
    return IdentityProvider(**row)


def issuer_fault(issuer: str, *, insecure: bool) -> FieldError | None:
    found = refusal(issuer, insecure=insecure)
    text = None if found is None else REFUSALS[found]
    if text is None and "?" in issuer:
        text = "An issuer has no query."
    return None if text is None else FieldError("/issuer", "invalid_value", text)


def redirect_fault(uri: str) -> str | None:
    """What is wrong with where a browser is sent back to; the provider knows the address, too."""
    # This machine is where a page is developed.
    found = refusal(uri, insecure=True)
    if found is not None and found != "blocked":
        return REFUSALS[found]
    parts = urlsplit(uri)
    if parts.scheme == "https" or parts.hostname in HERE:
        return None
    return "It is https, or http on localhost."


def text_faults(uris: list[str], domains: list[str]) -> list[FieldError]:
    faults = []
    for number, uri in enumerate(uris):
        if fault := redirect_fault(uri):
            faults.append(FieldError(f"/redirect_uris/{number}", "invalid_value", fault))
    for number, domain in enumerate(domains):
        if DOMAIN.fullmatch(domain) is None:
            text = "It is a domain in lower case, such as example.com."
            faults.append(FieldError(f"/email_domains/{number}", "invalid_value", text))
    return faults


def open_fault(issuer: str, domains: list[str], role: Role | None) -> list[FieldError]:
    if role is None or domains or issuer not in PUBLIC_ISSUERS:
        return []
    text = "Everybody can have an account there: name the e-mail domains of those who may join."
    return [FieldError("/email_domains", "invalid_value", text)]


async def create_provider(request: AnyRequest, principal: Principal) -> Response:
    given = await body_of(request, NewIdentityProvider)
    insecure: bool = request.app.state.settings.webhooks_insecure
    role = None if given.default_role is None else Role(given.default_role.value)
    faults = [
        *filter(None, [issuer_fault(given.issuer, insecure=insecure)]),
        *text_faults(given.redirect_uris, given.email_domains),
        *open_fault(given.issuer, given.email_domains, role),
    ]
    if faults:
        raise invalid(*faults)
    wanted = Wanted(
        given.name, given.client_id, given.redirect_uris, given.email_domains, role,
        given.is_enabled,
    )  # fmt: skip
    pool = request.app.state.pool
    row = await store.create_provider(pool, principal, given.issuer, given.client_secret, wanted)
    made = provider(row)
    return json_response(made, 201, {"location": f"/v1/identity-providers/{made.id}"})


async def list_providers(request: AnyRequest, principal: Principal) -> Response:
    rows = await store.list_providers(request.app.state.pool, principal.tenant_id)
    return json_response(IdentityProviderList(data=[provider(row) for row in rows]))


async def get_provider(request: AnyRequest, principal: Principal) -> Response:
    id_, pool = path_of(request, IdentityProviderPath).provider_id, request.app.state.pool
    return json_response(provider(await store.get_provider(pool, principal.tenant_id, id_)))


async def change_provider(request: AnyRequest, principal: Principal) -> Response:
    id_ = path_of(request, IdentityProviderPath).provider_id
    given = await body_of(request, IdentityProviderChange)
    changes = {
        name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET
    }
    if (role := changes.get("default_role")) is not None:
        changes["default_role"] = Role(role.value)
    faults = text_faults(changes.get("redirect_uris", []), changes.get("email_domains", []))
    if faults:
        raise invalid(*faults)
    pool = request.app.state.pool
    before = await store.get_provider(pool, principal.tenant_id, id_)
    after = {**before, **changes}
    if faults := open_fault(after["issuer"], after["email_domains"], after["default_role"]):
        raise invalid(*faults)
    row = await store.change_provider(pool, principal, id_, changes)
    return json_response(provider(row))


async def delete_provider(request: AnyRequest, principal: Principal) -> Response:
    id_ = path_of(request, IdentityProviderPath).provider_id
    await store.delete_provider(request.app.state.pool, principal, id_)
    return no_content()


async def check_provider(request: AnyRequest, principal: Principal) -> Response:
    id_, tenant_id = path_of(request, IdentityProviderPath).provider_id, principal.tenant_id
    row = await store.get_provider(request.app.state.pool, tenant_id, id_)
    issuers, issuer = issuers_of(request), row["issuer"]
    endpoints, keys, reason = None, 0, None
    issuers.doubt(tenant_id, issuer)
    try:
        endpoints = await issuers.endpoints(tenant_id, issuer)
        keys = len(await issuers.keys(tenant_id, issuer))
        reason = None if keys else "no_usable_key"
    except IssuerError as error:
        reason = error.reason
    told = IdentityProviderCheck(
        is_usable=reason is None,
        reason=reason,
        authorization_endpoint=None if endpoints is None else endpoints.authorization_endpoint,
        token_endpoint=None if endpoints is None else endpoints.token_endpoint,
        keys=keys,
    )
    return json_response(told)
