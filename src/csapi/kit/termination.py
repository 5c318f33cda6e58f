"""Knowing that the process is told to end while answers are still under way.

A server waits for its answers before it tells the app of the end, and a stream would keep it
waiting until it is killed.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# The end is near, and not yet: from `csapi serve` to its processes.
SOON = signal.SIGUSR1


@contextmanager
def told_of_termination(work: Callable[[], None]) -> Iterator[None]:
    """Call `work` in the running loop when a signal asks to end, or tells that it soon will;
    whoever handled it still does.

    The server's own handler hears of the signal through the wake-up descriptor of the loop, which
    stays as it is; ours comes beside it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(work)
        before[signal.Signals(number)](number, frame)

    for each in SIGNALS:
        handler = signal.getsignal(each)
        if callable(handler):
            before[each] = handler
            signal.signal(each, heard)
            signal.siginterrupt(each, False)  # noqa: FBT003  has no keyword
    loop.add_signal_handler(SOON, work)
    try:
        yield
    finally:
        loop.remove_signal_handler(SOON)
        for each, handler in before.items():
            signal.signal(each, handler)
