"""Rows that name the row that they answer."""

import pytest
from tests.connect.mapped import HEAD, map_text

from csapi.connect.mapping.errors import MappingError

TOP = '[threads]\nthread = { id = "id", parent = "parent" }\n'
FIELDS = HEAD + 'topic = { thread = "thread" }\ntype = { thread = "thread", part = "place" }\n'


def threads(rows: str) -> dict[str, tuple[str, str]]:
    mapped = map_text(TOP + FIELDS, "id,parent\n" + rows)
    assert mapped.rejects == []
    return {call["external_id"]: (call["topic"], call["type"]) for call in mapped.calls}


def test_answers_belong_to_the_row_at_the_top_wherever_it_stands() -> None:
    assert threads("d,c\nc,b\nb,a\na,\nx,\ne,a\n") == {
        "a": ("a", "root"),
        **dict.fromkeys("bcde", ("a", "reply")),
        "x": ("x", "root"),
    }


def test_a_parent_that_is_not_in_the_file_is_nobody() -> None:
    assert threads("a,lost\nb,a\n") == {"a": ("a", "root"), "b": ("a", "reply")}


def test_a_long_thread_takes_no_longer_than_its_rows() -> None:
    count = 20_000
    found = threads("".join(f"r{n},r{n + 1}\n" for n in range(count)) + f"r{count},\n")
    assert {root for root, _ in found.values()} == {f"r{count}"}


def test_a_circle_of_parents_rejects_its_rows() -> None:
    mapped = map_text(TOP + FIELDS, "id,parent\na,b\nb,a\nc,c\nd,\n")
    assert {reason[2] for reason in mapped.reasons} == {"invalid_value"}
    assert [call["external_id"] for call in mapped.calls] == ["d"]


@pytest.mark.parametrize(
    ("top", "field", "said"),
    [
        (TOP, '{ thread = "other" }', "thread"),
        (TOP, '{ thread = "thread", part = "leaf" }', "root, place"),
        ('[threads]\nthread = { id = "id" }\n', '{ thread = "thread" }', "needs parent"),
    ],
)
def test_what_cannot_be_meant_is_named(top: str, field: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        map_text(f"{top}{HEAD}topic = {field}\n", "id,parent\na,\n")
