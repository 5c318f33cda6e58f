"""Asking hosts that others name: where it does not go, and what it does not read."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from csapi.kit.checked_http import Fetched, Fetcher, FetchError

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def fetched(fetcher: Fetcher, url: str, *, most_bytes: int = 100) -> Fetched | str:
    """The answer, or why there is none."""
    try:
        return await fetcher.fetch("GET", url, most_bytes=most_bytes, seconds=0.5)
    except FetchError as error:
        return error.reason
    finally:
        fetcher.close()


def leading_to(*addresses: str) -> Fetcher:
    async def lookup(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(0)
        return addresses

    return Fetcher(lookup=lookup)


@asynccontextmanager
async def server(answer: bytes, *, delay: float = 0.0) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in answer:
            if writer.is_closing():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(delay)
        writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with running:
        yield f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    "addresses", [("10.0.0.1",), ("127.0.0.1",), ("93.184.215.14", "169.254.169.254"), ("fd00::1",)]
)
async def test_a_name_that_leads_inside_is_not_followed(addresses: tuple[str, ...]) -> None:
    fetcher = leading_to(*addresses)
    assert await fetched(fetcher, "https://login.example.com/") == "blocked_address"


async def test_addresses_inside_and_other_schemes_are_refused_at_once() -> None:
    for url in ("http://login.example.com/", "https://127.1/", "file:///etc/passwd", "x"):
        assert await fetched(Fetcher(), url) == "blocked_address"


async def test_an_answer_is_read_whole_or_not_at_all() -> None:
    async with server(ANSWER) as url:
        assert await fetched(Fetcher(insecure=True), url) == Fetched(200, b"hello")
        assert await fetched(Fetcher(insecure=True), url, most_bytes=4) == "too_large"
    async with server(ANSWER[:-1]) as url:
        assert await fetched(Fetcher(insecure=True), url) == "not_http"
    async with server(ANSWER, delay=0.05) as url:
        assert await fetched(Fetcher(insecure=True), url) == "timeout"
    async with server(b"nonsense\r\n\r\n") as url:
        assert await fetched(Fetcher(insecure=True), url) == "not_http"
