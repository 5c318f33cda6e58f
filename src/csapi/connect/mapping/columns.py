"""From a row as it was read (a list of CSV cells, or a JSON object) to the cells that are used."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from csapi.connect.mapping.errors import MappingError, unknown
from csapi.connect.mapping.paths import split_path
from csapi.connect.mapping.row import Nulls, Row

Pick = Callable[[Any], Any]
Prepare = Callable[[Any], Row]


class Columns:
    """Gives a place in the row to each column that is used. `names` is None for JSON objects."""

    def __init__(self, names: list[str] | None) -> None:
        self.names = names
        self.used: list[str] = []
        self.never_seen: set[str] = set()

    def index(self, place: str, name: str) -> int:
        """The column's place among the used ones. Raises MappingError if there is no such one."""
        if self.names is not None:
            if name not in self.names:
                raise unknown(place, "column", name, self.names)
            if self.names.count(name) > 1:
                message = f"the file has several columns named {name!r}; name them in input.columns"
                raise MappingError(place, message, name)
        if name not in self.used:
            self.used.append(name)
        return self.used.index(name)

    def pick(self, name: str) -> Pick:
        """The cell of one column of a row as it was read, without trimming."""
        if self.names is None:
            return _member(name)
        return itemgetter(self.names.index(name))

    def prepare(self, nulls: Nulls, *, trim: bool) -> Prepare:
        """How to get all used cells at once, trimmed, with None for nulls."""
        if self.names is None:
            return self._prepare_json(nulls, trim=trim)
        indexes = [self.names.index(name) for name in self.used]
        if not indexes:
            return lambda _: []
        # itemgetter with one index gives no tuple; the slice of one column does the same.
        pick = itemgetter(*indexes) if len(indexes) > 1 else itemgetter(slice(*_one(indexes[0])))
        if trim:
            return lambda raw: [
                None if (text := cell.strip()) in nulls else text for cell in pick(raw)
            ]
        return lambda raw: [None if cell in nulls else cell for cell in pick(raw)]

    def _prepare_json(self, nulls: Nulls, *, trim: bool) -> Prepare:
        picks = [_member(name) for name in self.used]
        self.never_seen = set(self.used)

        def prepare(raw: dict[str, Any]) -> Row:
            cells = [pick(raw) for pick in picks]
            if self.never_seen:
                self._note_seen(cells)
            for index, cell in enumerate(cells):
                if isinstance(cell, str):
                    text = cell.strip() if trim else cell
                    cells[index] = None if text in nulls else text
            return cells

        return prepare

    def _note_seen(self, cells: list[Any]) -> None:
        self.never_seen -= {
            name for name, cell in zip(self.used, cells, strict=True) if cell is not None
        }


def _one(index: int) -> tuple[int, int]:
    return index, index + 1


def _as_cell(value: Any) -> Any:
    """Scalars as the text that JSON has for them, so that every format maps alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


def _member(name: str) -> Pick:
    """A member of an object, or with dots and brackets a member of a member."""
    if "." not in name and "[" not in name:
        return lambda raw: _as_cell(raw.get(name))
    try:
        steps = split_path("", name)
    except MappingError:
        return lambda raw: _as_cell(raw.get(name))

    def get(raw: dict[str, Any]) -> Any:
        if name in raw:
            return _as_cell(raw[name])
        value: Any = raw
        for step in steps:
            if isinstance(step, int):
                value = value[step] if isinstance(value, list) and step < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return _as_cell(value)

    return get
