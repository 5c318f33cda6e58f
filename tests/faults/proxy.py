"""A network between two parties that can be slow, silent or cut."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

CHUNK = 65_536
Connect = Callable[[], Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def to_socket(path: str) -> Connect:
    return lambda: asyncio.open_unix_connection(path)


class Proxy:
    """Listens on a port of this machine and passes on to `connect`."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay_seconds = 0.0
        # Cleared: nothing passes, and nobody is told, as when a cable is out.
        self.passing = asyncio.Event()
        self.passing.set()
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._connect()
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        for pair in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(*pair))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if self.delay_seconds:
                    await asyncio.sleep(self.delay_seconds)
                await self.passing.wait()
                writer.write(data)
                await writer.drain()
        self._writers.discard(writer)
        writer.close()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    def half_close(self) -> None:
        """End one direction of every connection."""
        for writer in list(self._writers):
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()

    async def close(self) -> None:
        self.passing.set()
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
