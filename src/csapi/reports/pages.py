"""Pages of an answer: each knows what the one before it was cut from."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from csapi.kit.cursors import Listing, Row, cut_by_id, decode_cursor, encode_cursor
from csapi.kit.problems import Problem
from csapi.reports.fillings import Group
from csapi.reports.schemas import QueryPage

Cursor = Annotated[
    Annotated[str, Meta(max_length=500)] | None, Meta(description="next_cursor of a page")
]
MOVED = "The data has moved since the page before: start again without a cursor."


def page_by_id(
    rows: Sequence[Row], wanted: Listing, *of: object
) -> tuple[Sequence[Row], QueryPage]:
    """The rows of a page, of which one more than its limit was asked for."""
    page, cursor = cut_by_id(rows, wanted, *of)
    return page, QueryPage(next_cursor=cursor)


def page_of(
    groups: Sequence[Group],
    limit: int,
    cursor: str | None,
    fingerprint: str,
    beside: Iterable[Group] = (),
) -> tuple[Sequence[Group], str | None]:
    """One page, and the cursor of the next. A cursor belongs to its question and to the rows that
    its page was cut from, and to those beside them: where they are others by now, it is refused."""
    if cursor is None and len(groups) <= limit:
        return groups, None
    content = content_of([*groups, *beside])
    start = 0
    if cursor is not None:
        known_by, seen, start = decode_cursor(cursor, tuple[str, str, int])
        if known_by != fingerprint or start < 0:
            raise Problem("invalid_cursor", "The cursor belongs to another question.")
        if seen != content:
            raise Problem("snapshot_moved", MOVED)
    end = start + limit
    following = encode_cursor(fingerprint, content, end) if end < len(groups) else None
    return groups[start:end], following


def content_of(groups: Sequence[Group]) -> str:
    """A short name of rows in their order, down to the last part of each."""
    digest = hashlib.blake2b(digest_size=12)
    for group in groups:
        found = sorted((name, each.seconds) for name, each in group.percentiles.items())
        # A digest of what is hidden could be guessed.
        told = sorted(group.hidden) if group.hidden else (tuple(group.parts), found)
        digest.update(repr((group.keys, told)).encode())
    return digest.hexdigest()


def fingerprint_of(query: Any) -> str:
    """A short name of a question, whatever page it asks for."""
    content = msgspec.json.encode(msgspec.structs.replace(query, cursor=None))
    return hashlib.blake2b(content, digest_size=9).hexdigest()
