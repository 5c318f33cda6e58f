"""One question about now, and who listens to its answers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from csapi.access.tickets import Opener
from csapi.kit.streams import HEARTBEAT, event

# So long after a connection breaks browsers open another one.
RETRY = b"retry: 2000\n\n"
HEARTBEAT_SECONDS = 15.0
LONGEST_STREAM_SECONDS = 3_600

# The state of now, as it is sent.
Ask = Callable[[], Awaitable[bytes]]


class StreamEnd(StrEnum):
    """Why the server ends a stream: it has lasted long enough, its key or token is over, or the
    process ends."""

    expired = "expired"
    revoked = "revoked"
    closing = "closing"


class StreamEnded(msgspec.Struct):
    """The last event of a stream."""

    reason: StreamEnd


@dataclass(eq=False, slots=True)
class Board:
    """`is_stale`: something has happened since the last answer began to be worked out."""

    ask: Ask
    listeners: set["Listener"] = field(default_factory=set)
    frame: bytes | None = None
    is_stale: bool = True
    began: float = float("-inf")

    def show(self, frame: bytes) -> None:
        self.frame = frame
        for each in self.listeners:
            each.changed.set()
            if not each.first.done():
                each.first.set_result(None)

    def fail(self, error: Exception) -> None:
        """Whoever waits for their first answer is told; the others keep what they have."""
        self.is_stale |= self.frame is None
        for each in self.listeners:
            if not each.first.done():
                each.first.set_exception(error)


@dataclass(eq=False, slots=True)
class Listener:
    """One stream. However slowly it is read, one frame waits for it: the latest."""

    board: Board
    opener: Opener
    gone: Callable[["Listener"], None]
    lasts_seconds: float
    heartbeat_seconds: float
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    end: StreamEnd | None = None
    has_left: bool = False
    first: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def leave(self) -> None:
        """No more of it; again does nothing."""
        if not self.has_left:
            self.has_left = True
            self.gone(self)
            self.changed.set()

    def stop(self, reason: StreamEnd) -> None:
        self.end = self.end or reason
        self.changed.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The present state, each later one, and a sign of life where there is none."""
        ends_at = time.monotonic() + self.lasts_seconds
        yield RETRY
        shown = None
        while not self.has_left and self.end is None:
            if self.board.frame is not None and self.board.frame is not shown:
                shown = self.board.frame
                yield shown
                continue
            self.changed.clear()
            left = ends_at - time.monotonic()
            try:
                async with asyncio.timeout(min(left, self.heartbeat_seconds)):
                    await self.changed.wait()
            except TimeoutError:
                if left <= self.heartbeat_seconds:
                    self.stop(StreamEnd.expired)
                else:
                    yield HEARTBEAT
        if self.end is not None and not self.has_left:
            yield event("end", msgspec.json.encode(StreamEnded(reason=self.end)))
