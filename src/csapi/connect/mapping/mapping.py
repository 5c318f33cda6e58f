"""Reads a mapping file, and binds it to the columns of an input file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from csapi.connect.mapping.columns import Columns
from csapi.connect.mapping.conditions import compile_condition
from csapi.connect.mapping.errors import MappingError, unknown
from csapi.connect.mapping.fields import Fields
from csapi.connect.mapping.inputs import InputFormat, read_input_format
from csapi.connect.mapping.row import UNSET, Row, Test
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.shapes import RESOURCES, SHAPES, key_field
from csapi.connect.mapping.table import Table, line_of
from csapi.connect.mapping.threads import Thread, read_threads
from csapi.connect.mapping.values import compile_value

TOP_KEYS = (
    "source",
    "zone",
    "ambiguous",
    "nonexistent",
    "null",
    "trim",
    "input",
    "filter",
    "threads",
    "values",
    "output",
    "custom_attributes",
)


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    drops: Test


@dataclass(frozen=True, slots=True)
class Output:
    """One kind of item that a row can become. `once`: identical items in a row are sent once."""

    resource: str
    key_field: str
    when: Test | None
    fields: Fields
    once: bool


class RowMapper:
    """A mapping that fits the columns of a file."""

    def __init__(self, scope: Scope, filters: list[Filter], outputs: list[Output]) -> None:
        self.filters = filters
        self.outputs = outputs
        self.columns = scope.columns
        self.threads: list[Thread] = list(scope.threads.values())
        self._prepare = scope.columns.prepare(scope.nulls, trim=scope.trim)
        self._tail = [UNSET] * scope.named_count

    def row(self, raw: Any) -> Row:
        row = self._prepare(raw)
        row.append(raw)
        row += self._tail
        return row


class MappingFile:
    """A mapping that is valid TOML and says how to read the input; bind() checks the rest."""

    def __init__(self, text: str, name: str) -> None:
        self._text = text
        self._name = name
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise MappingError(name, str(error)) from None
        with _Located(self):
            self._top = Table(data, "", TOP_KEYS)
            self.input: InputFormat = read_input_format(self._top.data.get("input", {}))
            self.custom_attributes = _custom_attributes(self._top)
            self._outputs = _tables(self._top, "output", needed=True)
            self.resources = [
                table["resource"]
                for table in self._outputs
                if isinstance(table, dict) and "resource" in table
            ]

    def bind(self, names: list[str] | None, main: str | None) -> RowMapper:
        """`names`: the header, None for NDJSON. `main`: --as, which names the unnamed outputs."""
        with _Located(self):
            scope = Scope(self._top, Columns(names), compile_value)
            scope.threads = read_threads(scope, self._top)
            filters = [
                _filter(scope, table, index)
                for index, table in enumerate(_tables(self._top, "filter", needed=False))
            ]
            for name in self._top.data.get("values", {}):
                scope.named(f"values.{name}", name)
            outputs = [
                _output(scope, self._top, table, f"output[{index}]", main)
                for index, table in enumerate(self._outputs)
            ]
            _check_main(main, [output.resource for output in outputs])
            return RowMapper(scope, filters, outputs)

    def located(self, error: MappingError) -> MappingError:
        number = line_of(self._text, error.word)
        where = f"{self._name}, line {number}" if number else self._name
        return MappingError("", f"{where}: {error}")


class _Located:
    """Adds the file name, and the line where it can be found, to any MappingError."""

    def __init__(self, mapping: MappingFile) -> None:
        self._mapping = mapping

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MappingError):
            raise self._mapping.located(error) from None


def read_mapping(path: Path) -> MappingFile:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise MappingError(str(path), error.strerror or "cannot be read") from None
    except UnicodeDecodeError:
        raise MappingError(str(path), "is not UTF-8 text") from None
    return MappingFile(text, path.name)


def _tables(top: Table, key: str, *, needed: bool) -> list[Any]:
    tables = top.data.get(key, [])
    if not isinstance(tables, list) or (needed and not tables):
        raise top.error(key, f"needs one or more tables that start with [[{key}]]")
    return tables


def _custom_attributes(top: Table) -> dict[str, str]:
    data = top.data.get("custom_attributes", {})
    table = Table(data, "custom_attributes", data if isinstance(data, dict) else ())
    return {name: table.text(name) for name in table.data}


def _output(scope: Scope, top: Table, data: object, place: str, main: str | None) -> Output:
    table = Table(data, place, ("resource", "when", "once", "fields"))
    resource = table.text("resource", main if main and main != "all" else "")
    if not resource:
        message = f"resource is missing; give it here or with --as: {', '.join(RESOURCES)}"
        raise MappingError(place, message)
    if resource not in RESOURCES:
        raise unknown(table.at("resource"), "resource", resource, RESOURCES)
    when = None
    if "when" in table:
        when = compile_condition(scope, table.data["when"], table.at("when"))
    fields = Fields(
        scope,
        table.data.get("fields", {}),
        table.at("fields"),
        SHAPES[resource],
        top.text("source"),
    )
    return Output(resource, key_field(resource), when, fields, table.flag("once", default=False))


def _check_main(main: str | None, resources: list[str]) -> None:
    if main is not None and main != "all" and main not in resources:
        written = list(dict.fromkeys(resources))
        raise MappingError(
            "", f"--as {main}: the mapping writes {', '.join(written)}; allowed: these, or all"
        )


def _filter(scope: Scope, data: object, index: int) -> Filter:
    place = f"filter[{index}]"
    table = Table(data, place, ("name", "keep", "drop"))
    given = [key for key in ("keep", "drop") if key in table]
    if len(given) != 1:
        raise MappingError(place, "needs keep = CONDITION or drop = CONDITION, one of them")
    test = compile_condition(scope, table.data[given[0]], table.at(given[0]))
    drops = test if given[0] == "drop" else lambda row: not test(row)
    return Filter(table.text("name", f"filter {index + 1}"), drops)
