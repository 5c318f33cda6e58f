"""/metrics: what Prometheus reads, and what it never sees."""

import platform
import re
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from tests.access.served import Served, served
from tests.conftest import Database

from csapi import __version__
from csapi.app import ALL_OPERATIONS
from csapi.kit.db import StartupError
from csapi.kit.jobs import Jobs, jobs
from csapi.kit.problem_types import PROBLEMS
from csapi.kit.telemetry import BOUNDS, Telemetry, telling
from csapi.rollup.audit import Auditor
from csapi.rollup.behind import QUEUES, Heartbeat, behind_of

ROOT = Path(__file__).resolve().parents[2]
LINE = re.compile(r'[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [0-9.e+-]+')


def free_ports() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def told(port: int) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert line.startswith("# ") or LINE.fullmatch(line), line
    return answer.text


@pytest.fixture
async def told_by(database: Database) -> AsyncIterator[tuple[Served, int]]:
    port = free_ports()
    async with served(database, metrics_port=port, budget_key_read=3) as one:
        yield one, port


async def test_requests_are_counted_by_operation_and_never_by_tenant(
    told_by: tuple[Served, int],
) -> None:
    one, port = told_by
    for _ in range(5):
        await one.http.get("/v1/goals")
    await one.http.get("/nothing/that/a-client/made-up")
    text = await told(port)
    # Where Redis is slow for a moment, the process counts anew by itself, and more pass.
    passed, refused = (
        int(line.rpartition(" ")[2])
        for status in ("2xx", "4xx")
        for line in text.splitlines()
        if line.startswith(f'csapi_requests_total{{operation="listGoals",status="{status}"}}')
    )
    assert passed >= 3
    assert passed + refused == 5
    assert f'csapi_refused_total{{code="rate_limited"}} {refused}' in text
    assert 'csapi_request_seconds_count{operation="listGoals"} 5' in text
    assert 'csapi_request_seconds_bucket{operation="listGoals",le="+Inf"} 5' in text
    assert "csapi_requests_in_flight 0" in text
    assert 'csapi_gate_waiting{kind="read"} 0' in text
    assert "made-up" not in text
    assert str(one.tenant_id) not in text


LABELS = {
    "operation": {each.operation_id for each in ALL_OPERATIONS} | {"none"},
    "status": {"2xx", "3xx", "4xx", "5xx", "none"},
    "code": set(PROBLEMS),
    "kind": {"read", "write"},
    "le": {str(each) for each in BOUNDS} | {"+Inf"},
    "version": {__version__},
    "python": {platform.python_version()},
}


async def test_labels_have_no_values_but_ours(told_by: tuple[Served, int]) -> None:
    one, port = told_by
    await one.http.get("/v1/goals?canary=1")
    await one.http.get("/v1/goals/canary")
    await one.http.request("CANARY", "/v1/goals")
    await one.http.post("/v1/calls/batch", content=b"canary", headers={"X-Request-Id": "canary"})
    for line in (await told(port)).splitlines():
        if not line.startswith("#"):
            for name, value in re.findall(r'([a-z]+)="([^"]*)"', line):
                assert value in LABELS[name], line


async def test_a_process_tells_its_build_its_waits_and_its_lost_hints(
    told_by: tuple[Served, int],
) -> None:
    one, port = told_by
    one.state.waker._url = "redis://127.0.0.1:1"
    assert not await one.state.waker._send("drain")
    text = await told(port)
    assert f'csapi_build_info{{version="{__version__}"' in text
    assert "# TYPE csapi_hint_errors_total counter\ncsapi_hint_errors_total 1\n" in text
    counts = dict(re.findall(r"(csapi_pool_[a-z_]+_total) ([0-9.e+-]+)", text))
    assert float(counts["csapi_pool_acquired_total"]) > 0
    assert float(counts["csapi_pool_wait_seconds_total"]) > 0
    assert "csapi_pool_timeouts_total" in counts


async def test_jobs_are_told_by_age_and_failures() -> None:
    jobs = Jobs()

    async def work() -> int:
        return 3

    async def fail() -> int:
        raise ConnectionResetError

    assert await jobs.run("drain", work) == 3
    with pytest.raises(ConnectionResetError):
        await jobs.run("audit", fail)
    jobs._ran["audit"].ended -= 100
    told = {(each.name, each.labels): each.value for each in jobs.samples()}
    assert told["csapi_job_failures_total", '{job="drain"}'] == 0
    assert told["csapi_job_failures_total", '{job="audit"}'] == 1
    assert told["csapi_job_age_seconds", '{job="drain"}'] < 50
    assert told["csapi_job_age_seconds", '{job="audit"}'] >= 100


def documented() -> set[str]:
    """What docs/operations.md has in its tables of metrics."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `csapi_")]
    return {name for row in rows for name in re.findall(r"`(csapi_\w+)", row.split("|")[1])}


async def test_what_is_told_is_documented_and_alerts_ask_for_nothing_else(
    told_by: tuple[Served, int], worker_pool: asyncpg.Pool
) -> None:
    one, port = told_by
    await one.http.get("/v1/goals")
    await jobs.run("drain", Heartbeat().of(nothing))
    told_names = set(re.findall(r"# TYPE (csapi_\w+)", await told(port)))
    told_names |= {each.name for each in await behind_of(worker_pool, Heartbeat())}
    told_names |= {each.name for each in await Auditor(worker_pool).told()}
    assert told_names == documented()
    rules = yaml.safe_load((ROOT / "examples" / "prometheus" / "alerts.yaml").read_text())
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    known = told_names | {rule["record"] for rule in every if "record" in rule}
    for rule in every:
        asked = set(re.findall(r"\bcsapi[_:][a-z0-9_:]+", rule["expr"]))
        assert asked, rule
        assert {re.sub("_(bucket|count|sum)$", "", name) for name in asked} <= known
        if "alert" in rule:
            assert rule["annotations"]["summary"]
            assert rule["labels"]["severity"] in ("page", "ticket")


async def nothing() -> int:
    return 0


async def test_only_metrics_are_there(told_by: tuple[Served, int]) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{told_by[1]}/v1/goals")
    assert answer.status_code == 404


async def test_each_process_has_a_port_and_too_many_are_told_so() -> None:
    port = free_ports()
    async with telling(Telemetry(), port, 2) as first, telling(Telemetry(), port, 2) as second:
        assert {first, second} == {port, port + 1}
        with pytest.raises(StartupError, match="CSAPI_METRICS_PORT"):
            async with telling(Telemetry(), port, 2):
                pass
    async with telling(Telemetry(), 0, 1) as nowhere:
        assert nowhere == 0


async def test_what_cannot_be_collected_hides_nothing() -> None:
    async def fails() -> list[object]:
        raise ConnectionResetError

    telemetry = Telemetry()
    telemetry.collectors.append(fails)  # type: ignore[arg-type]
    telemetry.ended("getX", 200, 0.01, "")
    assert 'operation="getX",status="2xx"} 1' in await telemetry.text()


async def test_the_worker_tells_how_far_it_is_behind(worker_pool: asyncpg.Pool) -> None:
    beat = Heartbeat()
    samples = await behind_of(worker_pool, beat)
    waiting = {each.labels for each in samples if each.name == "csapi_queue_waiting"}
    assert waiting == {f'{{queue="{queue}"}}' for queue in QUEUES}
    assert all(each.value >= 0 for each in samples)
    beat._last = time.monotonic() - 100

    async def work() -> int:
        return 7

    assert beat.age_seconds >= 100
    assert await beat.of(work)() == 7
    assert beat.age_seconds < 50


async def test_a_server_that_stops_is_not_ready(told_by: tuple[Served, int]) -> None:
    one, _ = told_by
    assert (await one.http.get("/readyz")).status_code == 200
    one.state.is_draining = True
    answer = await one.http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert (await one.http.get("/livez")).status_code == 200
