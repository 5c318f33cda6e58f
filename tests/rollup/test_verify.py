"""verify finds what was tampered with, and repair mends it."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Database

from csapi.embedded.postgres import Postgres
from csapi.facts.call import CALLS
from csapi.facts.registry import RECORD_KINDS, SUBJECT_KINDS
from csapi.ingest.examples import EXAMPLES
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.db import SERVER_SETTINGS
from csapi.rollup.repair import repair
from csapi.rollup.sweep import Drainer
from csapi.rollup.verify import Findings, verify_tenant

ZONE = "Asia/Kolkata"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
CALLS_OF_A_DAY = 60


@pytest.fixture
async def filled(
    intake: Intake, worker_pool: asyncpg.Pool, new_tenant: Callable[..., Awaitable[UUID]]
) -> UUID:
    """A tenant with one of everything and a day of calls, rolled up."""
    tenant_id = await new_tenant(ZONE)
    for kind in RECORD_KINDS:
        items = [msgspec.json.encode(item) for item in EXAMPLES[kind.name].values()]
        await ingest_records(intake, tenant_id, kind, items, NOW)
    calls = [
        msgspec.json.encode(
            {
                "source": "pbx",
                "external_id": f"v{number}",
                "queue_entered_at": f"2026-02-03T{number % 24:02}:{number % 60:02}:00Z",
                "wait_seconds": number,
                "outcome": "answered" if number % 3 else "abandoned",
                "customer": f"u{number % 7}",
            }
        )
        for number in range(CALLS_OF_A_DAY)
    ]
    await ingest_records(intake, tenant_id, CALLS, calls, NOW)
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    return tenant_id


async def verified(worker_pool: asyncpg.Pool, tenant_id: UUID) -> Findings:
    findings = Findings()
    async with worker_pool.acquire() as connection:
        await verify_tenant(connection, tenant_id, ZONE, findings)
    return findings


async def test_what_ingest_and_rollup_wrote_is_right(
    filled: UUID, worker_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    findings = await verified(worker_pool, filled)
    assert (findings.mismatches, findings.pending) == (0, 0)
    tables = [kind.table for kind in SUBJECT_KINDS.values()]
    counts = [
        await admin.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", filled)
        for table in tables
    ]
    assert min(counts) > 0, tables
    assert findings.subjects_checked == sum(counts) > 60
    assert findings.buckets_checked > 0


TAMPERING = {
    "a fact's duration": "UPDATE facts SET duration_ms = duration_ms + 1 WHERE tenant_id = $1 "
    "AND kind = 10 AND outcome = 1 AND duration_ms IS NOT NULL",
    "a lost fact": "DELETE FROM facts WHERE tenant_id = $1 AND kind = 2",
    "a gap": "UPDATE facts SET gap_next_ms = 1 WHERE tenant_id = $1 AND kind = 2",
    "a fact of nobody": "INSERT INTO facts (tenant_id, subject, kind, ordinal, resource, outcome, "
    "definition_version, occurred_at) VALUES ($1, gen_random_uuid(), 10, 0, 2, 1, 1, now())",
    "a slot": "UPDATE summaries SET n = n + 1 WHERE tenant_id = $1 AND grain = 1",
    "a day": "UPDATE summaries SET duration_sum = 0 WHERE tenant_id = $1 AND grain = 2",
    "a lost month": "DELETE FROM summaries WHERE tenant_id = $1 AND grain = 3",
    "bins": "UPDATE summaries SET bins = bins[2:] WHERE tenant_id = $1 AND bins IS NOT NULL",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
async def test_tampering_is_found_and_mended(
    filled: UUID, worker_pool: asyncpg.Pool, admin: asyncpg.Connection, statement: str
) -> None:
    await admin.execute(statement, filled)
    findings = await verified(worker_pool, filled)
    assert findings.mismatches > 0
    async with worker_pool.acquire() as connection:
        assert await repair(connection, findings) > 0
    waiting = await verified(worker_pool, filled)
    assert waiting.pending > 0
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    healed = await verified(worker_pool, filled)
    assert (healed.mismatches, healed.pending) == (0, 0)


def run_verify(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "csapi", "verify", "--json", *options],
        env={"CSAPI_DATABASE_URL": url, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


async def test_the_command_says_it_in_json_and_by_exit_code(
    filled: UUID, database: Database, postgres: Postgres
) -> None:
    done = run_verify(database.admin_url)
    report = json.loads(done.stdout)
    assert set(report) == {
        "buckets_checked", "buckets_frozen", "subjects_checked", "audit_entries_checked",
        "pending", "mismatches",
    }  # fmt: skip
    before = report["mismatches"]
    connection = await asyncpg.connect(database.admin_url, server_settings=SERVER_SETTINGS)
    try:
        await connection.execute("DELETE FROM facts WHERE tenant_id = $1 AND kind = 12", filled)
    finally:
        await connection.close()
    tampered = run_verify(database.admin_url, "--repair")
    assert tampered.returncode == 1
    assert json.loads(tampered.stdout)["mismatches"] > before
