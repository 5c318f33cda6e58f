"""Component schemas: what msgspec says about the structs, in a form that client generators read."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

Schema = dict[str, Any]
REF = "#/components/schemas/"
# A component is named after its struct; but without what Python needs, and not like a field of its
# own, which would hide it in generated Python.
RENAMED = {"ProblemBody": "Problem", "Form": "FormEntry"}


def name_of(cls: type) -> str:
    return RENAMED.get(cls.__name__, cls.__name__)


def _inner(type_: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(type_, inspect.Metadata):
        yield type_.type
    elif isinstance(type_, inspect.UnionType):
        yield from type_.types
    elif isinstance(type_, inspect.CollectionType):
        yield type_.item_type
    elif isinstance(type_, inspect.TupleType):
        yield from type_.item_types
    elif isinstance(type_, inspect.DictType):
        yield type_.key_type
        yield type_.value_type
    elif isinstance(type_, inspect.StructType):
        yield from (field.type for field in type_.fields)


def _classes(types: Iterable[Any]) -> tuple[dict[str, inspect.StructType], dict[str, type[Enum]]]:
    """All structs and enums that the types reach, by component name."""
    structs: dict[str, inspect.StructType] = {}
    enums: dict[str, type[Enum]] = {}
    waiting = list(inspect.multi_type_info(types))
    while waiting:
        type_ = waiting.pop()
        if isinstance(type_, inspect.EnumType):
            enums[name_of(type_.cls)] = type_.cls
        if isinstance(type_, inspect.StructType):
            if name_of(type_.cls) in structs:
                continue
            structs[name_of(type_.cls)] = type_
        waiting.extend(_inner(type_))
    return structs, enums


def walk(node: Any, visit: Callable[[Schema], None]) -> None:
    """Call `visit` for every object in a JSON tree, inner ones first."""
    if isinstance(node, dict):
        for member in list(node.values()):
            walk(member, visit)
        visit(node)
    elif isinstance(node, list):
        for member in node:
            walk(member, visit)


def _is_null(schema: Schema) -> bool:
    return schema.get("type") == "null"


def _rename(node: Schema) -> None:
    if isinstance(ref := node.get("$ref"), str):
        name = ref.removeprefix(REF)
        node["$ref"] = REF + RENAMED.get(name, name)


def _type_enum(node: Schema) -> None:
    values = node.get("enum")
    if isinstance(values, list) and "type" not in node:
        if len(values) == 1:
            del node["enum"]
            node["const"] = values[0]
        node["type"] = "string" if isinstance(values[0], str) else "integer"


def _lift_from_arm(node: Schema) -> None:
    """Descriptions and examples belong to the field, not to its arm beside null."""
    arms = node.get("anyOf")
    if isinstance(arms, list) and len(arms) == 2 and sum(map(_is_null, arms)) == 1:
        arm = next(arm for arm in arms if not _is_null(arm))
        if "$ref" not in arm:
            for key in ("description", "examples"):
                if key in arm:
                    node.setdefault(key, arm.pop(key))


def _name_enum(schema: Schema, enum: type[Enum]) -> None:
    schema.pop("const", None)
    schema["enum"] = [member.value for member in enum]
    schema["type"] = "string" if isinstance(schema["enum"][0], str) else "integer"
    schema["x-enum-varnames"] = [re.sub(r"\W", "_", member.name).upper() for member in enum]


def _hoist_unions(components: dict[str, Schema]) -> None:
    """Tagged unions become components of their own, named by Meta(title=...)."""
    found: dict[str, Schema] = {}

    def visit(node: Schema) -> None:
        if "discriminator" not in node or "anyOf" not in node:
            return
        node["oneOf"] = node.pop("anyOf")
        if title := node.get("title"):
            found[title] = dict(node)
            node.clear()
            node["$ref"] = REF + title

    walk(components, visit)
    components.update(found)


def _move_default(schema: Schema, *, tell: bool) -> None:
    if "default" not in schema:
        return
    default = schema.pop("default")
    if tell and default not in (None, [], {}, ""):
        text = json.dumps(default).strip('"')
        schema["description"] = f"{schema.get('description', '')} Default: {text}.".strip()


def _is_written(field: inspect.Field, *, omit_defaults: bool) -> bool:
    if field.required:
        return True
    # msgspec shows a field that may be UNSET as one without a default.
    has_default = field.default is not NODEFAULT or field.default_factory is not NODEFAULT
    return has_default and not omit_defaults


def _always_written(struct: inspect.StructType) -> list[str]:
    omit = struct.cls.__struct_config__.omit_defaults
    return [f.encode_name for f in struct.fields if _is_written(f, omit_defaults=omit)]


def reachable(roots: Any, components: Mapping[str, Schema]) -> set[str]:
    """Names of the components that a JSON tree refers to, directly or not."""
    names: set[str] = set()

    def visit(node: Schema) -> None:
        if isinstance(ref := node.get("$ref"), str) and ref.startswith(REF):
            name = ref.removeprefix(REF)
            if name not in names:
                names.add(name)
                walk(components[name], visit)

    walk(roots, visit)
    return names


class Schemas:
    """Schemas of all wire types. `of(type)` is a schema or reference; `components` the rest."""

    def __init__(
        self, requests: Iterable[Any], responses: Iterable[Any], params: Iterable[Any]
    ) -> None:
        groups = (list(requests), list(responses), list(params))
        types = list(dict.fromkeys(type_ for group in groups for type_ in group))
        schemas, components = msgspec.json.schema_components(types, ref_template=REF + "{name}")
        self.components = {RENAMED.get(name, name): part for name, part in components.items()}
        for name, part in self.components.items():
            part["title"] = name
        self._schemas: dict[Any, Schema] = dict(zip(types, schemas, strict=True))
        structs, enums = _classes(types)
        for visit in (_rename, _type_enum, _lift_from_arm):
            walk([self.components, *schemas], visit)
        for name, enum in enums.items():
            _name_enum(self.components[name], enum)
        _hoist_unions(self.components)
        self._settle(structs, groups[0], groups[1])
        self._properties = {
            type_: self.components.pop(name_of(type_)) for type_ in dict.fromkeys(groups[2])
        }

    def _settle(
        self, structs: Mapping[str, inspect.StructType], requests: list[Any], responses: list[Any]
    ) -> None:
        read = reachable([self._schemas[type_] for type_ in responses], self.components)
        written = reachable([self._schemas[type_] for type_ in requests], self.components)
        for name, struct in structs.items():
            schema = self.components[name]
            if name in read - written:
                tag = [struct.tag_field] if struct.tag_field else []
                schema["required"] = tag + _always_written(struct)
            for member in schema["properties"].values():
                _move_default(member, tell=name not in read - written)
            if not schema.get("required"):
                schema.pop("required", None)

    def of(self, type_: Any) -> Schema:
        return self._schemas[type_]

    def parameters(self, struct: type[msgspec.Struct], place: str) -> list[Schema]:
        """The fields of a parameter struct as OpenAPI parameters; parameters are never null."""
        schema = self._properties[struct]
        found = []
        for name, member in schema["properties"].items():
            arms = [arm for arm in member.get("anyOf", ()) if not _is_null(arm)]
            bare = arms[0] if len(arms) == 1 else member
            parameter = {
                "name": name,
                "in": place,
                "description": member.get("description", ""),
                "required": place == "path" or name in schema.get("required", ()),
                "schema": {key: part for key, part in bare.items() if key != "description"},
            }
            if bare.get("type") == "array":
                parameter |= {"style": "form", "explode": True}
            found.append(parameter)
        return found
