import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.kit.sample import KEY

from csapi.kit.http import Edge, Response, json_response, no_content
from csapi.kit.log import configure_logging


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the process logs, in the form of production."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def logged(stream: io.StringIO) -> list[dict[str, Any]]:
    """Lines of csapi; connections of other tests may end meanwhile."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in lines if line["logger"].startswith("csapi")]


async def test_every_answer_has_the_headers_of_the_edge(client: httpx.AsyncClient) -> None:
    for path in ("/v1/calls", "/v1/nothing", "/raise/defect", "/v1/calls/%ff"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert len(headers["X-Request-Id"]) == 24


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a", True),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", True),
        ("Root=1:67891233-abc.d_e", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a b", False),
        ('a"b', False),
        ("a\x1b[31m", False),
    ],
)
async def test_a_sane_request_id_is_kept(
    client: httpx.AsyncClient, given: str, *, kept: bool
) -> None:
    answer = await client.get("/v1/nothing", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is kept
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    got, head = await client.get("/v1/calls"), await client.head("/v1/calls")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.content))
    assert (await client.head("/v1/nothing")).content == b""


async def test_options_lists_the_methods(client: httpx.AsyncClient) -> None:
    answer = await client.options("/v1/calls")
    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


async def test_one_line_per_request_without_what_is_private(
    client: httpx.AsyncClient, lines: io.StringIO
) -> None:
    answer = await client.get("/v1/calls/1?phone=canary")
    (line,) = logged(lines)
    assert line.pop("time").endswith("Z")
    assert line.pop("ms") >= 0
    assert len(line.pop("trace_id")) == 32
    assert line == {
        "level": "info",
        "logger": "csapi.access",
        "message": "request",
        "method": "GET",
        "path": "/v1/calls/{id}",
        "status": 404,
        "request_id": answer.headers["X-Request-Id"],
        "tenant": "t1",
    }
    assert "canary" not in lines.getvalue()
    assert KEY not in lines.getvalue()


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        (["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"], True),
        (["00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"], False),
        (["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] * 2, False),
        ([], False),
    ],
)
async def test_log_lines_name_the_trace_of_the_caller(
    client: httpx.AsyncClient, lines: io.StringIO, given: list[str], *, is_kept: bool
) -> None:
    await client.get("/raise/defect", headers=[("traceparent", each) for each in given])
    error, access = logged(lines)
    assert error["trace_id"] == access["trace_id"]
    assert (access["trace_id"] == "0af7651916cd43dd8448eb211c80319c") is is_kept


async def test_log_lines_cannot_be_forged(client: httpx.AsyncClient, lines: io.StringIO) -> None:
    await client.get("/v1/a%0d%0a%7b%22forged%22:1%7d%1b%5b31m%7f%c2%9b%e2%80%ae")
    (line,) = logged(lines)
    assert line["path"].startswith("/v1/a\r\n{")
    text = lines.getvalue()
    assert text.isascii()
    assert all(line.isprintable() for line in text.rstrip("\n").split("\n"))


async def test_a_traceback_has_no_credentials(
    client: httpx.AsyncClient, lines: io.StringIO
) -> None:
    await client.get("/raise/defect")
    error, access = logged(lines)
    assert "RuntimeError: secret [redacted]" in error["exception"]
    assert error["request_id"] == access["request_id"]
    assert access["status"] == 500
    assert KEY not in lines.getvalue()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("csk_live_abc_defghi", "defghi"),
        ("csp_live_abc_defghi", "defghi"),
        ("GET /v1/live/stream?ticket=cst_00ff_abc_defghi", "defghi"),
        ("Authorization: Bearer opaque.token", "opaque"),
        ("authorization: bearer opaque", "opaque"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "c2ln"),
        ("postgresql://user:hunter2@host/db", "hunter2"),
    ],
)
def test_credentials_do_not_reach_the_log(lines: io.StringIO, text: str, secret: str) -> None:
    logging.getLogger("csapi.test").warning("seen %s", text)
    assert "[redacted]" in logged(lines)[0]["message"]
    assert secret not in lines.getvalue()


def test_the_level_is_kept(lines: io.StringIO) -> None:
    logging.getLogger("csapi.test").debug("no")
    logging.getLogger("httpx").info("GET with a query")
    assert logged(lines) == []


async def test_what_escapes_the_app_is_a_problem_too() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError

    transport = httpx.ASGITransport(Edge(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("late")

    transport = httpx.ASGITransport(Edge(broken))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(RuntimeError, match="late"):
            await client.get("/")


async def test_other_protocols_pass() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await Edge(app)({"type": "lifespan"}, None, None)
    assert seen == ["lifespan"]


def test_responses_are_finished_bytes() -> None:
    assert json_response({"a": 1}, 201).body == b'{"a":1}'
    assert json_response(b'{"a":1}').body == b'{"a":1}'
    assert no_content().headers == []
    own = Response(b"x", media_type="text/csv", headers={"ETag": '"1"'})
    assert own.headers == [
        (b"content-type", b"text/csv"),
        (b"content-length", b"1"),
        (b"etag", b'"1"'),
    ]
