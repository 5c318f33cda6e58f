"""Wake-ups through Redis. Losing one costs seconds, never a record: marks wait in PostgreSQL."""

import asyncio
import logging
import time
from typing import Any

import msgspec
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings

log = logging.getLogger(__name__)

SLOT_SECONDS = 2
DRAIN_JOB = "rollup.drain"
EXPORT_JOB = "exports.run"
WEBHOOK_JOB = "webhooks.deliver"
ERASURE_JOB = "erasures.run"

# arq's default is pickle: whoever can write to Redis could then run code here.
serialize = msgspec.msgpack.encode
deserialize = msgspec.msgpack.decode


def redis_settings(url: str) -> RedisSettings:
    settings = RedisSettings.from_dsn(url)
    settings.conn_retries = 0
    return settings


class Waker:
    """Asks the worker to drain, at most once in two seconds, and to see to exports, webhooks and
    erasures, without keeping a request waiting. `lost`: how many wake-ups could not be sent."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._redis: ArqRedis | None = None
        self._slot = 0
        self._task: asyncio.Task[None] | None = None
        self._further: set[asyncio.Task[bool]] = set()
        self.lost = 0

    def wake(self) -> None:
        slot = int(time.time() // SLOT_SECONDS)
        if self._url is None or slot == self._slot:
            return
        if self._task is not None and not self._task.done():
            return
        self._slot = slot
        self._task = asyncio.create_task(self._enqueue(slot))

    def wake_exports(self) -> None:
        self._wake(EXPORT_JOB)

    def wake_webhooks(self) -> None:
        self._wake(WEBHOOK_JOB)

    def wake_erasures(self) -> None:
        self._wake(ERASURE_JOB)

    def _wake(self, job: str) -> None:
        if self._url is None:
            return
        task = asyncio.create_task(self._send(job))
        self._further.add(task)
        task.add_done_callback(self._further.discard)

    async def _enqueue(self, slot: int) -> None:
        # The job of a slot starts after it: every commit of the slot is seen by its drain.
        job_id = f"{DRAIN_JOB}:{slot}"
        if not await self._send(DRAIN_JOB, _job_id=job_id, _defer_by=SLOT_SECONDS):
            self._slot = 0

    async def _send(self, job: str, **how: Any) -> bool:
        try:
            async with asyncio.timeout(2):
                redis = await self._connected()
                await redis.enqueue_job(job, **how)
        except Exception as error:  # noqa: BLE001  a lost hint is not an error of the request
            self.lost += 1
            log.warning("wake-up not sent: %s", type(error).__name__)
            return False
        return True

    async def _connected(self) -> ArqRedis:
        if self._redis is None:
            self._redis = await create_pool(
                redis_settings(self._url or ""),
                job_serializer=serialize,
                job_deserializer=deserialize,
            )
        return self._redis

    async def ping(self) -> bool:
        try:
            async with asyncio.timeout(1):
                redis = await self._connected()
                return bool(await redis.ping())
        except Exception:  # noqa: BLE001  any failure means: not reachable
            return False

    async def close(self) -> None:
        tasks = [*self._further, *([] if self._task is None else [self._task])]
        if tasks:
            await asyncio.wait(tasks, timeout=2)
        if self._redis is not None:
            await self._redis.aclose()
