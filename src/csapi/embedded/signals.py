"""Waiting that a signal ends at once."""

import select
import signal
import socket
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Handler = Callable[[int, FrameType | None], object] | int | None


class StopRequested(Exception):  # noqa: N818
    """A signal asked for the end."""


class Signals:
    """Counts requests to stop while active. Main thread only."""

    def __init__(self) -> None:
        self.stops = 0
        self._before: dict[signal.Signals, Handler] = {}
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.settimeout(0)

    def __enter__(self) -> Self:
        for number in STOPPING:
            # nohup and background jobs ignore signals on purpose.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._count)
        # A handler must exist for the end of a child to wake us.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def pause(self, seconds: float) -> None:
        """Wait that long; StopRequested as soon as a signal has asked for the end."""
        self._wait(seconds, until_stops=1)

    def pause_stopping(self, seconds: float) -> None:
        """The same while stopping: StopRequested when asked a second time."""
        self._wait(seconds, until_stops=2)

    def _count(self, _number: int, _frame: FrameType | None) -> None:
        self.stops += 1

    def _wait(self, seconds: float, *, until_stops: int) -> None:
        if self.stops < until_stops:
            readable, _, _ = select.select([self._reader], [], [], seconds)
            if readable:
                self._reader.recv(4096)
        else:
            raise StopRequested
        if self.stops >= until_stops:
            raise StopRequested
