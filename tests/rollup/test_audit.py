"""The nightly audit finds what was tampered with, goes through everything, and says so."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from csapi.access.scans import Look
from csapi.access.tenancy import tenant_transaction
from csapi.facts.call import CALLS
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now
from csapi.rollup import audit
from csapi.rollup.audit import Auditor, audit_tenant, next_night
from csapi.rollup.sweep import Drainer

ZONE = "Asia/Kolkata"
NIGHT = datetime(2026, 3, 4, 21, tzinfo=UTC)
CALLS_SENT = 30


@pytest.fixture
async def filled(
    intake: Intake, worker_pool: asyncpg.Pool, new_tenant: Callable[..., Awaitable[UUID]]
) -> UUID:
    """A tenant with a month of calls, rolled up."""
    tenant_id = await new_tenant(ZONE)
    calls = [
        {
            "source": "pbx",
            "external_id": f"v{number}",
            "queue_entered_at": (NIGHT - timedelta(days=number, hours=2)).isoformat(),
            "wait_seconds": number,
            "outcome": "answered",
        }
        for number in range(CALLS_SENT)
    ]
    raw = [msgspec.json.encode(call) for call in calls]
    await ingest_records(intake, tenant_id, CALLS, raw, now())
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    return tenant_id


async def run(pool: asyncpg.Pool, tenant_id: UUID, sql: str, *arguments: object) -> list[Any]:
    async with tenant_transaction(pool, tenant_id) as connection:
        return list(await connection.fetch(sql, tenant_id, *arguments))


async def audits(pool: asyncpg.Pool, tenant_id: UUID) -> list[Any]:
    return await run(pool, tenant_id, "SELECT * FROM audits WHERE tenant_id = $1 ORDER BY id")


async def test_a_clean_tenant_is_clean_night_after_night(
    worker_pool: asyncpg.Pool, filled: UUID
) -> None:
    for night in range(3):
        found = await audit_tenant(worker_pool, Look(filled, ZONE, NIGHT + timedelta(days=night)))
        assert found.mismatches == 0
        assert found.subjects_checked == CALLS_SENT
        assert found.buckets_checked > 0
    kept = await audits(worker_pool, filled)
    assert len(kept) == 3
    assert (kept[0]["first_day"], kept[0]["last_day"]) == (date(2026, 2, 17), date(2026, 3, 4))
    # Each night goes on before the days of the last one, and begins again at the end.
    assert [row["first_day"] for row in kept[1:]] == [date(2026, 2, 3), date(2026, 2, 19)]


async def test_what_was_tampered_with_is_found_and_named(
    worker_pool: asyncpg.Pool, filled: UUID
) -> None:
    (fact,) = await run(
        worker_pool,
        filled,
        "UPDATE facts SET duration_ms = duration_ms + 1 WHERE tenant_id = $1 AND kind = 10 "
        "AND occurred_at = $2 RETURNING subject",
        NIGHT - timedelta(days=1, hours=2),
    )
    found = await audit_tenant(worker_pool, Look(filled, ZONE, NIGHT))
    assert found.mismatches >= 2
    (kept,) = await audits(worker_pool, filled)
    assert kept["mismatches"] == found.mismatches
    examples = msgspec.json.decode(kept["examples"])
    assert {"kind": "call", "name": str(fact["subject"])} in examples
    assert any(each["kind"] == "day bucket" for each in examples)


async def test_a_large_tenant_is_gone_through_part_by_part(
    worker_pool: asyncpg.Pool, filled: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SUBJECTS_PER_NIGHT", 12)
    monkeypatch.setattr(
        "csapi.rollup.parts.NEXT_SUBJECTS",
        "SELECT id FROM {table} WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT 6",
    )
    looked = [
        (await audit_tenant(worker_pool, Look(filled, ZONE, NIGHT))).subjects_checked
        for _ in range(3)
    ]
    assert looked == [12, 12, 6]


async def test_each_tenant_has_its_night(
    worker_pool: asyncpg.Pool, new_tenant: Callable[..., Awaitable[UUID]]
) -> None:
    tenant_id = await new_tenant(ZONE)
    auditor = Auditor(worker_pool)
    await auditor.sweep()
    (mark,) = await run(
        worker_pool, tenant_id, "SELECT due_at FROM scan_marks WHERE tenant_id = $1"
    )
    assert now() < mark["due_at"] <= now() + timedelta(days=1)
    assert mark["due_at"].strftime("%H:%M") == "21:00"
    await run(worker_pool, tenant_id, "UPDATE scan_marks SET due_at = now() WHERE tenant_id = $1")
    await auditor.sweep()
    assert len(await audits(worker_pool, tenant_id)) == 1
    await auditor.sweep()
    assert len(await audits(worker_pool, tenant_id)) == 1


def test_a_night_that_is_skipped_by_the_clock_has_its_turn() -> None:
    """In New York half past two does not come on March 8, 2026."""
    before = datetime(2026, 3, 8, 5, tzinfo=UTC)
    assert before < next_night("America/New_York", before) < before + timedelta(hours=3)
