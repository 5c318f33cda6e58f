"""What is kept for a while only: slot rows of most cuboids, and requests that were done once."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from csapi.access.once import FORGET, KEPT_HOURS
from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Grain
from csapi.kit.clock import now
from csapi.kit.db import acquire
from csapi.metrics.cuboids import BUSY_CUBOIDS, SLOTTED_DAYS

# A local day starts up to a day apart from the UTC day, and clocks differ.
MARGIN_DAYS = 2

FORGET_SLOTS = f"""
UPDATE rollup_buckets SET is_slotted = false
WHERE tenant_id = $1 AND grain = {Grain.DAY} AND is_slotted AND bucket < $2"""

DELETE_OLD = """
DELETE FROM summaries
WHERE tenant_id = $1 AND cuboid = ANY($2::smallint[]) AND grain = $3::smallint AND bucket < $4"""


async def tenants_of(pool: asyncpg.Pool) -> list[UUID]:
    async with acquire(pool) as connection:
        return [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]


async def trim_requests(pool: asyncpg.Pool) -> int:
    """Forget requests whose Idempotency-Key has had its time; the number of tenants gone
    through."""
    oldest, tenants = now() - timedelta(hours=KEPT_HOURS), await tenants_of(pool)
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute(FORGET, tenant_id, oldest)
    return len(tenants)


async def trim_slots(pool: asyncpg.Pool) -> int:
    """Delete slot rows that no reader uses any more; the number of tenants gone through."""
    horizon = now() - timedelta(days=SLOTTED_DAYS + MARGIN_DAYS)
    passing = [cuboid.number for cuboid in BUSY_CUBOIDS]
    tenants = await tenants_of(pool)
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute("SET LOCAL statement_timeout = '300s'")
            await connection.execute(FORGET_SLOTS, tenant_id, horizon)
            await connection.execute(DELETE_OLD, tenant_id, passing, int(Grain.SLOT), horizon)
    return len(tenants)
