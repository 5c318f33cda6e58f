"""House rules that keep generated clients usable. Each answers with the places that break it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from csapi.kit.openapi_schemas import Schema, reachable, walk

_COMPONENT = re.compile(r"[A-Z][A-Za-z0-9]+\Z")
_SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z0-9]+)+\Z")
_TAKEN = {"And", "Any", "Array", "Error", "List", "Map", "Model", "Not", "Object", "Or", "String"}
_SCALARS = {"string", "integer", "number", "boolean"}
_FORMATS_REFUSED = {"duration", "time"}


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            yield f"{method.upper()} {path}", entry


def _check_names(document: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        if not _COMPONENT.match(name):
            yield f"{name}: component names match [A-Z][A-Za-z0-9]+"
        if name in _TAKEN:
            yield f"{name}: a word that target languages use"
        if _HUMP.sub("_", name).lower() in schema.get("properties", ()):
            yield f"{name}: has a field of its own name, which hides it in generated Python"
        for field in schema.get("properties", ()):
            if not _SNAKE.match(field):
                yield f"{name}.{field}: field names are snake_case"


def _check_kind(node: Schema) -> Iterator[str]:
    arms = [arm for key in ("anyOf", "oneOf") for arm in node.get(key, ())]
    if len({arm.get("type") for arm in arms} & _SCALARS) > 1:
        yield "a union of scalars"
    if isinstance(node.get("type"), list):
        yield "a list of types"
    if "prefixItems" in node or isinstance(node.get("items"), bool):
        yield "a tuple"
    if "oneOf" in node and "mapping" not in node.get("discriminator", {}):
        yield "a union without discriminator"


def _check_details(node: Schema) -> Iterator[str]:
    if "enum" in node and (node.get("type") != "string" or None in node["enum"]):
        yield "an enum that is not of strings"
    if "enum" in node and "x-enum-varnames" not in node:
        yield "an enum without a name: use a StrEnum"
    if "default" in node:
        yield "a default"
    # A field may have that name, too.
    if isinstance(kind := node.get("format"), str) and kind in _FORMATS_REFUSED:
        yield f"format {kind}"
    for name, member in node.get("properties", {}).items():
        kinds = [member, *member.get("anyOf", ())]
        if name.endswith("_at") and not any(k.get("format") == "date-time" for k in kinds):
            yield f"{name} is not a date-time: use UtcDatetime"


def _check_schemas(document: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in document["components"]["schemas"].items():
        found: list[str] = []

        def visit(node: Schema, found: list[str] = found) -> None:
            found += [*_check_kind(node), *_check_details(node)]

        walk(schema, visit)
        yield from (f"{name}: {text}" for text in found)


def _check_requests(document: Mapping[str, Any]) -> Iterator[str]:
    components = document["components"]["schemas"]
    bodies = [entry.get("requestBody", {}) for _, entry in _operations(document)]
    for name in sorted(reachable(bodies, components)):
        schema = components[name]
        if "properties" in schema and schema.get("additionalProperties") is not False:
            yield f"{name}: a request forbids unknown fields"


def _check_parameter(parameter: Schema) -> Iterator[str]:
    # Headers have names of their own.
    if parameter["in"] != "header" and not _SNAKE.match(parameter["name"]):
        yield "is not snake_case"
    if not parameter["description"]:
        yield "has no description"
    schema = parameter["schema"]
    if "default" in schema or any(arm.get("type") == "null" for arm in schema.get("anyOf", ())):
        yield "has a default or may be null"
    if schema.get("type") == "object":
        yield "is not flat"


def _check_operations(document: Mapping[str, Any]) -> Iterator[str]:
    tags = {tag["name"] for tag in document["tags"]}
    ids: set[str] = set()
    for where, entry in _operations(document):
        operation_id = entry.get("operationId", "")
        if not _CAMEL.match(operation_id) or operation_id in ids:
            yield f"{where}: operationId {operation_id!r} is not a new camelCase name"
        ids.add(operation_id)
        if not (entry.get("summary") and entry.get("description") and "security" in entry):
            yield f"{where}: summary, description and security are stated"
        if not set(entry["tags"]) <= tags:
            yield f"{where}: tags are declared"
        for parameter in entry.get("parameters", ()):
            for text in _check_parameter(parameter):
                yield f"{where}: parameter {parameter['name']} {text}"
        for status, response in entry["responses"].items():
            if (status == "default" or status >= "400") and "$ref" not in response:
                yield f"{where}: {status} is a shared response"
        if "default" not in entry["responses"]:
            yield f"{where}: has a default response"


def _check_webhooks(document: Mapping[str, Any]) -> Iterator[str]:
    tags = {tag for _, entry in _operations(document) for tag in entry["tags"]}
    for name, methods in document.get("webhooks", {}).items():
        for entry in methods.values():
            if set(entry["tags"]) & tags:
                yield f"{name}: a tag of operations, whose generated file it would overwrite"


_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[str]], ...] = (
    _check_names,
    _check_schemas,
    _check_requests,
    _check_operations,
    _check_webhooks,
)


def violations(document: Mapping[str, Any]) -> list[str]:
    """Every broken rule in the document, in words."""
    return [text for rule in _RULES for text in rule(document)]
