"""Server-sent events (WHATWG HTML 9.2): an answer that goes on until one of both sides ends it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import Any

from litestar.types import Receive, Scope, Send

from csapi.kit.http import Response

log = logging.getLogger(__name__)

EVENTS = "text/event-stream"
# A client that has not taken what it was sent for so long is cut. Until then one piece waits.
SLOW_SECONDS = 10.0
# Proxies that gather an answer before they pass it on would hold it for ever.
UNBUFFERED = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
HEARTBEAT = b":\n\n"


def event(name: str, data: bytes, id_: str | None = None) -> bytes:
    """One event. `data` is one line, as JSON is."""
    head = b"" if id_ is None else b"id: " + id_.encode() + b"\n"
    return head + b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


class EventStream(Response):
    """What `pieces` gives, as it comes. `leave` makes them end, and may be called often."""

    __slots__ = ("leave", "pieces", "slow_seconds")

    def __init__(
        self,
        pieces: AsyncGenerator[bytes, None],
        leave: Callable[[], None],
        *,
        slow_seconds: float = SLOW_SECONDS,
    ) -> None:
        super().__init__(media_type=EVENTS, headers=UNBUFFERED)
        self.headers = [(k, v) for k, v in self.headers if k != b"content-length"]
        self.pieces = pieces
        self.leave = leave
        self.slow_seconds = slow_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Any = {
            "type": "http.response.start",
            "status": self.status,
            "headers": self.headers,
        }
        gone = asyncio.create_task(_until_gone(receive))
        gone.add_done_callback(lambda _: self.leave())
        try:
            await send(start)
            if scope.get("method") != "HEAD":
                await self._send_pieces(send)
        except TimeoutError:
            log.info("a client that did not read its stream was cut")
        finally:
            self.leave()
            gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_pieces(self, send: Send) -> None:
        async with aclosing(self.pieces) as pieces:
            async for piece in pieces:
                async with asyncio.timeout(self.slow_seconds):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    """Until the client is no longer there."""
    with suppress(Exception):
        while (await receive())["type"] != "http.disconnect":
            pass
