"""The log of webhooks is kept for 30 days."""

from datetime import datetime, timedelta

import asyncpg

from csapi.access.outbox import LOG_DAYS
from csapi.access.tenancy import tenant_transaction
from csapi.kit.db import acquire
from csapi.kit.quantities import id_at

DROP_ATTEMPTS = """
DELETE FROM webhook_attempts a USING webhook_endpoints p, webhook_deliveries d
WHERE p.tenant_id = $1 AND d.tenant_id = $1 AND d.endpoint = p.id AND d.id < $2
  AND a.tenant_id = $1 AND a.delivery = d.id"""
DROP_DELIVERIES = """
DELETE FROM webhook_deliveries d USING webhook_endpoints p
WHERE p.tenant_id = $1 AND d.tenant_id = $1 AND d.endpoint = p.id AND d.id < $2"""
DROP_EVENTS = "DELETE FROM webhook_events WHERE tenant_id = $1 AND id < $2"
# Of endpoints that are gone, and of those that were replaced and do not sign any more.
DROP_SECRETS = """
DELETE FROM webhook_secrets s WHERE s.tenant_id = $1 AND (
  NOT EXISTS (SELECT FROM webhook_endpoints p WHERE p.tenant_id = $1 AND p.id = s.endpoint)
  OR EXISTS (SELECT FROM webhook_secrets n WHERE n.tenant_id = $1 AND n.endpoint = s.endpoint
    AND n.id > s.id AND n.created_at + n.overlap_seconds * interval '1 s' <= clock_timestamp()))"""


async def trim_webhooks(pool: asyncpg.Pool, now: datetime) -> int:
    """Delete what is older than the log is kept; the number of tenants gone through."""
    oldest = id_at(now - timedelta(days=LOG_DAYS))
    async with acquire(pool) as connection:
        tenants = [row[0] for row in await connection.fetch("SELECT tenant_id FROM tenants")]
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id) as connection:
            # A replay is younger than its event: the log goes by the age of deliveries.
            await connection.execute(DROP_ATTEMPTS, tenant_id, oldest)
            await connection.execute(DROP_DELIVERIES, tenant_id, oldest)
            await connection.execute(DROP_EVENTS, tenant_id, oldest)
            await connection.execute(DROP_SECRETS, tenant_id)
    return len(tenants)
