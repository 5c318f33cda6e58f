import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.kit.sample import AUTHORIZED, LIMIT, make_app

from csapi.kit import body
from csapi.kit.body import MIB, NDJSON

GOOD = b'{"external_id":"c1"}'
JSON = {"Content-Type": "application/json"}
PADDED = GOOD + b" " * (LIMIT - len(GOOD))
MANY = json.dumps([{"external_id": "c1", "custom": {"note": "x" * 5000}}] * 1000).encode()


def gzipped(data: bytes, **more: str) -> dict[str, Any]:
    return {"content": gzip.compress(data), "headers": {**JSON, "Content-Encoding": "gzip", **more}}


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


CASES: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "good": ({"content": GOOD, "headers": JSON}, 201, None),
    "charset": (
        {"content": GOOD, "headers": {"Content-Type": 'Application/JSON; charset="UTF-8"'}},
        201,
        None,
    ),
    "exactly the limit": ({"content": PADDED, "headers": JSON}, 201, None),
    "gzip": (gzipped(GOOD), 201, None),
    "gzip, exactly the limit": (gzipped(PADDED), 201, None),
    "identity": ({"content": GOOD, "headers": {**JSON, "Content-Encoding": "identity"}}, 201, None),
    "empty": ({"content": b"", "headers": JSON}, 400, "empty_body"),
    "none": ({}, 400, "empty_body"),
    "spaces": ({"content": b"  ", "headers": JSON}, 400, "malformed_json"),
    "no type": ({"content": GOOD}, 415, "unsupported_media_type"),
    "text": (
        {"content": GOOD, "headers": {"Content-Type": "text/plain"}},
        415,
        "unsupported_media_type",
    ),
    "xml": (
        {"content": b"<a/>", "headers": {"Content-Type": "application/xml"}},
        415,
        "unsupported_media_type",
    ),
    "multipart": ({"files": {"file": GOOD}}, 415, "unsupported_media_type"),
    "form": ({"data": {"external_id": "c1"}}, 415, "unsupported_media_type"),
    "lines where one is asked": (
        {"content": GOOD, "headers": {"Content-Type": NDJSON}},
        415,
        "unsupported_media_type",
    ),
    "latin-1": (
        {"content": GOOD, "headers": {"Content-Type": "application/json; charset=latin-1"}},
        415,
        "unsupported_media_type",
    ),
    "brotli": (
        {"content": GOOD, "headers": {**JSON, "Content-Encoding": "br"}},
        415,
        "unsupported_content_encoding",
    ),
    "two encodings": (
        {"content": GOOD, "headers": {**JSON, "Content-Encoding": "gzip, gzip"}},
        415,
        "unsupported_content_encoding",
    ),
    "over the limit": ({"content": PADDED + b" ", "headers": JSON}, 413, "body_too_large"),
    "over the limit in chunks": (
        {"content": chunks(*[b" " * 5000] * 5), "headers": JSON},
        413,
        "body_too_large",
    ),
    "absurd length": (
        {"content": GOOD, "headers": {**JSON, "Content-Length": "9" * 30}},
        413,
        "body_too_large",
    ),
    "gzip, over the limit": (gzipped(PADDED + b" "), 413, "body_too_large"),
    "gzip bomb": (gzipped(b" " * 20_000_000), 413, "body_too_large"),
    "not gzip": (
        {"content": GOOD, "headers": {**JSON, "Content-Encoding": "gzip"}},
        400,
        "malformed_gzip",
    ),
    "zlib, not gzip": (
        {"content": zlib.compress(GOOD), "headers": {**JSON, "Content-Encoding": "gzip"}},
        400,
        "malformed_gzip",
    ),
    "gzip, cut": (
        {"content": gzip.compress(GOOD)[:-9], "headers": {**JSON, "Content-Encoding": "gzip"}},
        400,
        "malformed_gzip",
    ),
    "gzip, more after it": (
        {
            "content": gzip.compress(GOOD) + b"x",
            "headers": {**JSON, "Content-Encoding": "gzip"},
        },
        400,
        "malformed_gzip",
    ),
    "gzip of nothing": (gzipped(b""), 400, "empty_body"),
}


@pytest.mark.parametrize(("sent", "status", "code"), CASES.values(), ids=CASES)
async def test_a_body_is_read_or_refused(
    client: httpx.AsyncClient, sent: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await client.post("/v1/calls", **sent)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_a_refusal_says_what_would_do(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/calls", content=GOOD, headers={"Content-Type": "text/plain"})
    assert answer.headers["Accept"] == "application/json"
    answer = await client.post(
        "/v1/calls", content=GOOD, headers={**JSON, "Content-Encoding": "br"}
    )
    assert answer.headers["Accept-Encoding"] == "gzip, identity"


async def test_a_batch_comes_as_array_or_lines_also_packed(client: httpx.AsyncClient) -> None:
    expected = {
        "results": ["ok", [{"pointer": "/1/external_id", "code": "required"}]],
    }
    array, lines = b'[{"external_id":"c1"},{}]', b'{"external_id":"c1"}\n{}\n'
    for sent in (
        {"content": array, "headers": JSON},
        {"content": lines, "headers": {"Content-Type": f"{NDJSON}; charset=utf-8"}},
        gzipped(array),
        gzipped(lines, **{"Content-Type": NDJSON}),
    ):
        answer = (await client.post("/v1/calls/batch", **sent)).json()
        shown = [
            r if r == "ok" else [{k: e[k] for k in ("pointer", "code")} for e in r]
            for r in answer["results"]
        ]
        assert {"results": shown} == expected


async def test_a_batch_has_its_own_limit(client: httpx.AsyncClient) -> None:
    assert LIMIT < len(MANY) < 5 * MIB
    assert (await client.post("/v1/calls/batch", content=MANY, headers=JSON)).status_code == 200
    answer = await client.post("/v1/calls/batch", content=b" " * (5 * MIB + 1), headers=JSON)
    assert answer.json()["code"] == "body_too_large"


async def test_without_a_key_the_body_is_not_looked_at() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app()), base_url="http://test"
    ) as stranger:
        assert (await stranger.post("/v1/calls", content=b"\xff")).status_code == 401


async def test_a_body_that_does_not_come_is_408(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "READ_SECONDS", 0.05)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(5)

    answer = await client.post("/v1/calls", content=slow(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
    assert answer.headers["Connection"] == "close"


async def test_a_lost_connection_is_no_defect() -> None:
    statuses: list[int] = []
    sent = iter(
        [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> Any:
        return next(sent)

    async def send(message: Any) -> None:
        statuses.append(message.get("status", 0))

    headers = {**AUTHORIZED, **JSON, "Content-Length": "20", "Host": "test"}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/calls",
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "http_version": "1.1",
    }
    await make_app()(scope, receive, send)
    assert statuses[0] == 400
