"""Idempotency-Key: one effect, and one answer for 24 hours."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.access.served import ALL_SCOPES, Served, served
from tests.conftest import Database

from csapi.access import once
from csapi.access.once import trim_requests
from csapi.access.service import create_key, create_tenant
from csapi.app import ALL_OPERATIONS
from csapi.kit.db import acquire
from csapi.reports.plans import endpoints, store
from csapi.reports.runs import endpoints as runs

PLAN = endpoints.PLAN
REPORTS, REPORT = "/v1/reports", runs.EXAMPLE
PATH = "/v1/action-plans"


@pytest.fixture(scope="module")
async def one(database: Database) -> AsyncIterator[Served]:
    async with served(database) as found:
        yield found


async def send(
    one: Served, key: str, path: str = PATH, body: Any = PLAN, **headers: str
) -> httpx.Response:
    return await one.http.post(path, json=body, headers={"Idempotency-Key": key, **headers})


async def made(one: Served, path: str = PATH) -> int:
    return len((await one.http.get(path, params={"limit": 200})).json()["data"])


def test_every_post_says_what_happens_when_it_is_repeated() -> None:
    posts = [each for each in ALL_OPERATIONS if each.method == "POST"]
    assert [each.operation_id for each in posts if not each.repeats] == []
    assert {each.operation_id for each in posts if each.secret} == {
        "createLiveTicket", "createPortalToken", "createWebhook", "rotateWebhookSecret",
        "createApiKey", "rotateApiKey", "createPasswordReset", "createInvitation",
    }  # fmt: skip


async def test_a_repeated_request_is_answered_as_the_first(one: Served) -> None:
    before, key = len((await one.http.get(REPORTS)).json()["data"]), str(uuid4())
    first, again = [await send(one, key, REPORTS, REPORT) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await one.http.get(REPORTS)).json()["data"]) == before + 1
    # Another key is another request.
    other = await send(one, str(uuid4()), REPORTS, REPORT)
    assert other.json()["id"] != first.json()["id"]


async def test_the_key_is_of_one_request(one: Served) -> None:
    key = str(uuid4())
    await send(one, key)
    other = await send(one, key, body=PLAN | {"title": "Another"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    async with acquire(one.state.pool) as connection:
        tenant_id = await create_tenant(connection, "another", "UTC")
        theirs = (await create_key(connection, tenant_id, "k", ALL_SCOPES)).token
    async with one.client(theirs) as client:
        answer = await client.post(PATH, json=PLAN, headers={"Idempotency-Key": key})
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers
    # And of one operation and one key of the API.
    goal = await send(one, key, "/v1/goals", {"title": "No"})
    assert goal.json()["code"] != "idempotency_key_reused"
    async with one.client(await one.another_key()) as client:
        answer = await client.post(PATH, json=PLAN, headers={"Idempotency-Key": key})
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "caf\xe9"])
async def test_a_malformed_key_is_refused(one: Served, key: str) -> None:
    answer = await one.http.post(
        PATH, json=PLAN, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")


async def test_twenty_at_once_make_one(one: Served) -> None:
    before, key = await made(one), str(uuid4())
    answers = await asyncio.gather(*(send(one, key) for _ in range(20)))
    statuses = Counter(each.status_code for each in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201]
    assert len({each.json()["id"] for each in answers if each.status_code == 201}) == 1
    for each in answers:
        if each.status_code == 409:
            assert each.json()["code"] == "request_in_progress"
            assert each.headers["retry-after"] == "1"
    assert await made(one) == before + 1
    assert (await send(one, key)).headers["idempotency-replayed"] == "true"


async def test_what_had_no_effect_is_tried_again(
    one: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = str(uuid4())
    bad = await send(one, key, body={"title": ""})
    assert bad.status_code == 422
    # Nothing was kept: the same key may carry what was meant.
    before = await made(one)

    async def fails(*args: Any) -> None:
        raise ConnectionResetError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(endpoints, "add_plan", fails)
        assert (await send(one, key)).status_code == 503
    assert await made(one) == before
    assert (await send(one, key)).status_code == 201
    assert await made(one) == before + 1


async def test_a_process_that_dies_after_the_effect_repeats_nothing(
    one: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, key = await made(one), str(uuid4())

    async def dies(*args: Any, **kwargs: Any) -> None:
        """Nothing more is written, as by a process that was killed after the commit."""

    with monkeypatch.context() as killed:
        killed.setattr(once, "_keep", dies)
        assert (await send(one, key)).status_code == 201
    # It might be about to keep its answer still.
    assert (await send(one, key)).json()["code"] == "request_in_progress"
    monkeypatch.setattr(once, "LEASE_SECONDS", 0)
    again = await send(one, key)
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert await made(one) == before + 1


async def test_a_process_that_dies_before_the_effect_leaves_it_to_the_next(
    one: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, key = await made(one), str(uuid4())
    stands, goes_on = asyncio.Event(), asyncio.Event()
    add = store.add_plan

    async def slow(*args: Any, **kwargs: Any) -> Any:
        stands.set()
        await goes_on.wait()
        return await add(*args, **kwargs)

    with monkeypatch.context() as held:
        held.setattr(endpoints, "add_plan", slow)
        first = asyncio.create_task(send(one, key))
        await stands.wait()
    waiting = await send(one, key)
    assert (waiting.status_code, waiting.json()["code"]) == (409, "request_in_progress")
    monkeypatch.setattr(once, "LEASE_SECONDS", 0)
    assert (await send(one, key)).status_code == 201
    # The first one was not dead after all: what it would have made is not committed.
    goes_on.set()
    late = await first
    assert (late.status_code, late.json()["code"]) == (409, "request_in_progress")
    assert await made(one) == before + 1


async def test_secrets_are_not_kept(one: Served, admin: Any) -> None:
    key = str(uuid4())
    first = await send(one, key, "/v1/portal-tokens", {"expires_in_seconds": 600})
    assert first.status_code == 201
    again = await send(one, key, "/v1/portal-tokens", {"expires_in_seconds": 600})
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    rows = await admin.fetch("SELECT * FROM idempotency WHERE tenant_id = $1", one.tenant_id)
    token = first.json()["token"]
    assert all(token.encode() not in (row["body"] or b"") for row in rows)
    assert next(row for row in rows if row["key"] == key)["body"] is None


async def test_large_answers_say_where_they_are(
    one: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(once, "MOST_KEPT_BYTES", 10)
    key = str(uuid4())
    first, again = [await send(one, key, REPORTS, REPORT) for _ in range(2)]
    assert (again.status_code, again.json()["code"]) == (409, "answer_not_kept")
    assert again.headers["location"] == first.headers["location"]
    assert first.headers["location"] in again.json()["detail"]


async def test_keys_are_forgotten_after_a_day(one: Served, admin: Any, worker_pool: Any) -> None:
    old, young = str(uuid4()), str(uuid4())
    first = await send(one, old)
    await send(one, young)
    aged = "UPDATE idempotency SET created_at = created_at - interval '25 h' WHERE key = $1"
    await admin.execute(aged, old)
    again = await send(one, old)
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]
    await admin.execute(aged, old)
    await trim_requests(worker_pool)
    keys = "SELECT key FROM idempotency WHERE tenant_id = $1 AND key = ANY($2)"
    kept = [row["key"] for row in await admin.fetch(keys, one.tenant_id, [old, young])]
    assert kept == [young]


async def test_without_a_key_nothing_is_written(one: Served, admin: Any) -> None:
    count = "SELECT count(*) FROM idempotency WHERE tenant_id = $1"
    before = await admin.fetchval(count, one.tenant_id)
    assert (await one.http.post(PATH, json=PLAN)).status_code == 201
    # What is idempotent by itself takes the header and needs no row.
    agent = {"source": "s", "external_id": "a", "name": "A"}
    assert (await send(one, "k", "/v1/agents", agent)).status_code == 201
    assert (await send(one, "k", "/v1/agents", agent)).json()["status"] == "duplicate"
    assert await admin.fetchval(count, one.tenant_id) == before
