"""Waiting for something to be so, and not for ever."""

import asyncio
import time
from collections.abc import Callable

POLL_SECONDS = 0.1


async def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Raises AssertionError when it is not so within that time."""
    deadline = time.monotonic() + seconds
    while True:
        if condition():
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
