"""Backups of a server that is being written to, and what is found when they are restored."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import FAST, Database

from csapi.embedded.backup import Backup, restored, without_secret
from csapi.embedded.binaries import postgres_folder
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress
from csapi.facts.call import CALLS
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.db import SERVER_SETTINGS
from csapi.kit.migrate import migrate
from csapi.rollup.sweep import Drainer
from csapi.rollup.verify import Findings, verify_tenant

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Of a server of its own: a backup takes along whatever other tests have left in theirs."""
    server = Postgres(tmp_path_factory.mktemp("backed-up"), settings=FAST)
    server.start()
    secrets = server.layout.credentials()
    asyncio.run(migrate(server.admin_url, api_password=secrets.api, worker_password=secrets.worker))
    name = urlsplit(server.admin_url).path[1:]
    yield Database(name, server.admin_url, server.api_url, server.worker_url)
    server.stop(hard=True)


async def csapi(*words: str, **environment: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "csapi", *words,
        env=kept | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode or 0, out.decode(), err.decode()


class Load:
    """Writes one call after the other, and remembers those that were acknowledged."""

    def __init__(self, intake: Intake, tenant_id: UUID) -> None:
        self._intake, self._tenant_id = intake, tenant_id
        self.acknowledged = 0
        self.is_over = False

    async def write(self) -> None:
        number = self.acknowledged
        call = {
            "source": "pbx", "external_id": f"c{number:06}", "wait_seconds": number % 60,
            "queue_entered_at": f"2026-02-{1 + number % 28:02}T10:{number % 60:02}:00Z",
        }  # fmt: skip
        raw = [msgspec.json.encode(call)]
        (outcome,) = await ingest_records(self._intake, self._tenant_id, CALLS, raw, NOW)
        assert outcome.status == "created"
        self.acknowledged += 1

    async def run(self) -> None:
        while not self.is_over:
            await self.write()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(load: Load, drainer: Drainer) -> AsyncIterator[None]:
    async def drain() -> None:
        while not load.is_over:
            await drainer.drain()
            await asyncio.sleep(0.2)

    tasks = [asyncio.create_task(load.run()), asyncio.create_task(drain())]
    try:
        yield
    finally:
        load.is_over = True
        await asyncio.gather(*tasks)


async def found_in(url: str, tenant_id: UUID) -> tuple[list[str], Findings]:
    """The calls of a restored copy, and what verify finds there."""
    connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
    try:
        rows = await connection.fetch(
            "SELECT external_id FROM calls WHERE tenant_id = $1 ORDER BY 1", tenant_id
        )
        findings = Findings()
        await connection.execute("SET ROLE csapi_worker")
        await verify_tenant(connection, tenant_id, "UTC", findings)
    finally:
        await connection.close()
    return [row[0] for row in rows], findings


@pytest.mark.harden
async def test_what_was_acknowledged_is_in_the_backup(
    database: Database,
    intake: Intake,
    worker_pool: asyncpg.Pool,
    tenant_id: UUID,
    admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    load = Load(intake, tenant_id)
    for _ in range(20):
        await load.write()
    target, wal = tmp_path / "backup", tmp_path / "wal"
    wal.mkdir()
    url, password = without_secret(database.admin_url)
    # Without a slot the server may drop what the archive does not have yet.
    await admin.execute("SELECT pg_create_physical_replication_slot('archive', true)")
    archiver = await asyncio.create_subprocess_exec(
        postgres_folder(None) / "pg_receivewal", f"--dbname={url}", f"--directory={wal}",
        "--no-password", "--synchronous", "--slot=archive", stderr=subprocess.DEVNULL,
        env={"PGPASSWORD": password or "", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        async with running(load, Drainer(worker_pool, settled_seconds=0, rested=False)):
            before = load.acknowledged
            code, out, err = await csapi(
                "backup", "--to", str(target), CSAPI_BACKUP_URL=database.admin_url
            )
            assert (code, "verified" in out) == (0, True), err
            during = load.acknowledged
        for _ in range(10):
            await load.write()
        written = await admin.fetchval("SELECT pg_current_wal_flush_lsn()")
        await reached(admin, written)
    finally:
        archiver.send_signal(signal.SIGINT)
        await archiver.wait()
        await admin.execute("SELECT pg_drop_replication_slot('archive')")
    assert before < during < load.acknowledged
    everything = [f"c{number:06}" for number in range(load.acknowledged)]

    with restored(Backup(target), tmp_path / "one", Progress()) as copy:
        calls, findings = await found_in(copy.url(), tenant_id)
    # Nothing is missing between: all that came before the end of the backup.
    assert calls == everything[: len(calls)]
    assert len(calls) >= before
    assert findings.mismatches == 0
    assert not (tmp_path / "one").exists()

    with restored(Backup(target), tmp_path / "two", Progress(), wal=wal) as copy:
        calls, findings = await found_in(copy.url(), tenant_id)
    assert calls == everything
    assert findings.mismatches == 0


async def reached(admin: asyncpg.Connection, written: int) -> None:
    """Wait until an archive has it."""
    sql = "SELECT application_name, state, flush_lsn FROM pg_stat_replication"
    for _ in range(400):
        rows = await admin.fetch(sql)
        if any((row["flush_lsn"] or 0) >= written for row in rows):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(rows, written)


async def test_a_drill_says_what_it_found(
    database: Database,
    intake: Intake,
    worker_pool: asyncpg.Pool,
    tenant_id: UUID,
    admin: asyncpg.Connection,
    tmp_path: Path,
) -> None:
    load = Load(intake, tenant_id)
    for _ in range(20):
        await load.write()
    await Drainer(worker_pool, settled_seconds=0, rested=False).drain()
    target, scratch = str(tmp_path / "backup"), tmp_path / "scratch"
    scratch.mkdir()
    code, _, err = await csapi("backup", "--to", target, "--url", database.admin_url)
    assert code == 0, err
    code, out, err = await csapi("drill", "--backup", target, "--scratch", str(scratch), "--json")
    assert code == 0, err + out
    report = json.loads(out)
    assert report["is_right"] is True
    assert report["mismatches"] == 0 < report["subjects_checked"]
    assert set(report["catalog"].values()) == {0}
    assert report["schema_revision"] == await admin.fetchval(
        "SELECT version_num FROM alembic_version"
    )
    assert list(scratch.iterdir()) == []

    code, _, err = await csapi("backup", "--to", target, "--url", database.admin_url)
    assert (code, "is not empty" in err) == (1, True)
    (tmp_path / "backup" / "cluster" / "PG_VERSION").write_text("19\n")
    code, _, err = await csapi("drill", "--backup", target)
    assert (code, "PG_VERSION was changed" in err) == (1, True)
    with pytest.raises(EmbeddedError, match="is no backup"):
        Backup(tmp_path).manifest()

    await admin.execute("DELETE FROM facts WHERE tenant_id = $1", tenant_id)
    code, out, err = await csapi(
        "drill", "--scratch", str(scratch), CSAPI_BACKUP_URL=database.admin_url
    )
    assert code == 1, err
    assert f"wrong facts: tenant {tenant_id} call" in out
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "plain", "password"),
    [
        ("postgresql://u:p%40ss@h:5432/db", "postgresql://u@h:5432/db", "p@ss"),
        ("postgresql://u:x@/db?host=/tmp/s", "postgresql://u@/db?host=/tmp/s", "x"),
        ("postgresql://u@/db?host=/s&password=y", "postgresql://u@/db?host=/s", "y"),
        ("postgresql:///db", "postgresql:///db", None),
    ],
)
def test_no_process_list_shows_a_password(url: str, plain: str, password: str | None) -> None:
    assert without_secret(url) == (plain, password)
