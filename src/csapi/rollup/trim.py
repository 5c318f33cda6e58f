"""Slot rows of most cuboids serve recent busy days only: old ones go."""

from datetime import timedelta

import asyncpg

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


async def trim_slots(pool: asyncpg.Pool) -> int:
    """Delete slot rows that no reader uses any more; the number of tenants gone through."""
    horizon = now() - timedelta(days=SLOTTED_DAYS + MARGIN_DAYS)
    passing = [cuboid.number for cuboid in BUSY_CUBOIDS]
    async with acquire(pool) as connection:
        tenants = [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id) as connection:
            await connection.execute("SET LOCAL statement_timeout = '300s'")
            await connection.execute(FORGET_SLOTS, tenant_id, horizon)
            await connection.execute(DELETE_OLD, tenant_id, passing, int(Grain.SLOT), horizon)
    return len(tenants)
