"""Reading a request body: right type, in time, never more than the limit."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import Any, Protocol

from csapi.kit.problems import Problem, shown

JSON = "application/json"
NDJSON = "application/x-ndjson"
BATCH_TYPES = (JSON, NDJSON)
READ_SECONDS = 10
MIB = 1024 * 1024
DROP_SECONDS = 2
DROP_BYTES = 32 * MIB
_READ = "read_body"


class Incoming(Protocol):
    """What is needed of a request: litestar's Request has it."""

    @property
    def scope(self) -> Any: ...

    @property
    def receive(self) -> Any: ...


def header(request: Incoming, name: bytes) -> str | None:
    """The value of a header, whose `name` is given in lower case; None if it is absent."""
    return header_of(request.scope, name)


def header_of(scope: Any, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None


def content_type(request: Incoming) -> str:
    """The media type of the body in lower case without parameters; empty if there is none."""
    return (header(request, b"content-type") or "").partition(";")[0].strip().lower()


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"The body may have {limit:,} bytes.")


def _check_type(request: Incoming, allowed: Collection[str]) -> None:
    given, _, parameters = (header(request, b"content-type") or "").partition(";")
    if given.strip().lower() not in allowed:
        offered = ", ".join(allowed)
        got = shown(given.strip()) or "none"
        raise Problem(
            "unsupported_media_type",
            f"Content-Type must be {' or '.join(allowed)}, got {got}.",
            headers={"Accept": offered},
        )
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in ("utf-8", "utf8"):
            raise Problem("unsupported_media_type", "The charset must be utf-8.")


def _is_gzip(request: Incoming) -> bool:
    encoding = (header(request, b"content-encoding") or "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return True
    if encoding != "identity":
        raise Problem(
            "unsupported_content_encoding",
            f"Content-Encoding must be gzip or identity, got {shown(encoding)}.",
            headers={"Accept-Encoding": "gzip, identity"},
        )
    return False


def _check_length(request: Incoming, limit: int) -> None:
    length = header(request, b"content-length")
    if length is None:
        if header(request, b"transfer-encoding") is None:
            raise Problem("empty_body", "The request has no body.")
        return
    if not (length.isascii() and length.isdigit()):
        raise Problem("bad_request", "Content-Length is not a number.")
    if len(length) > 18 or int(length) > limit:
        raise _too_large(limit)
    if int(length) == 0:
        raise Problem("empty_body", "The request has no body.")


async def _chunks(request: Incoming) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem("bad_request", "The connection closed before the body was complete.")
        yield message.get("body", b"")
        more = message.get("more_body", False)


class _Gunzip:
    """One gzip member, unpacked chunk by chunk and never beyond the room that is left.

    There is no limit on the ratio: honest batches repeat themselves, and the limit on the
    unpacked size already bounds memory and time.
    """

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def unpack(self, chunk: bytes, room: int) -> bytes:
        try:
            unpacked = self._inflate.decompress(chunk, room + 1)
        except zlib.error:
            raise Problem("malformed_gzip", "The body is not gzip.") from None
        if self._inflate.unused_data:
            raise Problem("malformed_gzip", "The body has bytes after the gzip member.")
        return unpacked

    def finish(self) -> None:
        if not self._inflate.eof:
            raise Problem("malformed_gzip", "The gzip body ends too early.")


async def _collect(request: Incoming, limit: int, *, gzipped: bool) -> bytes:
    parts: list[bytes] = []
    received = total = 0
    gunzip = _Gunzip() if gzipped else None
    async for chunk in _chunks(request):
        received += len(chunk)
        part = gunzip.unpack(chunk, limit - total) if gunzip and chunk else chunk
        total += len(part)
        if total > limit or received > limit:
            raise _too_large(limit)
        parts.append(part)
    if gunzip and received:
        gunzip.finish()
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def read_body(
    request: Incoming, *, limit: int = MIB, allowed: Collection[str] = (JSON,)
) -> bytes:
    """The whole body, unpacked, at most `limit` bytes both packed and unpacked. It is read once:
    asked again, it is there.

    Raises Problem 400, 408, 413 or 415.
    """
    state = request.scope.setdefault("state", {})
    if (known := state.get(_READ)) is not None:
        body: bytes = known
        return body
    _check_length(request, limit)
    _check_type(request, allowed)
    gzipped = _is_gzip(request)
    try:
        async with asyncio.timeout(READ_SECONDS):
            data = await _collect(request, limit, gzipped=gzipped)
    except TimeoutError:
        raise Problem(
            "request_timeout",
            f"The body did not arrive within {READ_SECONDS} seconds.",
            headers={"Connection": "close"},
        ) from None
    if not data:
        raise Problem("empty_body", "The request has no body.")
    state[_READ] = data
    return data


class Upload:
    """A request body on its way. What a refusal leaves unread is read and dropped first.

    A server that answers and closes while a client still sends resets the connection, and the
    client may never see why.
    """

    def __init__(self, scope: Any, receive: Any) -> None:
        self._receive = receive
        self._scope = scope
        self._complete = scope["method"] in ("GET", "HEAD", "OPTIONS", "DELETE")

    async def receive(self) -> Any:
        message = await self._receive()
        if not message.get("more_body", False):
            self._complete = True
        return message

    async def drop(self) -> None:
        # A client that expects 100 Continue has sent nothing yet, and now will not.
        if self._complete or any(name == b"expect" for name, _ in self._scope["headers"]):
            return
        dropped = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DROP_SECONDS):
                while dropped < DROP_BYTES:
                    message = await self.receive()
                    if not message.get("more_body", False):
                        return
                    dropped += len(message.get("body", b""))
