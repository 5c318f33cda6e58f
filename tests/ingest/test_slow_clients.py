"""Clients that say nothing, or too little, are let go after ten seconds; the others are served."""

import contextlib
import json
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.ingest.raw import Answer, exchange, request
from tests.ingest.samples import sample, stored

SILENT = 1_100  # more than the 1,024 connections that the server takes at once
GIVEN_SECONDS = 10
SPARE_SECONDS = 6


@pytest.fixture
def open_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SILENT + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def slow_body(product: Product, tenant: Tenant, item: dict[str, str]) -> Answer:
    body = json.dumps(item).encode()
    raw = request("/v1/calls", tenant.key, f"Content-Length: {len(body)}", length=False)
    return exchange(product.port, raw + body[:-10], until_closed=True)


def trickled_body(product: Product, tenant: Tenant) -> Answer:
    raw = request("/v1/calls", tenant.key, "Transfer-Encoding: chunked", length=False)
    drops = [b"1\r\n \r\n"] * 22
    return exchange(product.port, raw, *drops, pause=0.5)


def slow_head(product: Product) -> Answer:
    return exchange(product.port, b"GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ", until_closed=True)


def served_within(product: Product, seconds: float) -> None:
    began = time.monotonic()
    patience = GIVEN_SECONDS + SPARE_SECONDS
    assert httpx.get(f"{product.base_url}/livez", timeout=patience).status_code == 200
    assert time.monotonic() - began < seconds


def test_slow_and_silent_clients_end_in_time(
    product: Product, sender: Tenant, open_files: None
) -> None:
    item = sample("calls")
    with ThreadPoolExecutor(3) as several, contextlib.ExitStack() as stack:
        body = several.submit(slow_body, product, sender, item)
        drops = several.submit(trickled_body, product, sender)
        head = several.submit(slow_head, product)
        time.sleep(0.5)
        served_within(product, 1)
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", product.port), timeout=5))
            for _ in range(SILENT)
        ]
        for slow in (body.result(), drops.result()):
            assert slow.status == 408, slow
            assert json.loads(slow.body)["code"] == "request_timeout"
            assert "connection: close" in slow.head.lower()
        assert head.result().status in (0, 408)
        for each in (body.result(), head.result()):
            assert GIVEN_SECONDS - 2 < each.seconds < GIVEN_SECONDS + SPARE_SECONDS
        time.sleep(1)
        served_within(product, 1)
        silent[0].settimeout(1)
        with contextlib.suppress(ConnectionError):
            assert silent[0].recv(1000)[:12] in (b"", b"HTTP/1.1 408")
    assert stored(sender, "calls", item) == []
