"""Bodies that cannot be read, and bodies in a wrong wrapping."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest
from tests.conftest import Tenant
from tests.ingest.samples import JSON, RESOURCES, accept, post, problem, sample, stored

DEEP = 10_000
MIB = 1024 * 1024


def call(**fields: Any) -> bytes:
    return json.dumps(sample("calls", **fields)).encode()


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "invalid byte": (b'{"source":"\xff"}', "invalid_utf8"),
    "overlong slash": (b'{"source":"\xc0\xaf"}', "invalid_utf8"),
    "encoded surrogate": (b'{"source":"\xed\xa0\x80"}', "invalid_utf8"),
    "beyond Unicode": (b'{"source":"\xf4\x90\x80\x80"}', "invalid_utf8"),
    "cut character": (b'{"source":"\xe2\x82"}', "invalid_utf8"),
    "lone high surrogate": (rb'{"source":"\ud800"}', "invalid_utf8"),
    "lone low surrogate": (rb'{"source":"\udc00x"}', "invalid_utf8"),
    "swapped surrogates": (rb'{"source":"\udc00\ud800"}', "invalid_utf8"),
    "deep array": (b"[" * DEEP, "too_deep"),
    "deep object": (b'{"a":' * DEEP, "too_deep"),
    "deep in a known field": (b'{"source":' + b"[" * DEEP + b"]" * DEEP + b"}", "too_deep"),
    "deep in an unknown field": (b'{"zzz":' + b"[" * DEEP + b"]" * DEEP + b"}", "too_deep"),
    "too deep by one": (b'{"custom":' + b'{"a":' * 32 + b"1" + b"}" * 33, "too_deep"),
    "byte order mark": (b"\xef\xbb\xbf" + call(), "malformed_json"),
    "white space": (b" \t\r\n", "malformed_json"),
    "cut": (call()[:-1], "malformed_json"),
    "two documents": (call() + call(), "malformed_json"),
    "comment": (b"/* x */" + call(), "malformed_json"),
    "trailing comma": (b'{"source":"s",}', "malformed_json"),
    "single quotes": (b"{'source':'s'}", "malformed_json"),
    "bare word": (b"{source:1}", "malformed_json"),
    "raw line feed in text": (b'{"source":"a\nb"}', "malformed_json"),
    "raw NUL in text": (b'{"source":"a\x00b"}', "malformed_json"),
    "bad escape": (rb'{"source":"\x41"}', "malformed_json"),
    "NaN": (b'{"custom":{"a":NaN}}', "malformed_json"),
    "Infinity": (b'{"custom":{"a":Infinity}}', "malformed_json"),
    "minus Infinity": (b'{"custom":{"a":-Infinity}}', "malformed_json"),
    "leading zero": (b'{"custom":{"a":01}}', "malformed_json"),
    "leading plus": (b'{"custom":{"a":+1}}', "malformed_json"),
    "hexadecimal": (b'{"custom":{"a":0x10}}', "malformed_json"),
    "bare point": (b'{"custom":{"a":1.}}', "malformed_json"),
    "form": (b"source=s&external_id=x", "malformed_json"),
    "XML": (b"<call/>", "malformed_json"),
}
UNREADABLE |= {
    name: (call().decode().encode(name), code)
    for name, code in (("utf-16", "invalid_utf8"), ("utf-16-be", "malformed_json"))
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_body_is_400(sender: Tenant, name: str) -> None:
    body, code = UNREADABLE[name]
    alone = post(sender, "calls", body)
    assert problem(alone) == (400, code)
    assert len(alone.json()["detail"]) < 200


# In an array the first is two items and the second one bad item.
READABLE_IN_ARRAYS = ("two documents", "too deep by one")


@pytest.mark.parametrize("name", [name for name in UNREADABLE if name not in READABLE_IN_ARRAYS])
def test_an_unreadable_part_makes_an_array_unreadable(sender: Tenant, name: str) -> None:
    good = sample("calls")
    body = b"[" + json.dumps(good).encode() + b"," + UNREADABLE[name][0] + b"]"
    answer = post(sender, "calls/batch", body)
    assert answer.status_code == 400, answer.text
    assert problem(answer)[1] in ("malformed_json", "invalid_utf8", "too_deep")
    assert stored(sender, "calls", good) == []


@pytest.mark.parametrize("name", [name for name in UNREADABLE if name != "white space"])
def test_an_unreadable_line_spoils_no_other_line(sender: Tenant, name: str) -> None:
    body, code = UNREADABLE[name]
    good = sample("calls")
    lines = body.replace(b"\n", b"\r") + b"\n" + json.dumps(good).encode()
    answer = post(sender, "calls/batch", lines, Content_Type="application/x-ndjson").json()
    bad, fine = answer["results"]
    assert (bad["status"], fine["status"]) == ("rejected", "created")
    assert bad["errors"][0]["pointer"] == "/0"
    assert bad["errors"][0]["code"] == code
    assert len(stored(sender, "calls", good)) == 1


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_body_of_another_type_is_422(sender: Tenant, resource: str) -> None:
    for body in (b"null", b"[]", b"1", b'"x"', b"true"):
        assert problem(post(sender, resource, body)) == (422, "wrong_type")
    for body in (b"null", b"{}", b"1", b'"x"'):
        assert problem(post(sender, f"{resource}/batch", body)) == (422, "wrong_type")
    for path in (resource, f"{resource}/batch"):
        assert problem(post(sender, path, b"")) == (400, "empty_body")
    odd = post(sender, f"{resource}/batch", b'[null,1,"x",[],{},true]').json()["results"]
    assert {result["status"] for result in odd} == {"rejected"}
    assert [result["errors"][0]["pointer"] for result in odd[:4]] == ["/0", "/1", "/2", "/3"]


def test_of_keys_that_occur_twice_the_last_one_counts(sender: Tenant) -> None:
    item = sample("calls")
    text = json.dumps(item)[:-1] + ',"topic":"first","topic":"last"}'
    assert post(sender, "calls", text.encode()).status_code == 201
    assert stored(sender, "calls", item)[0]["topic"] == "last"


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "text/plain", "application/xml", "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded", "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1", "application/jsonp", "json", "*/*",
        "application/msgpack", "application/json, text/plain",
    ],
)  # fmt: skip
def test_another_content_type_is_415(sender: Tenant, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    for path in ("calls", "calls/batch"):
        answer = sender.http.post(f"/v1/{path}", content=call(), headers=headers)
        assert problem(answer) == (415, "unsupported_media_type")
        if "charset" not in (kind or ""):
            assert "application/json" in answer.headers["accept"]
    ndjson = post(sender, "calls", call(), Content_Type="application/x-ndjson")
    assert problem(ndjson) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"', "application/json;"],
)
def test_json_in_utf_8_may_say_so(sender: Tenant, kind: str) -> None:
    assert post(sender, "calls", call(), Content_Type=kind).status_code == 201


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "compress", "x"])
def test_another_content_encoding_is_415(sender: Tenant, coding: str) -> None:
    answer = post(sender, "calls", call(), Content_Encoding=coding)
    assert problem(answer) == (415, "unsupported_content_encoding")
    assert answer.headers["accept-encoding"] == "gzip, identity"


def test_gzip_is_unpacked(sender: Tenant) -> None:
    item = sample("calls", topic="packed")
    packed = gzip.compress(json.dumps(item).encode())
    assert post(sender, "calls", packed, Content_Encoding="gzip").status_code == 201
    assert stored(sender, "calls", item)[0]["topic"] == "packed"
    items = [sample("calls") for _ in range(3)]
    lines = gzip.compress("\n".join(json.dumps(each) for each in items).encode())
    kind = {"Content_Type": "application/x-ndjson", "Content_Encoding": "x-gzip"}
    assert post(sender, "calls/batch", lines, **kind).json()["summary"]["created"] == 3


BROKEN_GZIP = {
    "not gzip": b"{}",
    "cut": gzip.compress(call())[:-3],
    "wrong sum": gzip.compress(call())[:-8] + b"\0" * 8,
    "zlib": zlib.compress(call()),
    "two members": gzip.compress(call()) * 2,
    "trailing bytes": gzip.compress(call()) + b"x",
    "header only": gzip.compress(call())[:10],
}


@pytest.mark.parametrize("name", BROKEN_GZIP)
def test_broken_gzip_is_400(sender: Tenant, name: str) -> None:
    answer = post(sender, "calls", BROKEN_GZIP[name], Content_Encoding="gzip")
    assert problem(answer) == (400, "malformed_gzip")


@pytest.mark.parametrize(("path", "limit"), [("calls", MIB), ("calls/batch", 5 * MIB)])
def test_a_body_has_a_limit_in_any_wrapping(sender: Tenant, path: str, limit: int) -> None:
    padding = b" " * limit
    bomb = gzip.compress(padding * 40)
    chunks = (padding[:100_000] for _ in range(limit // 100_000 + 1))
    over = [
        post(sender, path, padding + b"1"),
        post(sender, path, bomb, Content_Encoding="gzip"),
        sender.http.post(f"/v1/{path}", content=chunks, headers=JSON),
    ]
    assert len(bomb) < limit
    for answer in over:
        assert problem(answer) == (413, "body_too_large")


def test_chunked_bodies_are_read(sender: Tenant) -> None:
    item = sample("calls")
    text = json.dumps(item).encode()
    pieces = (text[place : place + 1] for place in range(len(text)))
    answer: httpx.Response = sender.http.post("/v1/calls", content=pieces, headers=JSON)
    assert answer.status_code == 201
    empty = sender.http.post("/v1/calls", content=iter([b""]), headers=JSON)
    assert problem(empty) == (400, "empty_body")


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_samples_of_these_tests_land(sender: Tenant, resource: str) -> None:
    accept(sender, resource, sample(resource))
