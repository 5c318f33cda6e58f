"""Typed access to the tables of a TOML file, so that a typo never passes unnoticed."""

from collections.abc import Iterable
from typing import Any, TypeVar

from csapi.connect.mapping.errors import MappingError, unknown

T = TypeVar("T")

_TOML_NAMES = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
    float: "a number",
}


def toml_name(value: object) -> str:
    return _TOML_NAMES.get(type(value), type(value).__name__)


class Table:
    """One table. Keys outside `allowed` and values of another type are MappingErrors."""

    def __init__(self, data: object, place: str, allowed: Iterable[str]) -> None:
        if not isinstance(data, dict):
            raise MappingError(place, f"a table is needed here, not {toml_name(data)}")
        names = list(allowed)
        for key in data:
            if key not in names:
                raise unknown(place, "key", key, names)
        self.data: dict[str, Any] = data
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self.data

    def at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def error(self, key: str, message: str) -> MappingError:
        return MappingError(self.at(key), message, key)

    def _typed(self, key: str, kind: type[T], default: T) -> T:
        value = self.data.get(key, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"needs {_TOML_NAMES[kind]}, not {toml_name(value)}")
        return value

    def text(self, key: str, default: str = "") -> str:
        return self._typed(key, str, default)

    def flag(self, key: str, *, default: bool) -> bool:
        return self._typed(key, bool, default)

    def whole(self, key: str, default: int) -> int:
        return self._typed(key, int, default)

    def texts(self, key: str, default: Iterable[str] = ()) -> list[str]:
        """A list of texts; a single text stands for a list of one."""
        value = self.data.get(key, list(default))
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(member, str) for member in values):
            raise self.error(key, "needs a text or a list of texts")
        return values

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        value = self.text(key, default)
        names = list(allowed)
        if value not in names:
            raise unknown(self.at(key), key, value, names)
        return value


def line_of(toml: str, word: str | None) -> int | None:
    """The only line of the file that has `word` as a key or text, if there is exactly one."""
    if not word:
        return None
    forms = (f'"{word}"', f"'{word}'")
    found = [
        number
        for number, line in enumerate(toml.splitlines(), 1)
        if any(form in line for form in forms)
        or word in line.split("#")[0].replace("=", " ").replace("{", " ").replace(",", " ").split()
    ]
    return found[0] if len(found) == 1 else None
