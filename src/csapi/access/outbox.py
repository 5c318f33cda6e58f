"""What happened, for those who want to be told: written where it happens, delivered by webhooks.

`emit` is the one way in. It writes in the caller's transaction, so that what is told has happened,
and what has happened is told. Where no endpoint wants the type it writes nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.happenings import (
    DriverReferred,
    ExportReady,
    GoalDrifting,
    IssueFound,
    ReportRunReady,
    SlaAtRisk,
    WebhookTest,
)
from csapi.kit.clock import now

MOST_WEBHOOKS = 20
MOST_REPLAYED = 10_000
MOST_DELIVERY_ATTEMPTS = 10
LOG_DAYS = 30


class WebhookEvent(StrEnum):
    """What an endpoint can be told. A type that you do not know is none that you asked for."""

    report_run_ready = "report_run.ready"
    export_ready = "export.ready"
    driver_referred = "driver.referred"
    sla_at_risk = "sla.at_risk"
    issue_found = "issue.found"
    goal_drifting = "goal.drifting"
    webhook_test = "webhook.test"


Happening = (
    ReportRunReady
    | ExportReady
    | DriverReferred
    | SlaAtRisk
    | IssueFound
    | GoalDrifting
    | WebhookTest
)
DATA: Mapping[WebhookEvent, type[Happening]] = MappingProxyType(
    {
        WebhookEvent.report_run_ready: ReportRunReady,
        WebhookEvent.export_ready: ExportReady,
        WebhookEvent.driver_referred: DriverReferred,
        WebhookEvent.sla_at_risk: SlaAtRisk,
        WebhookEvent.issue_found: IssueFound,
        WebhookEvent.goal_drifting: GoalDrifting,
        WebhookEvent.webhook_test: WebhookTest,
    }
)
TYPES = MappingProxyType({struct: type_ for type_, struct in DATA.items()})

# To every endpoint that wants the type, or to $6 alone. A name that was used is used.
EMIT = """
WITH wanted AS MATERIALIZED (
  SELECT id, is_enabled FROM webhook_endpoints
  WHERE tenant_id = $1 AND ($6::uuid = id OR $6::uuid IS NULL AND $2 = ANY(events))
), event AS (
  INSERT INTO webhook_events (tenant_id, type, once, body)
  SELECT $1, $2, $4::text, $3::text WHERE EXISTS (SELECT FROM wanted)
  ON CONFLICT (tenant_id, type, once) DO NOTHING
  RETURNING id
), made AS (
  INSERT INTO webhook_deliveries (tenant_id, endpoint, event, is_replay, next_attempt_at)
  SELECT $1, w.id, e.id, false, $5 FROM wanted w CROSS JOIN event e WHERE w.is_enabled
  RETURNING endpoint, id
), marked AS (
  INSERT INTO webhook_marks (tenant_id, endpoint, delivery, due_at)
  SELECT $1, endpoint, id, $5 FROM made
)
SELECT id FROM made LIMIT 1"""


TOLD = """
SELECT once FROM webhook_events WHERE tenant_id = $1 AND type = $2 AND once = ANY($3::text[])"""


async def told(
    connection: asyncpg.Connection, tenant_id: UUID, type_: WebhookEvent, names: Iterable[str]
) -> set[str]:
    """Those of the names under which something was told."""
    rows = await connection.fetch(TOLD, tenant_id, type_.value, list(names))
    return {row["once"] for row in rows}


def body_of_event(data: Happening, at: datetime) -> str:
    """The text that is signed and sent, the same at each attempt."""
    told = {"type": TYPES[type(data)], "timestamp": at, "data": data}
    return msgspec.json.encode(told).decode()


async def emit(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    data: Happening,
    *,
    once: str | None = None,
    to: UUID | None = None,
) -> UUID | None:
    """Tell every endpoint of the tenant that wants it, when the transaction of the caller commits.

    `once`: what has this name is told once in the 30 days that events are kept, however often it
    is emitted. `to`: one endpoint alone. The id of a delivery, None where nobody is told.
    """
    at = now()
    found: UUID | None = await connection.fetchval(
        EMIT, tenant_id, TYPES[type(data)].value, body_of_event(data, at), once, at, to
    )
    return found
