"""What a key is worth over real HTTP: how it is sent, how long it lives, what is noted."""

import time
from collections.abc import Callable
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.access.commands import csapi
from tests.conftest import Product, Tenant, with_loop

from csapi.access.service import create_key, revoke_key
from csapi.access.tokens import parse_token
from csapi.kit.db import connect

REVOKED_WITHIN_SECONDS = 10.0
NOTED_WITHIN_SECONDS = 5.0


def get(product: Product, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(f"{product.base_url}/v1/teams", headers=sent, timeout=30)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
def test_a_key_is_sent_as_bearer(product: Product, tenant: Tenant, scheme: str) -> None:
    assert get(product, Authorization=scheme + tenant.key).status_code == 200


def test_or_as_x_api_key(product: Product, tenant: Tenant) -> None:
    assert get(product, X_API_Key=tenant.key).status_code == 200
    assert get(product, x_api_key=f"{tenant.key}x").status_code == 401


def test_authorization_decides_where_both_are_sent(product: Product, tenant: Tenant) -> None:
    assert get(product, Authorization="Bearer x", X_API_Key=tenant.key).status_code == 401


@pytest.mark.parametrize(
    "query", ["api_key={key}", "access_token={key}", "key={key}", "authorization=Bearer%20{key}"]
)
def test_a_key_in_the_address_is_never_read(product: Product, tenant: Tenant, query: str) -> None:
    answer = httpx.get(f"{product.base_url}/v1/teams?{query.format(key=tenant.key)}")
    assert answer.status_code == 401
    assert tenant.key not in answer.text


def test_all_that_is_wrong_with_a_key_looks_the_same(product: Product, tenant: Tenant) -> None:
    token = parse_token(tenant.key)
    assert token is not None
    expired = made(product, tenant, expired=True)
    bodies = []
    for key in (expired, "csk_live_aaaaaaaaaaaa_" + "b" * 36, tenant.key[:-1], "x"):
        body = get(product, Authorization=f"Bearer {key}").json()
        assert body.pop("request_id")
        bodies.append(body)
    assert all(body == bodies[0] for body in bodies)


def made(product: Product, tenant: Tenant, *, expired: bool = False) -> str:
    found: list[str] = []

    async def work() -> None:
        connection = await connect(product.database.api_url)
        try:
            until = await connection.fetchval("SELECT now()") if expired else None
            key = await create_key(connection, tenant.tenant_id, "k", ["records:read"], until)
        finally:
            await connection.close()
        found.append(key.token)

    with_loop(work)
    return found[0]


def test_a_revoked_key_dies_within_ten_seconds(product: Product, tenant: Tenant) -> None:
    key = made(product, tenant)
    assert get(product, X_API_Key=key).status_code == 200
    token = parse_token(key)
    assert token is not None

    async def revoke() -> None:
        connection = await connect(product.database.api_url)
        try:
            assert await revoke_key(connection, tenant.tenant_id, token.key_id)
        finally:
            await connection.close()

    with_loop(revoke)
    revoked = time.monotonic()
    while get(product, X_API_Key=key).status_code == 200:
        assert time.monotonic() - revoked < REVOKED_WITHIN_SECONDS
        time.sleep(0.2)
    assert get(product, X_API_Key=key).status_code == 401
    assert get(product, X_API_Key=tenant.key).status_code == 200


def test_the_last_use_is_noted(product: Product, make_tenant: Callable[..., Tenant]) -> None:
    tenant = make_tenant()
    assert used_at(product, tenant.tenant_id) is None
    assert tenant.http.get("/v1/teams").status_code == 200
    deadline = time.monotonic() + NOTED_WITHIN_SECONDS
    while used_at(product, tenant.tenant_id) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def used_at(product: Product, tenant_id: UUID) -> object:
    (row,) = csapi(
        product.database.api_url, "keys", "list", "--tenant", str(tenant_id), "--json"
    ).lines
    return row["last_used_at"]


async def test_the_database_holds_no_part_of_a_secret(product: Product, tenant: Tenant) -> None:
    """A dump of every table has neither the secret nor four letters of it in a row in api_keys."""
    tenant.http.post("/v1/teams", json={"source": "s", "external_id": "t"})
    token = parse_token(tenant.key)
    assert token is not None
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        tables = await connection.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class "
            "WHERE relnamespace = 'csapi'::regnamespace AND relkind = 'r'"
        )
        rows = [
            row["line"]
            for table in tables
            for row in await connection.fetch(f"SELECT t::text AS line FROM {table['name']} t")
        ]
        keys = await connection.fetch(
            "SELECT k::text AS line FROM csapi.api_keys k WHERE key_id = $1", token.key_id
        )
    finally:
        await connection.close()
    text = "\n".join(rows)
    assert token.key_id in text
    assert token.secret not in text
    assert tenant.key[-12:] not in text
    (line,) = [row["line"] for row in keys]
    for start in range(len(token.secret) - 5):
        assert token.secret[start : start + 6] not in line
