"""More requests than a process can do: 503, and soon everything again."""

import asyncio
import time
from collections import Counter

from tests.access.served import served
from tests.conftest import Database


async def test_a_rush_on_two_connections_is_told_to_come_again(database: Database) -> None:
    async with served(database, pool_size=2, requests_per_connection=4) as one:
        agents = (
            one.http.post("/v1/agents", json={"source": "s", "external_id": str(n), "name": "A"})
            for n in range(100)
        )
        goals = (one.http.get("/v1/goals") for _ in range(100))
        answers = await asyncio.gather(*agents, *goals)
        statuses = Counter(each.status_code for each in answers)
        assert set(statuses) <= {200, 201, 429, 503}
        assert statuses[503]
        for each in answers:
            if each.status_code == 503:
                assert each.json()["code"] == "overloaded"
                assert 1 <= int(each.headers["retry-after"]) <= 5
        began = time.monotonic()
        assert (await one.http.get("/v1/goals")).status_code == 200
        assert time.monotonic() - began < 1


async def test_used_up_connections_are_no_failure_of_ours(database: Database) -> None:
    async with served(database, pool_size=1) as one:
        await one.http.get("/v1/goals")
        async with one.state.pool.acquire():
            answer = await one.http.get("/v1/goals")
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert (await one.http.get("/v1/goals")).status_code == 200
