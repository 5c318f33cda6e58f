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

from csapi.access.audit import Actor, audited
from csapi.access.audit_actions import ActorKind, AuditAction
from csapi.access.tenancy import tenant_transaction
from csapi.embedded.postgres import Postgres
from csapi.facts.call import CALLS
from csapi.facts.registry import RECORD_KINDS, SUBJECT_KINDS
from csapi.ingest.examples import EXAMPLES
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.db import SERVER_SETTINGS
from csapi.rollup.audit import Auditor
from csapi.rollup.repair import repair
from csapi.rollup.sweep import Drainer
from csapi.rollup.verify import Findings, verify_tenant
from csapi.rollup.wrongs import wrongs_of

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
    return run_csapi(url, "verify", "--json", *options)


def run_csapi(url: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "csapi", *words],
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


# What is broken, and what repair calls it.
BROKEN = {
    "UPDATE summaries SET n = n + 1 WHERE tenant_id = $1 AND grain = 2 AND cuboid = 4": "channel",
    "DELETE FROM summaries WHERE tenant_id = $1 AND grain = 3 AND cuboid = 1": "total",
    "UPDATE facts SET value = 99 WHERE tenant_id = $1 AND kind = 21": "fact csat",
    TAMPERING["a fact of nobody"]: "fact call",
    "UPDATE calls SET wait_ms = 12000 WHERE tenant_id = $1 AND external_id = 'v7'": "fact call",
}


async def test_repair_says_what_was_wrong_and_mends_it(
    filled: UUID, database: Database, worker_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    for statement in BROKEN:
        await admin.execute(statement, filled)
    dry = run_csapi(database.worker_url, "repair", "--dry-run", "--json")
    assert dry.returncode == 1, dry.stderr
    report = json.loads(dry.stdout)
    wrong = [each for each in report["wrong"] if each["tenant_id"] == str(filled)]
    assert set(BROKEN.values()) <= {each["part"] for each in wrong}
    # A stale subject: what is stored of it is from before.
    stale = {"was": "duration_ms=7000", "should": "duration_ms=12000"}
    assert any(stale.items() <= each.items() for each in wrong)
    assert any(each["should"] == "nothing" and each["part"] == "fact call" for each in wrong)
    assert any(each["was"] == "nothing" and each["part"] == "total" for each in wrong)
    assert report["mismatches_left"] > 0
    assert (await verified(worker_pool, filled)).mismatches > 0

    mended = run_csapi(database.worker_url, "repair")
    assert mended.returncode == 0, mended.stdout
    assert "should be" in mended.stdout.splitlines()[0]
    assert "left after mending: 0" in mended.stdout
    healed = await verified(worker_pool, filled)
    assert (healed.mismatches, healed.pending) == (0, 0)


async def test_a_changed_audit_log_is_found(
    filled: UUID, worker_pool: asyncpg.Pool, api_pool: asyncpg.Pool, admin: asyncpg.Connection
) -> None:
    async with tenant_transaction(api_pool, filled) as connection:
        for days in (100, 200):
            actor = Actor(filled, ActorKind.operator)
            await audited(connection, actor, AuditAction.retention_changed, keep_days=days)
    findings = await verified(worker_pool, filled)
    assert (findings.entries_checked > 1, findings.flaws) == (True, {})
    auditor = Auditor(worker_pool)
    await auditor.sweep()
    change = "UPDATE audit_log SET details = '{}' WHERE tenant_id = $1 AND sequence = $2"
    await admin.execute(change, filled, findings.entries_checked)
    found = await verified(worker_pool, filled)
    assert found.mismatches == 1
    assert found.flaws[filled].reason == "changed"
    async with worker_pool.acquire() as connection:
        (wrong,) = await wrongs_of(connection, filled, ZONE, found)
    assert (wrong.where, wrong.was) == ("audit log", f"entry {findings.entries_checked} is changed")

    await admin.execute("UPDATE scan_marks SET due_at = now() WHERE tenant_id = $1", filled)
    await auditor.sweep()
    samples = {each.name + each.labels: each.value for each in await auditor.told()}
    assert samples["csapi_summary_mismatches_total"] == 1
    assert samples['csapi_audit_checked_total{what="tenant"}'] == 1
    assert samples['csapi_audit_checked_total{what="audit_entry"}'] > 0
    kept = await admin.fetchval("SELECT examples FROM audits WHERE tenant_id = $1", filled)
    assert "audit log" in kept
