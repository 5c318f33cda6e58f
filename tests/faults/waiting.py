"""Waiting for something to be so, and not for ever."""

import asyncio
import time
from collections.abc import Callable

import asyncpg

POLL_SECONDS = 0.1
# What a database says that is away, or ends. InternalClientError: it has said its last word, and
# has not hung up.
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Raises AssertionError when it is not so within that time."""
    deadline = time.monotonic() + seconds
    while True:
        if condition():
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        await asyncio.sleep(POLL_SECONDS)
