"""Passwords by argon2id, in threads of their own: they are slow on purpose."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from csapi.kit.problems import Problem

T = TypeVar("T")

# 64 MiB and about a tenth of a second on one core.
HASHER = PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1)
# One at a time in each process: sign-ins take at most one core from everything else.
AT_ONCE, MOST_WAITING = 1, 20


def as_hashed(password: str) -> bytes:
    """The same word may be typed in several forms of Unicode."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def matches(stored: str, password: str) -> bool:
    try:
        return HASHER.verify(stored, as_hashed(password))
    except (VerificationError, InvalidHashError):
        return False


class Hasher:
    """Hashes and compares. Raises Problem (overloaded) where too many wait already."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        return await self._run(lambda: HASHER.hash(as_hashed(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password. The same work is done where there is none to compare with."""

        def compare() -> bool:
            if stored is not None:
                return matches(stored, password)
            if self._dummy is None:
                self._dummy = HASHER.hash(secrets.token_bytes(16))
            matches(self._dummy, password)
            return False

        return await self._run(compare)

    def check_room(self) -> None:
        """Raises Problem (overloaded): to be asked before an attempt is counted."""
        if self._waiting >= MOST_WAITING:
            raise Problem("overloaded", "Too many sign-ins at once. Try again.")

    async def _run(self, work: Callable[[], T]) -> T:
        self.check_room()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def warm(self) -> None:
        """Make the hash for accounts that do not exist, so that the first of them tells nothing."""
        self._threads.submit(self._prepare)

    def _prepare(self) -> None:
        if self._dummy is None:
            self._dummy = HASHER.hash(secrets.token_bytes(16))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
