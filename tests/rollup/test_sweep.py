"""Which buckets wait, and how long one rests."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest
from tests.delivery.items import call
from tests.delivery.lab import take_in

from csapi.facts.kinds import Grain
from csapi.ingest.service import Intake
from csapi.metrics.zones import day_start, month_start
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.sweep import waiting_buckets

ZONE = "Asia/Kolkata"
# The first hours of local months are those of the day before in UTC.
JANUARY, FEBRUARY = datetime(2026, 1, 31, 20, tzinfo=UTC), datetime(2026, 2, 28, 20, tzinfo=UTC)


def bucket(tenant_id: UUID, grain: Grain, at: datetime) -> Bucket:
    local = (at.replace(hour=23)).date()
    start = day_start(ZONE, local, 1) if grain is Grain.DAY else month_start(ZONE, local, 1)
    return Bucket(tenant_id, ZONE, grain, start)


async def waiting(pool: asyncpg.Pool, tenant_id: UUID, settled_seconds: float = 0) -> list[Bucket]:
    async with pool.acquire() as connection:
        found = await waiting_buckets(connection, settled_seconds)
    return [each for each in found if each.tenant_id == tenant_id]


async def test_a_month_waits_for_its_own_days_alone(
    intake: Intake, worker_pool: asyncpg.Pool, new_tenant: Callable[..., Awaitable[UUID]]
) -> None:
    tenant_id = await new_tenant(ZONE)

    async def send(name: str, at: datetime) -> None:
        await take_in(intake, tenant_id, "calls", [call(name, at.isoformat())])

    await send("first", JANUARY)
    day, month = (bucket(tenant_id, grain, JANUARY) for grain in (Grain.DAY, Grain.MONTH))
    assert month.start == datetime(2026, 1, 31, 18, 30, tzinfo=UTC)
    assert await waiting(worker_pool, tenant_id) == [day]
    assert await rebuild(worker_pool, day)
    # A day of the next month waits, and that is none of this one's business.
    await send("next", FEBRUARY)
    assert await waiting(worker_pool, tenant_id) == [bucket(tenant_id, Grain.DAY, FEBRUARY), month]
    await send("again", JANUARY)
    # What came a moment ago holds nothing up: a month that is always written to would starve.
    assert month in await waiting(worker_pool, tenant_id, settled_seconds=60)
    days = await waiting(worker_pool, tenant_id)
    assert {each.start for each in days} == {
        day.start, bucket(tenant_id, Grain.DAY, FEBRUARY).start
    }  # fmt: skip
    assert {each.grain for each in days} == {Grain.DAY}


@pytest.mark.parametrize(
    ("rebuild_ms", "since_seconds", "is_rebuilt"),
    [(100, 0, False), (100, 2, True), (60_000, 2, False), (60_000, 6, True)],
)
async def test_a_bucket_rests_ten_times_its_rebuild_and_at_most_five_seconds(
    admin: asyncpg.Connection,
    intake: Intake,
    worker_pool: asyncpg.Pool,
    tenant_id: UUID,
    rebuild_ms: int,
    since_seconds: int,
    *,
    is_rebuilt: bool,
) -> None:
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    day = Bucket(tenant_id, "UTC", Grain.DAY, at.replace(hour=0))
    for name in ("one", "two"):
        await take_in(intake, tenant_id, "calls", [call(name, at.isoformat())])
        if name == "one":
            assert await rebuild(worker_pool, day)
            sql = (
                "UPDATE rollup_buckets SET rebuild_ms = $2, "
                "computed_at = clock_timestamp() - $3 * interval '1 s' WHERE tenant_id = $1"
            )
            await admin.execute(sql, tenant_id, rebuild_ms, since_seconds)
    assert await rebuild(worker_pool, day) is is_rebuilt
    assert not await rebuild(worker_pool, day)
    assert await rebuild(worker_pool, day, rested=False) is not is_rebuilt
