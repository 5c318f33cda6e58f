"""A database of its own, where a deadlock is told within milliseconds."""

from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from tests.conftest import Database
from tests.delivery.lab import Lab
from tests.delivery.mutants import UNIQUE_MARKS

from csapi.kit.db import SERVER_SETTINGS, open_pool

LANES = 4
DEADLOCK_TIMEOUT = "10ms"


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        url, server_settings=SERVER_SETTINGS, statement_cache_size=400, command_timeout=60
    )


@pytest.fixture(scope="session")
async def lab(make_database: Callable[[], Database]) -> AsyncIterator[Lab]:
    database = make_database()
    admin = await connect(database.admin_url)
    await admin.execute(
        f"ALTER DATABASE {database.name} SET deadlock_timeout = '{DEADLOCK_TIMEOUT}'"
    )
    await admin.execute(UNIQUE_MARKS)
    monitor = await connect(database.admin_url)
    api = await open_pool(database.api_url, size=2, statement_timeout_ms=60_000)
    worker = await open_pool(database.worker_url, size=2, statement_timeout_ms=60_000)
    lab = Lab(admin, monitor, api, worker)
    await lab.prepare_copies()
    lab.api_lanes = [await connect(database.api_url) for _ in range(LANES)]
    lab.worker_lanes = [await connect(database.worker_url) for _ in range(LANES)]
    yield lab
    for connection in (*lab.api_lanes, *lab.worker_lanes, admin, monitor):
        await connection.close()
    await api.close()
    await worker.close()
