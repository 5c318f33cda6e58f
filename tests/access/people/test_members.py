"""Inviting, changing and removing people, and what nobody can do to others."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from tests.access.people.staff import PASSWORD, Desk, bearer, new_email
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key

from csapi.access.people.roles import Role

WITHIN_SECONDS = 10
NEW_PASSWORD = "another canary sentence"


def invite(http: httpx.Client, email: str, role: str = "analyst", **how: Any) -> httpx.Response:
    return http.post("/v1/invitations", json={"email": email, "role": role}, **how)


def accept(desk: Desk, token: str, password: str = PASSWORD) -> httpx.Response:
    body = {"token": token, "password": password}
    return desk.http.post("/v1/auth/invitations/accept", json=body)


def test_an_invitation_makes_a_member_once(desk: Desk, tenant: Tenant) -> None:
    email = new_email()
    made = invite(tenant.http, f" {email.upper()}").json()
    (listed,) = tenant.http.get("/v1/invitations").json()["data"]
    assert (listed["email"], listed["role"], "token" in listed) == (email, "analyst", False)
    assert accept(desk, made["token"], "short").json()["errors"][0]["pointer"] == "/password"
    assert accept(desk, made["token"]).status_code == 201
    assert accept(desk, made["token"]).json()["code"] == "token_used"
    assert tenant.http.get("/v1/invitations").json()["data"] == []
    (member,) = tenant.http.get("/v1/members").json()["data"]
    assert (member["email"], member["role"]) == (email, "analyst")
    withdrawn = invite(tenant.http, new_email()).json()
    path = f"/v1/invitations/{withdrawn['id']}"
    assert tenant.http.delete(path).status_code == 204
    assert accept(desk, withdrawn["token"]).json()["code"] == "token_used"
    for nonsense in ("x", "csi_", withdrawn["token"][:-1] + "0"):
        assert accept(desk, nonsense).status_code == 409


def test_an_account_joins_another_tenant_by_its_own_password(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    first, second = make_tenant(), make_tenant()
    email = desk.hire(first.tenant_id)
    made = invite(second.http, email).json()
    assert accept(desk, made["token"], NEW_PASSWORD).json()["code"] == "sign_in_failed"
    assert accept(desk, made["token"]).json()["tenant_id"] == str(second.tenant_id)
    assert len(desk.try_to_sign_in(email).json()["tenants"]) == 2
    again = invite(second.http, email).json()
    assert accept(desk, again["token"]).json()["code"] == "conflict"


def test_members_come_in_pages_and_are_ones_own(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    tenant, other = make_tenant(), make_tenant()
    emails = {desk.hire(tenant.tenant_id) for _ in range(3)}
    found, cursor = set(), None
    for _ in range(3):
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = tenant.http.get("/v1/members", params=params).json()
        found |= {each["email"] for each in page["data"]}
        cursor = page["page"]["next_cursor"]
    assert (found, cursor) == (emails, None)
    assert other.http.get("/v1/members").json()["data"] == []


def member_of(tenant: Tenant, email: str) -> str:
    members = tenant.http.get("/v1/members").json()["data"]
    return next(str(each["person_id"]) for each in members if each["email"] == email)


def becomes(ask: Callable[[], int], status: int) -> bool:
    deadline = time.monotonic() + WITHIN_SECONDS
    while ask() != status:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_a_changed_role_and_a_removal_hold_within_ten_seconds(desk: Desk, tenant: Tenant) -> None:
    email = desk.hire(tenant.tenant_id, Role.ADMIN)
    tokens, path = desk.sign_in(email), f"/v1/members/{member_of(tenant, email)}"
    access = tokens["access_token"]
    assert desk.status(access, "/v1/members") == 200
    back_door = invite(desk.http, new_email(), "admin", headers=bearer(access)).json()
    assert tenant.http.patch(path, json={"role": "analyst"}).json()["role"] == "analyst"
    assert becomes(lambda: desk.status(access, "/v1/members"), 403)
    assert tenant.http.patch(path, json={"role": "agent"}).status_code == 422
    assert tenant.http.delete(path).status_code == 204
    assert becomes(lambda: desk.status(access), 401)
    assert desk.refresh(tokens["refresh_token"]).status_code == 401
    assert accept(desk, back_door["token"]).json()["code"] == "token_used"
    assert desk.try_to_sign_in(email).json()["code"] == "sign_in_failed"


def test_the_last_owner_stays(desk: Desk, tenant: Tenant) -> None:
    emails = [desk.hire(tenant.tenant_id) for _ in range(2)]
    paths = [f"/v1/members/{member_of(tenant, email)}" for email in emails]
    with ThreadPoolExecutor(2) as threads:
        codes = sorted(each.status_code for each in threads.map(tenant.http.delete, paths))
    assert codes == [204, 409]
    (member,) = tenant.http.get("/v1/members").json()["data"]
    path = f"/v1/members/{member['person_id']}"
    assert tenant.http.patch(path, json={"role": "admin"}).json()["code"] == "conflict"


def test_nobody_gives_or_takes_more_than_they_have(
    desk: Desk, product: Product, tenant: Tenant
) -> None:
    owner, admin = desk.hire(tenant.tenant_id), desk.hire(tenant.tenant_id, Role.ADMIN)
    desk.hire(tenant.tenant_id)
    path = f"/v1/members/{member_of(tenant, owner)}"
    as_admin: dict[str, Any] = {"headers": bearer(desk.sign_in(admin)["access_token"])}
    small: dict[str, Any] = {"headers": bearer(new_key(product, tenant.tenant_id, "admin:write"))}
    for how in (as_admin, small):
        refused = [
            invite(desk.http, new_email(), "owner", **how),
            desk.http.patch(path, json={"role": "analyst"}, **how),
            desk.http.delete(path, **how),
            desk.http.post(f"{path}/password-resets", **how),
            desk.http.patch(
                f"/v1/members/{member_of(tenant, admin)}", json={"role": "owner"}, **how
            ),
        ]
        assert [each.status_code for each in refused] == [403] * 5
    assert invite(desk.http, new_email(), "analyst", **small).status_code == 403
    assert invite(desk.http, new_email(), "admin", **as_admin).status_code == 201


def test_a_tenant_resets_only_who_is_of_no_other(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    tenant, other = make_tenant(), make_tenant()
    email = desk.hire(tenant.tenant_id)
    path = f"/v1/members/{member_of(tenant, email)}/password-resets"
    use = "/v1/auth/password-resets/use"
    late, token = (tenant.http.post(path).json()["token"] for _ in range(2))
    # a new one ends the one before
    for each, status in ((late, 409), (token, 204)):
        body = {"token": each, "password": NEW_PASSWORD}
        assert desk.http.post(use, json=body).status_code == status
    assert desk.sign_in(email, NEW_PASSWORD)
    # made in time, used when the person has joined another tenant: nobody gets in there by it
    late = tenant.http.post(path).json()["token"]
    desk.hire(other.tenant_id, email=email)
    body = {"token": late, "password": PASSWORD}
    assert desk.http.post(use, json=body).json()["code"] == "token_used"
    assert tenant.http.post(path).json()["code"] == "conflict"
