"""Spans, as a collector gets them over HTTP: of requests, jobs and their statements."""

import logging
import sys
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from tests.access.served import ALL_SCOPES
from tests.conftest import Database
from tests.kit.collector import Collector, attributes_of, collecting

from csapi.access.service import create_key, create_tenant
from csapi.app import create_app, lifespan
from csapi.kit.db import StartupError, acquire, open_pool
from csapi.kit.http import Edge
from csapi.kit.jobs import Jobs
from csapi.kit.settings import Settings
from csapi.kit.spans import Spans, closing, note_statement, open_spans, summary_of

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.sdk", reason="needs csapi[otel]")
    with collecting() as one:
        yield one


@pytest.mark.parametrize(
    ("query", "summary"),
    [
        ("SELECT a FROM facts WHERE x = 'FROM secrets'", "SELECT facts"),
        ("\nWITH x AS (SELECT FROM csapi.marks) DELETE", "WITH marks"),
        ("BEGIN; SET LOCAL csapi.tenant_id = '0199-canary'", "BEGIN"),
        ("INSERT INTO calls (a) VALUES ($1)", "INSERT calls"),
        ("/* why */ UPDATE tickets SET a = 'it''s FROM x'", "UPDATE tickets"),
        ("", "OTHER"),
    ],
)
def test_a_statement_is_named_by_what_it_is(query: str, summary: str) -> None:
    assert summary_of(query) == summary


async def test_a_request_is_a_span_with_its_statements(
    database: Database, collector: Collector
) -> None:
    settings = Settings(database_url=database.api_url, otlp_endpoint=collector.url)
    app = create_app(settings)
    edge = Edge(app, app.state.telemetry, app.state.spans)
    async with lifespan(settings, app):
        async with acquire(app.state.pool) as connection:
            tenant_id = await create_tenant(connection, "Canary Ltd", "UTC")
            key = (await create_key(connection, tenant_id, "canary", ALL_SCOPES)).token
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(edge),
            base_url="http://test",
            headers={"Authorization": f"Bearer {key}", "traceparent": CALLER},
        ) as client:
            call = {"id": "canary-1", "started_at": "2026-11-02T09:00:00Z", "outcome": "abandoned"}
            answer = await client.post("/v1/calls/batch", json=[call])
            assert answer.status_code == 200, answer.text
            assert (await client.get("/v1/canary", params={"q": "canary"})).status_code == 404
            unsampled = CALLER[:-1] + "0"
            await client.get("/v1/goals", headers={"traceparent": unsampled})
    (span,) = collector.named("ingestCallsBatch")
    assert collector.services == {"csapi-api"}
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == tuple(CALLER.split("-")[1:3])
    told = attributes_of(span)
    assert told["csapi.statements"] >= 3
    assert told == {
        "http.request.method": "POST",
        "http.route": "/v1/calls/batch",
        "http.response.status_code": 200,
        "csapi.request_id": answer.headers["X-Request-Id"],
        "csapi.statements": told["csapi.statements"],
    }
    statements = [each for each in collector.spans if each.parent_span_id == span.span_id]
    assert len(statements) == told["csapi.statements"]
    assert {"INSERT", "WITH", "SELECT"} & {each.name.split()[0] for each in statements}
    for each in statements:
        assert attributes_of(each) == {
            "db.system.name": "postgresql",
            "db.query.summary": each.name,
        }
        assert each.start_time_unix_nano <= each.end_time_unix_nano
    assert len(collector.named("none")) == 1
    assert not collector.named("listGoals")
    for secret in (b"canary", b"Canary", key.encode(), str(tenant_id).encode()):
        assert secret not in collector.bytes_seen


async def test_a_job_is_told_if_it_did_something(database: Database, collector: Collector) -> None:
    jobs = Jobs()
    spans = jobs.spans = open_spans(collector.url, "worker")
    pool = await open_pool(
        database.worker_url, size=1, statement_timeout_ms=5_000, note=note_statement
    )

    async def look() -> int:
        async with acquire(pool) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM (SELECT 1) AS one"))

    async def idle() -> int:
        return await look() - 1

    async def fail() -> int:
        async with acquire(pool) as connection:
            await connection.execute("SELECT 1 / 0")
        return 1

    async with closing(spans):
        assert await jobs.run("drain", look) == 1
        await jobs.run("export", idle)
        with pytest.raises(asyncpg.DivisionByZeroError):
            await jobs.run("audit", fail)
    await pool.close()
    roots = {each.name: each for each in collector.spans if not each.parent_span_id}
    assert set(roots) == {"drain", "audit"}
    assert attributes_of(roots["drain"]) == {"csapi.done": 1, "csapi.statements": 1}
    assert roots["audit"].status.code == 2
    assert len(collector.spans) == 4


async def test_a_collector_that_is_away_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="needs csapi[otel]")
    caplog.set_level(logging.CRITICAL)
    spans = Spans("http://127.0.0.1:1", "api")
    spans.begin(None, is_request=True).drop()
    async with closing(spans):
        pass


def test_without_an_endpoint_nothing_is_imported_and_without_the_extra_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert open_spans(None, "api") is None
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(StartupError, match="csapi\\[otel\\]"):
        open_spans("http://127.0.0.1:4318", "api")
