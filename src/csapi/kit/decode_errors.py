"""msgspec's error text as field errors: pointer, code, a message for people, the allowed values."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect

from csapi.kit.problems import FieldError, pointer, shown

_PLACE = re.compile(r"(?s)(?P<text>.*?)(?: - at (?:`key` in |)`(?P<path>\$[^`]*)`)?\Z")
_STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")
_FIELD = re.compile(r"(?s)Object (missing required|contains unknown) field `(.*)`\Z")
_GOT = re.compile(r"Expected `(?P<want>[^`]+)`(?:, got `(?P<got>[^`]+)`)?\Z")
_LENGTH = re.compile(r"Expected `(?P<want>\w+)` of length (?P<op><=|>=|==) (?P<n>\d+)\Z")
_BOUND = re.compile(r"Expected `\w+` (?P<op><=|>=|<|>) (?P<n>\S+)\Z")
_ENCODED = re.compile(r"Invalid (?:RFC3339|ISO8601) encoded (\w+)\Z")

_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
    "datetime": "an RFC 3339 date-time with an offset, such as 2026-01-05T10:00:00Z",
    "date": "a date, such as 2026-01-05",
    "time": "a time of day, such as 09:30:00",
    "uuid": "a UUID",
    "decimal": "a decimal number in a string",
}
_BOUND_WORDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_UNITS = {"str": "characters", "array": "members", "object": "members"}


def _words(types: str) -> str:
    return " or ".join(_WORDS.get(name.strip(), name.strip()) for name in types.split("|"))


@lru_cache(maxsize=256)
def _described(type_: Any) -> inspect.Type:
    return inspect.type_info(type_)


def flat_types(type_: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(type_, inspect.UnionType):
        for member in type_.types:
            yield from flat_types(member)
    elif isinstance(type_, inspect.Metadata):
        yield from flat_types(type_.type)
    else:
        yield type_


def _inside(types: list[inspect.Type], name: str | None) -> list[inspect.Type]:
    """The types one step in: of field `name`, or of the members when there is no name."""
    found: list[inspect.Type] = []
    for type_ in types:
        if name is None and isinstance(type_, inspect.CollectionType):
            found += flat_types(type_.item_type)
        elif name is None and isinstance(type_, inspect.DictType):
            found += flat_types(type_.value_type)
        elif name is not None and isinstance(type_, inspect.StructType):
            if type_.tag_field == name:
                found.append(type_)
            for field in type_.fields:
                if field.encode_name == name:
                    found += flat_types(field.type)
    return found


def _follow(path: str, type_: Any) -> tuple[list[str | int], list[inspect.Type]]:
    """Pointer parts and possible types of a path such as `$.legs[0].talk_seconds`."""
    parts: list[str | int] = []
    types = list(flat_types(_described(type_)))
    for step in _STEP.finditer(path):
        name = step["name"]
        types = _inside(types, name)
        if name is not None:
            parts.append(name)
        elif step["index"] is not None:
            parts.append(int(step["index"]))
        else:  # a key that msgspec does not name: point at the object
            break
    return parts, types


def _field_names(types: list[inspect.Type]) -> list[str] | None:
    names = [f.encode_name for t in types if isinstance(t, inspect.StructType) for f in t.fields]
    return list(dict.fromkeys(names)) or None


def _values(types: list[inspect.Type]) -> list[str] | None:
    values: list[Any] = []
    for type_ in types:
        if isinstance(type_, inspect.EnumType):
            values += [member.value for member in type_.cls]
        elif isinstance(type_, inspect.LiteralType):
            values += type_.values
        elif isinstance(type_, inspect.StructType) and type_.tag is not None:
            values.append(type_.tag)
    return [str(value) for value in dict.fromkeys(values)] or None


def _one_of(allowed: list[str] | None) -> str:
    if not allowed:
        return "The value is not allowed here."
    more = ", ..." if len(allowed) > 8 else ""
    return f"Must be one of: {', '.join(allowed[:8])}{more}."


def _judge_size(text: str) -> tuple[str, str] | None:
    if match := _LENGTH.match(text):
        unit = _UNITS.get(match["want"], "bytes")
        if match["op"] == "<=":
            return "too_long", f"At most {match['n']} {unit} are allowed."
        return "too_short", f"At least {match['n']} {unit} are needed."
    if match := _BOUND.match(text):
        number = match["n"].removesuffix(".0")
        return "out_of_range", f"Must be {_BOUND_WORDS[match['op']]} {number}."
    if text.endswith("out of range"):
        return "out_of_range", "The number is too large."
    return None


def _judge(text: str) -> tuple[str, str]:
    """Code and message for an error text without its place."""
    if (judged := _judge_size(text)) is not None:
        return judged
    if match := _GOT.match(text):
        got = f", got {_words(match['got'])}" if match["got"] else ""
        return "wrong_type", f"Expected {_words(match['want'])}{got}."
    if "with a timezone component" in text:
        return "timezone_required", "The date-time needs an offset, such as Z or +03:00."
    if match := _ENCODED.match(text):
        return "invalid_value", f"Expected {_words(match[1])}."
    if "matching regex" in text:
        return "invalid_value", "The text does not have the form that is asked for here."
    return "invalid_value", shown(text) + ("" if text.endswith(".") else ".")


def explain(exc: msgspec.ValidationError, type_: Any) -> FieldError:
    """The field error for what msgspec found wrong while it read a `type_`."""
    place = _PLACE.match(str(exc))
    text, path = (place["text"], place["path"] or "$") if place else (str(exc), "$")
    parts, types = _follow(path, type_)
    if match := _FIELD.match(text):
        name = match[2]
        if match[1] == "missing required":
            return FieldError(pointer(*parts, name), "required", "This field is required.")
        return FieldError(
            pointer(*parts, name), "unknown_field", "There is no such field.", _field_names(types)
        )
    if text.startswith(("Invalid enum value", "Invalid value")):
        allowed = _values(types)
        return FieldError(pointer(*parts), "invalid_value", _one_of(allowed), allowed)
    return FieldError(pointer(*parts), *_judge(text))
