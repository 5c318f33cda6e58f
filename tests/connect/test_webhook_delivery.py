"""The outbox and its delivery: nothing is lost, nobody else is told, and all of it is logged."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Listen
from tests.connect.receiver import Receiver, receiving

from csapi.access.happenings import DriverReferred, WebhookTest
from csapi.access.outbox import WebhookEvent, emit
from csapi.access.service import create_tenant
from csapi.access.tenancy import tenant_transaction
from csapi.connect.webhooks import endpoints, queue, store
from csapi.connect.webhooks.client import Client
from csapi.connect.webhooks.job import AT_ONCE_OF_TENANT, Deliverer
from csapi.connect.webhooks.schemas import DeliveryParams, ReplayKind
from csapi.connect.webhooks.signing import secret_text
from csapi.connect.webhooks.trim import trim_webhooks
from csapi.kit.clock import now
from csapi.kit.db import acquire
from csapi.kit.problems import Problem
from csapi.kit.traces import read_traceparent

EVENTS = [WebhookEvent.driver_referred, WebhookEvent.export_ready]


def referred(topic: str = "refund") -> DriverReferred:
    return DriverReferred(
        referral_id="r1", driver_id="d1", topic=topic, department="finance", due_on=None,
        status="open", path="/v1/referrals/r1",
    )  # fmt: skip


class Tenancy:
    """A tenant, what it does, and the worker."""

    def __init__(self, api: asyncpg.Pool, worker: asyncpg.Pool, tenant_id: UUID) -> None:
        self.api, self.worker, self.tenant_id = api, worker, tenant_id

    async def webhook(self, url: str, *, is_enabled: bool = True) -> tuple[UUID, str]:
        wanted = store.Wanted(url, EVENTS, None, is_enabled)
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            made = await store.create(connection, self.tenant_id, wanted, now())
        assert made is not None
        return made[0]["id"], secret_text(made[1])

    async def emit(self, *topics: str, once: str | None = None) -> None:
        for topic in topics:
            async with tenant_transaction(self.api, self.tenant_id) as connection:
                await emit(connection, self.tenant_id, referred(topic), once=once)

    async def run(self, sql: str, *arguments: object) -> Sequence[Any]:
        async with tenant_transaction(self.worker, self.tenant_id) as connection:
            rows: Sequence[Any] = await connection.fetch(sql, self.tenant_id, *arguments)
        return rows

    async def hasten(self) -> None:
        """As if all pauses were over."""
        await self.run("UPDATE webhook_marks SET due_at = clock_timestamp() WHERE tenant_id = $1")

    async def deliver(self) -> None:
        deliverer = Deliverer(self.worker, Client(insecure=True))
        await deliverer.sweep()
        await deliverer.settled()
        await deliverer.close()

    async def log(self, endpoint: UUID) -> list[Any]:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            rows = await store.deliveries(
                connection, self.tenant_id, endpoint, DeliveryParams(), None
            )
        return [store.delivery(row) for row in rows]

    async def endpoint(self, endpoint: UUID) -> Any:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            return await connection.fetchrow(store.ONE, self.tenant_id, endpoint)


@pytest.fixture
def tenancy(api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID) -> Tenancy:
    return Tenancy(api_pool, worker_pool, tenant_id)


@pytest.fixture
async def other(api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool) -> Tenancy:
    async with acquire(api_pool) as connection:
        return Tenancy(api_pool, worker_pool, await create_tenant(connection, "other", "UTC"))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
async def receivers() -> AsyncIterator[list[Receiver]]:
    async with AsyncExitStack() as stack:
        yield [stack.enter_context(receiving()) for _ in range(3)]


async def test_what_happens_arrives_signed_and_in_order(
    tenancy: Tenancy, receiver: Receiver
) -> None:
    endpoint, secret = await tenancy.webhook(receiver.url)
    await tenancy.emit("a", "b", "c")
    await tenancy.deliver()
    assert [each.told["data"]["topic"] for each in receiver.messages] == ["a", "b", "c"]
    assert all(each.is_signed_by(secret) for each in receiver.messages)
    assert receiver.messages[0].told["type"] == "driver.referred"
    assert receiver.messages[0].told.keys() == {"type", "timestamp", "data"}
    for each in receiver.messages:
        trace = read_traceparent(each.headers["traceparent"].encode())
        assert trace is not None
        assert trace.trace_id == UUID(each.id).hex
    log = await tenancy.log(endpoint)
    assert [each.status for each in log] == ["delivered"] * 3
    assert [each.event_id for each in log] == [each.id for each in reversed(receiver.messages)]
    assert await tenancy.run("SELECT * FROM webhook_marks WHERE tenant_id = $1") == []


async def test_what_is_rolled_back_did_not_happen(tenancy: Tenancy, receiver: Receiver) -> None:
    await tenancy.webhook(receiver.url)

    async def fail() -> None:
        async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
            await emit(connection, tenancy.tenant_id, referred())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await tenancy.deliver()
    assert receiver.messages == []


async def test_nothing_is_written_where_nobody_wants_it(tenancy: Tenancy, listen: Listen) -> None:
    sent = listen()
    await tenancy.emit("a")
    assert sum("INSERT" in each for each in sent) == 1
    assert await tenancy.run("SELECT * FROM webhook_events WHERE tenant_id = $1") == []


async def test_a_name_is_told_once(tenancy: Tenancy, receiver: Receiver) -> None:
    await tenancy.webhook(receiver.url)
    await tenancy.emit("a", "b", once="issue 1")
    await tenancy.deliver()
    assert [each.told["data"]["topic"] for each in receiver.messages] == ["a"]


async def test_a_failure_is_tried_again_under_the_same_id(
    tenancy: Tenancy, receiver: Receiver
) -> None:
    endpoint, secret = await tenancy.webhook(receiver.url)
    receiver.answers = [(500, {}), (302, {}), (204, {})]
    receiver.content = b"broken"
    await tenancy.emit("a")
    for attempt in (1, 2):
        await tenancy.deliver()
        await tenancy.deliver()
        (found,) = await tenancy.log(endpoint)
        assert (found.status, found.attempts) == ("pending", attempt)
        assert found.next_attempt_at > now()
        await tenancy.hasten()
    assert (await tenancy.endpoint(endpoint))["failing_since"] is not None
    await tenancy.deliver()
    assert len({(each.id, each.body) for each in receiver.messages}) == 1
    assert all(each.is_signed_by(secret) for each in receiver.messages)
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        (one,) = await tenancy.log(endpoint)
        told = await store.detail(connection, tenancy.tenant_id, endpoint, UUID(one.id))
    assert told is not None
    assert (told.status, told.next_attempt_at) == ("delivered", None)
    assert [(each.number, each.status_code) for each in told.attempt_log] == [
        (1, 500), (2, 302), (3, 204),
    ]  # fmt: skip
    assert told.attempt_log[0].excerpt == "broken"
    assert (await tenancy.endpoint(endpoint))["failing_since"] is None


async def test_retry_after_is_heeded(tenancy: Tenancy, receiver: Receiver) -> None:
    endpoint, _ = await tenancy.webhook(receiver.url)
    receiver.answers = [(429, {"retry-after": "600"})]
    await tenancy.emit("a")
    await tenancy.deliver()
    (found,) = await tenancy.log(endpoint)
    assert timedelta(seconds=590) < found.next_attempt_at - now() < timedelta(seconds=610)


async def test_gone_disables_the_endpoint(tenancy: Tenancy, receiver: Receiver) -> None:
    endpoint, _ = await tenancy.webhook(receiver.url)
    receiver.answers = [(410, {})]
    await tenancy.emit("a", "b", "c")
    await tenancy.deliver()
    row = await tenancy.endpoint(endpoint)
    assert (row["is_enabled"], row["disabled_reason"]) == (False, "gone")
    assert [each.status for each in await tenancy.log(endpoint)] == [
        "canceled", "canceled", "failed",
    ]  # fmt: skip
    assert len(receiver.messages) == 1
    await tenancy.emit("d")
    await tenancy.hasten()
    await tenancy.deliver()
    assert len(receiver.messages) == 1


async def test_an_endpoint_that_takes_nothing_for_days_is_disabled(
    tenancy: Tenancy, receiver: Receiver
) -> None:
    endpoint, _ = await tenancy.webhook(receiver.url)
    receiver.answers = [(500, {}), (500, {})]
    await tenancy.emit("a")
    await tenancy.deliver()
    assert (await tenancy.endpoint(endpoint))["is_enabled"]
    await tenancy.run(
        "UPDATE webhook_endpoints SET failing_since = failing_since - interval '5 days' "
        "WHERE tenant_id = $1"
    )
    await tenancy.hasten()
    await tenancy.deliver()
    row = await tenancy.endpoint(endpoint)
    assert (row["is_enabled"], row["disabled_reason"]) == (False, "failing")


async def test_after_the_last_attempt_it_has_failed(tenancy: Tenancy, receiver: Receiver) -> None:
    endpoint, _ = await tenancy.webhook(receiver.url)
    await tenancy.emit("a")
    await tenancy.run("UPDATE webhook_deliveries SET attempts = 9 WHERE tenant_id = $1")
    receiver.answers = [(500, {})]
    await tenancy.deliver()
    (found,) = await tenancy.log(endpoint)
    assert (found.status, found.attempts, found.next_attempt_at) == ("failed", 10, None)
    await tenancy.hasten()
    await tenancy.deliver()
    assert len(receiver.messages) == 1


async def test_what_was_missed_is_told_by_a_replay(tenancy: Tenancy, receiver: Receiver) -> None:
    start = now() - timedelta(seconds=1)
    endpoint, secret = await tenancy.webhook(receiver.url)
    await tenancy.emit("a")
    await tenancy.deliver()
    place = tenancy.tenant_id, endpoint
    wanted = store.Wanted(receiver.url, EVENTS, None, is_enabled=False)
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        await store.change(connection, *place, wanted, now())
    await tenancy.emit("b", "c")
    enabled = store.Wanted(receiver.url, EVENTS, None, is_enabled=True)
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        row = await store.change(connection, *place, enabled, now())
        ends = start, now() + timedelta(seconds=1)
        missed = await store.replay_range(
            connection, tenancy.tenant_id, row, *ends, ReplayKind.undelivered
        )
        again = await store.replay_range(
            connection, tenancy.tenant_id, row, *ends, ReplayKind.undelivered
        )
    assert (missed.deliveries, missed.is_complete, again.deliveries) == (2, True, 0)
    await tenancy.deliver()
    assert [each.told["data"]["topic"] for each in receiver.messages] == ["a", "b", "c"]
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        row = await connection.fetchrow(store.ONE, *place)
        made = await store.replay_range(connection, tenancy.tenant_id, row, *ends, ReplayKind.all)
    assert made.deliveries == 3
    await tenancy.deliver()
    ids = [each.id for each in receiver.messages]
    assert ids[:3] == ids[3:]
    assert all(each.is_signed_by(secret) for each in receiver.messages)


async def test_a_worker_that_dies_loses_nothing(tenancy: Tenancy, receiver: Receiver) -> None:
    """Killed after it claimed, and killed after it sent: another one goes on."""
    endpoint, _ = await tenancy.webhook(receiver.url)
    await tenancy.emit("a")
    claimed = await queue.claim(tenancy.worker, tenancy.tenant_id, endpoint)
    assert claimed is not None
    assert await queue.claim(tenancy.worker, tenancy.tenant_id, endpoint) is None
    await tenancy.hasten()
    receiver.delay = 0.5
    deliverer = Deliverer(tenancy.worker, Client(insecure=True))
    await deliverer.sweep()
    await asyncio.to_thread(receiver.wait_for, 1)
    await deliverer.close()
    (found,) = await tenancy.log(endpoint)
    assert (found.status, found.attempts) == ("pending", 2)
    receiver.delay = 0.0
    await tenancy.hasten()
    await tenancy.deliver()
    assert [each.id for each in receiver.messages] == [found.event_id] * 2
    (found,) = await tenancy.log(endpoint)
    assert (found.status, found.attempts) == ("delivered", 3)


async def test_two_workers_share_what_waits(tenancy: Tenancy, receiver: Receiver) -> None:
    await tenancy.webhook(receiver.url)
    await tenancy.emit(*(str(number) for number in range(12)))
    await asyncio.gather(*(tenancy.deliver() for _ in range(3)))
    topics = [each.told["data"]["topic"] for each in receiver.messages]
    assert sorted(topics, key=int) == [str(number) for number in range(12)]


async def test_a_slow_receiver_holds_up_nobody_else(
    tenancy: Tenancy, other: Tenancy, receivers: list[Receiver]
) -> None:
    slow, quick, quickest = receivers
    slow.delay = 2.0
    for _ in range(AT_ONCE_OF_TENANT + 2):
        await tenancy.webhook(slow.url)
    await other.webhook(quick.url)
    await other.webhook(quickest.url)
    await tenancy.emit("a")
    await other.emit("b")
    deliverer = Deliverer(tenancy.worker, Client(insecure=True))
    assert await deliverer.sweep() == AT_ONCE_OF_TENANT + 2
    await asyncio.to_thread(quick.wait_for, 1, 1.5)
    await asyncio.to_thread(quickest.wait_for, 1, 1.5)
    await deliverer.close()
    assert [each.told["data"]["topic"] for each in quick.messages] == ["b"]


async def test_old_secrets_sign_until_their_overlap_ends(
    tenancy: Tenancy, receiver: Receiver
) -> None:
    endpoint, first = await tenancy.webhook(receiver.url)
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        added = await store.add_secret(connection, tenancy.tenant_id, endpoint, 3600)
    await tenancy.emit("a")
    await tenancy.deliver()
    assert receiver.messages[0].is_signed_by(first)
    assert receiver.messages[0].is_signed_by(secret_text(added))
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        last = await store.add_secret(connection, tenancy.tenant_id, endpoint, 0)
    await tenancy.emit("b")
    await tenancy.deliver()
    assert receiver.messages[1].is_signed_by(secret_text(last))
    assert not receiver.messages[1].is_signed_by(secret_text(added))
    await trim_webhooks(tenancy.worker, now())
    kept = await tenancy.run("SELECT secret FROM webhook_secrets WHERE tenant_id = $1")
    assert [each["secret"] for each in kept] == [last]


async def test_the_api_cannot_read_a_secret(tenancy: Tenancy, receiver: Receiver) -> None:
    await tenancy.webhook(receiver.url)
    for statement in ("SELECT secret FROM webhook_secrets", "DELETE FROM webhook_secrets"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
                await connection.execute(statement)


async def test_another_tenant_is_told_nothing(
    tenancy: Tenancy, other: Tenancy, receiver: Receiver
) -> None:
    endpoint, _ = await tenancy.webhook(receiver.url)
    await other.emit("secret")
    async with tenant_transaction(other.api, other.tenant_id) as connection:
        made = await emit(connection, other.tenant_id, WebhookTest(webhook_id="w"), to=endpoint)
        assert made is None
        assert await connection.fetch(store.LIST, tenancy.tenant_id) == []
    assert await queue.claim(other.worker, other.tenant_id, endpoint) is None
    await tenancy.deliver()
    assert receiver.messages == []


async def test_the_log_goes_after_its_days(tenancy: Tenancy, receiver: Receiver) -> None:
    endpoint, secret = await tenancy.webhook(receiver.url)
    await tenancy.emit("a")
    await tenancy.deliver()
    await trim_webhooks(tenancy.worker, now())
    assert len(await tenancy.log(endpoint)) == 1
    await trim_webhooks(tenancy.worker, now() + timedelta(days=31))
    for table in ("webhook_events", "webhook_deliveries", "webhook_attempts"):
        assert await tenancy.run(f"SELECT * FROM {table} WHERE tenant_id = $1") == []
    await tenancy.emit("b")
    await tenancy.deliver()
    assert receiver.messages[1].is_signed_by(secret)


async def test_what_waits_does_not_pile_up(
    tenancy: Tenancy, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLAYED", 2)
    endpoint, _ = await tenancy.webhook(receiver.url)
    await tenancy.emit("a")
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        await endpoints.check_room(connection, tenancy.tenant_id, endpoint)
    await tenancy.emit("b")
    async with tenant_transaction(tenancy.api, tenancy.tenant_id) as connection:
        with pytest.raises(Problem, match="conflict"):
            await endpoints.check_room(connection, tenancy.tenant_id, endpoint)
