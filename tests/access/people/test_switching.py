"""People of several tenants: choosing one, and going to another without a second password."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
from tests.access.people.staff import Desk, bearer
from tests.conftest import Tenant

from csapi.access.people.accounts import Caller, switch
from csapi.access.people.first import create_member
from csapi.access.people.roles import Role
from csapi.access.people.sessions import IDLE, LONGEST, begin_session, continue_session
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now

PAGE = {"Origin": "https://app.example.com"}
ALLOWED = "access-control-allow-origin"


def of_both(desk: Desk, first: Tenant, second: Tenant) -> str:
    email = desk.hire(first.tenant_id)
    desk.hire(second.tenant_id, Role.ANALYST, email=email)
    return email


def test_a_session_goes_on_in_another_tenant(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    first, second, third = make_tenant(), make_tenant(), make_tenant()
    email = of_both(desk, first, second)
    tokens = desk.sign_in(email, tenant_id=str(first.tenant_id))
    listed = desk.http.get("/v1/auth/tenants", headers=bearer(tokens["access_token"])).json()
    roles = {each["tenant_id"]: each["role"] for each in listed["data"]}
    assert roles == {str(first.tenant_id): "owner", str(second.tenant_id): "analyst"}
    # what is refused leaves the session as it is
    assert desk.switch(tokens["refresh_token"], third.tenant_id).json()["code"] == "not_found"
    assert desk.switch(tokens["refresh_token"], first.tenant_id).json()["code"] == "conflict"
    there = desk.switch(tokens["refresh_token"], second.tenant_id).json()
    assert (there["tenant_id"], there["role"]) == (str(second.tenant_id), "analyst")
    assert there["person_id"] == tokens["person_id"]
    assert desk.status(there["access_token"], "/v1/members") == 403
    assert desk.becomes(tokens["access_token"], 401)
    back = desk.switch(there["refresh_token"], first.tenant_id).json()
    assert desk.status(back["access_token"], "/v1/members") == 200
    for nonsense in ("x", back["refresh_token"][:-1] + "0"):
        assert desk.switch(nonsense, first.tenant_id).status_code == 401
    # a used one that comes to switch ends the family, as one that comes to renew does
    newer = desk.refresh(back["refresh_token"]).json()
    assert desk.switch(back["refresh_token"], second.tenant_id).status_code == 401
    assert desk.refresh(newer["refresh_token"]).status_code == 401


def test_a_stolen_token_that_switches_ends_with_the_family(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    first, second = make_tenant(), make_tenant()
    email = of_both(desk, first, second)
    own = desk.sign_in(email, tenant_id=str(first.tenant_id))
    other = desk.sign_in(email, tenant_id=str(second.tenant_id))
    # a thief switches, and renews there; then its owner comes with the token that was stolen
    there = desk.switch(own["refresh_token"], second.tenant_id).json()
    newer = desk.refresh(there["refresh_token"]).json()
    assert desk.refresh(own["refresh_token"]).json()["code"] == "session_ended"
    assert desk.refresh(newer["refresh_token"]).status_code == 401
    assert desk.becomes(newer["access_token"], 401)
    # another session of the same person goes on
    assert desk.refresh(other["refresh_token"]).status_code == 200


async def test_switching_makes_no_session_older_than_it_may_get(
    api_pool: asyncpg.Pool, new_tenant: Callable[..., Any]
) -> None:
    first, second = await new_tenant(), await new_tenant()
    began, caller = now() - LONGEST + timedelta(days=1), Caller("unknown", None)
    async with api_pool.acquire() as connection:
        for tenant_id in (first, second):
            email = "switching@example.com"
            password, role = "a long canary sentence", Role.OWNER
            person = await create_member(connection, tenant_id, email, password, role, began)
    async with tenant_transaction(api_pool, first) as connection:
        session = await begin_session(connection, first, person, Role.OWNER, None, began)
        # It was renewed all the time.
        end = "UPDATE person_sessions SET expires_at = $2 WHERE tenant_id = $1"
        await connection.execute(end, first, now() + IDLE)
    there = await switch(api_pool, session.refresh, second, caller, now())
    assert there is not None
    async with tenant_transaction(api_pool, second, readonly=True) as connection:
        row = await connection.fetchrow("SELECT created_at, expires_at FROM person_sessions")
    assert (row["created_at"], row["expires_at"]) == (began, began + LONGEST)
    assert await continue_session(api_pool, there.refresh, began + LONGEST) is None


def test_pages_read_answers_of_tenants_that_list_them(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    first, second = make_tenant(), make_tenant()
    email = of_both(desk, first, second)

    def sign_in(**more: Any) -> httpx.Response:
        body = {"email": email, "password": "a long canary sentence", **more}
        return desk.http.post("/v1/auth/sign-in", json=body, headers=PAGE)

    listed = {"origins": [PAGE["Origin"]]}
    first.http.put("/v1/browser-origins", json=listed)
    # to choose, a page of either is enough; what follows is of the one that was chosen
    assert sign_in().headers[ALLOWED] == PAGE["Origin"]
    assert ALLOWED not in sign_in(tenant_id=str(second.tenant_id)).headers
    answer = sign_in(tenant_id=str(first.tenant_id))
    assert answer.headers[ALLOWED] == PAGE["Origin"]
    # a page that could not read the answer keeps its session
    token = answer.json()["tokens"]["refresh_token"]
    refused = desk.switch(token, second.tenant_id, headers=PAGE)
    assert (refused.status_code, refused.headers[ALLOWED]) == (409, PAGE["Origin"])
    second.http.put("/v1/browser-origins", json=listed)
    assert desk.becomes_true(
        lambda: desk.switch(token, second.tenant_id, headers=PAGE).status_code == 200
    )
