"""Deliveries as the worker takes them: one at a time of an endpoint, under a lease.

A mark says that a delivery waits, and for when. Who claims one moves it on by a lease and counts an
attempt; if it stops half way, the mark comes up again, and the receiver may be told twice, under
the same id. What came of the attempt is written by whoever made it, in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.connect.webhooks.client import Outcome
from csapi.connect.webhooks.schemas import DeliveryStatus, WebhookEnd
from csapi.connect.webhooks.store import cancel_waiting, watch
from csapi.kit.db import acquire

# Longer than any attempt takes.
LEASE_SECONDS = 60.0
GONE = 410

# The worker reads ids and instants of all tenants, and nothing else of them.
DUE = """
SELECT tenant_id, endpoint FROM (
  SELECT tenant_id, endpoint, min(due_at) AS due_at,
    row_number() OVER (PARTITION BY tenant_id ORDER BY min(due_at)) AS turn
  FROM webhook_marks WHERE due_at <= clock_timestamp() AND endpoint <> ALL($1::uuid[])
  GROUP BY tenant_id, endpoint
) AS waiting ORDER BY turn, due_at LIMIT $2"""
CLAIM = """
WITH next AS MATERIALIZED (
  SELECT delivery FROM webhook_marks
  WHERE tenant_id = $1 AND endpoint = $2 AND due_at <= clock_timestamp()
  ORDER BY delivery LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE webhook_marks m SET due_at = clock_timestamp() + $3::float8 * interval '1 s'
FROM next WHERE m.tenant_id = $1 AND m.endpoint = $2 AND m.delivery = next.delivery
RETURNING m.delivery"""
TAKE = """
UPDATE webhook_deliveries d SET attempts = attempts + 1
FROM webhook_endpoints p, webhook_events e
WHERE d.tenant_id = $1 AND d.endpoint = $2 AND d.id = $3 AND d.status = 'pending'
  AND p.tenant_id = $1 AND p.id = d.endpoint AND p.is_enabled
  AND e.tenant_id = $1 AND e.id = d.event
RETURNING d.attempts, p.url, e.id AS event, e.body"""
SECRETS = """
SELECT secret, created_at + overlap_seconds * interval '1 s' > clock_timestamp() AS overlaps
FROM webhook_secrets WHERE tenant_id = $1 AND endpoint = $2 ORDER BY id DESC LIMIT 2"""
DROP_MARK = "DELETE FROM webhook_marks WHERE tenant_id = $1 AND endpoint = $2 AND delivery = $3"
MOVE_MARK = """
UPDATE webhook_marks SET due_at = $4 WHERE tenant_id = $1 AND endpoint = $2 AND delivery = $3"""
CLOSE = """
UPDATE webhook_deliveries SET status = $4, next_attempt_at = NULL, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND endpoint = $2 AND id = $3
  AND (status = 'pending' OR $4 = 'delivered' AND status = 'canceled')"""
RETRY = """
UPDATE webhook_deliveries SET next_attempt_at = $4
WHERE tenant_id = $1 AND endpoint = $2 AND id = $3 AND status = 'pending'"""
LOG = """
INSERT INTO webhook_attempts
  (tenant_id, delivery, number, started_at, duration_ms, status_code, error, excerpt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, delivery, number) DO NOTHING"""
WORKS = """
UPDATE webhook_endpoints SET failing_since = NULL
WHERE tenant_id = $1 AND id = $2 AND failing_since IS NOT NULL"""
FAILS = """
UPDATE webhook_endpoints SET failing_since = coalesce(failing_since, $3)
WHERE tenant_id = $1 AND id = $2 RETURNING failing_since"""
DISABLE = """
UPDATE webhook_endpoints SET is_enabled = false, disabled_reason = $3,
  disabled_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 AND is_enabled"""


@dataclass(frozen=True, slots=True)
class Task:
    """An attempt at a delivery. secrets: those that sign, the newest first."""

    tenant_id: UUID
    endpoint: UUID
    delivery: UUID
    attempt: int
    url: str
    event: UUID
    body: bytes
    secrets: Sequence[bytes]

    @property
    def place(self) -> tuple[UUID, UUID, UUID]:
        return self.tenant_id, self.endpoint, self.delivery


async def due(pool: asyncpg.Pool, busy: Sequence[UUID], most: int) -> Sequence[tuple[UUID, UUID]]:
    """Endpoints that are waited for, other than `busy`: those of the tenants in turn."""
    async with acquire(pool) as connection:
        rows = await connection.fetch(DUE, list(busy), most)
    return [(row["tenant_id"], row["endpoint"]) for row in rows]


async def claim(
    pool: asyncpg.Pool, tenant_id: UUID, endpoint: UUID, lease_seconds: float = LEASE_SECONDS
) -> Task | None:
    """The next delivery of an endpoint. None where nothing is due, or somebody else has it."""
    async with tenant_transaction(pool, tenant_id) as connection:
        while True:
            delivery = await connection.fetchval(CLAIM, tenant_id, endpoint, lease_seconds)
            if delivery is None:
                return None
            row = await connection.fetchrow(TAKE, tenant_id, endpoint, delivery)
            if row is not None:
                break
            # Deleted, disabled or too old meanwhile.
            place = tenant_id, endpoint, delivery
            await connection.execute(DROP_MARK, *place)
            await connection.execute(CLOSE, *place, DeliveryStatus.canceled.value)
        secrets = await connection.fetch(SECRETS, tenant_id, endpoint)
    return Task(
        tenant_id=tenant_id,
        endpoint=endpoint,
        delivery=delivery,
        attempt=row["attempts"],
        url=row["url"],
        event=row["event"],
        body=row["body"].encode(),
        secrets=secrets_in_force(secrets),
    )


def secrets_in_force(rows: Sequence[asyncpg.Record]) -> list[bytes]:
    """The newest, and the one before it while they overlap."""
    newest, *before = rows
    return [newest["secret"], *(each["secret"] for each in before if newest["overlaps"])]


async def record(
    pool: asyncpg.Pool,
    task: Task,
    outcome: Outcome,
    began: datetime,
    pause: float | None,
    give_up_after: timedelta,
) -> None:
    """What came of an attempt, and what follows: `pause` seconds until the next, None: no more."""
    async with tenant_transaction(pool, task.tenant_id) as connection:
        await connection.execute(
            LOG,
            task.tenant_id,
            task.delivery,
            task.attempt,
            began,
            outcome.duration_ms,
            outcome.status,
            outcome.error,
            outcome.excerpt,
        )
        if outcome.is_success:
            await connection.execute(WORKS, task.tenant_id, task.endpoint)
            await connection.execute(DROP_MARK, *task.place)
            await connection.execute(CLOSE, *task.place, DeliveryStatus.delivered.value)
            return
        since = await connection.fetchval(FAILS, task.tenant_id, task.endpoint, began)
        if pause is None or outcome.status == GONE:
            await connection.execute(DROP_MARK, *task.place)
            await connection.execute(CLOSE, *task.place, DeliveryStatus.failed.value)
        else:
            ended = began + timedelta(milliseconds=outcome.duration_ms)
            following = ended + timedelta(seconds=pause)
            await connection.execute(MOVE_MARK, *task.place, following)
            await connection.execute(RETRY, *task.place, following)
        if outcome.status == GONE:
            await disable(connection, task, WebhookEnd.gone, began)
        elif since is not None and began - since >= give_up_after:
            await disable(connection, task, WebhookEnd.failing, began)


async def disable(
    connection: asyncpg.Connection, task: Task, reason: WebhookEnd, now: datetime
) -> None:
    await connection.execute(DISABLE, task.tenant_id, task.endpoint, reason.value)
    await cancel_waiting(connection, task.tenant_id, task.endpoint)
    await watch(connection, task.tenant_id, now)
