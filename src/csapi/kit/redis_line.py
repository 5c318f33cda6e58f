"""One connection to Redis on which commands follow each other without waiting for answers.

redis-py takes four times as long for a command: too much for one in every request.
"""

import asyncio
from collections import deque
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis

Answer = asyncio.Future[Any]


class _Protocol(asyncio.Protocol):
    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[Answer] = deque()
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            future = self._waiting.popleft()
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        for future in self._waiting:
            if not future.done():
                future.set_exception(ConnectionResetError("Redis closed the connection"))
        self._waiting.clear()

    def send(self, words: tuple[Any, ...]) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("Redis closed the connection")
        future: Answer = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._transport.write(hiredis.pack_command(words))
        return future

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


class RedisLine:
    """Connects when it is first used, and again after it broke. Whoever calls limits the time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._protocol: _Protocol | None = None
        self._connecting = asyncio.Lock()

    async def call(self, *words: str | bytes | float) -> Any:
        """The answer to a command. Raises OSError, or hiredis.ReplyError where Redis refuses it."""
        protocol = self._protocol
        if protocol is None or not protocol.is_open:
            protocol = await self._connected()
        return await protocol.send(words)

    async def _connected(self) -> _Protocol:
        async with self._connecting:
            if self._protocol is not None and self._protocol.is_open:
                return self._protocol
            protocol = await self._connect()
            self._protocol = protocol
            return protocol

    async def _connect(self) -> _Protocol:
        loop, parts = asyncio.get_running_loop(), urlsplit(self._url)
        number = parts.path.strip("/")
        protocol: _Protocol
        if parts.scheme == "unix":
            number = ""
            _, protocol = await loop.create_unix_connection(_Protocol, unquote(parts.path))
        else:
            _, protocol = await loop.create_connection(
                _Protocol,
                parts.hostname or "127.0.0.1",
                parts.port or 6379,
                ssl=True if parts.scheme == "rediss" else None,
            )
        try:
            if parts.password:
                who = (unquote(parts.username),) if parts.username else ()
                await protocol.send(("AUTH", *who, unquote(parts.password)))
            if number not in ("", "0"):
                await protocol.send(("SELECT", number))
        except BaseException:
            protocol.close()
            raise
        return protocol

    def drop(self) -> None:
        """Close: what waits fails, and the next call connects anew."""
        if self._protocol is not None:
            self._protocol.close()
            self._protocol = None
