"""Fields with dotted paths, compiled into one function that builds an item from a row."""

from collections.abc import Iterator
from typing import Any

from csapi.connect.mapping.errors import CellError, MappingError, unknown
from csapi.connect.mapping.paths import split_path
from csapi.connect.mapping.row import ANY, LIST, UNSET, Get, Row, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.shapes import OPEN_FIELDS, Shape
from csapi.connect.mapping.table import toml_name
from csapi.connect.mapping.values import compile_value, required

Step = str | int
Leaf = tuple[str, Get]
Node = dict[Step, Any]

_NESTED = (*OPEN_FIELDS, "milestones")


class Fields:
    """`build` makes an item, without its null fields; `problems` finds all that is wrong."""

    def __init__(self, scope: Scope, data: object, place: str, shape: Shape, source: str) -> None:
        self._scope = scope
        self._shape = shape
        self._tree: Node = {}
        self._leaves: list[Leaf] = []
        if not isinstance(data, dict) or not data:
            raise MappingError(place, f"needs a table of fields, not {toml_name(data)}")
        if source and "source" not in data:
            self._add(place, ["source"], {"const": source})
        for path, spec, where in _flat(data, place):
            self._add(where, split_path(where, path), spec)
        for name in shape.required:
            if name not in self._tree:
                raise MappingError(place, f"{name} is required and has no value here")
        self._build = _object(self._tree, place)

    def build(self, row: Row) -> dict[str, Any]:
        """Raises CellError; problems() then tells all that is wrong, with pointers."""
        item: dict[str, Any] = self._build(row) or {}
        for name in self._shape.required:
            if name not in item:
                raise CellError("required", f"there is no {name}")
        return item

    def problems(self, row: Row) -> list[tuple[str, CellError]]:
        """Every (JSON pointer, error) of the item that this row would make."""
        found = []
        for pointer, get in self._leaves:
            try:
                get(row)
            except CellError as error:
                found.append((pointer, error))
        return found

    def key(self, name: str, row: Row) -> str | None:
        """The item's external id, or None where that is just what cannot be mapped."""
        try:
            found = self._tree[name].get(row)
        except CellError:
            return None
        return None if found is None else str(found)

    def _add(self, place: str, steps: list[Step], spec: object) -> None:
        self._check_known(place, steps)
        value = compile_value(self._scope, spec, place)
        get = value.get
        if len(steps) == 1 and steps[0] in self._shape.required:
            get = required(value).get
        node = self._tree
        for step in steps[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                raise MappingError(place, f"{step} already has a value of its own")
        if steps[-1] in node:
            raise MappingError(place, f"{_dotted(steps)} is given twice")
        node[steps[-1]] = value
        self._leaves.append(("".join(f"/{step}" for step in steps), get))

    def _check_known(self, place: str, steps: list[Step]) -> None:
        if steps[0] in OPEN_FIELDS and len(steps) == 2:
            return
        pattern = _dotted([0 if isinstance(step, int) else step for step in steps])
        if pattern.replace("[0]", "[]") not in self._shape.fields:
            allowed = sorted(name for name in self._shape.fields if not name.endswith("]"))
            raise unknown(place, "field", _dotted(steps), allowed)


def _flat(data: dict[str, Any], place: str) -> Iterator[tuple[str, object, str]]:
    """TOML reads `custom.manager = ...` as a table in a table: that is a path as well."""
    for key, spec in data.items():
        where = f"{place}.{key}"
        whole = isinstance(spec, dict) and ("const" in spec or spec.get("type") == "json")
        if key in _NESTED and isinstance(spec, dict) and not whole:
            for member, inner in spec.items():
                yield f"{key}.{member}", inner, f"{where}.{member}"
        else:
            yield key, spec, where


def _dotted(steps: list[Step]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _compiled(node: Value | Node, place: str) -> Value:
    if isinstance(node, Value):
        return node
    numbered = [isinstance(step, int) for step in node]
    if all(numbered):
        return Value(LIST, _list(node, place))
    if any(numbered):
        raise MappingError(place, "names and numbers in brackets cannot be on the same level")
    return Value(ANY, _object(node, place))


def _object(node: Node, place: str) -> Get:
    compiled = {str(step): _compiled(child, f"{place}.{step}") for step, child in node.items()}
    constants = {
        name: value.constant for name, value in compiled.items() if value.constant is not UNSET
    }
    members = [(name, value.get) for name, value in compiled.items() if name not in constants]

    def build(row: Row) -> dict[str, Any] | None:
        item = constants.copy()
        for name, get in members:
            value = get(row)
            if value is not None:
                item[name] = value
        return item or None

    return build


def _list(node: Node, place: str) -> Get:
    gets = [_compiled(node[step], f"{place}[{step}]").get for step in sorted(node, key=int)]

    def build(row: Row) -> list[Any] | None:
        return [member for get in gets if (member := get(row)) is not None] or None

    return build
