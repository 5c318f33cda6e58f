"""Keys over HTTP: what one may give, how one replaces another, and how one ends."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client

from csapi.kit.clock import now

ADMIN = ["admin:write", "reports:read"]
ENDED_WITHIN_SECONDS = 10.0


@pytest.fixture
def fresh(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    yield tenant
    tenant.http.close()


def make(tenant: Tenant, status: int = 201, **wanted: Any) -> Any:
    body = {"name": "k", "scopes": ["records:read"], **wanted}
    answer = tenant.http.post("/v1/api-keys", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def use(tenant: Tenant, token: str, **headers: str) -> httpx.Response:
    sent = {"Authorization": f"Bearer {token}", **headers}
    return tenant.http.get("/v1/teams", headers=sent)


def ends(tenant: Tenant, token: str) -> bool:
    until = time.monotonic() + ENDED_WITHIN_SECONDS
    while use(tenant, token).status_code == 200:
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    code: str = use(tenant, token).json()["code"]
    return code == "unauthorized"


def test_a_key_is_made_shown_once_and_listed(fresh: Tenant) -> None:
    ends_at = (now() + timedelta(days=2)).isoformat()
    made = make(
        fresh, name="ci", expires_at=ends_at, allowed_ips=["127.0.0.1", "::ffff:10.0.0.0/104"]
    )
    assert use(fresh, made["token"]).status_code == 200
    assert made["allowed_ips"] == ["127.0.0.1/32", "10.0.0.0/8"]
    one = fresh.http.get(f"/v1/api-keys/{made['id']}").json()
    assert "token" not in one
    assert (one["name"], one["state"], one["scopes"]) == ("ci", "active", ["records:read"])
    first = fresh.http.get("/v1/api-keys", params={"limit": 1}).json()
    assert first["data"][0]["id"] == made["id"]
    cursor = first["page"]["next_cursor"]
    (rest,) = fresh.http.get("/v1/api-keys", params={"cursor": cursor}).json()["data"]
    assert (made["created_by"], rest["created_by"]) == (rest["id"], None)
    assert made["token"] not in fresh.http.get("/v1/api-keys").text


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"allowed_ips": ["10.0.0.1/8"]}, "/allowed_ips/0"),
        ({"allowed_ips": ["::/0", "host"]}, "/allowed_ips/1"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["root"]}, "/scopes/0"),
        ({"name": " "}, "/name"),
        ({"name": "a\u0007"}, "/name"),
        ({"tenant_id": "x"}, "/tenant_id"),
        ({"key_id": "x"}, "/key_id"),
        ({"created_by": "x"}, "/created_by"),
    ],
)
def test_a_wrong_key_is_refused_by_its_place(
    tenant: Tenant, wanted: dict[str, Any], pointer: str
) -> None:
    assert make(tenant, 422, **wanted)["errors"][0]["pointer"] == pointer


def test_a_key_gives_only_what_it_has(product: Product, fresh: Tenant) -> None:
    weak = new_key(product, fresh.tenant_id, *ADMIN)
    strong = fresh.key
    fresh.http.headers["Authorization"] = f"Bearer {weak}"
    refused = make(fresh, 403, scopes=["reports:read", "names:read"])
    assert refused["code"] == "insufficient_scope"
    assert "names:read" in refused["detail"]
    # Whoever replaces a key would hold the new one.
    theirs = fresh.http.post(f"/v1/api-keys/{strong.split('_')[2]}/rotate", json={})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "insufficient_scope")
    assert make(fresh, scopes=["reports:read"])["scopes"] == ["reports:read"]


def test_a_bound_key_makes_bound_keys(fresh: Tenant) -> None:
    bound = make(fresh, scopes=ADMIN, allowed_ips=["127.0.0.0/8"])
    fresh.http.headers["Authorization"] = f"Bearer {bound['token']}"
    for beyond in ([], ["0.0.0.0/0"], ["127.0.0.1", "::1"]):
        refused = make(fresh, 422, scopes=ADMIN, allowed_ips=beyond)
        assert refused["errors"][0]["pointer"] == "/allowed_ips"
    make(fresh, scopes=ADMIN, allowed_ips=["127.0.0.1"])


def test_a_key_is_refused_from_elsewhere_whatever_headers_say(fresh: Tenant) -> None:
    made = make(fresh, allowed_ips=["198.51.100.0/24", "::/0"])
    for headers in ({}, {"X-Forwarded-For": "198.51.100.1"}, {"Forwarded": "for=198.51.100.1"}):
        refused = use(fresh, made["token"], **headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "address_not_allowed")
        assert "198.51" not in refused.text
    told: list[Any] = []
    until = time.monotonic() + 5
    while not told and time.monotonic() < until:
        told = fresh.http.get("/v1/audit-log", params={"action": "key.refused"}).json()["data"]
    assert [each["subject"] for each in told] == [made["id"]]


def test_a_key_is_replaced_under_load_and_nobody_is_refused(fresh: Tenant) -> None:
    old = make(fresh)
    current, seen, stopped = [old["token"]], [], threading.Event()

    def call() -> None:
        with httpx.Client(base_url=fresh.http.base_url) as client:
            while not stopped.is_set():
                for token in (old["token"], current[0]):
                    headers = {"Authorization": f"Bearer {token}"}
                    seen.append(client.get("/v1/teams", headers=headers).status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for each in threads:
        each.start()
    for _ in range(3):
        made = fresh.http.post(f"/v1/api-keys/{old['id']}/rotate", json={"overlap_seconds": 600})
        assert made.status_code == 201, made.text
        current[0] = made.json()["token"]
    time.sleep(0.3)
    stopped.set()
    for each in threads:
        each.join()
    assert set(seen) == {200}
    assert len(seen) > 20
    new = made.json()
    assert (new["replaces"], new["name"], new["scopes"]) == (old["id"], "k", ["records:read"])
    before = fresh.http.get(f"/v1/api-keys/{old['id']}").json()
    assert (before["state"], before["replaced_by"]) == ("replaced", new["id"])
    assert before["expires_at"] <= new["overlap_ends_at"]


def test_without_overlap_the_old_key_ends_at_once(fresh: Tenant) -> None:
    old = make(fresh)
    new = fresh.http.post(f"/v1/api-keys/{old['id']}/rotate", json={"overlap_seconds": 0}).json()
    assert ends(fresh, old["token"])
    assert use(fresh, new["token"]).status_code == 200
    again = fresh.http.post(f"/v1/api-keys/{old['id']}/rotate", json={})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_the_last_admin_key_stays(fresh: Tenant) -> None:
    own = fresh.key.split("_")[2]
    refused = fresh.http.delete(f"/v1/api-keys/{own}")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    make(fresh, scopes=["admin:write"])
    new = fresh.http.post(f"/v1/api-keys/{own}/rotate", json={}).json()
    assert fresh.http.delete(f"/v1/api-keys/{new['id']}").status_code == 204
    assert fresh.http.delete(f"/v1/api-keys/{new['id']}").status_code == 204
    assert ends(fresh, new["token"])


async def test_two_keys_cannot_end_each_other(fresh: Tenant) -> None:
    other = make(fresh, scopes=["admin:write"])
    base = fresh.http.base_url
    async with httpx.AsyncClient(base_url=base, timeout=30) as client:

        async def end(token: str, key_id: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.delete(f"/v1/api-keys/{key_id}", headers=headers)).status_code

        own = fresh.key.split("_")[2]
        found = await asyncio.gather(end(fresh.key, other["id"]), end(other["token"], own))
    # The one that comes late is refused: as the last one, or as ended already.
    assert min(found) == 204
    assert max(found) in {401, 409}


def test_whoever_finds_a_token_ends_it(fresh: Tenant) -> None:
    found, kept = make(fresh), make(fresh)
    portal = fresh.http.post("/v1/portal-tokens", json={}).json()
    wrong = kept["token"][:25] + fresh.key[25:]
    tokens = [found["token"], portal["token"], wrong, "csk_live_x", "", "\U0001f511"]
    answer = httpx.post(f"{fresh.http.base_url}/v1/api-keys/revocations", json={"tokens": tokens})
    unknown = httpx.post(
        f"{fresh.http.base_url}/v1/api-keys/revocations", json={"tokens": ["x"] * 6}
    )
    assert (answer.status_code, answer.json()) == (200, {"received": 6})
    assert (unknown.status_code, unknown.json()) == (200, {"received": 6})
    assert ends(fresh, found["token"])
    assert use(fresh, kept["token"]).status_code == 200
    assert fresh.http.get("/v1/portal-tokens").json()["data"] == []
    told = fresh.http.get("/v1/audit-log", params={"limit": 2}).json()["data"]
    assert [(each["action"], each["actor_kind"], each["subject"]) for each in told] == [
        ("portal_token.revoked", "holder", portal["id"]),
        ("key.revoked", "holder", found["id"]),
    ]
