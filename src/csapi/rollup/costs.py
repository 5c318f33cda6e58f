"""Fixed costs are counted month by month: shortly before a month begins it is added."""

from datetime import datetime

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.costs import extend
from csapi.facts.kinds import CostScope
from csapi.kit.clock import now
from csapi.kit.db import acquire

HAS_FIXED_COSTS = f"""
SELECT EXISTS (
  SELECT 1 FROM cost_book WHERE tenant_id = $1 AND scope = {CostScope.FIXED} AND NOT is_deleted)"""


async def extend_costs(pool: asyncpg.Pool, at: datetime | None = None) -> int:
    """Add the months that are missing; the number of entries that have more. `at`: the moment to
    look ahead of."""
    moment = at or now()
    async with acquire(pool) as connection:
        tenants = [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]
    done = 0
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
            if not await connection.fetchval(HAS_FIXED_COSTS, tenant_id):
                continue
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            done += await extend(connection, tenant_id, moment)
    return done
