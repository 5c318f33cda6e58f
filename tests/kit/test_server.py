"""What only a raw socket can send, against the app on a real granian."""

import gzip
import json
import socket
from contextlib import ExitStack
from typing import Any

import pytest
from tests.kit.sample import AUTHORIZED, LIMIT
from tests.kit.serving import PLACES, Server

GOOD = b'{"external_id":"c1"}'


def request(
    method: str, target: bytes, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """One HTTP/1.1 request as bytes; the headers win over those that are made here."""
    fields = {"Host": "test", "Connection": "close", **AUTHORIZED, **(headers or {})}
    lines = [f"{name}: {value}".encode("latin-1") for name, value in fields.items()]
    return b"\r\n".join([method.encode() + b" " + target + b" HTTP/1.1", *lines, b"", body])


def post(body: bytes, headers: dict[str, str] | None = None) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return request("POST", b"/v1/calls", {**fields, **(headers or {})}, body)


def chunked(*parts: bytes) -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
    fields = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    return request("POST", b"/v1/calls", fields, framed)


def answer(server: Server, sent: bytes) -> tuple[int, str | None]:
    """Status and problem code; None for an empty body, which is granian's own refusal."""
    head, _, body = server.talk(sent).partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if not body:
        return status, None
    problem: dict[str, Any] = json.loads(body)
    assert status < 400 or b"application/problem+json" in head.lower()
    return status, problem.get("code")


CASES = {
    "good": (post(GOOD), 201, None),
    "good in chunks": (chunked(GOOD[:7], GOOD[7:]), 201, None),
    "gzip": (post(gzip.compress(GOOD), {"Content-Encoding": "gzip"}), 201, None),
    "invalid UTF-8": (post(b'{"external_id":"\xff"}'), 400, "invalid_utf8"),
    "overlong UTF-8": (post(b'{"external_id":"\xc0\xaf"}'), 400, "invalid_utf8"),
    "deep": (post(b"[" * 10_000), 400, "too_deep"),
    "NUL": (post(rb'{"external_id":"\u0000"}'), 422, "nul_character"),
    "empty": (post(b""), 400, "empty_body"),
    "empty chunks": (chunked(), 400, "empty_body"),
    "no length": (
        request("POST", b"/v1/calls", {"Content-Type": "application/json"}),
        400,
        "empty_body",
    ),
    "over the limit": (post(b" " * (LIMIT + 1)), 413, "body_too_large"),
    "over the limit in chunks": (chunked(*[b" " * 5000] * 6), 413, "body_too_large"),
    "announced over the limit": (
        post(b"", {"Content-Length": "99999999"}),
        413,
        "body_too_large",
    ),
    "xml": (post(b"<a/>", {"Content-Type": "application/xml"}), 415, "unsupported_media_type"),
    "negative length": (post(GOOD, {"Content-Length": "-1"}), 400, None),
    "both lengths": (
        post(GOOD, {"Content-Length": "5\r\nContent-Length: 20"}),
        400,
        None,
    ),
    "NUL in the path": (request("GET", b"/v1/calls/%00"), 404, "not_found"),
    "bad UTF-8 in the path": (request("GET", b"/v1/calls/%ff"), 400, "invalid_utf8"),
    "bad UTF-8 in the query": (request("GET", b"/v1/calls?cursor=%ff"), 400, "invalid_utf8"),
    "Arabic digits in the path": (request("GET", b"/v1/calls/%D9%A3"), 404, "not_found"),
    "long path": (request("GET", b"/v1/" + b"x" * 100_000), 414, None),
    "long header": (request("GET", b"/v1/calls", {"X-Long": "x" * 500_000}), 431, None),
    "many headers": (
        request("GET", b"/v1/calls", {f"X-{number}": "1" for number in range(300)}),
        431,
        None,
    ),
    "unknown method": (request("BREW", b"/v1/calls"), 405, "method_not_allowed"),
    "TRACE": (request("TRACE", b"/v1/calls"), 405, "method_not_allowed"),
    "not HTTP": (b"\x16\x03\x01 hello\r\n\r\n", 400, None),
}


@pytest.mark.parametrize(("sent", "status", "code"), CASES.values(), ids=CASES)
def test_bytes_on_the_wire(server: Server, sent: bytes, status: int, code: str | None) -> None:
    assert answer(server, sent) == (status, code)


@pytest.mark.parametrize("size", [20, 5_000_000])
def test_a_refused_body_is_answered_and_does_not_spoil_the_next_request(
    server: Server, size: int
) -> None:
    refused = post(b"x" * size, {"Connection": "keep-alive", "Content-Encoding": "br"})
    text = server.talk(refused + post(GOOD))
    assert text.count(b"HTTP/1.1 ") == 2
    assert text.startswith((b"HTTP/1.1 415", b"HTTP/1.1 413"))
    assert text.count(b"HTTP/1.1 201") == 1


def test_a_large_body_with_a_wrong_key_is_403(server: Server) -> None:
    assert answer(server, post(b"x" * 5_000_000, {"Authorization": "x"})) == (
        403,
        "insufficient_scope",
    )


def test_a_body_that_waits_for_leave_is_refused_at_once(server: Server) -> None:
    waiting = {"Content-Length": "5000000", "Expect": "100-continue"}
    assert answer(server, post(b"", waiting)) == (413, "body_too_large")


def test_a_body_that_never_comes_is_408_and_closes(server: Server) -> None:
    status = answer(server, post(b"{", {"Content-Length": "20", "Connection": "keep-alive"}))
    assert status == (408, "request_timeout")


def test_a_silent_connection_is_closed(server: Server) -> None:
    assert server.talk(b"") == b""
    assert server.talk(b"GET /v1/ca") == b""


def test_a_crowd_of_silent_connections_keeps_nobody_out(server: Server) -> None:
    """Half say nothing, half announce a body that never comes: twice what there are places for."""
    slow = post(b"{", {"Content-Length": "20", "Connection": "keep-alive"})
    with ExitStack() as crowd:
        for number in range(2 * PLACES):
            silent = socket.create_connection(("127.0.0.1", server.port), timeout=15)
            crowd.enter_context(silent)
            silent.sendall(b"" if number % 2 else slow)
        assert answer(server, post(GOOD)) == (201, None)


def test_a_bomb_costs_no_memory(server: Server) -> None:
    bomb = gzip.compress(b" " * 15_000_000)
    assert len(bomb) < LIMIT
    sent = post(bomb, {"Content-Encoding": "gzip"})
    assert answer(server, sent) == (413, "body_too_large")
