"""No body may set what the server decides: each such field is refused by name, everywhere."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.app import ALL_OPERATIONS
from csapi.kit.decode import decode, decode_item
from csapi.kit.operations import Operation
from csapi.kit.problems import Problem

# What rows and answers have and no request may.
SERVERS = (
    "tenant_id", "tenant", "id", "id_", "row_id", "received_at", "created_by", "content_hash",
    "key_id", "key_hash", "role", "roles", "scope", "is_admin", "is_stub", "revision", "token",
    "secret_hash", "__proto__", "constructor",
)  # fmt: skip
WRITING = [each for each in ALL_OPERATIONS if each.request is not None and each.request_examples]


def test_every_body_has_an_example() -> None:
    assert [each for each in ALL_OPERATIONS if each.request is not None] == WRITING


def examples_of(operation: Operation) -> list[dict[str, Any]]:
    """Of a batch its items."""
    found = operation.request_examples.values()
    return [item for each in found for item in (each if isinstance(each, list) else [each])]


def refusal(operation: Operation, body: dict[str, Any]) -> list[tuple[str, str]]:
    """The code and pointer of each error; nothing if the body is taken."""
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(operation.request)
    data = msgspec.json.encode(body)
    if operation.ndjson:
        found = decode_item(data, decoder, 7)
        errors = found if isinstance(found, list) else []
        return [(each.code, each.pointer.removeprefix("/7")) for each in errors]
    try:
        decode(data, decoder)
    except Problem as problem:
        return [(each.code, each.pointer) for each in problem.errors]
    return []


@pytest.mark.parametrize("operation", WRITING, ids=lambda each: each.operation_id)
def test_what_the_server_decides_is_refused_by_name(operation: Operation) -> None:
    known = {field.encode_name for field in msgspec.structs.fields(operation.request)}
    for example in examples_of(operation):
        assert refusal(operation, example) == []
        for name in (each for each in SERVERS if each not in known):
            assert refusal(operation, {**example, name: "x"}) == [("unknown_field", f"/{name}")]


@given(operation=st.sampled_from(WRITING), name=st.text(min_size=1, max_size=40), value=st.none())
def test_any_other_name_is_refused_too(operation: Operation, name: str, value: None) -> None:
    known = {field.encode_name for field in msgspec.structs.fields(operation.request)}
    if name in known or "\0" in name:
        return
    example = examples_of(operation)[0]
    assert [code for code, _ in refusal(operation, {**example, name: value})] == ["unknown_field"]
