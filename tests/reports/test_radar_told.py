"""What the radar finds is told in the night, once each."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from tests.sla.test_at_risk_told import endpoint, told

from csapi.access.outbox import WebhookEvent
from csapi.access.scans import Look
from csapi.facts.ticket import TICKETS
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now
from csapi.reports.radar.told import next_look, tell_issues

FIRST, NEW_ON, END = date(2026, 1, 12), date(2026, 3, 25), date(2026, 3, 30)
NIGHT = datetime(2026, 3, 30, 5, tzinfo=UTC)


def tickets() -> Iterator[dict[str, Any]]:
    day = FIRST
    while day < END:
        for topic, count in (("refund", 2), ("customs", 4 if day >= NEW_ON else 0)):
            for number in range(count):
                name = f"{topic}-{day}-{number}"
                yield {
                    "source": "s", "external_id": name, "created_at": f"{day}T09:00:00Z",
                    "topic": topic, "customer": name, "initiated_by": "customer",
                }  # fmt: skip
        day += timedelta(days=1)


async def test_a_new_topic_is_told_once(
    api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID, intake: Intake
) -> None:
    await endpoint(api_pool, tenant_id, WebhookEvent.issue_found)
    raw = [msgspec.json.encode(each) for each in tickets()]
    await ingest_records(intake, tenant_id, TICKETS, raw, now())
    look = Look(tenant_id, "UTC", NIGHT)
    assert await tell_issues(worker_pool, look, 20_000) == 1
    assert await tell_issues(worker_pool, Look(tenant_id, "UTC", NIGHT), 20_000) == 0
    (found,) = await told(api_pool, tenant_id)
    assert (found["kind"], found["topic"], found["term"]) == ("first_seen", "customs", None)
    assert (found["count"], found["customers"]) == (20, 20)
    assert found["first_seen_at"] == "2026-03-25T09:00:00Z"
    assert found["path"] == f"/v1/drivers/{found['driver_id']}"


def test_the_night_is_that_of_the_zone() -> None:
    assert next_look("UTC", NIGHT) == NIGHT + timedelta(days=1)
    assert next_look("UTC", NIGHT - timedelta(seconds=1)) == NIGHT
    assert next_look("Asia/Riyadh", NIGHT) == datetime(2026, 3, 31, 2, tzinfo=UTC)
