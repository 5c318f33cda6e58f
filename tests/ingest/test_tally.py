"""What became of items is counted beside the requests, and added up."""

from collections import Counter
from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.ingest.tally import Tally

DAY = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)


def outcomes(*statuses: str) -> Counter[str]:
    return Counter(statuses)


async def counts(pool: asyncpg.Pool, tenant_id: UUID) -> dict[tuple[date, str, str], int]:
    async with tenant_transaction(pool, tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT day, resource, status, n FROM ingest_counts WHERE tenant_id = $1", tenant_id
        )
    return {(row["day"], row["resource"], row["status"]): row["n"] for row in rows}


async def test_counts_add_up_over_processes(api_pool: asyncpg.Pool, tenant_id: UUID) -> None:
    first, second = Tally(api_pool), Tally(api_pool)
    first.add(tenant_id, "calls", outcomes("created", "created", "rejected"), DAY)
    first.add(tenant_id, "tickets", outcomes("stale"), DAY)
    second.add(tenant_id, "calls", outcomes("created", "duplicate"), DAY)
    assert await counts(api_pool, tenant_id) == {}
    await first.flush()
    await first.close()
    await second.close()
    day = DAY.date()
    assert await counts(api_pool, tenant_id) == {
        (day, "calls", "created"): 3,
        (day, "calls", "duplicate"): 1,
        (day, "calls", "rejected"): 1,
        (day, "tickets", "stale"): 1,
    }


async def test_what_cannot_be_written_is_tried_again(
    api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    tally = Tally(api_pool)
    tally.add(tenant_id, "calls", outcomes("created"), DAY)
    pool, closed = api_pool, await asyncpg.create_pool(min_size=0, max_size=1)
    await closed.close()
    tally._pool = closed
    await tally.flush()
    tally._pool = pool
    await tally.close()
    assert sum((await counts(api_pool, tenant_id)).values()) == 1
