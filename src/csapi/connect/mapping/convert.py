"""What may happen to a text on its way to a field: extract, case, map, type, in this order."""

import re
from collections.abc import Callable
from typing import Any

from csapi.connect.mapping.errors import CellError, MappingError, shown
from csapi.connect.mapping.moments import INSTANT_KEYS, localized, moment_reader
from csapi.connect.mapping.numbers import (
    DURATION_FORMATS,
    bool_reader,
    decimal_reader,
    duration_reader,
    list_reader,
    to_int,
)
from csapi.connect.mapping.row import ANY, BOOL, INSTANT, LIST, NUMBER, TEXT, Row, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table, toml_name

Step = Callable[[str], Any]

_KEYS_OF_TYPE: dict[str, tuple[str, ...]] = {
    "text": (),
    "int": ("thousands",),
    "decimal": ("decimal_mark", "thousands"),
    "bool": ("true", "false"),
    "instant": INSTANT_KEYS,
    "duration": ("format",),
    "list": ("separator",),
    "json": (),
}
_ALL_TYPE_KEYS = tuple(dict.fromkeys(key for keys in _KEYS_OF_TYPE.values() for key in keys))
_MAP_KEYS = ("map", "unknown", "unknown_as")
_TEXT_KEYS = ("extract", "case", *_MAP_KEYS)
PIPELINE_KEYS = (*_TEXT_KEYS, "type", *_ALL_TYPE_KEYS)

_TRUE = ("true", "t", "yes", "y", "1")
_FALSE = ("false", "f", "no", "n", "0")
_CASES: dict[str, Step] = {"lower": str.lower, "upper": str.upper}
_KIND_OF_PYTHON = {str: TEXT, int: NUMBER, float: NUMBER, bool: BOOL}


def converted(scope: Scope, table: Table, source: Value) -> Value:
    """`source` with the steps of the table; `source` itself where the table has none."""
    kind = table.choice("type", _KEYS_OF_TYPE, "text")
    _refuse_strays(table, kind)
    steps: list[Step] = [*_extract(table), *_case(table)]
    value_map, kind_after_map = _map(table, kind)
    steps += value_map
    reader, kind_after = _reader(table, kind)
    steps += reader
    if not steps:
        return source
    if source.kind != TEXT:
        raise MappingError(table.place, f"only a text can be converted, this is a {source.kind}")
    if kind == "instant":
        return localized(scope, table, _through(source, steps))
    return Value(kind_after or kind_after_map, _through(source, steps))


def _refuse_strays(table: Table, kind: str) -> None:
    for key in _ALL_TYPE_KEYS:
        if key == "separator" and ("key" in table or "join" in table):
            continue
        if key in table and key not in _KEYS_OF_TYPE[kind]:
            fitting = [name for name, keys in _KEYS_OF_TYPE.items() if key in keys]
            needed = " or ".join(f'"{name}"' for name in fitting)
            raise table.error(key, f"goes with type = {needed}, and the type is {kind!r}")
    if "map" not in table and (stray := next((k for k in _MAP_KEYS if k in table), None)):
        raise table.error(stray, "goes with map")


def _through(source: Value, steps: list[Step]) -> Callable[[Row], Any]:
    get = source.get
    if len(steps) == 1:
        only = steps[0]

        def get_one(row: Row) -> Any:
            text = get(row)
            return None if text is None else only(text)

        return get_one

    def get_all(row: Row) -> Any:
        value = get(row)
        for step in steps:
            if value is None:
                return None
            value = step(value)
        return value

    return get_all


def _extract(table: Table) -> list[Step]:
    if "extract" not in table:
        return []
    try:
        pattern = re.compile(table.text("extract"))
    except re.error as error:
        raise table.error("extract", f"is not a regular expression: {error}") from None
    if pattern.groups != 1:
        raise table.error("extract", "needs exactly one group: the part to take")

    def extract(text: str) -> str | None:
        match = pattern.search(text)
        if match is None:
            raise CellError("invalid_value", f"{shown(text)} does not match {pattern.pattern}")
        return match[1] or None

    return [extract]


def _case(table: Table) -> list[Step]:
    return [_CASES[table.choice("case", _CASES, "lower")]] if "case" in table else []


def _map(table: Table, kind: str) -> tuple[list[Step], str]:
    if "map" not in table:
        return [], TEXT
    known = table.data["map"]
    if not isinstance(known, dict) or not known:
        raise table.error("map", "needs a table of texts and what they become")
    for word, result in known.items():
        if not isinstance(result, str | int | float | bool) or (
            kind != "text" and not isinstance(result, str)
        ):
            message = f"cannot become {toml_name(result)}" + (
                " with a type" if kind != "text" else ""
            )
            raise MappingError(f"{table.at('map')}.{word}", message, word)
    unknown = table.choice("unknown", ("error", "pass", "null"), "error")
    if "unknown_as" in table and "unknown" in table:
        raise table.error("unknown_as", "replaces unknown; use one of them")
    results = [*known.values()]
    if "unknown_as" in table:
        results.append(table.data["unknown_as"])
    elif unknown == "pass":
        results.append("")
    kinds = {_KIND_OF_PYTHON.get(type(result), ANY) for result in results}
    step = _mapper(known, unknown, table.data.get("unknown_as"))
    return [step], kinds.pop() if len(kinds) == 1 else ANY


def _mapper(known: dict[str, Any], unknown: str, unknown_as: object) -> Step:
    if unknown_as is not None:
        return lambda text: known.get(text, unknown_as)
    if unknown == "pass":
        return lambda text: known.get(text, text)
    if unknown == "null":
        return known.get

    def mapped(text: str) -> Any:
        if text not in known:
            allowed = ", ".join(known)
            raise CellError("invalid_value", f"{shown(text)} is not in the map: {allowed}")
        return known[text]

    return mapped


def _reader(table: Table, kind: str) -> tuple[list[Step], str]:
    if kind == "text":
        return [], ""
    if kind == "json":
        raise table.error("type", '"json" goes with a column of NDJSON input')
    if kind in ("int", "decimal"):
        return [_number_reader(table, kind)], NUMBER
    if kind == "bool":
        return [bool_reader(table.texts("true", _TRUE), table.texts("false", _FALSE))], BOOL
    if kind == "duration":
        return [duration_reader(table.choice("format", DURATION_FORMATS, "h:m:s"))], NUMBER
    if kind == "list":
        return [list_reader(table.text("separator", ","))], LIST
    return [moment_reader(table, "format")], INSTANT


def _number_reader(table: Table, kind: str) -> Step:
    thousands = table.text("thousands")
    if kind == "int" and not thousands:
        return to_int
    read = decimal_reader(table.choice("decimal_mark", (".", ","), "."), thousands)

    def read_int(text: str) -> int:
        number = read(text)
        if not isinstance(number, int):
            raise CellError("wrong_type", f"{shown(text)} is not a whole number")
        return number

    return read if kind == "decimal" else read_int
