"""Sending: to the address that was checked, for the name, without redirects, within bounds."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.connect.receiver import Receiver, receiving

from csapi.connect.webhooks import client as sending
from csapi.connect.webhooks.client import EXCERPT_CHARACTERS, Client, Outcome
from csapi.kit.checked_http import Lookup

# A certificate of tests alone, for the name hooks.test.
CERTIFICATE = Path(__file__).with_name("hooks_test.pem")
HEADERS = {"webhook-id": "e1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def names(**known: Sequence[str]) -> Callable[..., object]:
    """A resolver that knows these names, whatever the machine's knows."""

    async def look_up(host: str, port: int) -> Sequence[str]:
        return known[host.replace(".", "_")]

    return look_up


async def send(url: str, *, insecure: bool = True, **more: object) -> Outcome:
    client = Client(insecure=insecure, **more)  # type: ignore[arg-type]
    try:
        return await client.send(url, b'{"a":1}', HEADERS)
    finally:
        client.close()


async def test_what_is_sent_arrives_as_it_is(receiver: Receiver) -> None:
    found = await send(receiver.url)
    assert (found.status, found.error, found.is_success) == (204, None, True)
    (message,) = receiver.messages
    assert message.body == b'{"a":1}'
    assert message.headers["content-type"] == "application/json"
    assert message.headers["host"] == f"127.0.0.1:{receiver.port}"


async def test_a_name_is_connected_at_the_address_that_was_checked(receiver: Receiver) -> None:
    """It is asked once: what it would answer a moment later does not matter."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    url = f"http://hooks.test:{receiver.port}/hook"
    assert (await send(url, lookup=rebinding)).status == 204
    assert receiver.messages[0].headers["host"] == f"hooks.test:{receiver.port}"
    assert asked == ["hooks.test"]
    assert (await send(url, lookup=rebinding)).error == "blocked_address"


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"],
     ["8.8.8.8", "127.0.0.1"], ["64:ff9b::7f00:1"], ["fd00:ec2::254"]],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_never_connected(
    receiver: Receiver, addresses: list[str]
) -> None:
    url = f"https://hooks.test:{receiver.port}/"
    found = await send(url, insecure=False, lookup=names(hooks_test=addresses))
    assert (found.status, found.error) == (None, "blocked_address")
    assert receiver.messages == []


async def test_a_url_that_was_taken_in_development_is_not_used_elsewhere(
    receiver: Receiver,
) -> None:
    assert (await send(receiver.url, insecure=False)).error == "blocked_address"
    assert receiver.messages == []


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(302, {"location": receiver.url})]
    found = await send(receiver.url)
    assert (found.status, found.is_success, len(receiver.messages)) == (302, False, 1)


async def test_of_an_answer_a_beginning_is_read(receiver: Receiver) -> None:
    receiver.answers = [(500, {"retry-after": "7"})]
    receiver.content = b"\x1b[31mno\xff" + b"x" * 5_000_000
    found = await send(receiver.url)
    assert (found.status, found.retry_after) == (500, "7")
    assert found.excerpt is not None
    assert found.excerpt.startswith("\ufffd[31mno\ufffdxxx")
    assert len(found.excerpt) == EXCERPT_CHARACTERS


async def test_proxies_of_the_environment_are_not_heeded(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert (await send(receiver.url)).status == 204


async def test_tls_is_for_the_name(receiver: Receiver) -> None:
    del receiver
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    look_up = names(hooks_test=["127.0.0.1"], other_test=["127.0.0.1"])
    with receiving(serving) as secure:
        url = f"https://hooks.test:{secure.port}/hook"
        assert (await send(url, verify=trusting, lookup=look_up)).status == 204
        other = f"https://other.test:{secure.port}/hook"
        assert (await send(other, verify=trusting, lookup=look_up)).error == "tls_error"
        assert (await send(url, lookup=look_up)).error == "tls_error"
        assert len(secure.messages) == 1


Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def speaking(answer: bytes | None) -> AsyncIterator[str]:
    """A server that answers this whatever it is asked; None: nothing at all."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"


async def test_whoever_does_not_speak_http_is_told_apart() -> None:
    for answer in (b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b""):
        async with speaking(answer) as url:
            assert (await send(url)).error in ("not_http", "connection_lost")
    long = b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 300_000 + b"\r\n\r\n"
    async with speaking(long) as url:
        assert (await send(url)).error in ("not_http", "connection_lost")


async def test_whoever_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.3)
    async with speaking(None) as url:
        found = await send(url)
    assert (found.status, found.error) == (None, "timeout")
    assert found.duration_ms < 2_000


async def test_nobody_there() -> None:
    async with speaking(b"") as url:
        pass
    assert (await send(url)).error == "connect_error"
    assert (await send("http://nobody.invalid/")).error == "unknown_host"
    lookup = Lookup()
    assert "127.0.0.1" in await lookup("localhost", 80)
    lookup.close()
