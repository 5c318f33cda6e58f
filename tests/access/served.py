"""The app in this process, with settings of a test's own, and keys of one of its tenants."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from litestar import Litestar
from tests.conftest import Database

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.app import create_app, lifespan
from csapi.kit.db import acquire
from csapi.kit.http import Edge
from csapi.kit.settings import Settings
from csapi.kit.telemetry import Telemetry

ALL_SCOPES = tuple(each.value for each in Scope)


@cache
def built() -> Litestar:
    """The routes, which are the same for all settings."""
    return create_app(Settings())


@dataclass
class Served:
    app: Any
    tenant_id: UUID
    key: str
    http: httpx.AsyncClient

    @property
    def state(self) -> Any:
        return self.app.state

    async def another_key(self) -> str:
        async with acquire(self.state.pool) as connection:
            return (await create_key(connection, self.tenant_id, "other", ALL_SCOPES)).token

    def client(self, key: str | None, address: str = "10.0.0.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(Edge(self.app, self.state.telemetry), client=(address, 1))
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


@asynccontextmanager
async def served(
    database: Database,
    redis_url: str | None = None,
    *,
    scopes: Sequence[str] = ALL_SCOPES,
    **settings: Any,
) -> AsyncIterator[Served]:
    app = built()
    # Its counts begin anew, as those of a process do.
    app.state.telemetry = Telemetry()
    chosen = Settings(database_url=database.api_url, redis_url=redis_url, **settings)
    async with lifespan(chosen, app):
        async with acquire(app.state.pool) as connection:
            tenant_id = await create_tenant(connection, "test", "UTC")
            key = (await create_key(connection, tenant_id, "test", scopes)).token
        found = Served(app, tenant_id, key, httpx.AsyncClient())
        async with found.client(key) as client:
            found.http = client
            yield found
