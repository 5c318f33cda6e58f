"""Requests that are wrong around the body: framing, headers, paths, queries, methods."""

import json
import socket
from uuid import UUID

import pytest
from tests.conftest import Product, Tenant
from tests.ingest.raw import Answer, exchange, request
from tests.ingest.samples import JSON, RESOURCES, accept, post, problem, sample, stored


def item_bytes() -> bytes:
    return json.dumps(sample("calls")).encode()


def send(product: Product, tenant: Tenant, *headers: str, body: bytes, length: bool) -> Answer:
    raw = request("/v1/calls", tenant.key, *headers, body=body, length=length)
    return exchange(product.port, raw)


FRAMING = {
    "two lengths": ["Content-Length: 10", "Content-Length: 11"],
    "two lengths in one": ["Content-Length: 10, 11"],
    "negative length": ["Content-Length: -1"],
    "signed length": ["Content-Length: +10"],
    "length in words": ["Content-Length: ten"],
    "hexadecimal length": ["Content-Length: 0x10"],
    "huge length": ["Content-Length: " + "9" * 40],
    "length and chunks": ["Content-Length: 10", "Transfer-Encoding: chunked"],
    "chunks and length": ["Transfer-Encoding: chunked", "Content-Length: 10"],
    "unknown coding": ["Transfer-Encoding: identity"],
    "coding after chunks": ["Transfer-Encoding: chunked, gzip"],
    "line feed in a header": ["X-A: b\nX-C: d", "Content-Length: x"],
    "space before the colon": ["X-A : b"],
    "folded header": ["X-A: b\r\n c"],
    "NUL in a header": ["X-A: b\0c"],
}


@pytest.mark.parametrize("name", FRAMING)
def test_ambiguous_framing_is_refused(product: Product, sender: Tenant, name: str) -> None:
    """Nothing is stored, and no second request hides behind the first one."""
    item = sample("calls")
    body = json.dumps(item).encode()
    hidden = request("/v1/teams", sender.key, body=b"{}")
    raw = request("/v1/calls", sender.key, *FRAMING[name], body=body + hidden, length=False)
    answer = exchange(product.port, raw, until_closed=False)
    assert 400 <= answer.status < 500, answer
    assert stored(sender, "calls", item) == []


LARGE = {
    "one header of 500 kB": (["X-A: " + "a" * 500_000], "/v1/calls", 431),
    "200 headers": ([f"X-A{n}: a" for n in range(200)], "/v1/calls", 431),
    "path of 100 kB": ([], "/v1/" + "a" * 100_000, 414),
    "query of 100 kB": ([], "/v1/calls?source=" + "a" * 100_000, 414),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_heads_are_refused(product: Product, sender: Tenant, name: str) -> None:
    headers, path, status = LARGE[name]
    raw = request(path, sender.key, *headers, method="GET", length=False)
    assert exchange(product.port, raw).status == status


@pytest.mark.parametrize(
    "line",
    [b"GET / HTTP/9.9", b"GET /v1/calls", b"\x16\x03\x01\x02\x00\x01", b"GET  / HTTP/1.1", b"\0"],
)
def test_what_is_no_http_is_refused(product: Product, line: bytes) -> None:
    answer = exchange(product.port, line + b"\r\nHost: x\r\n\r\n")
    assert answer.status in (0, 400, 505)


def test_chunks_that_lie_are_refused(product: Product, sender: Tenant) -> None:
    head = ["Transfer-Encoding: chunked"]
    for chunk in (b"zz\r\nab\r\n0\r\n\r\n", b"-1\r\nab\r\n", b"ffffffffffffffffff\r\nab\r\n"):
        answer = send(product, sender, *head, body=chunk, length=False)
        assert answer.status == 400


def test_a_body_shorter_than_announced_stores_nothing(product: Product, sender: Tenant) -> None:
    item = sample("calls")
    body = json.dumps(item).encode()
    raw = request("/v1/calls", sender.key, f"Content-Length: {len(body) + 5}", length=False)
    with socket.create_connection(("127.0.0.1", product.port), timeout=5) as connection:
        connection.sendall(raw + body)
    assert stored(sender, "calls", item) == []


PATHS = {
    "12345678901234567890": 404, "%D9%A3": 404, "1": 404, "null": 404, "%00": 404, "a%00b": 404,
    "%ff": 400, "%c0%af": 400, "..%2f..%2fetc%2fpasswd": 404, "%2e%2e": 404,
    "x%0d%0aSet-Cookie:a": 404,
    "{id}": 404, "00000000-0000-0000-0000-000000000000": 404, "'%20OR%20'1'='1": 404,
    "ffffffffffffffffffffffffffffffff": 404, "%F0%9F%92%A9": 404, "*": 404,
}  # fmt: skip


@pytest.mark.parametrize("tail", PATHS)
def test_odd_paths(product: Product, sender: Tenant, tail: str) -> None:
    raw = request(f"/v1/calls/{tail}", sender.key, method="GET", length=False)
    answer = exchange(product.port, raw)
    assert answer.status == PATHS[tail]
    body = json.loads(answer.body)
    assert body["code"] == {404: "not_found", 400: "invalid_utf8"}[answer.status]
    assert "set-cookie" not in answer.head.lower()


QUERIES = {
    "limit=0": (422, "out_of_range", "/limit"),
    "limit=1001": (422, "out_of_range", "/limit"),
    "limit=-1": (422, "out_of_range", "/limit"),
    "limit=1e2": (422, "wrong_type", "/limit"),
    "limit=1.0": (422, "wrong_type", "/limit"),
    "limit=%D9%A3": (422, "wrong_type", "/limit"),
    "limit=99999999999999999999": (422, "wrong_type", "/limit"),
    "limit=": (422, "wrong_type", "/limit"),
    "limit": (422, "wrong_type", "/limit"),
    "limit=1&limit=1": (422, "duplicate_parameter", "/limit"),
    "source=a&source=b": (422, "duplicate_parameter", "/source"),
    "nonsense=1": (422, "unknown_parameter", "/nonsense"),
    "tenant_id=x": (422, "unknown_parameter", "/tenant_id"),
    "Limit=1": (422, "unknown_parameter", "/Limit"),
    "order=id%3Bdrop": (422, "unknown_parameter", "/order"),
    "=1": (422, "unknown_parameter", "/"),
    "source=%00": (422, "nul_character", ""),
    "source=": (422, "too_short", "/source"),
    "source=" + "x" * 256: (422, "too_long", "/source"),
    "source=%ff": (400, "invalid_utf8", None),
    "source=%ed%a0%80": (400, "invalid_utf8", None),
    "source=2026-01-05T10:00:00+02:00": (422, "invalid_value", "/source"),
    "cursor=zzz": (400, "invalid_cursor", None),
    "cursor=" + "A" * 21: (400, "invalid_cursor", None),
    "cursor=" + "A" * 24: (400, "invalid_cursor", None),
    "cursor=" + "!" * 22: (400, "invalid_cursor", None),
    "cursor=A!!!!A" + "A" * 20: (400, "invalid_cursor", None),
    "cursor=%F0%9F%98%80": (400, "invalid_cursor", None),
    "cursor='%20OR%201=1": (400, "invalid_cursor", None),
    "cursor=" + "A" * 201: (422, "too_long", "/cursor"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_odd_queries(sender: Tenant, query: str) -> None:
    status, code, pointer = QUERIES[query]
    for resource in ("calls", "ticket-events"):
        answer = sender.http.get(f"/v1/{resource}?{query}")
        assert problem(answer) == (status, code), answer.text
        if pointer is not None:
            assert answer.json()["errors"][0]["pointer"] == pointer
        assert "?" not in answer.json()["instance"]
        assert "x" * 65 not in answer.text


@pytest.mark.parametrize("text", ["'", "' OR '1'='1", "a' UNION SELECT 1--", "\\", "%", "_", "*"])
def test_a_filter_is_a_value_and_nothing_else(sender: Tenant, text: str) -> None:
    accept(sender, "teams", sample("teams"))
    answer = sender.http.get("/v1/teams", params={"source": text})
    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("resource", RESOURCES)
def test_writing_takes_no_query(sender: Tenant, resource: str) -> None:
    item = sample(resource)
    for path in (f"{resource}?upsert=1", f"{resource}/batch?source=x"):
        assert problem(post(sender, path, item)) == (422, "unknown_parameter")
    assert stored(sender, resource, item) == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_other_methods_are_405(sender: Tenant, method: str) -> None:
    for path in ("/v1/calls", "/v1/calls/batch", "/v1/custom-attributes", "/livez"):
        answer = sender.http.request(method, path, content=b"{}", headers=JSON)
        assert problem(answer) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) & {"GET", "POST"}


def test_head_is_get_without_a_body(sender: Tenant) -> None:
    accept(sender, "teams", sample("teams"))
    got, head = sender.http.get("/v1/teams"), sender.http.head("/v1/teams")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("path", ["/v1", "/v1/nothing", "/v2/calls", "/calls", "/v1/calls/a/b"])
def test_unknown_paths_are_problems_too(sender: Tenant, path: str) -> None:
    assert problem(sender.http.get(path)) == (404, "not_found")


def test_a_request_id_is_taken_over_if_it_is_sane(sender: Tenant) -> None:
    for given, kept in (("abc-1.2:3_4", True), ("a b", False), ("x" * 65, False), ("<a>", False)):
        answer = sender.http.get("/v1/teams", headers={"X-Request-Id": given})
        assert (answer.headers["x-request-id"] == given) is kept


def test_an_id_may_be_written_in_capitals(sender: Tenant) -> None:
    record = accept(sender, "teams", sample("teams"))
    shout = str(UUID(record["id"])).upper()
    assert sender.http.get(f"/v1/teams/{shout}").json() == record
