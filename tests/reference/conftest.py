"""Tenants with records that describe, filled and asked by the production coroutines."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.hours.conftest import Item, Send, derive, send

from csapi.kit.clock import now
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def ask(api_pool: asyncpg.Pool) -> Ask:
    """An async function: the answer to a question about metrics, as the JSON that goes out."""

    async def run(
        tenant_id: UUID, *metrics: str | Item, time: Item, zone: str = "UTC", **more: Any
    ) -> Any:
        query = {
            "metrics": [{"id": each} if isinstance(each, str) else each for each in metrics],
            "time": {"range": time},
            "limit": 10_000,
            **more,
        }
        desk = Desk(
            pool=api_pool, tenant_id=tenant_id, timezone=zone, now=now(), live_slots_max=20_000
        )
        found = await answer(desk, msgspec.convert(query, Query))
        return msgspec.json.decode(msgspec.json.encode(found))

    return run


__all__ = ["Ask", "Item", "Send", "ask", "derive", "send"]
