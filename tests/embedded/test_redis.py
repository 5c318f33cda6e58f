import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from arq.connections import RedisSettings, create_pool
from tests.embedded.running import wait_for

from csapi.embedded.redis import Redis


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    server = Redis(tmp_path / "data")
    server.start()
    yield server
    server.stop()
    assert not server.child.running()


async def test_arq_takes_the_url(redis: Redis) -> None:
    pool = await create_pool(RedisSettings.from_dsn(redis.url))
    await pool.enqueue_job("task", _job_id="one")
    assert [job.job_id for job in await pool.queued_jobs()] == ["one"]
    await pool.aclose()


async def test_has_no_tcp_port_and_is_not_root(redis: Redis) -> None:
    pool = await create_pool(RedisSettings.from_dsn(redis.url))
    assert await pool.config_get("port") == {"port": "0"}
    await pool.aclose()
    assert redis.child.process
    assert psutil.Process(redis.child.process.pid).uids().effective != 0


async def test_keeps_nothing(redis: Redis) -> None:
    pool = await create_pool(RedisSettings.from_dsn(redis.url))
    await pool.set("name", "value")
    await pool.aclose()
    assert redis.child.process
    os.kill(redis.child.process.pid, signal.SIGKILL)
    wait_for(lambda: not redis.child.running(), "the end of Redis")
    redis.start()
    pool = await create_pool(RedisSettings.from_dsn(redis.url))
    assert await pool.get("name") is None
    await pool.aclose()
