"""Budgets of keys and tenants, as requests meet them."""

import asyncio
import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.access.served import served
from tests.conftest import Database

from csapi.access import guard
from csapi.access.tokens import new_token
from csapi.embedded.redis import Redis
from csapi.reports.endpoints import EXAMPLE

READ = "/v1/goals"
AGENT = {"source": "s", "external_id": "a1", "name": "A"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests must not make Redis look as if it were away."""
    monkeypatch.setattr("csapi.kit.budgets.REDIS_SECONDS", 10.0)


def left(answer: httpx.Response) -> dict[str, int]:
    found = re.findall(r'"([a-z-]+)";r=(\d+);t=\d+', answer.headers["ratelimit"])
    return {name: int(units) for name, units in found}


async def test_every_answer_says_what_is_left(database: Database, redis: Redis) -> None:
    async with served(database, redis.url, budget_key_read=100, budget_tenant_read=1000) as one:
        answer = await one.http.get("/v1/me/nothing-here")
        assert "ratelimit" not in answer.headers
        answer = await one.http.get(READ)
        assert answer.status_code == 200
        policies = '"key-read";q=100;w=60, "tenant-read";q=1000;w=60'
        assert answer.headers["ratelimit-policy"] == policies
        assert left(answer) == {"key-read": 99, "tenant-read": 999}
        refused = await one.http.get(READ, params={"limit": "no"})
        assert refused.status_code == 422
        assert left(refused)["key-read"] == 98


async def test_a_used_up_key_names_its_policy_and_holds_up_no_other(
    database: Database, redis: Redis
) -> None:
    async with served(database, redis.url, budget_key_read=3, budget_tenant_read=5) as one:
        answers = await asyncio.gather(*(one.http.get(READ) for _ in range(10)))
        assert sorted(each.status_code for each in answers) == [200] * 3 + [429] * 7
        refused = next(each for each in answers if each.status_code == 429)
        assert refused.json()["code"] == "rate_limited"
        assert "key-read" in refused.json()["detail"]
        assert 1 <= int(refused.headers["retry-after"]) <= 20
        assert left(refused)["key-read"] == 0
        # Reads and writes have budgets of their own.
        assert (await one.http.post("/v1/agents", json=AGENT)).status_code == 201
        async with one.client(await one.another_key()) as other:
            statuses = [(await other.get(READ)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]
            assert "tenant-read" in (await other.get(READ)).json()["detail"]


async def test_a_batch_takes_a_unit_for_each_item(database: Database, redis: Redis) -> None:
    async with served(database, redis.url, budget_key_write=100, budget_tenant_write=0) as one:
        batch = [AGENT | {"external_id": str(number)} for number in range(50)]
        answer = await one.http.post("/v1/agents/batch", json=batch)
        assert answer.status_code == 200
        assert left(answer) == {"key-write": 100 - 10 - 50}
        refused = await one.http.post("/v1/agents/batch", json=batch)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "12"
        # The request itself was paid for.
        assert left(refused) == {"key-write": 30}


async def test_what_has_not_changed_costs_a_quarter(database: Database, redis: Redis) -> None:
    async with served(database, redis.url, budget_key_read=100, budget_tenant_read=0) as one:
        await one.http.put("/v1/queries/week", json=EXAMPLE)
        path = "/v1/queries/week/result"
        tag = (await one.http.get(path)).headers["etag"]
        for _ in range(40):
            same = await one.http.get(path, headers={"If-None-Match": tag})
            assert same.status_code == 304
        assert left(same)["key-read"] >= 85


async def test_the_operator_sets_budgets_of_a_tenant(
    database: Database, redis: Redis, admin: Any
) -> None:
    async with served(database, redis.url, budget_key_read=1000) as one:
        await admin.execute(
            "INSERT INTO budgets (tenant_id, policy, quota) VALUES ($1, 'key-read', 7), "
            "($1, 'tenant-read', 0)",
            one.tenant_id,
        )
        await one.http.get(READ)
        for _ in range(100):
            policy = (await one.http.get(READ)).headers["ratelimit-policy"]
            if policy == '"key-read";q=7;w=60':
                break
            await asyncio.sleep(0.01)
        assert policy == '"key-read";q=7;w=60'


async def test_health_has_no_budget(database: Database) -> None:
    async with served(database, budget_key_read=1) as one:
        for _ in range(3):
            answer = await one.http.get("/livez")
            assert answer.status_code == 200
            assert "ratelimit" not in answer.headers


@pytest.mark.parametrize("wrong", ["known form", "noise"])
async def test_keys_cannot_be_guessed_at_speed(
    database: Database, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guess() -> str:
        return new_token().text if wrong == "known form" else f"csk_live_{uuid4().hex}"

    async with served(database, refusals_per_minute=5) as one:
        # What was found is not trusted for long, but remembered as good.
        monkeypatch.setattr(guard, "TRUSTED_SECONDS", 0.0)
        # Whoever is known is not held up by what others send from the same address.
        good = one.client(one.key, "10.9.9.9")
        assert (await good.get(READ)).status_code == 200
        statuses = []
        for _ in range(8):
            async with one.client(guess(), "10.9.9.9") as client:
                answer = await client.get(READ)
                statuses.append(answer.status_code)
        assert statuses == [401] * 5 + [429] * 3
        assert "address-refusals" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) == 12
        assert (await good.get(READ)).status_code == 200
        # A key that is right but not known is not told from a wrong one.
        async with one.client(await one.another_key(), "10.9.9.9") as client:
            assert (await client.get(READ)).status_code == 429
        async with one.client(guess(), "10.9.9.8") as client:
            assert (await client.get(READ)).status_code == 401
        await good.aclose()


async def test_of_ipv6_the_network_counts(database: Database) -> None:
    async with served(database, refusals_per_minute=2) as one:
        statuses = []
        for number in range(4):
            async with one.client("csk_live_wrong", f"2001:db8::{number:x}") as client:
                statuses.append((await client.get(READ)).status_code)
        assert statuses == [401, 401, 429, 429]
