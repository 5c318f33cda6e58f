"""Signing in by an identity provider: a real one, as a process, over real HTTP."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.access.people.door import Provider, new_door
from tests.access.people.provider import CLIENT_ID, CLIENT_SECRET
from tests.access.people.staff import PASSWORD, Desk, bearer, new_email
from tests.conftest import Tenant

from csapi.access.people.roles import Role

NewProvider = Callable[..., Provider]


def user(email: str | None = None, **more: Any) -> dict[str, Any]:
    told = {} if email is None else {"email": email, "email_verified": True}
    return {"sub": f"sub of {email or 'nobody'}", **told, **more}


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_somebody_joins_and_comes_back(
    desk: Desk, tenant: Tenant, new_provider: NewProvider, alg: str
) -> None:
    email = new_email()
    provider = new_provider(alg=alg, user=user(email.upper()), posts_secret=alg == "ES256")
    door = new_door(desk, tenant, provider, default_role="analyst")
    answer = door.signed_in()
    tokens = answer["tokens"]
    assert (tokens["role"], tokens["tenant_id"]) == ("analyst", str(tenant.tenant_id))
    assert [each["tenant_id"] for each in answer["tenants"]] == [str(tenant.tenant_id)]
    assert desk.status(tokens["access_token"], "/v1/teams") == 200
    assert desk.status(tokens["access_token"], "/v1/members") == 403
    (member,) = tenant.http.get("/v1/members").json()["data"]
    assert (member["email"], member["has_password"]) == (email, False)
    assert member["issuers"] == [provider.issuer]
    again = door.signed_in()["tokens"]
    assert (again["person_id"], provider.calls("jwks")) == (tokens["person_id"], 1)
    refreshed = desk.refresh(again["refresh_token"]).json()
    sessions = desk.http.get("/v1/auth/sessions", headers=bearer(refreshed["access_token"])).json()
    told = [(each["provider_id"], each["provider_name"]) for each in sessions["data"]]
    assert told == [(door.provider_id, "Acme")] * 2
    acts = [each["action"] for each in tenant.http.get("/v1/audit-log").json()["data"]]
    assert acts[:2] == ["member.joined", "identity_provider.created"]


def test_what_the_browser_is_sent_with(
    desk: Desk, tenant: Tenant, new_provider: NewProvider
) -> None:
    provider = new_provider(discovery={"authorization_endpoint": "http://127.0.0.1:9/a?b=c"})
    begun = new_door(desk, tenant, provider).begin()
    asked = parse_qs(urlsplit(begun["authorization_url"]).query)
    assert asked["b"] == ["c"]
    assert asked["state"] == [begun["state"]]
    assert (asked["response_type"], asked["client_id"]) == (["code"], [CLIENT_ID])
    assert len(asked["nonce"][0]) == len(asked["code_challenge"][0]) == 43
    assert begun["browser_token"] not in begun["authorization_url"]
    assert CLIENT_SECRET not in begun["authorization_url"]


def test_an_issuer_with_a_slash_at_its_end_is_another(
    desk: Desk, tenant: Tenant, new_provider: NewProvider
) -> None:
    provider = new_provider(slash="/", user=user())
    assert new_door(desk, tenant, provider, default_role="analyst").signed_in()["tokens"]
    provider.set(slash="")
    provider = Provider(provider.base, provider.name, provider.http, "/")
    door = new_door(desk, tenant, provider, status=422)
    assert door.made.json()["errors"][0]["pointer"] == "/issuer"
    # without the slash it is what the provider now calls itself
    provider.slash = ""
    door = new_door(desk, tenant, provider)
    assert door.check()["is_usable"] is True
    # and nobody of the other issuer is known
    assert door.finish(door.back()).json()["code"] == "sign_in_failed"


def test_a_provider_with_an_e_mail_address_leads_to_nobodys_account(
    desk: Desk, make_tenant: Callable[..., Tenant], new_provider: NewProvider
) -> None:
    home, evil = make_tenant(), make_tenant()
    email = desk.hire(home.tenant_id)
    victim = desk.sign_in(email)["person_id"]
    provider = new_provider(user=user(email))
    door = new_door(desk, evil, provider, default_role="admin")
    tokens = door.signed_in()["tokens"]
    assert tokens["person_id"] != victim
    # nor by an invitation of the evil tenant to that address, though the provider swears it
    provider.set(user=user(email, sub="another"))
    invited = evil.http.post("/v1/invitations", json={"email": email, "role": "admin"}).json()
    door.change(default_role=None)
    second = door.signed_in(invitation_token=invited["token"])["tokens"]
    assert second["person_id"] not in (victim, tokens["person_id"])
    # nor to the tenant at home, in any way
    for each in (tokens, second):
        headers = bearer(each["access_token"])
        mine = desk.http.get("/v1/auth/tenants", headers=headers).json()["data"]
        assert [one["tenant_id"] for one in mine] == [str(evil.tenant_id)]
        assert desk.switch(each["refresh_token"], home.tenant_id).json()["code"] == "conflict"
    assert desk.sign_in(email)["person_id"] == victim
    assert len(desk.try_to_sign_in(email).json()["tenants"]) == 1


def test_somebody_links_an_identity_to_themselves(
    desk: Desk, make_tenant: Callable[..., Tenant], new_provider: NewProvider
) -> None:
    here, there = make_tenant(), make_tenant()
    email = desk.hire(here.tenant_id, Role.ADMIN)
    desk.hire(there.tenant_id, email=email)
    tokens = desk.sign_in(email, tenant_id=str(here.tenant_id))
    provider = new_provider(user=user("somebody@else.example"))
    door = new_door(desk, here, provider)
    linked = door.finish(door.back(link=tokens["access_token"])).json()["tokens"]
    assert (linked["person_id"], linked["role"]) == (tokens["person_id"], "admin")
    # from now on without a password, and for this tenant alone
    signed_in = door.signed_in()
    assert signed_in["tokens"]["person_id"] == tokens["person_id"]
    assert [each["tenant_id"] for each in signed_in["tenants"]] == [str(here.tenant_id)]
    refused = desk.switch(signed_in["tokens"]["refresh_token"], there.tenant_id)
    assert refused.json()["code"] == "conflict"
    mine = desk.http.get(
        "/v1/auth/tenants", headers=bearer(signed_in["tokens"]["access_token"])
    ).json()["data"]
    assert [each["tenant_id"] for each in mine] == [str(here.tenant_id)]
    # somebody else cannot take the identity
    other = desk.sign_in(desk.hire(here.tenant_id))
    taken = door.finish(door.back(link=other["access_token"]))
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    # unlinked, sessions by it end
    headers = bearer(tokens["access_token"])
    (identity,) = desk.http.get("/v1/auth/identities", headers=headers).json()["data"]
    assert identity["issuer"] == provider.issuer
    path = f"/v1/auth/identities/{identity['id']}"
    assert desk.http.delete(path, headers=bearer(other["access_token"])).status_code == 404
    assert desk.http.delete(path, headers=headers).status_code == 204
    assert desk.refresh(signed_in["tokens"]["refresh_token"]).status_code == 401
    assert desk.refresh(tokens["refresh_token"]).status_code == 200
    assert door.finish(door.back()).json()["code"] == "sign_in_failed"


def test_linking_needs_the_session_to_the_end(
    desk: Desk, tenant: Tenant, new_provider: NewProvider
) -> None:
    tokens = desk.sign_in(desk.hire(tenant.tenant_id))
    door = new_door(desk, tenant, new_provider(user=user()))
    back = door.back(link=tokens["access_token"])
    desk.http.post("/v1/auth/sign-out", json={"refresh_token": tokens["refresh_token"]})
    assert door.finish(back).json()["code"] == "sign_in_failed"
    assert door.finish(door.back()).json()["code"] == "sign_in_failed"


def test_an_invitation_is_for_the_address_that_is_verified(
    desk: Desk, make_tenant: Callable[..., Tenant], new_provider: NewProvider
) -> None:
    tenant, other = make_tenant(), make_tenant()
    email = new_email()
    provider = new_provider(user=user(new_email()))
    door = new_door(desk, tenant, provider)

    def invited(by: Tenant) -> str:
        body = {"email": email, "role": "analyst"}
        token: str = by.http.post("/v1/invitations", json=body).json()["token"]
        return token

    token, elsewhere = invited(tenant), invited(other)
    refused = door.finish(door.back(), invitation_token=token)
    assert refused.json()["errors"][0]["pointer"] == "/invitation_token"
    for denied in (False, None, "false", "yes"):
        provider.set(user=user(email) | {"email_verified": denied})
        refused = door.finish(door.back(), invitation_token=token)
        assert refused.status_code == 422, denied
    provider.set(user=user(email))
    assert door.finish(door.back(), invitation_token=elsewhere).json()["code"] == "token_used"
    assert door.finish(door.back(), invitation_token="csi_x").json()["code"] == "token_used"
    tokens = door.signed_in(invitation_token=token)["tokens"]
    assert tokens["role"] == "analyst"
    assert door.finish(door.back(), invitation_token=token).json()["code"] == "token_used"
    assert door.signed_in()["tokens"]["person_id"] == tokens["person_id"]


def test_who_was_removed_does_not_come_back(
    desk: Desk, tenant: Tenant, new_provider: NewProvider
) -> None:
    email = new_email()
    door = new_door(desk, tenant, new_provider(user=user(email)), default_role="analyst")
    tokens = door.signed_in()["tokens"]
    path = f"/v1/members/{tokens['person_id']}"
    reset = tenant.http.post(f"{path}/password-resets")
    assert reset.json()["code"] == "conflict"
    headers = bearer(tokens["access_token"])
    changed = desk.http.post(
        "/v1/auth/password", json={"password": PASSWORD, "new_password": PASSWORD}, headers=headers
    )
    assert changed.json()["code"] == "conflict"
    (identity,) = desk.http.get("/v1/auth/identities", headers=headers).json()["data"]
    only = desk.http.delete(f"/v1/auth/identities/{identity['id']}", headers=headers)
    assert only.json()["code"] == "conflict"
    assert tenant.http.delete(path).status_code == 204
    assert desk.refresh(tokens["refresh_token"]).status_code == 401
    assert door.finish(door.back()).json()["code"] == "sign_in_failed"
    # not even where the provider is made anew
    assert tenant.http.delete(door.path).status_code == 204
    door = new_door(desk, tenant, door.provider, default_role="analyst")
    assert door.finish(door.back()).json()["code"] == "sign_in_failed"
    # but by an invitation, and as the same person
    invited = tenant.http.post("/v1/invitations", json={"email": email, "role": "analyst"}).json()
    back = door.signed_in(invitation_token=invited["token"])["tokens"]
    assert back["person_id"] == tokens["person_id"]


@pytest.mark.parametrize("way", ["disabled", "deleted"])
def test_sessions_end_with_their_provider(
    desk: Desk, tenant: Tenant, new_provider: NewProvider, way: str
) -> None:
    door = new_door(desk, tenant, new_provider(user=user()), default_role="analyst")
    tokens, back = door.signed_in()["tokens"], door.back()
    if way == "disabled":
        door.change(is_enabled=False)
    else:
        assert tenant.http.delete(door.path).status_code == 204
    assert desk.refresh(tokens["refresh_token"]).json()["code"] == "session_ended"
    assert desk.becomes(tokens["access_token"], 401)
    assert door.finish(back).status_code in (401, 409)
    assert door.try_to_begin().status_code == 404
    assert door.offered() == []


def test_domains_hold_for_everybody(desk: Desk, tenant: Tenant, new_provider: NewProvider) -> None:
    provider = new_provider(user=user("ana@acme.example"))
    door = new_door(desk, tenant, provider, default_role="analyst", email_domains=["acme.example"])
    assert door.signed_in()["tokens"]
    for told in (
        user("ana@evil.example"), user("ana@sub.acme.example"),
        user("ana@acme.example.evil.example"),
        user("ana@evil.example@acme.example"), user(),
        user("ana@acme.example", email_verified=False),
        {"sub": "x", "email": "ana@acme.example"},
    ):  # fmt: skip
        provider.set(user=told)
        assert door.finish(door.back()).json()["code"] == "sign_in_failed", told


def test_administrators_configure_providers(
    desk: Desk, make_tenant: Callable[..., Tenant], new_provider: NewProvider
) -> None:
    tenant, other = make_tenant(), make_tenant()
    door = new_door(desk, tenant, new_provider())
    assert CLIENT_SECRET not in door.made.text
    assert tenant.http.get(door.path).json() == door.made.json()
    assert other.http.get(door.path).status_code == 404
    assert other.http.patch(door.path, json={"name": "x"}).status_code == 404
    assert other.http.delete(door.path).status_code == 404
    assert other.http.get(f"{door.path}/check").status_code == 404
    mixed = {"tenant_id": str(other.tenant_id), "provider_id": door.provider_id}
    assert desk.http.post("/v1/auth/providers/start", json=mixed).status_code == 404
    assert door.offered() == [{"id": door.provider_id, "name": "Acme"}]
    for change, pointer in (
        ({"redirect_uris": ["http://app.example.com/"]}, "/redirect_uris/0"),
        ({"redirect_uris": ["https://a.example/", "javascript:alert(1)"]}, "/redirect_uris/1"),
        ({"redirect_uris": []}, "/redirect_uris"),
        ({"email_domains": ["@Acme.example"]}, "/email_domains/0"),
        ({"default_role": "owner"}, "/default_role"),
        ({"default_role": "agent"}, "/default_role"),
        ({"client_secret": ""}, "/client_secret"),
        ({"issuer": "https://other.example"}, "/issuer"),
    ):
        refused = tenant.http.patch(door.path, json=change)
        assert refused.status_code == 422, change
        assert refused.json()["errors"][0]["pointer"] == pointer
    elsewhere = {"redirect_uri": "https://evil.example/"}
    assert door.try_to_begin(**elsewhere).json()["errors"][0]["pointer"] == "/redirect_uri"


def test_nobody_lets_in_with_more_than_they_have(
    desk: Desk, tenant: Tenant, new_provider: NewProvider, small_key: str
) -> None:
    small: dict[str, Any] = {"headers": bearer(small_key)}
    door = new_door(desk, tenant, new_provider(), default_role="admin")
    body = door.body | {"issuer": "https://login.example.com"}
    refused: list[httpx.Response] = [
        desk.http.post("/v1/identity-providers", json=body, **small),
        desk.http.patch(door.path, json={"client_id": "mine"}, **small),
    ]
    door.change(default_role=None)
    refused.append(desk.http.patch(door.path, json={"default_role": "admin"}, **small))
    assert [each.json()["code"] for each in refused] == ["insufficient_scope"] * 3
    assert desk.http.patch(door.path, json={"name": "x"}, **small).status_code == 200


def test_where_everybody_has_an_account_domains_are_named(tenant: Tenant, desk: Desk) -> None:
    body = {
        "name": "Google", "issuer": "https://accounts.google.com", "client_id": "x",
        "client_secret": "x", "redirect_uris": ["https://app.example.com/"],
    }  # fmt: skip
    path = "/v1/identity-providers"
    open_door = tenant.http.post(path, json={**body, "default_role": "analyst"})
    assert open_door.json()["errors"][0]["pointer"] == "/email_domains"
    made = tenant.http.post(path, json=body).json()
    change = tenant.http.patch(f"{path}/{made['id']}", json={"default_role": "analyst"})
    assert change.json()["errors"][0]["pointer"] == "/email_domains"
