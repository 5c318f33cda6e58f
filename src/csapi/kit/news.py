"""Which tenants have something new, told to this process at once and to the others through Redis.

Nothing is stored: news that is lost costs seconds, since whoever listens also looks by the clock.
To tell costs the teller a set and, at most ten times a second, one PUBLISH for all tenants; where
no other process listens, one a second.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from redis.asyncio import Redis

log = logging.getLogger(__name__)

CHANNEL = "csapi:news"
GATHER_SECONDS, UNHEARD_SECONDS = 0.1, 1.0
SEND_SECONDS = 2.0
RECONNECT_SECONDS = 2.0

# A tenant that has news; None: news may have been missed, of any.
Hear = Callable[[UUID | None], None]


class Message(msgspec.Struct, array_like=True):
    """Who tells, so that nobody hears themselves, and of which tenants."""

    teller: bytes
    tenants: list[bytes]


_encode = msgspec.msgpack.encode
_decoder = msgspec.msgpack.Decoder(Message)


class News:
    """`url` None: there is one process."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._own = secrets.token_bytes(8)
        self._told: set[UUID] = set()
        self._gather_seconds = GATHER_SECONDS
        self._hear: Hear | None = None
        self._redis: Redis | None = None
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None

    def tell(self, tenant_id: UUID) -> None:
        """Something of the tenant was committed. Keeps nobody waiting."""
        if self._hear is not None:
            self._hear(tenant_id)
        if self._url is None:
            return
        self._told.add(tenant_id)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    def listen(self, hear: Hear) -> None:
        """From now on `hear` is called, until stop()."""
        self._hear = hear
        if self._url is not None and self._listening is None:
            self._listening = asyncio.create_task(self._receive(hear))

    def stop(self) -> None:
        self._hear = None
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    async def close(self) -> None:
        listening = self._listening
        self.stop()
        ending = [task for task in (self._sending, listening) if task is not None]
        if ending:
            await asyncio.wait(ending, timeout=SEND_SECONDS)
        if self._redis is not None:
            await self._redis.aclose()

    def _connected(self) -> Redis:
        if self._redis is None:
            self._redis = Redis.from_url(self._url or "")
        return self._redis

    async def _send(self) -> None:
        while self._told:
            await asyncio.sleep(self._gather_seconds)
            told, self._told = self._told, set()
            message = Message(self._own, [each.bytes for each in told])
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    heard = await self._connected().publish(CHANNEL, _encode(message))
                others = heard - (self._listening is not None)
                self._gather_seconds = GATHER_SECONDS if others > 0 else UNHEARD_SECONDS
            except Exception as error:  # noqa: BLE001  lost news is not an error of the request
                log.warning("news not sent: %s", type(error).__name__)
                self._gather_seconds = UNHEARD_SECONDS

    async def _receive(self, hear: Hear) -> None:
        while True:
            try:
                async with self._connected().pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    hear(None)
                    async for found in channel.listen():
                        self._read(found, hear)
            except Exception as error:  # noqa: BLE001  whatever broke it, the clock goes on
                log.warning("news not heard: %s; trying again", type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    def _read(self, found: dict[str, Any], hear: Hear) -> None:
        try:
            message = _decoder.decode(found["data"])
            tenants = [UUID(bytes=each) for each in message.tenants]
        except (msgspec.MsgspecError, ValueError, TypeError):
            # What others write to Redis is no reason to stop.
            return
        if message.teller != self._own:
            for each in tenants:
                hear(each)
