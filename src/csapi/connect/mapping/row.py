"""A row while it is mapped, and typed getters on it.

A row is one list: the cells that the mapping uses (text; None for null), the row as it was read,
and one slot per named value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from csapi.connect.mapping.errors import CellError

Row = list[Any]
Get = Callable[[Row], Any]
Test = Callable[[Row], bool]
Nulls = frozenset[str | None]

UNSET = object()
CACHE_MAX = 16_384

TEXT, NUMBER, BOOL, INSTANT, LIST, ANY = "text", "number", "bool", "instant", "list", "any"


@dataclass(frozen=True, slots=True)
class Value:
    """How to get a value from a row. `kind` is known before any row is read."""

    kind: str
    get: Get
    constant: Any = UNSET


def text_cell(index: int, name: str, nulls: Nulls, *, any_json: bool) -> Get:
    """The text of a cell, or None where it is one of `nulls`. Only JSON has more than text."""
    if not any_json:
        if not nulls:
            return itemgetter(index)

        def get(row: Row) -> str | None:
            text: str | None = row[index]
            return None if text in nulls else text

        return get

    def get_checked(row: Row) -> str | None:
        value = row[index]
        if isinstance(value, list | dict):
            kind = "a list" if isinstance(value, list) else "an object"
            reason = f"{name!r} holds {kind}, not one value; type = 'json' takes it as it is"
            raise CellError("wrong_type", reason)
        return None if value in nulls else value

    return get_checked


def remembered(index: int, get: Get) -> Get:
    """`get`, which depends on this cell alone, with its answers for recent texts kept.

    Most columns repeat themselves: a look-up costs a tenth of a conversion.
    """
    known: dict[Any, Any] = {}

    def get_known(row: Row) -> Any:
        cell = row[index]
        try:
            answer = known.get(cell, UNSET)
        except TypeError:
            return get(row)
        if answer is UNSET:
            answer = get(row)
            if len(known) < CACHE_MAX:
                known[cell] = answer
        return answer

    return get_known
