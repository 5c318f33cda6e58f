"""No key and nothing personal ends up in logs or in Redis."""

import asyncio
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import redis.asyncio
from tests.conftest import Product, Tenant

from csapi.access.tokens import new_token
from csapi.ingest.examples import EXAMPLES
from csapi.kit.log import configure_logging
from csapi.kit.problem_answers import log_problem, to_problem

PERSON = "Zoe Canary-Person"
EMAIL = "zoe.canary@example.org"
WORDS = "canary words of a customer"
PHONE = "+49 30 canary 99"
MARKS = ("Canary-Person", "zoe.canary", "canary words", "canary 99", "zoe%2Ecanary")

PERSONAL: list[tuple[str, dict[str, Any]]] = [
    ("agents", {"source": "c", "external_id": EMAIL, "name": PERSON, "email": EMAIL}),
    (
        "customers",
        {"source": "c", "external_id": EMAIL, "name": PERSON, "email": EMAIL, "phone": PHONE},
    ),
    ("tickets", {**EXAMPLES["tickets"]["ticket"], "subject": WORDS, "customer": EMAIL}),
    ("feedback", {**EXAMPLES["feedback"]["rating"], "comment": WORDS, "customer": EMAIL}),
    ("ticket-events", {**EXAMPLES["ticket-events"]["reply"], "body": WORDS}),
    ("quality-reviews", {**EXAMPLES["quality-reviews"]["review"], "comment": WORDS}),
    ("tasks", {**EXAMPLES["tasks"]["task"], "title": WORDS}),
    ("calls", {**EXAMPLES["calls"]["call"], "customer": EMAIL, "custom": {"note": WORDS}}),
    ("kb-events", {**EXAMPLES["kb-events"]["search"], "term": WORDS, "customer": EMAIL}),
    ("kb-articles", {**EXAMPLES["kb-articles"]["article"], "title": WORDS}),
    ("calls", {**EXAMPLES["calls"]["call"], "outcome": WORDS}),
    ("calls", {**EXAMPLES["calls"]["call"], EMAIL: 1}),
    ("feedback", {**EXAMPLES["feedback"]["rating"], "rating": WORDS}),
]


def send_all(product: Product, tenant: Tenant, wrong_key: str) -> None:
    http = tenant.http
    for resource, item in PERSONAL:
        http.post(f"/v1/{resource}", json=item)
        http.post(f"/v1/{resource}/batch", json=[item, {**item, "source": None}])
    http.post("/v1/custom-attributes", json={"name": "note", "label": WORDS})
    http.post(
        "/v1/calls", content=f'{{"source": "{EMAIL}', headers={"Content-Type": "application/json"}
    )
    for query in (f"source={quote(EMAIL)}", f"{quote(WORDS)}=1", f"cursor={quote(PERSON)}"):
        http.get(f"/v1/customers?{query}")
    http.get(f"/v1/customers/{quote(EMAIL)}")
    http.get("/v1/customers", params={"external_id": EMAIL})
    http.get("/v1/teams", headers={"Referer": f"https://x/{WORDS}", "User-Agent": PERSON})
    url = f"{product.base_url}/v1/teams"
    httpx.get(url, headers={"Authorization": f"Bearer {wrong_key}"})
    httpx.get(url, headers={"Authorization": f"bearer  {tenant.key}"})
    httpx.get(url, headers={"X-API-Key": wrong_key})
    httpx.get(url, params={"api_key": tenant.key})
    httpx.get(f"{product.base_url}/v1/{tenant.key}")
    httpx.get(f"{product.base_url}/{wrong_key}/v1")


async def redis_texts(url: str) -> list[str]:
    client = redis.asyncio.Redis.from_url(url)
    texts = []
    async for key in client.scan_iter(count=1000):
        value = await client.dump(key)
        texts.append(repr(key) + repr(value))
    await client.aclose()
    return texts


@pytest.fixture
def used(product: Product, make_tenant: Callable[..., Tenant]) -> tuple[Tenant, str]:
    tenant, wrong_key = make_tenant(), new_token().text
    send_all(product, tenant, wrong_key)
    return tenant, wrong_key


def logged(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("*.log")))


async def test_logs_and_redis_hold_no_canary(product: Product, used: tuple[Tenant, str]) -> None:
    tenant, wrong_key = used
    stored = await redis_texts(product.redis_url)
    await asyncio.sleep(3)  # the worker works and logs meanwhile
    stored += await redis_texts(product.redis_url)
    everything = logged(product.logs)
    assert "/v1/customers" in everything
    for secret in (tenant.key, wrong_key, tenant.key[-30:], wrong_key[-30:], tenant.key[:21]):
        assert secret not in everything
        assert not [text for text in stored if secret in text]
    for mark in MARKS:
        found = [line for line in everything.splitlines() if mark.lower() in line.lower()]
        assert found == []
        assert not [text for text in stored if mark in text]


def test_every_line_of_ours_is_json(product: Product, used: tuple[Tenant, str]) -> None:
    del used
    for path in product.logs.glob("*.log"):
        for line in path.read_text().splitlines():
            if line.startswith("[INFO]"):  # granian's own few words at its start
                continue
            assert json.loads(line)["level"], line


def test_control_characters_cannot_forge_a_line(product: Product, tenant: Tenant) -> None:
    for path in ("/v1/a%0d%0a%7b%22level%22:%22forged%22%7d", "/v1/%1b[31mred", "/v1/%e2%80%ae"):
        assert tenant.http.get(path).status_code == 404
    text = logged(product.logs)
    assert '\n{"level":"forged"' not in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_database_error_is_logged_without_its_values() -> None:
    """PostgreSQL's DETAIL quotes rows: Key (email)=(...) already exists."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("info", stream)
        error = asyncpg.UniqueViolationError("duplicate key value violates unique constraint")
        error.detail = f"Key (email)=({EMAIL}) already exists."
        error.sqlstate = "23505"
        log_problem(to_problem(error), error, {"state": {"request_id": "r1"}})
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert "r1" in stream.getvalue()
    assert EMAIL not in stream.getvalue()
