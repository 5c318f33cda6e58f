"""/metrics: what Prometheus reads, and what it never sees."""

import re
import socket
import time
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from tests.access.served import Served, served
from tests.conftest import Database

from csapi.kit.db import StartupError
from csapi.kit.telemetry import Telemetry, telling
from csapi.rollup.behind import QUEUES, Heartbeat, behind_of

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
