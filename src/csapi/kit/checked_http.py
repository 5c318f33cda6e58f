"""Connections to hosts that others name: to a checked address, and to no other.

The name is looked up once for each connection, all its addresses are checked, and the connection is
opened to one that was: what the name answers a moment later does not matter. TLS is for the name,
and so are Host and SNI. Nothing of the environment (proxies) is heeded.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpcore

from csapi import __version__
from csapi.kit.public_addresses import may_connect, refusal

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
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


def checked_pool(
    lookup: Any, verify: ssl.SSLContext, *, insecure: bool
) -> httpcore.AsyncConnectionPool:
    """A connection of its own for each request: the address is checked each time."""
    return httpcore.AsyncConnectionPool(
        ssl_context=verify,
        max_connections=1,
        max_keepalive_connections=0,
        network_backend=CheckedBackend(lookup, insecure=insecure),
    )


def failure_of(failure: Exception) -> str:
    """What went wrong with a connection, in a word."""
    if isinstance(failure, BlockedAddressError):
        return "blocked_address"
    if isinstance(failure, UnknownHostError):
        return "unknown_host"
    if isinstance(failure.__cause__ or failure.__context__, ssl.SSLError):
        return "tls_error"
    for kind, name in ERRORS.items():
        if isinstance(failure, kind):
            return name
    return "connect_error" if isinstance(failure, OSError) else "not_http"


class FetchError(Exception):
    """No whole answer came; `reason` in a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    body: bytes


async def whole_of(response: httpcore.Response, most_bytes: int) -> bytes:
    """The body. Raises FetchError where it is longer."""
    found = bytearray()
    async for piece in response.aiter_stream():
        found += piece
        if len(found) > most_bytes:
            raise FetchError("too_large")
    return bytes(found)


class Fetcher:
    """Asks hosts that others name, without redirects, within a time and a size. `insecure`: also by
    http, and this machine. `verify`: who vouches for them."""

    def __init__(
        self, *, insecure: bool = False, verify: ssl.SSLContext | None = None, lookup: Any = None
    ) -> None:
        self._insecure = insecure
        self._verify = verify or ssl.create_default_context()
        self._lookup = lookup or Lookup()

    async def fetch(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        most_bytes: int,
        seconds: float,
    ) -> Fetched:
        """The whole answer. Raises FetchError, and nothing else that the host could cause."""
        if refusal(url, insecure=self._insecure) is not None:
            raise FetchError("blocked_address")
        given = {
            "user-agent": f"csapi/{__version__}",
            "accept": "application/json",
            "accept-encoding": "identity",
            "connection": "close",
            **(headers or {}),
        }
        try:
            async with (
                asyncio.timeout(seconds),
                checked_pool(self._lookup, self._verify, insecure=self._insecure) as pool,
                pool.stream(
                    method, url, headers=list(given.items()), content=body, extensions=LIMITS
                ) as response,
            ):
                return Fetched(response.status, await whole_of(response, most_bytes))
        except FetchError:
            raise
        except Exception as failure:  # noqa: BLE001  whatever a host does is an outcome
            raise FetchError(failure_of(failure)) from None

    def close(self) -> None:
        if isinstance(self._lookup, Lookup):
            self._lookup.close()
