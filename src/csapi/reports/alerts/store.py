"""Alerts and their events in tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.reports.alerts.detector import Finding
from csapi.reports.alerts.schemas import (
    MOST_ALERTS,
    MOST_EVENTS_KEPT,
    AlertEvent,
    AlertFinding,
    AlertRequest,
    AlertState,
    SavedAlert,
    StoredEvent,
)
from csapi.reports.alerts.steps import Step, step

COLUMNS = (
    "id, content::text AS content, looked_at, finding::text AS finding, created_at, updated_at"
)
LIST = f"SELECT {COLUMNS} FROM alerts WHERE tenant_id = $1 ORDER BY id DESC"
ONE = f"SELECT {COLUMNS} FROM alerts WHERE tenant_id = $1 AND id = $2"
ADD = f"""
INSERT INTO alerts (tenant_id, content) SELECT $1, $2::text::json
WHERE (SELECT count(*) FROM alerts WHERE tenant_id = $1) < {MOST_ALERTS}
RETURNING {COLUMNS}"""
REPLACE = f"""
UPDATE alerts SET content = $3::text::json, looked_at = NULL, finding = NULL,
  updated_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2 RETURNING {COLUMNS}"""
DROP = "DELETE FROM alerts WHERE tenant_id = $1 AND id = $2 RETURNING id"
DROP_EVENTS = "DELETE FROM alert_events WHERE tenant_id = $1 AND alert = $2"
# What went on under another definition is over.
END_EVENTS = """
UPDATE alert_events SET is_over = true,
  resolved_at = coalesce(resolved_at, clock_timestamp()), state = 'resolved'
WHERE tenant_id = $1 AND alert = $2 AND NOT is_over"""

EVENT = (
    "id, alert, content::text AS content, state, is_over, note, fired_at, last_seen_at, "
    "acknowledged_at, resolved_at"
)
EVENTS = f"""
SELECT {EVENT} FROM alert_events
WHERE tenant_id = $1 AND ($2::uuid IS NULL OR alert = $2) AND ($3::text IS NULL OR state = $3)
  AND ($4::uuid IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5"""
ONE_EVENT = f"SELECT {EVENT} FROM alert_events WHERE tenant_id = $1 AND id = $2"
LOCK_EVENT = f"{ONE_EVENT} FOR UPDATE"
CHANGE_EVENT = f"""
UPDATE alert_events SET state = $3, note = $4,
  acknowledged_at = CASE WHEN $3::text = 'open' THEN NULL
    ELSE coalesce(acknowledged_at, clock_timestamp()) END,
  resolved_at = CASE WHEN $3::text = 'resolved'
    THEN coalesce(resolved_at, clock_timestamp()) END
WHERE tenant_id = $1 AND id = $2 RETURNING {EVENT}"""

# The alert's row first: so that none is added to one that is being deleted or replaced.
KEEP_LOOK = """
UPDATE alerts SET looked_at = $4, finding = $5::text::json
WHERE tenant_id = $1 AND id = $2 AND updated_at = $3
RETURNING id, old.finding::text AS before"""
UNDER_WAY = """
SELECT id, quiet FROM alert_events WHERE tenant_id = $1 AND alert = $2 AND NOT is_over
ORDER BY id DESC LIMIT 1"""
FIRE = """
INSERT INTO alert_events (tenant_id, alert, bucket, content, fired_at, last_seen_at)
VALUES ($1, $2, $3, $4::text::json, $5, $5)
ON CONFLICT (tenant_id, alert, bucket) DO NOTHING"""
GO_ON = "UPDATE alert_events SET quiet = 0, last_seen_at = $3 WHERE tenant_id = $1 AND id = $2"
WAIT = "UPDATE alert_events SET quiet = quiet + 1 WHERE tenant_id = $1 AND id = $2"
END = """
UPDATE alert_events SET quiet = quiet + 1, is_over = true, state = 'resolved',
  resolved_at = coalesce(resolved_at, $3)
WHERE tenant_id = $1 AND id = $2"""
DROP_OLDEST = f"""
DELETE FROM alert_events WHERE tenant_id = $1 AND alert = $2 AND is_over AND id <= (
  SELECT id FROM alert_events WHERE tenant_id = $1 AND alert = $2
  ORDER BY id DESC OFFSET {MOST_EVENTS_KEPT} LIMIT 1)"""


def request_of(row: Any) -> AlertRequest:
    return msgspec.json.decode(row["content"], type=AlertRequest)


def alert_of(row: Any) -> SavedAlert:
    finding = row["finding"]
    return SavedAlert(
        id=str(row["id"]),
        alert=request_of(row),
        looked_at=row["looked_at"],
        finding=None if finding is None else msgspec.json.decode(finding, type=AlertFinding),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def event_of(row: Any) -> AlertEvent:
    kept = msgspec.json.decode(row["content"], type=StoredEvent)
    return AlertEvent(
        id=str(row["id"]),
        alert_id=str(row["alert"]),
        name=kept.name,
        kind=kept.kind,
        finding=kept.finding,
        state=AlertState(row["state"]),
        is_over=row["is_over"],
        note=row["note"],
        fired_at=row["fired_at"],
        last_seen_at=row["last_seen_at"],
        acknowledged_at=row["acknowledged_at"],
        resolved_at=row["resolved_at"],
    )


def text_of(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def keep_look(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    row: Any,
    found: AlertFinding,
    now: datetime,
) -> Step:
    """Write what a look found, and what that does to the event under way. Nothing where the alert
    is another by now; looking twice at a bucket brings no event nearer to its end."""
    place = tenant_id, row["id"]
    kept = await connection.fetchrow(KEEP_LOOK, *place, row["updated_at"], now, text_of(found))
    if kept is None:
        return Step.nothing
    before = kept["before"]
    is_again = before is not None and (
        msgspec.json.decode(before, type=AlertFinding).end >= found.end
    )
    under_way = await connection.fetchrow(UNDER_WAY, *place)
    done = step(
        Finding(is_out=found.is_out, reason=found.reason),
        None if under_way is None else under_way["quiet"],
    )
    if done is Step.fire:
        alert = request_of(row)
        event = StoredEvent(name=alert.name, kind=alert.kind, finding=found)
        await connection.execute(FIRE, *place, found.start, text_of(event), now)
        await connection.execute(DROP_OLDEST, *place)
    elif done is Step.go_on:
        await connection.execute(GO_ON, tenant_id, under_way["id"], now)
    elif is_again:
        return Step.nothing
    elif done is Step.wait:
        await connection.execute(WAIT, tenant_id, under_way["id"])
    elif done is Step.end:
        await connection.execute(END, tenant_id, under_way["id"], now)
    return done
