"""Cursors of lists: where the page before ended, and which filters it was cut with."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import msgspec

from csapi.kit.problems import Problem

T = TypeVar("T")
Row = TypeVar("Row", bound=Mapping[str, Any])


class Listing(Protocol):
    """The parameters of a list: a page, and filters."""

    __struct_fields__: ClassVar[tuple[str, ...]]

    @property
    def cursor(self) -> str | None: ...

    @property
    def limit(self) -> int: ...


def encode_cursor(*parts: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def decode_cursor(cursor: str, type_: type[T]) -> T:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(raw, type=type_)
    except (ValueError, msgspec.MsgspecError):
        raise Problem("invalid_cursor", "Take next_cursor of the last page as it is.") from None


def filters_of(wanted: Listing, *of: object) -> str:
    """A short name of a list and its filters. A page may have another size than the one before.

    of: what else the list is about, such as the id in its path.
    """
    filters = {
        name: getattr(wanted, name)
        for name in wanted.__struct_fields__
        if name not in ("cursor", "limit")
    }
    content = msgspec.json.encode((type(wanted).__name__, filters, of))
    return hashlib.blake2b(content, digest_size=9).hexdigest()


def cursor_at(wanted: Listing, place: Sequence[Any], *of: object) -> str:
    """The cursor of a page that ended at `place`: what the list is sorted by."""
    return encode_cursor(filters_of(wanted, *of), place)


def place_before(wanted: Listing, type_: type[T], *of: object) -> T | None:
    """Where the page before ended; None for the first page."""
    if wanted.cursor is None:
        return None
    known_by, place = decode_cursor(wanted.cursor, tuple[str, type_])  # type: ignore[valid-type]
    if known_by != filters_of(wanted, *of):
        raise Problem("invalid_cursor", "The cursor belongs to another list or to other filters.")
    return place


def id_before(wanted: Listing, *of: object) -> UUID | None:
    """The same of lists in the order of ids."""
    place = place_before(wanted, tuple[UUID], *of)
    return None if place is None else place[0]


def cut_by_id(
    rows: Sequence[Row], wanted: Listing, *of: object, key: str = "id"
) -> tuple[Sequence[Row], str | None]:
    """The rows of a page, of which one more than its limit was asked for, and the next cursor."""
    page = rows[: wanted.limit]
    if len(rows) <= wanted.limit:
        return page, None
    return page, cursor_at(wanted, [page[-1][key]], *of)
