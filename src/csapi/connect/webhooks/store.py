"""Endpoints and their deliveries, as the API reads and writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from csapi.access.outbox import MOST_REPLAYED, MOST_WEBHOOKS, WebhookEvent
from csapi.access.scans import Scan, begin, end
from csapi.connect.webhooks.schemas import (
    Delivery,
    DeliveryAttempt,
    DeliveryDetail,
    DeliveryParams,
    DeliveryStatus,
    Replay,
    ReplayKind,
    Webhook,
    WebhookEnd,
)
from csapi.connect.webhooks.signing import new_secret
from csapi.kit.quantities import id_at

COLUMNS = """id, url, events, description, is_enabled, disabled_reason, disabled_at, failing_since,
  created_at, updated_at"""
LIST = f"SELECT {COLUMNS} FROM webhook_endpoints WHERE tenant_id = $1 ORDER BY id DESC"
ONE = f"SELECT {COLUMNS} FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2"
LOCKED = f"{ONE} FOR UPDATE"
CREATE = f"""
INSERT INTO webhook_endpoints (tenant_id, url, events, description, is_enabled)
SELECT $1, $2::text, $3::text[], $4::text, $5::boolean
WHERE (SELECT count(*) FROM webhook_endpoints WHERE tenant_id = $1) < {MOST_WEBHOOKS}
RETURNING {COLUMNS}"""
# Whoever enables it, or sends it elsewhere, begins anew: what it failed before is over.
CHANGE = f"""
UPDATE webhook_endpoints SET url = $3, events = $4, description = $5, is_enabled = $6,
  disabled_reason = CASE WHEN is_enabled = $6 THEN disabled_reason END,
  disabled_at = CASE WHEN is_enabled = $6 THEN disabled_at END,
  failing_since = CASE WHEN is_enabled = $6 AND url = $3 THEN failing_since END,
  updated_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2
RETURNING {COLUMNS}"""
ADD_KEY = """
INSERT INTO webhook_secrets (tenant_id, endpoint, secret, overlap_seconds)
VALUES ($1, $2, $3, $4)"""
DROP_ATTEMPTS = """
DELETE FROM webhook_attempts a USING webhook_deliveries d
WHERE a.tenant_id = $1 AND d.tenant_id = $1 AND d.endpoint = $2 AND a.delivery = d.id"""
DROP_DELIVERIES = "DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND endpoint = $2"
DROP_MARKS = "DELETE FROM webhook_marks WHERE tenant_id = $1 AND endpoint = $2"
WAITING = "SELECT count(*) FROM webhook_marks WHERE tenant_id = $1 AND endpoint = $2"
DROP = "DELETE FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2 RETURNING id"
CANCEL = """
UPDATE webhook_deliveries
SET status = 'canceled', next_attempt_at = NULL, finished_at = clock_timestamp()
WHERE tenant_id = $1 AND endpoint = $2 AND status = 'pending'"""

DELIVERY = """
SELECT d.id, d.endpoint, d.event, e.type, d.status, d.is_replay, d.attempts, d.created_at,
  d.next_attempt_at, d.finished_at, e.body, a.status_code, a.error
FROM webhook_deliveries d
JOIN webhook_events e ON e.tenant_id = $1 AND e.id = d.event
LEFT JOIN LATERAL (SELECT status_code, error FROM webhook_attempts a
  WHERE a.tenant_id = $1 AND a.delivery = d.id ORDER BY a.number DESC LIMIT 1) AS a ON true
WHERE d.tenant_id = $1 AND d.endpoint = $2"""
DELIVERIES = f"""{DELIVERY} AND ($3::text IS NULL OR d.status = $3)
  AND ($4::text IS NULL OR e.type = $4) AND ($5::uuid IS NULL OR d.id < $5)
ORDER BY d.id DESC LIMIT $6"""
ONE_DELIVERY = f"{DELIVERY} AND d.id = $3"
ATTEMPTS = """
SELECT number, started_at, duration_ms, status_code, error, excerpt FROM webhook_attempts
WHERE tenant_id = $1 AND delivery = $2 ORDER BY number"""

# One more delivery of the same event; its endpoint has to want to be told.
REPLAY_ONE = """
WITH made AS (
  INSERT INTO webhook_deliveries (tenant_id, endpoint, event, is_replay, next_attempt_at)
  SELECT $1, d.endpoint, d.event, true, clock_timestamp() FROM webhook_deliveries d
  JOIN webhook_events e ON e.tenant_id = $1 AND e.id = d.event
  WHERE d.tenant_id = $1 AND d.endpoint = $2 AND d.id = $3
  RETURNING endpoint, id, next_attempt_at
), marked AS (
  INSERT INTO webhook_marks (tenant_id, endpoint, delivery, due_at)
  SELECT $1, endpoint, id, next_attempt_at FROM made
)
SELECT id FROM made"""
REPLAY_RANGE = f"""
WITH events AS MATERIALIZED (
  SELECT e.id FROM webhook_events e
  WHERE e.tenant_id = $1 AND e.id >= $3 AND e.id < $4 AND e.type = ANY($5::text[])
    AND ($6::boolean OR e.id NOT IN (SELECT d.event FROM webhook_deliveries d
      WHERE d.tenant_id = $1 AND d.endpoint = $2 AND d.id >= $3
        AND d.status IN ('pending', 'delivered')))
  ORDER BY e.id LIMIT {MOST_REPLAYED}
), made AS (
  INSERT INTO webhook_deliveries (tenant_id, endpoint, event, is_replay, next_attempt_at)
  SELECT $1, $2, id, true, clock_timestamp() FROM events ORDER BY id
  RETURNING endpoint, id, next_attempt_at
), marked AS (
  INSERT INTO webhook_marks (tenant_id, endpoint, delivery, due_at)
  SELECT $1, endpoint, id, next_attempt_at FROM made
)
SELECT count(*) AS made, (SELECT max(id::text)::uuid FROM events) AS last FROM made"""

# What has to be looked for, as long as somebody wants to be told.
WATCHES = {WebhookEvent.sla_at_risk: Scan.sla, WebhookEvent.issue_found: Scan.radar}
WANTED = """
SELECT DISTINCT unnest(events) FROM webhook_endpoints WHERE tenant_id = $1 AND is_enabled"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint is to be."""

    url: str
    events: Sequence[WebhookEvent]
    description: str | None
    is_enabled: bool

    def values(self) -> tuple[str, list[str], str | None, bool]:
        events = [each.value for each in dict.fromkeys(self.events)]
        return self.url, events, self.description, self.is_enabled


def webhook(row: Any) -> Webhook:
    return Webhook(**fields_of(row))


def fields_of(row: Any) -> dict[str, Any]:
    reason = row["disabled_reason"]
    return {
        **row,
        "id": str(row["id"]),
        "events": [WebhookEvent(each) for each in row["events"]],
        "disabled_reason": None if reason is None else WebhookEnd(reason),
    }


async def create(
    connection: asyncpg.Connection, tenant_id: UUID, wanted: Wanted, now: datetime
) -> tuple[Any, bytes] | None:
    """The endpoint and its secret; None where there are too many."""
    row = await connection.fetchrow(CREATE, tenant_id, *wanted.values())
    if row is None:
        return None
    secret = await add_secret(connection, tenant_id, row["id"], 0)
    await watch(connection, tenant_id, now)
    return row, secret


async def add_secret(
    connection: asyncpg.Connection, tenant_id: UUID, endpoint: UUID, overlap_seconds: int
) -> bytes:
    secret = new_secret()
    await connection.execute(ADD_KEY, tenant_id, endpoint, secret, overlap_seconds)
    return secret


async def change(
    connection: asyncpg.Connection, tenant_id: UUID, endpoint: UUID, wanted: Wanted, now: datetime
) -> Any:
    row = await connection.fetchrow(CHANGE, tenant_id, endpoint, *wanted.values())
    if not wanted.is_enabled:
        await cancel_waiting(connection, tenant_id, endpoint)
    await watch(connection, tenant_id, now)
    return row


async def cancel_waiting(connection: asyncpg.Connection, tenant_id: UUID, endpoint: UUID) -> None:
    """Nobody waits in a circle: always the endpoint, then marks, then deliveries."""
    await connection.execute(DROP_MARKS, tenant_id, endpoint)
    await connection.execute(CANCEL, tenant_id, endpoint)


async def remove(
    connection: asyncpg.Connection, tenant_id: UUID, endpoint: UUID, now: datetime
) -> bool:
    """Take an endpoint away with its log; False if there was none. Its secrets go with the next
    trimming: here nobody can so much as name them."""
    found = await connection.fetchval(DROP, tenant_id, endpoint)
    for statement in (DROP_MARKS, DROP_ATTEMPTS, DROP_DELIVERIES):
        await connection.execute(statement, tenant_id, endpoint)
    await watch(connection, tenant_id, now)
    return found is not None


async def watch(connection: asyncpg.Connection, tenant_id: UUID, now: datetime) -> None:
    """Look for what some endpoint wants to be told, and for nothing else."""
    wanted = {row[0] for row in await connection.fetch(WANTED, tenant_id)}
    for type_, each in WATCHES.items():
        if type_.value in wanted:
            await begin(connection, tenant_id, each, now)
        else:
            await end(connection, tenant_id, each)


def delivery(row: Any) -> Delivery:
    return Delivery(**delivery_fields(row))


def delivery_fields(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "webhook_id": str(row["endpoint"]),
        "event_id": str(row["event"]),
        "type": WebhookEvent(row["type"]),
        "status": DeliveryStatus(row["status"]),
        "is_replay": row["is_replay"],
        "attempts": row["attempts"],
        "last_status_code": row["status_code"],
        "last_error": row["error"],
        "created_at": row["created_at"],
        "next_attempt_at": row["next_attempt_at"],
        "finished_at": row["finished_at"],
    }


async def deliveries(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    endpoint: UUID,
    wanted: DeliveryParams,
    after: UUID | None,
) -> Sequence[Any]:
    """One more than a page, where there are more."""
    rows: Sequence[Any] = await connection.fetch(
        DELIVERIES, tenant_id, endpoint, wanted.status, wanted.type, after, wanted.limit + 1
    )
    return rows


async def detail(
    connection: asyncpg.Connection, tenant_id: UUID, endpoint: UUID, id_: UUID
) -> DeliveryDetail | None:
    row = await connection.fetchrow(ONE_DELIVERY, tenant_id, endpoint, id_)
    if row is None:
        return None
    attempts = [
        DeliveryAttempt(
            number=each["number"],
            started_at=each["started_at"],
            duration_seconds=each["duration_ms"] / 1000,
            status_code=each["status_code"],
            error=each["error"],
            excerpt=each["excerpt"],
        )
        for each in await connection.fetch(ATTEMPTS, tenant_id, id_)
    ]
    return DeliveryDetail(**delivery_fields(row), attempt_log=attempts, body=row["body"])


async def replay_range(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    endpoint: Any,
    start: datetime,
    end_: datetime,
    kind: ReplayKind,
) -> Replay:
    ends = id_at(start), id_at(end_)
    row = await connection.fetchrow(
        REPLAY_RANGE, tenant_id, endpoint["id"], *ends, endpoint["events"], kind is ReplayKind.all
    )
    made: int = row["made"]
    if made < MOST_REPLAYED:
        return Replay(deliveries=made, is_complete=True, next_from=None)
    # The last of them may be told again: a receiver knows it by its id.
    last = datetime.fromtimestamp(0, tz=start.tzinfo) + timedelta(
        milliseconds=row["last"].int >> 80
    )
    return Replay(deliveries=made, is_complete=False, next_from=last)
