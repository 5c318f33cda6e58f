"""Two tenants at once over two database connections: no row ever crosses."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client

REQUESTS = 200
RECORDS = 8
ALLOWED = {200, 201, 404, 429, 503}


@dataclass
class Side:
    tenant: Tenant
    canary: str
    ids: list[str] = field(default_factory=list)

    def record(self, number: int) -> dict[str, str]:
        """The ids of both sides are the same: only the tenant tells them apart."""
        return {
            "source": "crossing",
            "external_id": f"c{number}",
            "queue_entered_at": "2026-01-05T10:00:00Z",
            "topic": self.canary,
        }


@pytest.fixture
def small_product(make_product: Callable[[], Product], monkeypatch: pytest.MonkeyPatch) -> Product:
    """Two connections for everybody."""
    monkeypatch.setenv("CSAPI_POOL_SIZE", "2")
    return make_product()


@pytest.fixture
def sides(small_product: Product) -> tuple[Side, Side]:
    made = []
    for canary in ("canary-north", "canary-south"):
        side = Side(new_tenant_client(small_product), canary)
        for number in range(RECORDS):
            receipt = side.tenant.http.post("/v1/calls", json=side.record(number)).json()
            side.ids.append(receipt["id"])
        side.tenant.http.close()
        made.append(side)
    return made[0], made[1]


async def one_request(
    client: httpx.AsyncClient, own: Side, other: Side, seed: int
) -> httpx.Response | None:
    """Some request of one side; a few of them hang up early."""
    chance = random.Random(seed)
    number = chance.randrange(RECORDS)
    method, path, body = chance.choice(
        [
            ("GET", "/v1/calls", None),
            ("GET", f"/v1/calls/{own.ids[number]}", None),
            ("GET", f"/v1/calls/{other.ids[number]}", None),
            ("POST", "/v1/calls", own.record(number)),
            ("POST", "/v1/calls/batch", [own.record(each) for each in range(3)]),
        ]
    )
    headers = {"Authorization": f"Bearer {own.tenant.key}"}
    patience = chance.uniform(0.001, 0.03) if chance.random() < 0.15 else None
    try:
        async with asyncio.timeout(patience):
            return await client.request(method, path, json=body, headers=headers)
    except (TimeoutError, httpx.TransportError):
        assert patience is not None
        return None


async def test_canaries_never_cross(small_product: Product, sides: tuple[Side, Side]) -> None:
    north, south = sides
    limits = httpx.Limits(max_connections=32)
    async with httpx.AsyncClient(
        base_url=small_product.base_url, timeout=30, limits=limits
    ) as client:
        pairs = [(north, south), (south, north)] * REQUESTS
        answers = await asyncio.gather(
            *(one_request(client, *pair, seed) for seed, pair in enumerate(pairs))
        )
        served = 0
        for (_, other), answer in zip(pairs, answers, strict=True):
            if answer is None:
                continue
            assert answer.status_code in ALLOWED, answer.text
            assert other.canary not in answer.text
            if answer.request.url.path.endswith(tuple(other.ids)):
                assert answer.status_code in (404, 503)
            served += answer.status_code < 300
        assert served > REQUESTS
        for own in sides:
            headers = {"Authorization": f"Bearer {own.tenant.key}"}
            after = await client.get("/v1/calls", headers=headers)
            topics = {each["topic"] for each in after.json()["data"]}
            assert (len(after.json()["data"]), topics) == (RECORDS, {own.canary})
