"""Compiles one value of the mapping into a getter on rows."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from csapi.connect.mapping import arithmetic
from csapi.connect.mapping.conditions import compile_condition
from csapi.connect.mapping.convert import PIPELINE_KEYS, converted
from csapi.connect.mapping.errors import CellError, MappingError, unknown
from csapi.connect.mapping.moments import DATE_KEYS, date_and_time
from csapi.connect.mapping.row import (
    ANY,
    BOOL,
    INSTANT,
    LIST,
    NUMBER,
    TEXT,
    Get,
    Nulls,
    Row,
    Value,
    remembered,
    text_cell,
)
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table, toml_name
from csapi.connect.mapping.threads import thread_value

Compile = Callable[[Scope, Table], Value]

COMMON_KEYS = ("when", "default", "required")


def compile_value(scope: Scope, data: object, place: str) -> Value:
    """`data` is a table with one operator; a text: a named value, else a column; or a constant."""
    if isinstance(data, str):
        if scope.is_named(data):
            return scope.named(place, data)
        return compile_value(scope, {"column": data}, place)
    if isinstance(data, bool | int | float | datetime):
        return _constant(data, place)
    if not isinstance(data, dict):
        message = f"a text, a number, true, false or a table is needed, not {toml_name(data)}"
        raise MappingError(place, message)
    operators = [key for key in OPERATORS if key in data]
    if len(operators) != 1:
        found = " and ".join(operators) or (f"only {', '.join(data)}" if data else "nothing")
        word = next(iter(data), None)
        if word is not None and word not in OPERATORS and not operators:
            raise unknown(place, "key", word, (*OPERATORS, *COMMON_KEYS))
        raise MappingError(place, f"needs exactly one of {', '.join(OPERATORS)}; found {found}")
    keys, compile_operator = OPERATORS[operators[0]]
    table = Table(data, place, (*keys, *COMMON_KEYS))
    return _common(scope, table, compile_operator(scope, table))


def _common(scope: Scope, table: Table, value: Value) -> Value:
    """default replaces null; required refuses what is then still null; when comes before both."""
    if "default" in table:
        value = _with_default(table, value)
    if table.flag("required", default=False):
        value = required(value)
    if "when" in table:
        test = compile_condition(scope, table.data["when"], table.at("when"))
        get_then = value.get
        value = Value(value.kind, lambda row: get_then(row) if test(row) else None)
    return value


def required(value: Value) -> Value:
    get = value.get

    def get_required(row: Row) -> Any:
        found = get(row)
        if found is None:
            raise CellError("required", "there is no value")
        return found

    return Value(value.kind, get_required)


def _with_default(table: Table, value: Value) -> Value:
    constant = _constant(table.data["default"], table.at("default"))
    if value.kind not in (ANY, constant.kind):
        message = f"the value is of kind {value.kind}, the default of kind {constant.kind}"
        raise table.error("default", message)
    fallback = constant.get([])
    get = value.get

    def get_or_default(row: Row) -> Any:
        found = get(row)
        return fallback if found is None else found

    return Value(value.kind, get_or_default)


def _constant(data: object, place: str) -> Value:
    kinds: Mapping[type, str] = {
        str: TEXT,
        bool: BOOL,
        int: NUMBER,
        float: NUMBER,
        datetime: INSTANT,
        list: LIST,
        dict: ANY,
    }
    kind = kinds.get(type(data))
    if kind is None:
        raise MappingError(place, f"{data} cannot be a constant")
    if isinstance(data, datetime):
        if data.tzinfo is None:
            raise MappingError(place, f"{data} needs an offset, such as Z or +02:00")
        data = data.astimezone(UTC)
    if isinstance(data, float) and not abs(data) < float("inf"):
        raise MappingError(place, f"{data} cannot be a constant")
    return Value(kind, lambda _: data, data)


def _const(scope: Scope, table: Table) -> Value:
    del scope
    return _constant(table.data["const"], table.at("const"))


def _column(scope: Scope, table: Table) -> Value:
    name = table.text("column")
    columns = scope.columns
    index = columns.index(table.place, name)
    any_json = columns.names is None
    if table.data.get("type") == "json" and any_json:
        if clash := [key for key in PIPELINE_KEYS if key in table and key != "type"]:
            raise table.error(clash[0], "does not go with type = 'json'")
        return Value(ANY, lambda row: row[index])
    nulls = frozenset(table.texts("null"))
    if table.flag("trim", default=scope.trim) is scope.trim:
        get = text_cell(index, name, nulls, any_json=any_json)
    else:
        get = _other_trim(scope, name, nulls, trim=not scope.trim)
    value = converted(scope, table, Value(TEXT, get))
    if value.get is get or "after" in table or not table.flag("trim", default=scope.trim):
        return value
    return Value(value.kind, remembered(index, value.get))


def _other_trim(scope: Scope, name: str, nulls: Nulls, *, trim: bool) -> Get:
    """A column that is trimmed where others are not, or the other way round."""
    pick = scope.columns.pick(name)
    raw_at = scope.raw_at
    all_nulls = scope.nulls | nulls

    def get(row: Row) -> Any:
        cell = pick(row[raw_at])
        text = cell.strip() if trim and isinstance(cell, str) else cell
        return None if text in all_nulls else text

    return get


def _value(scope: Scope, table: Table) -> Value:
    source = scope.named(table.at("value"), table.text("value"))
    return converted(scope, table, source)


def _texts(scope: Scope, table: Table, key: str) -> list[Callable[[Row], Any]]:
    values = arithmetic.operands(scope, table, key, minimum=1)
    for index, value in enumerate(values):
        if value.kind not in (TEXT, NUMBER):
            raise MappingError(f"{table.at(key)}[{index}]", f"needs a text, not a {value.kind}")
    return [value.get for value in values]


def _key(scope: Scope, table: Table) -> Value:
    """Parts joined so that two different lists of parts never give the same key."""
    gets = _texts(scope, table, "key")
    separator = table.text("separator", "/")
    if not separator:
        raise table.error("separator", "must not be empty: 1 and 23 would be the key of 12 and 3")

    def get(row: Row) -> str:
        parts = [part(row) for part in gets]
        if None in parts:
            raise CellError("required", f"part {parts.index(None) + 1} of the key is missing")
        texts = [str(part) for part in parts]
        for text in texts:
            if separator in text:
                reason = f"{text!r} contains {separator!r}, which separates the parts of the key"
                raise CellError("invalid_value", reason)
        return separator.join(texts)

    return converted(scope, table, Value(TEXT, get))


def _join(scope: Scope, table: Table) -> Value:
    """Texts joined; nulls are left out; null if nothing is left."""
    gets = _texts(scope, table, "join")
    separator = table.text("separator", " ")

    def get(row: Row) -> str | None:
        parts = [str(part) for get_part in gets if (part := get_part(row)) is not None]
        return separator.join(parts) if parts else None

    return converted(scope, table, Value(TEXT, get))


def _first(scope: Scope, table: Table) -> Value:
    values = arithmetic.operands(scope, table, "first", minimum=1)
    kinds = {value.kind for value in values}
    gets = [value.get for value in values]

    def get(row: Row) -> Any:
        return next((found for part in gets if (found := part(row)) is not None), None)

    return converted(scope, table, Value(kinds.pop() if len(kinds) == 1 else ANY, get))


def _thread(scope: Scope, table: Table) -> Value:
    return converted(scope, table, thread_value(scope, table))


OPERATORS: dict[str, tuple[tuple[str, ...], Compile]] = {
    "column": (("column", "null", "trim", *PIPELINE_KEYS), _column),
    "const": (("const",), _const),
    "value": (("value", *PIPELINE_KEYS), _value),
    "key": (("key", "separator", *PIPELINE_KEYS), _key),
    "join": (("join", "separator", *PIPELINE_KEYS), _join),
    "first": (("first", *PIPELINE_KEYS), _first),
    "date": (DATE_KEYS, date_and_time),
    "add": (("add",), arithmetic.add),
    "subtract": (("subtract",), arithmetic.subtract),
    "between": (("between",), arithmetic.between),
    "thread": (("thread", "part", *PIPELINE_KEYS), _thread),
}
