"""Buckets: the same rule in Redis and in the process, and what happens without Redis."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.embedded.redis import Redis
from csapi.kit.budgets import Bucket, Buckets, LocalBuckets, Policy


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with other tests must not make Redis look as if it were away."""
    monkeypatch.setattr("csapi.kit.budgets.REDIS_SECONDS", 10.0)


def bucket(quota: int = 60, key: str | None = None) -> Bucket:
    return Bucket(key or f"csapi:test:{uuid4()}", Policy("p", quota))


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[Buckets]:
    buckets = Buckets(redis.url)
    yield buckets
    buckets.close()


def test_a_budget_is_one_burst_and_refills_evenly() -> None:
    local, one = LocalBuckets(), bucket()
    for left in range(59, -1, -1):
        taken = local.take([one], 1, now=100.0)
        assert (taken.bites, taken.left(0, one.policy)) == (None, left)
    refused = local.take([one], 1, now=100.0)
    assert (refused.bites, refused.wait_micros) == (0, 1_000_000)
    assert local.take([one], 1, now=100.9).bites == 0
    assert local.take([one], 1, now=101.0).bites is None
    assert local.take([one], 1, now=101.0).bites == 0


@given(
    quota=st.integers(1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 50)), max_size=60),
)
def test_never_more_than_a_burst_and_the_refill(
    quota: int, steps: list[tuple[float, float]]
) -> None:
    local, one, now, given_out = LocalBuckets(), bucket(quota), 0.0, 0.0
    for pause, units in steps:
        now += pause
        if local.take([one], units, now=now).bites is None:
            given_out += min(units, quota)
        assert given_out <= quota + now * quota / 60 + 1e-3


def test_what_costs_more_than_the_budget_takes_all_of_it() -> None:
    local, one = LocalBuckets(), bucket(10)
    assert local.take([one], 1000, now=0.0).bites is None
    assert local.take([one], 1, now=1.0).bites == 0


def test_one_without_room_keeps_the_other_whole() -> None:
    local, small, large = LocalBuckets(), bucket(1), bucket(100)
    assert local.take([small, large], 1, now=0.0).bites is None
    taken = local.take([large, small], 1, now=0.0)
    assert (taken.bites, taken.left(0, large.policy)) == (1, 99)


def test_a_share_is_a_part_of_the_budget() -> None:
    local, one = LocalBuckets(), bucket(60)
    taken = [local.take([one], 1, share=0.25, now=0.0).bites for _ in range(20)]
    assert taken.count(None) == 15


async def test_redis_counts_like_the_process(shared: Buckets) -> None:
    small, large = bucket(5), bucket(100)
    for left in range(4, -1, -1):
        taken = await shared.take([small, large], 1)
        assert (taken.bites, taken.left(0, small.policy)) == (None, left)
    refused = await shared.take([small, large], 1)
    assert refused.bites == 0
    assert 11_000_000 < refused.wait_micros <= 12_000_000
    # Nothing was taken from the one that had room.
    assert refused.left(1, large.policy) >= 95


async def test_processes_share_a_budget_and_races_give_out_no_more(redis: Redis) -> None:
    one, processes = bucket(50), [Buckets(redis.url) for _ in range(4)]
    asked = [process.take([one], 1) for process in processes for _ in range(50)]
    taken = await asyncio.gather(*asked)
    assert sum(each.bites is None for each in taken) == 50
    for process in processes:
        process.close()


async def test_a_lowered_quota_is_waited_for_no_longer_than_its_window(shared: Buckets) -> None:
    key = f"csapi:test:{uuid4()}"
    await shared.take([bucket(1000, key)], 1000)
    refused = await shared.take([bucket(10, key)], 1)
    assert refused.wait_micros <= 6_000_000


async def test_without_redis_the_process_limits_its_share(
    caplog: pytest.LogCaptureFixture,
) -> None:
    buckets, one = Buckets("redis://127.0.0.1:1", share=0.5), bucket(10)
    with caplog.at_level(logging.WARNING, "csapi.kit.budgets"):
        taken = [(await buckets.take([one], 1)).bites for _ in range(20)]
    assert taken.count(None) == 5
    assert len([each for each in caplog.records if "budgets" in each.message]) == 1


async def test_a_redis_that_does_not_answer_holds_up_one_request_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("csapi.kit.budgets.REDIS_SECONDS", 0.05)
    monkeypatch.setattr("csapi.kit.budgets.APART_SECONDS", 60.0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    buckets, one = Buckets(f"redis://127.0.0.1:{port}"), bucket(1000)
    began = time.monotonic()
    for _ in range(100):
        assert (await buckets.take([one], 1)).bites is None
    # One request waited, and not each of them.
    assert time.monotonic() - began < 2.5
    buckets.close()
    server.close()
    await server.wait_closed()


async def test_redis_that_comes_back_is_used_again(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("csapi.kit.budgets.APART_SECONDS", 0.0)
    buckets, one = Buckets(redis.url), bucket(3)
    assert (await buckets.take([one], 3)).bites is None
    # The connection breaks: the process goes on by itself, and then connects anew.
    line = buckets._line
    assert line is not None
    assert line._protocol is not None
    line._protocol.close()
    await asyncio.sleep(0)
    assert (await buckets.take([one], 1)).bites == 0
    buckets.close()
