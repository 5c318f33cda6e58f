import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kit.sample import DECODER

from csapi.kit.decode import MAX_DEPTH, decode, decode_item
from csapi.kit.problems import FieldError, Problem

ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Any)

UNREADABLE = {
    "not json": (b"{external_id: 1}", "malformed_json"),
    "truncated": (b'{"external_id":"c1"', "malformed_json"),
    "truncated after an escaped emoji": (rb'{"external_id":"\ud83d\ude00"', "malformed_json"),
    "trailing text": (b'{"external_id":"c1"} x', "malformed_json"),
    "control character": (b'{"external_id":"c\n1"}', "malformed_json"),
    "NaN": (b'{"external_id":"c1","custom":{"x":NaN}}', "malformed_json"),
    "Infinity": (b'{"external_id":"c1","custom":{"x":-Infinity}}', "malformed_json"),
    "byte order mark": (b'\xef\xbb\xbf{"external_id":"c1"}', "malformed_json"),
    "UTF-16": ('{"external_id":"c1"}'.encode("utf-16"), "invalid_utf8"),
    "bad byte": (b'{"external_id":"\xff"}', "invalid_utf8"),
    "bad byte in an unknown field": (b'{"external_id":"c1","x":"\xff"}', "invalid_utf8"),
    "overlong slash": (b'{"external_id":"\xc0\xaf"}', "invalid_utf8"),
    "surrogate as bytes": (b'{"external_id":"\xed\xa0\x80"}', "invalid_utf8"),
    "lone high surrogate": (rb'{"external_id":"\ud800"}', "invalid_utf8"),
    "lone low surrogate": (rb'{"external_id":"\udc00"}', "invalid_utf8"),
    "33 levels": (b'{"custom":{"x":' + b"[" * 31 + b"]" * 31 + b"}}", "too_deep"),
    "10,000 levels": (b'{"custom":{"x":' + b"[" * 10_000 + b"]" * 10_000 + b"}}", "too_deep"),
    "truncated after an unknown field": (b'{"a":', "malformed_json"),
    "malformed after a wrong type": (b'{"external_id":1,}', "malformed_json"),
    "10,000 levels, unknown field": (b'{"y":' + b'{"a":' * 10_000, "too_deep"),
}

INVALID: dict[str, tuple[dict[str, Any] | bytes, str, str]] = {
    "missing": ({}, "required", "/external_id"),
    "missing inside": ({"external_id": "c1", "legs": [{}]}, "required", "/legs/0/agent"),
    "unknown field": ({"external_id": "c1", "tenant_id": 1}, "unknown_field", "/tenant_id"),
    "unknown field inside": (
        {"external_id": "c1", "legs": [{"agent": "a", "a/b~c": 1}]},
        "unknown_field",
        "/legs/0/a~1b~0c",
    ),
    "unknown field with quotes": (
        {"external_id": "c1", "legs": [{"agent": "a", "x` - at `$": 1}]},
        "unknown_field",
        "/legs/0/x` - at `$",
    ),
    "null for text": ({"external_id": None}, "wrong_type", "/external_id"),
    "number for text": ({"external_id": 5}, "wrong_type", "/external_id"),
    "text for integer": ({"external_id": "c1", "attempt": "5"}, "wrong_type", "/attempt"),
    "float for integer": ({"external_id": "c1", "attempt": 1.0}, "wrong_type", "/attempt"),
    "NaN as text": (
        {"external_id": "c1", "legs": [{"agent": "a", "talk_seconds": "NaN"}]},
        "wrong_type",
        "/legs/0/talk_seconds",
    ),
    "negative duration": (
        {"external_id": "c1", "legs": [{"agent": "a"}, {"agent": "a", "talk_seconds": -1}]},
        "out_of_range",
        "/legs/1/talk_seconds",
    ),
    "below the bound": ({"external_id": "c1", "attempt": 0}, "out_of_range", "/attempt"),
    "1e400": (b'{"external_id":"c1","custom":{"x":1e400}}', "out_of_range", "/custom"),
    "2**63": ({"external_id": "c1", "serial": 2**63}, "out_of_range", "/serial"),
    "-2**63-1": ({"external_id": "c1", "serial": -(2**63) - 1}, "out_of_range", "/serial"),
    "2**64 in custom": (
        {"external_id": "c1", "custom": {"n": [1, 2**64]}},
        "out_of_range",
        "/custom/n/1",
    ),
    "5,000 digits": (
        b'{"external_id":"c1","serial":' + b"9" * 5000 + b"}",
        "out_of_range",
        "/serial",
    ),
    "empty text": ({"external_id": ""}, "too_short", "/external_id"),
    "long text": ({"external_id": "c" * 17}, "too_long", "/external_id"),
    "long list": (
        {"external_id": "c1", "legs": [{"agent": "a"}] * 3},
        "too_long",
        "/legs",
    ),
    "enum": ({"external_id": "c1", "outcome": "lost"}, "invalid_value", "/outcome"),
    "tag": ({"external_id": "c1", "actions": [{"type": "x"}]}, "invalid_value", "/actions/0/type"),
    "pattern": ({"external_id": "c1", "answered_on": "x"}, "invalid_value", "/answered_on"),
    "uuid": ({"external_id": "c1", "customer": "x"}, "invalid_value", "/customer"),
    "value of a map": ({"external_id": "c1", "counts": {"a": "x"}}, "wrong_type", "/counts"),
    "naive": (
        {"external_id": "c1", "queue_entered_at": "2026-01-05T10:00:00"},
        "timezone_required",
        "/queue_entered_at",
    ),
    "epoch": ({"external_id": "c1", "queue_entered_at": 1}, "wrong_type", "/queue_entered_at"),
    "epoch as text": (
        {"external_id": "c1", "queue_entered_at": "1767607200"},
        "invalid_value",
        "/queue_entered_at",
    ),
    "leap second": (
        {"external_id": "c1", "queue_entered_at": "2016-12-31T23:59:60Z"},
        "invalid_value",
        "/queue_entered_at",
    ),
    "infinity": (
        {"external_id": "c1", "queue_entered_at": "infinity"},
        "invalid_value",
        "/queue_entered_at",
    ),
    "NUL": (rb'{"external_id":"a\u0000b"}', "nul_character", "/external_id"),
    "NUL in a key": (
        rb'{"external_id":"c1","custom":{"\u0000":[{"a":1}]}}',
        "nul_character",
        "/custom/\N{REPLACEMENT CHARACTER}",
    ),
    "NUL deep": (
        rb'{"external_id":"c1","legs":[{"agent":"\u0000"}]}',
        "nul_character",
        "/legs/0/agent",
    ),
    "array": (b"[]", "wrong_type", ""),
    "null": (b"null", "wrong_type", ""),
}


def encoded(body: dict[str, Any] | bytes) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def refused(data: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        decode(data, DECODER)
    return caught.value


def errors_of(raw: bytes, index: int) -> list[FieldError]:
    errors = decode_item(raw, DECODER, index)
    assert isinstance(errors, list)
    return errors


@pytest.mark.parametrize(("data", "code"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_400(data: bytes, code: str) -> None:
    problem = refused(data)
    assert (problem.status, problem.code) == (400, code)


@pytest.mark.parametrize(("body", "code", "place"), INVALID.values(), ids=INVALID)
def test_what_is_not_valid_is_422_and_named(
    body: dict[str, Any] | bytes, code: str, place: str
) -> None:
    problem = refused(encoded(body))
    assert (problem.status, problem.code, problem.errors[0].pointer) == (422, code, place)
    assert problem.errors[0].message.endswith(".")


@pytest.mark.parametrize(("body", "code", "place"), INVALID.values(), ids=INVALID)
def test_an_item_has_the_same_errors_under_its_index(
    body: dict[str, Any] | bytes, code: str, place: str
) -> None:
    errors = errors_of(encoded(body), 7)
    assert (errors[0].code, errors[0].pointer) == (code, f"/7{place}")


def test_enum_tag_and_field_errors_name_what_is_allowed() -> None:
    def allowed(body: dict[str, Any]) -> list[str] | None:
        return refused(encoded({"external_id": "c1", **body})).errors[0].allowed

    assert allowed({"outcome": "lost"}) == ["answered", "abandoned"]
    assert allowed({"actions": [{"type": "x"}]}) == ["dial", "hang"]
    assert allowed({"legs": [{"agent": "a", "x": 1}]}) == ["agent", "talk_seconds"]


def test_long_values_are_not_echoed() -> None:
    problem = refused(encoded({"external_id": "c1", "z" * 5000: 1, "outcome": "y" * 5000}))
    assert len(problem.detail) < 200
    assert len(problem.errors[0].pointer) <= 65


def test_a_malformed_body_is_located() -> None:
    assert "byte 2)" in refused(b"{ x}").detail
    assert "byte 5)" in refused(b'{"a":').detail


@pytest.mark.parametrize(
    "text", ["[" * 40, "{" * 40 + "\\", '"[{' * 20, "\\\\", "\\" * 7 + '"' + "[" * 99]
)
def test_brackets_in_text_have_no_depth(text: str) -> None:
    decode(encoded({"external_id": "c1", "custom": {text: text}}), DECODER)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    decode(encoded({"external_id": "c1", "custom": {"x": [[{}]] * 500}}), DECODER)


def test_32_levels_are_read() -> None:
    decode(b'{"external_id":"c1","custom":{"x":' + b"[" * 30 + b"]" * 30 + b"}}", DECODER)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(
    st.recursive(
        st.text(alphabet='[]{}"\\,a') | st.integers(-9, 9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[{"\\'), inner),
        max_leaves=60,
    ),
    st.integers(0, 40),
)
def test_depth_is_counted_exactly(value: object, wrapped: int) -> None:
    for _ in range(wrapped):
        value = [value]
    data = json.dumps(value).encode()
    if depth(value) <= MAX_DEPTH:
        assert decode(data, ANYTHING) == value
    else:
        with pytest.raises(Problem, match="too_deep"):
            decode(data, ANYTHING)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_bytes_raise_anything_but_a_problem(data: bytes) -> None:
    for decoder in (DECODER, ANYTHING):
        try:
            decode(data, decoder)
        except Problem as problem:
            assert problem.status in (400, 422)  # noqa: PT017


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=16))
def test_text_comes_out_as_it_went_in(text: str) -> None:
    body = {"external_id": "c1", "custom": {"x": text}}
    for data in (json.dumps(body).encode(), json.dumps(body, ensure_ascii=False).encode()):
        assert decode(data, DECODER).custom == {"x": text}


def test_long_numbers_in_text_are_text() -> None:
    custom = {"id": "9" * 30}
    assert decode(encoded({"external_id": "c1", "custom": custom}), DECODER).custom == custom


def test_of_two_equal_keys_the_last_wins() -> None:
    assert decode(b'{"external_id":"a","external_id":"b"}', DECODER).external_id == "b"
