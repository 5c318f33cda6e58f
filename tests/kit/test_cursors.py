"""Cursors of lists: good for the same list with the same filters, whatever the size of pages."""

from collections.abc import Callable
from uuid import UUID, uuid4

import msgspec
import pytest

from csapi.kit.cursors import cursor_at, cut_by_id, encode_cursor, id_before, place_before
from csapi.kit.problems import Problem


class Wanted(msgspec.Struct, kw_only=True):
    color: str | None = None
    limit: int = 2
    cursor: str | None = None


class Other(Wanted):
    """Another list with the same filters."""


IDS = [uuid4() for _ in range(3)]


def first(*of: object) -> str:
    page, cursor = cut_by_id([{"id": each} for each in IDS], Wanted(color="red"), *of)
    assert ([row["id"] for row in page], cursor is not None) == (IDS[:2], True)
    return cursor or ""


def test_a_page_goes_on_where_the_one_before_ended() -> None:
    assert id_before(Wanted(color="red", cursor=first(), limit=1)) == IDS[1]
    assert id_before(Wanted()) is None
    assert cut_by_id([{"id": IDS[0]}], Wanted()) == ([{"id": IDS[0]}], None)
    cursor = cursor_at(Wanted(), (7, "x"))
    assert place_before(Wanted(cursor=cursor), tuple[int, str]) == (7, "x")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: id_before(Wanted(color="blue", cursor=first())),
        lambda: id_before(Wanted(cursor=first())),
        lambda: id_before(Other(color="red", cursor=first())),
        lambda: id_before(Wanted(color="red", cursor=first(IDS[0])), IDS[1]),
        lambda: place_before(Wanted(color="red", cursor=first()), tuple[int]),
        lambda: id_before(Wanted(cursor=encode_cursor(IDS[0]))),
        lambda: id_before(Wanted(cursor="AAAA")),
        lambda: id_before(Wanted(cursor="\U0001f600")),
    ],
)
def test_with_other_filters_it_is_refused(ask: Callable[[], UUID | None]) -> None:
    with pytest.raises(Problem) as refused:
        ask()
    assert refused.value.code == "invalid_cursor"
