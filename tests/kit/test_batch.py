import pytest
from tests.kit.sample import DECODER, Call

from csapi.kit.body import NDJSON
from csapi.kit.decode import decode_item, split_items
from csapi.kit.problems import FieldError, Problem


def errors_of(raw: bytes, index: int) -> list[FieldError]:
    errors = decode_item(raw, DECODER, index)
    assert isinstance(errors, list)
    return errors


def code_of_split(data: bytes, content_type: str = "application/json") -> str:
    with pytest.raises(Problem) as caught:
        split_items(data, content_type)
    return caught.value.code


def test_a_batch_is_split() -> None:
    assert split_items(b' [ {"a": [1]} , 2,"x"] ') == [b'{"a": [1]}', b"2", b'"x"']
    assert split_items(b'{"a":1}\n\n  \r\n{"a":2}\r\n', NDJSON) == [b'{"a":1}', b'{"a":2}\r']


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[]", "empty_batch"),
        (b" ", "malformed_json"),
        (b"{}", "wrong_type"),
        (b"null", "wrong_type"),
        (b"[1,]", "malformed_json"),
        (b'["\xff"]', "invalid_utf8"),
        (b"[" * 100_000, "too_deep"),
        (b"[" + b"1," * 1000 + b"1]", "too_many_items"),
        (b"[" + b"1," * 200_000 + b"1]", "too_many_items"),
        (b"[" + b'{"a":[],"b":"],["},' * 200_000 + b"1]", "too_many_items"),
        (b"[" + b"[" * 400_000 + b"," * 200_000, "too_deep"),
    ],
)
def test_a_batch_that_cannot_be_split(data: bytes, code: str) -> None:
    assert code_of_split(data) == code


def test_a_batch_of_lines_that_cannot_be_split() -> None:
    assert code_of_split(b"\n \n", NDJSON) == "empty_batch"
    assert code_of_split(b"{}\n" * 1001, NDJSON) == "too_many_items"
    assert code_of_split(b"\n" * 1_000_000, NDJSON) == "too_many_items"


def test_1000_items_are_taken_however_many_members_they_have() -> None:
    item = b"[" + b"0," * 200 + b"{}]"
    assert len(split_items(b"[" + b",".join([item] * 1000) + b"]")) == 1000
    assert len(split_items(b"{}\n" * 1000, NDJSON)) == 1000


def test_an_unreadable_line_spoils_only_itself() -> None:
    lines = split_items(b'{"external_id":"\xff"}\n{"external_id":"c1"}\n{', NDJSON)
    good = decode_item(lines[1], DECODER, 1)
    assert isinstance(good, Call)
    assert [errors_of(lines[index], index)[0].code for index in (0, 2)] == [
        "invalid_utf8",
        "malformed_json",
    ]
