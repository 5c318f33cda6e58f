"""Signing in, renewing tokens, sessions, passwords and lock-out, over HTTP."""

import time
from collections.abc import Callable
from uuid import UUID

import asyncpg
import httpx
from tests.access.commands import csapi
from tests.access.people.staff import PASSWORD, Desk, bearer, new_email
from tests.conftest import Product, Tenant

from csapi.access.people.roles import Role
from csapi.access.people.sessions import MOST_SESSIONS, begin_session
from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now

WITHIN_SECONDS = 10
NEW_PASSWORD = "another canary sentence"


def dies(desk: Desk, access_token: str) -> bool:
    deadline = time.monotonic() + WITHIN_SECONDS
    while desk.status(access_token) != 401:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_a_person_signs_in_and_reads(desk: Desk, tenant: Tenant) -> None:
    email = desk.hire(tenant.tenant_id)
    tokens = desk.sign_in(f"  {email.upper()} ")
    assert (tokens["role"], tokens["expires_in_seconds"]) == ("owner", 600)
    assert tokens["tenant_id"] == str(tenant.tenant_id)
    assert desk.status(tokens["access_token"], "/v1/teams") == 200
    # in the header for keys, too: it is the same credential
    key = {"X-API-Key": tokens["access_token"]}
    assert desk.http.get("/v1/teams", headers=key).status_code == 200
    (session,) = desk.http.get("/v1/auth/sessions", headers=bearer(tokens["access_token"])).json()[
        "data"
    ]
    assert (session["id"], session["is_current"]) == (tokens["session_id"], True)


def without_id(answer: httpx.Response) -> object:
    return answer.status_code, {**answer.json(), "request_id": None}


def test_an_unknown_address_and_a_wrong_password_look_alike(desk: Desk, tenant: Tenant) -> None:
    known = desk.try_to_sign_in(desk.hire(tenant.tenant_id), "wrong words here")
    unknown = desk.try_to_sign_in(new_email(), "wrong words here")
    nonsense = desk.try_to_sign_in("no address", "wrong words here")
    assert without_id(known) == without_id(unknown) == without_id(nonsense)
    assert (known.status_code, known.json()["code"]) == (401, "sign_in_failed")
    assert sorted(known.headers) == sorted(unknown.headers)


def test_accounts_are_locked_whether_or_not_they_exist(desk: Desk, tenant: Tenant) -> None:
    for email in (desk.hire(tenant.tenant_id), new_email()):
        codes = [desk.try_to_sign_in(email, "wrong words here").status_code for _ in range(5)]
        assert codes == [401] * 5
        # On a busy machine an attempt takes longer than the first waits, which double.
        for _ in range(8):
            locked = desk.try_to_sign_in(email, "wrong words here")
            if locked.status_code != 401:
                break
        assert (locked.status_code, locked.json()["code"]) == (429, "too_many_attempts")
        assert int(locked.headers["retry-after"]) >= 1


async def test_waiting_doubles_and_success_forgives(admin: asyncpg.Connection) -> None:
    account, address = b"account", b"address"
    take = "SELECT take_attempt($1, $2, now() + $3 * interval '1 second')"
    clock, waits = 0, []
    for _ in range(18):
        assert await admin.fetchval(take, account, address, clock) == 0
        wait = await admin.fetchval(take, account, address, clock)
        if wait:
            waits.append(wait)
        clock += wait
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert max(waits) == waits[-1] == 900
    await admin.execute("SELECT forgive_attempt($1, $2, now())", account, address)
    assert await admin.fetchval(take, account, address, clock) == 0


def test_whoever_belongs_to_two_tenants_chooses(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    first, second, third = make_tenant(), make_tenant(), make_tenant()
    email = desk.hire(first.tenant_id)
    desk.hire(second.tenant_id, email=email)
    answer = desk.try_to_sign_in(email).json()
    assert answer["tokens"] is None
    assert {each["tenant_id"] for each in answer["tenants"]} == {
        str(first.tenant_id), str(second.tenant_id),
    }  # fmt: skip
    second.http.post("/v1/teams", json={"source": "s", "external_id": "only-second"})
    for tenant, seen in ((first, 0), (second, 1)):
        tokens = desk.sign_in(email, tenant_id=str(tenant.tenant_id))
        teams = desk.http.get("/v1/teams", headers=bearer(tokens["access_token"])).json()
        assert len(teams["data"]) == seen
    refused = desk.try_to_sign_in(email, tenant_id=str(third.tenant_id))
    assert refused.json()["code"] == "sign_in_failed"


def test_a_refresh_token_is_good_once(desk: Desk, tenant: Tenant) -> None:
    first = desk.sign_in(desk.hire(tenant.tenant_id))
    second = desk.refresh(first["refresh_token"]).json()
    assert second["session_id"] == first["session_id"]
    third = desk.refresh(second["refresh_token"]).json()
    assert desk.status(third["access_token"]) == 200
    # the first one again, long after: the family ends
    assert desk.refresh(first["refresh_token"]).json()["code"] == "session_ended"
    assert desk.refresh(third["refresh_token"]).status_code == 401
    assert dies(desk, third["access_token"])


async def test_the_oldest_of_very_many_sessions_ends(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    at = now()
    async with tenant_transaction(api_pool, tenant_id) as connection:
        person = await connection.fetchval("SELECT add_person($1, 'x', $2)", new_email(), at)
        begun = [
            await begin_session(connection, tenant_id, person, Role.OWNER, "x" * 999, at)
            for _ in range(MOST_SESSIONS + 2)
        ]
        left = await connection.fetch("SELECT id, user_agent FROM person_sessions")
    assert {row["id"] for row in left} == {each.id for each in begun[2:]}
    assert {len(row["user_agent"]) for row in left} == {200}


def test_signing_out_and_ending_sessions(desk: Desk, tenant: Tenant) -> None:
    email = desk.hire(tenant.tenant_id)
    one, two, three = (desk.sign_in(email) for _ in range(3))
    for _ in range(2):
        body = {"refresh_token": one["refresh_token"]}
        assert desk.http.post("/v1/auth/sign-out", json=body).status_code == 204
    assert desk.refresh(one["refresh_token"]).status_code == 401
    headers = bearer(three["access_token"])
    path = f"/v1/auth/sessions/{two['session_id']}"
    assert desk.http.delete(path, headers=headers).status_code == 204
    assert desk.http.delete(path, headers=headers).status_code == 404
    assert desk.http.delete("/v1/auth/sessions", headers=headers).status_code == 204
    for each in (two, three):
        assert desk.refresh(each["refresh_token"]).status_code == 401
        assert dies(desk, each["access_token"])


def test_a_new_password_ends_all_sessions_everywhere(
    desk: Desk, make_tenant: Callable[..., Tenant]
) -> None:
    here, there = make_tenant(), make_tenant()
    email = desk.hire(here.tenant_id)
    desk.hire(there.tenant_id, email=email)
    away = desk.sign_in(email, tenant_id=str(there.tenant_id))
    tokens = desk.sign_in(email, tenant_id=str(here.tenant_id))
    headers = bearer(tokens["access_token"])

    def change(old: str, new: str) -> httpx.Response:
        body = {"password": old, "new_password": new}
        return desk.http.post("/v1/auth/password", json=body, headers=headers)

    wrong = change("not the password", NEW_PASSWORD)
    assert wrong.json()["errors"][0]["pointer"] == "/password"
    short = change(PASSWORD, "short")
    assert short.json()["errors"][0]["pointer"] == "/new_password"
    changed = change(PASSWORD, NEW_PASSWORD)
    assert changed.status_code == 200
    assert desk.status(changed.json()["access_token"]) == 200
    for each in (away, tokens):
        assert desk.refresh(each["refresh_token"]).status_code == 401
        assert dies(desk, each["access_token"])
    assert desk.try_to_sign_in(email).status_code == 401
    assert desk.sign_in(email, NEW_PASSWORD, tenant_id=str(there.tenant_id))


def test_commands_make_people_and_reset_passwords(
    desk: Desk, product: Product, tenant: Tenant
) -> None:
    url, email = product.database.api_url, new_email()
    named = ("--tenant", str(tenant.tenant_id), "--email", email, "--password", PASSWORD)
    made = csapi(url, "users", "create", *named, "--json")
    assert made.json["role"] == "owner"
    again = csapi(url, "users", "create", *named)
    assert (again.code, again.error) == (1, f"csapi: {email} is a member already.\n")
    before = desk.sign_in(email)
    token = csapi(url, "users", "reset", "--email", email, "--json").json["token"]
    body = {"token": token, "password": NEW_PASSWORD}
    weak = {"token": token, "password": "aaaaaaaaaaaaaa"}
    use = "/v1/auth/password-resets/use"
    assert desk.http.post(use, json=weak).status_code == 422
    assert desk.http.post(use, json=body).status_code == 204
    assert desk.http.post(use, json=body).json()["code"] == "token_used"
    assert desk.refresh(before["refresh_token"]).status_code == 401
    assert desk.sign_in(email, NEW_PASSWORD)["role"] == "owner"
    kid = desk.http.get("/.well-known/jwks.json").json()["keys"][0]["kid"]
    assert csapi(url, "auth", "rotate-keys").output == "rotated\n"
    assert kid in desk.http.get("/.well-known/jwks.json").text


async def test_no_secret_is_in_logs_or_rows(desk: Desk, product: Product, tenant: Tenant) -> None:
    email = desk.hire(tenant.tenant_id)
    tokens = desk.sign_in(email)
    desk.try_to_sign_in(email, "wrong canary words")
    desk.http.get(f"/v1/{tokens['access_token']}")
    desk.http.get(f"/v1/{tokens['refresh_token']}", params={"t": tokens["refresh_token"]})
    desk.http.post("/v1/auth/sign-in", json={"email": email, "password": 1, "x": PASSWORD})
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        hashed = await connection.fetchval(
            "SELECT password_hash FROM csapi.people WHERE email = $1", email
        )
        rows = [
            row["line"]
            for name in ("people", "person_sessions", "sign_in_attempts", "invitations")
            for row in await connection.fetch(f"SELECT t::text AS line FROM csapi.{name} t")
        ]
    finally:
        await connection.close()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
    log = "\n".join(path.read_text(errors="replace") for path in product.logs.glob("*.log"))
    parts = [tokens["access_token"].rpartition(".")[2], tokens["refresh_token"][50:]]
    for secret in (PASSWORD, "wrong canary words", email, *parts):
        assert secret not in log
    assert hashed not in log
    stored = "\n".join(rows)
    assert not [secret for secret in (PASSWORD, *parts) if secret in stored]
