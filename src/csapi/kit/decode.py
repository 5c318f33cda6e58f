"""The one strict decoder. Bytes in; a msgspec struct, a Problem or a list of field errors out.

Keys that occur twice in an object: the last one wins.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from csapi.kit.body import JSON, NDJSON
from csapi.kit.decode_errors import explain
from csapi.kit.problems import FieldError, Problem, invalid, pointer

T = TypeVar("T")

MAX_DEPTH = 32
MAX_ITEMS = 1000

_INT64 = 2**63
_COMMAS_CHEAP = 100_000
_ONE_BRACKET = bytes.maketrans(b"{}", b"[]")
_NOT_SKELETON = bytes(byte for byte in range(256) if byte not in b"[]{},")
_INNERMOST = re.compile(rb"\[,*\]")
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER = b"0" * 19
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F])"
)
_REASON = re.compile(r"\A(?:JSON is malformed: )?(.*?)(?: \(byte (\d+)\))?\Z")
_ANY_TEXT = msgspec.json.Decoder(msgspec.Raw)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class _Refused(Exception):  # noqa: N818 - not an error of ours
    def __init__(self, *errors: FieldError) -> None:
        super().__init__(errors)
        self.errors = errors


def _skeleton(data: bytes) -> bytes:
    """Brackets, all square, and commas of a JSON text without its strings."""
    text = data.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in data else data
    return b"".join(text.split(b'"')[::2]).translate(_ONE_BRACKET, _NOT_SKELETON)


def _too_deep(data: bytes, depth: int = MAX_DEPTH) -> bool:
    brackets = _skeleton(data).replace(b",", b"")
    for _ in range(depth):  # each round removes the innermost level everywhere
        brackets = brackets.replace(b"[]", b"")
    return b"[" in brackets


def _array_length(data: bytes) -> int:
    """How many members an array has whose members are not too deep."""
    skeleton = _skeleton(data)
    for _ in range(MAX_DEPTH):
        inner = _INNERMOST.sub(b"", skeleton.replace(b"[]", b""))
        if not inner:
            break
        skeleton = inner
    return skeleton.count(b",") + 1


def _leaves(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, str | int):
        yield where, value
    elif isinstance(value, msgspec.Struct):
        members = msgspec.structs.astuple(value)
        for name, member in zip(value.__struct_encode_fields__, members, strict=True):
            yield from _leaves(member, where + pointer(name))
    elif isinstance(value, dict):
        for key, member in value.items():
            yield where + pointer(key), key
            yield from _leaves(member, where + pointer(key))
    elif isinstance(value, list | tuple | set | frozenset):
        for index, member in enumerate(value):
            yield from _leaves(member, f"{where}/{index}")


def _unstorable(data: bytes, value: Any) -> list[FieldError]:
    """What JSON can say and PostgreSQL cannot keep: NUL in text, integers beyond 64 bits.

    The bytes are scanned first, so that only a suspect value is walked.
    """
    if not (b"\\" in data and b"\\u0000" in data) and (_LONG_NUMBER not in data.translate(_DIGITS)):
        return []
    errors = []
    for where, leaf in _leaves(value):
        if isinstance(leaf, str) and "\x00" in leaf:
            place = where.replace("\x00", "\N{REPLACEMENT CHARACTER}")
            errors.append(FieldError(place, "nul_character", "The text contains U+0000."))
        elif isinstance(leaf, int) and not -_INT64 <= leaf < _INT64:
            errors.append(FieldError(where, "out_of_range", "The number does not fit in 64 bits."))
    return errors


def _malformed(data: bytes, exc: msgspec.DecodeError) -> FieldError:
    if any(match[1] for match in _SURROGATES.finditer(data)):
        return FieldError("", "invalid_utf8", "The text contains half of a surrogate pair.")
    match = _REASON.match(str(exc))
    reason, at = match.groups() if match else ("", None)
    if at is None:
        reason, at = "the text ends too early", str(len(data))
    return FieldError("", "malformed_json", f"Not JSON: {reason} (byte {at}).")


def _check_text(data: bytes) -> None:
    if data.startswith(b"\xef\xbb\xbf"):
        raise _Refused(FieldError("", "malformed_json", "The text starts with a byte order mark."))
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        message = f"Not UTF-8: {exc.reason} (byte {exc.start})."
        raise _Refused(FieldError("", "invalid_utf8", message)) from None


def _too_deep_error() -> FieldError:
    return FieldError("", "too_deep", f"At most {MAX_DEPTH} levels of nesting are allowed.")


def _check_syntax(data: bytes) -> None:
    """The decoder stops at the first invalid field: what follows may not even be JSON."""
    try:
        _ANY_TEXT.decode(data)
    except msgspec.DecodeError as exc:
        raise _Refused(_malformed(data, exc)) from None


def _read(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    if not data.isascii():
        _check_text(data)
    # Fewer brackets than that cannot nest deeper; nearly every item ends here.
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _too_deep(data):
        raise _Refused(_too_deep_error())
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as exc:
        _check_syntax(data)
        raise _Refused(explain(exc, decoder.type)) from None
    except msgspec.DecodeError as exc:
        raise _Refused(_malformed(data, exc)) from None
    if errors := _unstorable(data, value):
        raise _Refused(*errors)
    return value


def decode(data: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """`data` as the decoder's type; Problem 400 if it cannot be read, 422 if it is not valid."""
    try:
        return _read(data, decoder)
    except _Refused as refused:
        raise invalid(*refused.errors) from None


def decode_item(raw: bytes, decoder: msgspec.json.Decoder[T], index: int) -> T | list[FieldError]:
    """One item of a batch, or what is wrong with it, with pointers that start at the batch."""
    try:
        return _read(raw, decoder)
    except _Refused as refused:
        return [
            msgspec.structs.replace(error, pointer=f"/{index}{error.pointer}")
            for error in refused.errors
        ]


def _array_items(data: bytes, max_items: int) -> list[bytes]:
    if not data.isascii():
        _check_text(data)
    # A Raw takes 70 bytes: five megabytes of `1,1,1` must not become a list first.
    if data.count(b",") > _COMMAS_CHEAP:
        if _too_deep(data, MAX_DEPTH + 1):
            raise _Refused(_too_deep_error())
        if _array_length(data) > max_items:
            raise _too_many_items(max_items)
    try:
        return [bytes(raw) for raw in _ITEMS.decode(data)]
    except RecursionError:
        raise _Refused(_too_deep_error()) from None
    except msgspec.ValidationError as exc:
        raise _Refused(explain(exc, _ITEMS.type)) from None
    except msgspec.DecodeError as exc:
        raise _Refused(_malformed(data, exc)) from None


def _too_many_items(max_items: int) -> Problem:
    return Problem("too_many_items", f"A batch has 1 to {max_items:,} items. Send several.")


def split_items(data: bytes, content_type: str = JSON, max_items: int = MAX_ITEMS) -> list[bytes]:
    """The items of a batch as bytes, each still to be decoded by decode_item.

    A JSON array is one document: unreadable text anywhere in it is a Problem 400. In NDJSON each
    line stands alone: an unreadable line is left to decode_item. Blank lines are skipped.
    """
    if content_type == NDJSON:
        lines = data.split(b"\n", 10 * max_items)
        if b"\n" in lines[-1]:
            raise _too_many_items(max_items)
        items = [line for line in lines if line and not line.isspace()]
    else:
        try:
            items = _array_items(data, max_items)
        except _Refused as refused:
            raise invalid(*refused.errors) from None
    if len(items) > max_items:
        raise _too_many_items(max_items)
    if not items:
        raise Problem("empty_batch", f"A batch has 1 to {max_items:,} items.")
    return items
