"""Sending one webhook: to a checked address, without redirects, within a time and a size
(kit/checked_http.py)."""

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore

from csapi import __version__
from csapi.kit.checked_http import (
    LIMITS,
    BlockedAddressError,
    Lookup,
    UnknownHostError,
    checked_pool,
    failure_of,
)
from csapi.kit.public_addresses import refusal

WHOLE_SECONDS = 15.0
MOST_READ = 8 * 1024
EXCERPT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt. error: why there is no answer; None where there is one."""

    status: int | None
    error: str | None
    excerpt: str | None
    retry_after: str | None
    duration_ms: int

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Client:
    """Sends. `insecure`: also by http, and to this machine. `verify`: who vouches for receivers."""

    def __init__(
        self,
        *,
        insecure: bool = False,
        verify: ssl.SSLContext | None = None,
        lookup: Any = None,
    ) -> None:
        self._insecure = insecure
        self._verify = verify or ssl.create_default_context()
        self._lookup = lookup or Lookup()

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """One attempt. Raises nothing that the receiver could cause."""
        began = time.monotonic()
        status: int | None = None
        error = excerpt = retry_after = None
        if refusal(url, insecure=self._insecure) is not None:
            return Outcome(None, "blocked_address", None, None, 0)
        try:
            async with (
                asyncio.timeout(WHOLE_SECONDS),
                checked_pool(self._lookup, self._verify, insecure=self._insecure) as pool,
                pool.stream(
                    "POST", url, headers=headers_of(headers), content=body, extensions=LIMITS
                ) as response,
            ):
                status = response.status
                retry_after = header_of(response, b"retry-after")
                excerpt = await excerpt_of(response)
        except (BlockedAddressError, UnknownHostError) as failure:
            error = failure_of(failure)
        except Exception as failure:  # noqa: BLE001  whatever a receiver does is an outcome
            # Who has said how it went need not finish the sentence.
            error = None if status is not None else failure_of(failure)
        duration_ms = round((time.monotonic() - began) * 1000)
        return Outcome(status, error, excerpt, retry_after, duration_ms)

    def close(self) -> None:
        if isinstance(self._lookup, Lookup):
            self._lookup.close()


def headers_of(further: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        ("content-type", "application/json"),
        ("user-agent", f"csapi-webhooks/{__version__}"),
        ("accept-encoding", "identity"),
        ("connection", "close"),
        *further.items(),
    ]


def header_of(response: httpcore.Response, wanted: bytes) -> str | None:
    for name, value in response.headers:
        if name.lower() == wanted:
            return str(value[:100].decode("latin-1"))
    return None


async def excerpt_of(response: httpcore.Response) -> str:
    """The beginning of what was answered; the rest is not read. What comes late is left out."""
    found = bytearray()
    with suppress(TimeoutError, httpcore.TimeoutException, httpcore.NetworkError):
        async for piece in response.aiter_stream():
            found += piece
            if len(found) >= MOST_READ:
                break
    text = bytes(found[:MOST_READ]).decode("utf-8", "replace")[:EXCERPT_CHARACTERS]
    return "".join(each if each.isprintable() or each == "\n" else "\ufffd" for each in text)
