"""Sending one webhook: to a checked address, without redirects, within a time and a size.

The name is looked up once for each attempt, all its addresses are checked, and the connection is
opened to one that was: what the name answers a moment later does not matter. TLS is for the name,
and so are Host and SNI. Nothing of the environment (proxies) is heeded.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore

from csapi import __version__
from csapi.connect.webhooks.addresses import may_connect, refusal

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 10.0, 15.0
MOST_READ = 8 * 1024
EXCERPT_CHARACTERS = 500
# Whoever's names take long to look up holds up few others.
LOOKUPS_AT_ONCE = 32
LIMITS = {
    "timeout": {
        "connect": CONNECT_SECONDS,
        "read": READ_SECONDS,
        "write": READ_SECONDS,
        "pool": CONNECT_SECONDS,
    }
}
ERRORS: Mapping[type[Exception], str] = {
    httpcore.ConnectTimeout: "connect_timeout",
    httpcore.ReadTimeout: "read_timeout",
    httpcore.WriteTimeout: "write_timeout",
    httpcore.ConnectError: "connect_error",
    httpcore.ReadError: "connection_lost",
    httpcore.WriteError: "connection_lost",
    httpcore.RemoteProtocolError: "not_http",
    httpcore.LocalProtocolError: "not_http",
    TimeoutError: "timeout",
}


class BlockedAddressError(Exception):
    """The name leads to an address that is not public."""


class UnknownHostError(Exception):
    """The name leads nowhere."""


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


class Lookup:
    """Names to addresses by the system's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Raises UnknownHostError."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads,
                lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM),
            )
        except (OSError, UnicodeError):
            raise UnknownHostError from None
        return list(dict.fromkeys(str(each[4][0]) for each in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections to addresses that were checked, and to no others."""

    def __init__(self, lookup: Any, *, insecure: bool) -> None:
        self._lookup = lookup
        self._insecure = insecure
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the name in the base class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises BlockedAddressError where any address of the name is blocked."""
        async with asyncio.timeout(timeout):
            addresses = await self._lookup(host, port)
        if not addresses:
            raise UnknownHostError
        if not all(may_connect(each, insecure=self._insecure) for each in addresses):
            raise BlockedAddressError
        failure: Exception = UnknownHostError()
        for address in addresses[:3]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


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
                self._pool() as pool,
                pool.stream(
                    "POST", url, headers=headers_of(headers), content=body, extensions=LIMITS
                ) as response,
            ):
                status = response.status
                retry_after = header_of(response, b"retry-after")
                excerpt = await excerpt_of(response)
        except BlockedAddressError:
            error = "blocked_address"
        except UnknownHostError:
            error = "unknown_host"
        except Exception as failure:  # noqa: BLE001  whatever a receiver does is an outcome
            # Who has said how it went need not finish the sentence.
            error = None if status is not None else error_of(failure)
        duration_ms = round((time.monotonic() - began) * 1000)
        return Outcome(status, error, excerpt, retry_after, duration_ms)

    def _pool(self) -> httpcore.AsyncConnectionPool:
        """A connection of its own for each attempt: the address is checked each time."""
        return httpcore.AsyncConnectionPool(
            ssl_context=self._verify,
            max_connections=1,
            max_keepalive_connections=0,
            network_backend=CheckedBackend(self._lookup, insecure=self._insecure),
        )

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


def error_of(failure: Exception) -> str:
    if isinstance(failure.__cause__ or failure.__context__, ssl.SSLError):
        return "tls_error"
    for kind, name in ERRORS.items():
        if isinstance(failure, kind):
            return name
    return "connect_error" if isinstance(failure, OSError) else "not_http"
