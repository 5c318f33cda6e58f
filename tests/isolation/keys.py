"""Tenants and keys for tests that need them for longer than one function."""

from uuid import UUID

import httpx
from tests.conftest import Product, Tenant, with_loop

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.kit.db import connect

ALL_SCOPES = tuple(scope.value for scope in Scope)


def new_tenant_client(product: Product, *scopes: str) -> Tenant:
    """A tenant with one key; the caller closes its client."""
    found: list[tuple[UUID, str]] = []

    async def make() -> None:
        connection = await connect(product.database.api_url)
        try:
            tenant_id = await create_tenant(connection, "test", "UTC")
            key = await create_key(connection, tenant_id, "test", scopes or ALL_SCOPES)
        finally:
            await connection.close()
        found.append((tenant_id, key.token))

    with_loop(make)
    tenant_id, key = found[0]
    headers = {"Authorization": f"Bearer {key}"}
    return Tenant(
        tenant_id, key, httpx.Client(base_url=product.base_url, headers=headers, timeout=30)
    )


def new_key(product: Product, tenant_id: UUID, *scopes: str) -> str:
    found: list[str] = []

    async def make() -> None:
        connection = await connect(product.database.api_url)
        try:
            found.append((await create_key(connection, tenant_id, "test", scopes)).token)
        finally:
            await connection.close()

    with_loop(make)
    return found[0]
