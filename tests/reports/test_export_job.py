"""The worker's part of exports: stopped, taken over, cancelled, too large, expired."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from csapi.access.tenancy import tenant_transaction
from csapi.facts.call import CALLS
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now
from csapi.reports.exports import job, store
from csapi.reports.exports.endpoints import ADD
from csapi.reports.exports.job import Exporter
from csapi.reports.exports.store import Progress, SupersededError

NUMBER = 120
RECORDS = '{"format": "ndjson", "records": {"resource": "calls"}}'
GONE = (
    '{"format": "csv", "query": {"metrics": [{"id": "custom.gone"}], '
    '"time": {"range": {"preset": "today"}}}}'
)


class Bench:
    """A tenant with calls, and an exporter with short leases and small pieces."""

    def __init__(self, api: asyncpg.Pool, worker: asyncpg.Pool, tenant_id: UUID) -> None:
        self.api, self.worker, self.tenant_id = api, worker, tenant_id
        self.exporter = self.another()

    def another(self, **how: Any) -> Exporter:
        settings = {"lease_seconds": 0.6, "chunk_bytes": 4_000, **how}
        return Exporter(self.worker, live_slots_max=1_000, **settings)

    async def ask(self, request: str = RECORDS) -> UUID:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            of_all = '"tenant_data":true' in request
            row = await connection.fetchrow(ADD, self.tenant_id, request, b"s" * 32, of_all)
        found: UUID = row["id"]
        return found

    async def row(self, export: UUID) -> Any:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            return await connection.fetchrow(
                "SELECT *, problem::text AS told FROM exports WHERE tenant_id = $1 AND id = $2",
                self.tenant_id,
                export,
            )

    async def content(self, export: UUID) -> bytes:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT content FROM export_chunks WHERE tenant_id = $1 AND export = $2 "
                "ORDER BY number",
                self.tenant_id,
                export,
            )
        return b"".join(row["content"] for row in rows)

    async def check_file(self, export: UUID) -> None:
        content, row = await self.content(export), await self.row(export)
        names = sorted(json.loads(line)["external_id"] for line in content.splitlines())
        assert names == sorted(f"c{number}" for number in range(NUMBER))
        assert (row["status"], row["rows"], row["rows_total"]) == ("done", NUMBER, NUMBER)
        assert row["bytes"] == len(content)


@pytest.fixture
async def bench(
    api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, intake: Intake, tenant_id: UUID
) -> Bench:
    raw = [
        json.dumps(
            {"source": "s", "external_id": f"c{n}", "queue_entered_at": "2026-01-05T10:00:00Z"}
        ).encode()
        for n in range(NUMBER)
    ]
    await ingest_records(intake, tenant_id, CALLS, raw, now(), is_batch=True)
    return Bench(api_pool, worker_pool, tenant_id)


class Pause:
    """Stops writing before the third piece."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.calls = 0
        monkeypatch.setattr(job, "advance", self.advance)

    async def advance(self, *arguments: Any) -> None:
        self.calls += 1
        if self.calls == 3:
            self.reached.set()
            await self.go_on.wait()
        await store.advance(*arguments)


async def settled(check: Callable[[], Awaitable[object]]) -> None:
    for _ in range(100):
        if await check():
            return
        await asyncio.sleep(0.1)
    raise AssertionError


async def test_a_worker_that_is_killed_half_way_starts_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause(monkeypatch)
    export = await bench.ask()
    first = asyncio.create_task(bench.exporter.sweep())
    await pause.reached.wait()
    row = await bench.row(export)
    assert (row["status"], 0 < row["rows"] < NUMBER) == ("running", True)
    # It keeps its lease while it lives, however slow it is.
    await asyncio.sleep(1)
    assert await bench.another().sweep() == 0
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (await bench.row(export))["status"] == "running"
    await settled(bench.another().sweep)
    await bench.check_file(export)
    assert (await bench.row(export))["attempt"] == 2


async def test_who_has_lost_an_export_writes_no_more(bench: Bench) -> None:
    export = await bench.ask()
    place = (bench.worker, bench.tenant_id, export)
    old = await store.claim(*place, 0.0)
    new = await store.claim(*place, 30.0)
    assert old is not None
    assert new is not None
    assert await store.claim(*place, 30.0) is None
    assert not await store.renew(bench.worker, old, 30.0)
    with pytest.raises(SupersededError):
        async with tenant_transaction(bench.worker, bench.tenant_id) as connection:
            await store.advance(connection, old, 0, b"old", Progress(1, 1, 3))
    with pytest.raises(SupersededError):
        async with tenant_transaction(bench.worker, bench.tenant_id) as connection:
            await store.end(connection, old, "done")
    assert await bench.content(export) == b""
    assert await store.renew(bench.worker, new, 0.0)
    await settled(bench.exporter.sweep)
    await bench.check_file(export)


async def test_what_is_stopped_again_and_again_fails(bench: Bench) -> None:
    export = await bench.ask()
    for _ in range(store.MOST_ATTEMPTS):
        assert await store.claim(bench.worker, bench.tenant_id, export, 0.0) is not None
    await settled(bench.exporter.sweep)
    row = await bench.row(export)
    assert row["status"] == "failed"
    assert json.loads(row["told"])["code"] == "internal_error"


async def test_a_cancelled_export_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause = Pause(monkeypatch)
    export = await bench.ask()
    working = asyncio.create_task(bench.exporter.sweep())
    await pause.reached.wait()
    async with tenant_transaction(bench.api, bench.tenant_id) as connection:
        assert await store.remove(connection, bench.tenant_id, export)
    await working
    assert await bench.row(export) is None
    assert await bench.content(export) == b""


@pytest.mark.parametrize(
    ("request_", "most_bytes", "code"),
    [
        (RECORDS, 10_000, "range_too_long"),
        (GONE, 10_000, "unknown_metric"),
    ],
)
async def test_what_fails_says_why_and_expires_like_the_others(
    bench: Bench, admin: asyncpg.Connection, request_: str, most_bytes: int, code: str
) -> None:
    export = await bench.ask(request_)
    await settled(bench.another(most_bytes=most_bytes).sweep)
    row = await bench.row(export)
    assert (row["status"], json.loads(row["told"])["code"]) == ("failed", code)
    assert row["expires_at"] is not None
    assert await bench.content(export) == b""
    assert await bench.exporter.sweep() == 0
    await admin.execute("UPDATE export_marks SET due_at = now() WHERE export = $1", export)
    await bench.exporter.sweep()
    assert await bench.row(export) is None
    left = await admin.fetchval("SELECT count(*) FROM export_marks WHERE export = $1", export)
    assert left == 0


async def test_a_tenant_has_one_turn_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other place of a process is for others."""
    pause = Pause(monkeypatch)
    one = await bench.ask()
    working = asyncio.create_task(bench.exporter.sweep())
    await pause.reached.wait()
    other = await bench.ask()
    assert await bench.exporter.sweep() == 0
    assert (await bench.row(other))["status"] == "queued"
    pause.go_on.set()
    assert await working == 2
    await bench.check_file(one)
    await bench.check_file(other)
