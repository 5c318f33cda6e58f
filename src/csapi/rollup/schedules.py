"""Schedules are expanded for some years ahead: once a year that goes further."""

from datetime import datetime

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.expansion import horizon
from csapi.facts.schedule_periods import extend_expansion
from csapi.kit.clock import now
from csapi.kit.db import acquire

ENDS_EARLY = """
SELECT EXISTS (SELECT 1 FROM schedules
               WHERE tenant_id = $1 AND NOT is_deleted AND expanded_to < $2)"""


async def extend_schedules(pool: asyncpg.Pool, at: datetime | None = None) -> int:
    """Expand the schedules that end too early; their number. `at`: the moment to look ahead of."""
    moment = at or now()
    async with acquire(pool) as connection:
        tenants = [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]
    done = 0
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
            if not await connection.fetchval(ENDS_EARLY, tenant_id, horizon(moment)):
                continue
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            done += await extend_expansion(connection, tenant_id, moment)
    return done
