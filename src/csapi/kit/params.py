"""The query string as a struct, read as strictly as a body."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect

from csapi.kit.body import Incoming
from csapi.kit.decode_errors import explain, flat_types
from csapi.kit.problems import FieldError, Problem, invalid, pointer

S = TypeVar("S", bound=msgspec.Struct)

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?\Z")
_SPACED_OFFSET = re.compile(r"T[0-9:.]+ [0-9]{2}:?[0-9]{2}\Z")
_BOOLEANS = {"true": True, "false": False}


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.match(text) else text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.match(text) else text


def _boolean(text: str) -> Any:
    return _BOOLEANS.get(text, text)


def _text(text: str) -> Any:
    return text


class _Parameter(NamedTuple):
    read: Callable[[str], Any]
    repeats: bool


def _parameter(type_: inspect.Type) -> _Parameter:
    """How to read a parameter; what it is not fit for is left as text, for msgspec to refuse."""
    types = list(flat_types(type_))
    repeats = False
    for member in types:
        if isinstance(member, inspect.CollectionType):
            types, repeats = list(flat_types(member.item_type)), True
            break
    for kind, read in (
        (inspect.IntType, _integer),
        (inspect.FloatType, _number),
        (inspect.BoolType, _boolean),
    ):
        if any(isinstance(member, kind) for member in types):
            return _Parameter(read, repeats)
    return _Parameter(_text, repeats)


@cache
def _parameters(struct: type[msgspec.Struct]) -> dict[str, _Parameter]:
    described = inspect.type_info(struct)
    if not isinstance(described, inspect.StructType):
        raise TypeError(struct)
    return {field.encode_name: _parameter(field.type) for field in described.fields}


def _text_of(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Problem("invalid_utf8", "The query string is not UTF-8.") from None
    if "\x00" in text:
        raise invalid(FieldError("", "nul_character", "The query string contains U+0000."))
    return text


def _pairs(query: bytes) -> list[tuple[str, str]]:
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return [(_text_of(name), _text_of(value)) for name, _, value in pairs]


def _collect(
    pairs: list[tuple[str, str]], known: dict[str, _Parameter]
) -> tuple[dict[str, Any], list[FieldError]]:
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, text in pairs:
        parameter = known.get(name)
        if parameter is None:
            message = "This operation has no such parameter."
            errors.append(
                FieldError(pointer(name), "unknown_parameter", message, sorted(known) or None)
            )
        elif parameter.repeats:
            values.setdefault(name, []).append(parameter.read(text))
        elif name in values:
            message = "The parameter may be given once."
            errors.append(FieldError(pointer(name), "duplicate_parameter", message))
        else:
            values[name] = parameter.read(text)
        if _SPACED_OFFSET.search(text):
            message = "A + in a query string means a space. Write the offset with %2B."
            errors.append(FieldError(pointer(name), "invalid_value", message))
    return values, errors


def parse_params(request: Incoming, struct: type[S]) -> S:
    """The query string as `struct`. List fields repeat: `channel=email&channel=chat`.

    Raises Problem 400 or 422; errors point at `/name`.
    """
    query: bytes = request.scope.get("query_string") or b""
    values, errors = _collect(_pairs(query), _parameters(struct)) if query else ({}, [])
    if errors:
        raise invalid(*errors[:20])
    try:
        return msgspec.convert(values, struct)
    except msgspec.ValidationError as exc:
        raise invalid(explain(exc, struct)) from None


def first_value(request: Incoming, name: str) -> str | None:
    """What a parameter says the first time, before anything is known of what may be there."""
    query: bytes = request.scope.get("query_string") or b""
    return next((value for found, value in _pairs(query) if found == name), None)


class NoParameters(msgspec.Struct, frozen=True):
    """For an operation without parameters."""
