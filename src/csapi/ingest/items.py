"""From bytes to checked items: what is wrong with an item is said about that item alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from csapi.facts.resource import RecordKind
from csapi.facts.wire import normalized
from csapi.ingest.places import listed_instants_of, names_of
from csapi.kit.decode import decode_item
from csapi.kit.problems import FieldError
from csapi.kit.quantities import EARLIEST, check_instant

KEY_BYTES = 255
MOST_ERRORS = 20
VERSION_FIELD = "source_updated_at"

PLAN_START, PLAN_END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

# A schedule reaches so far ahead.
MOST_AHEAD = timedelta(days=366)


@dataclass(slots=True)
class Draft:
    """A good item on its way into the database."""

    index: int
    item: Any
    source: str
    external_id: str
    version_at: datetime | None
    content_hash: int
    content: str


def content_hash(content: bytes) -> int:
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def check_item(
    kind: RecordKind, item: Any, prefix: str, now: datetime, *, is_plain: bool
) -> list[FieldError]:
    """What the struct alone cannot say: the range of instants, bytes of names, rules of the kind.

    `is_plain`: the item is ASCII without escapes, so that no name has more bytes than characters.
    """
    errors = []
    for name in (*kind.instants, VERSION_FIELD):
        value = instant_of(item, name) if "." in name else getattr(item, name, None)
        if value is None or EARLIEST <= value <= now:
            continue
        check = check_ahead if name in kind.planned else check_instant
        if error := check(value, f"{prefix}/{name.replace('.', '/')}", now=now):
            errors.append(error)
    for holder, where, instant in listed_instants_of(item):
        check = LISTED.get(holder, check_instant)
        if error := check(instant, prefix + where, now=now):
            errors.append(error)
    if not is_plain:
        errors += check_names(item, prefix)
    if custom := getattr(item, "custom", None):
        errors += check_custom(custom, f"{prefix}/custom")
    for rule in kind.checks:
        if broken := rule(item):
            errors.append(FieldError(prefix + broken[0], broken[1], broken[2]))
    return errors[:MOST_ERRORS]


def check_planned(instant: datetime, pointer: str, *, now: datetime) -> FieldError | None:
    """None if `instant` can be a date in a team's calendar, else what is wrong."""
    del now
    try:
        is_possible = PLAN_START <= instant.astimezone(UTC) < PLAN_END
    except OverflowError:
        is_possible = False
    if is_possible:
        return None
    return FieldError(pointer, "out_of_range", "The year is not between 1900 and 2199.")


def check_ahead(instant: datetime, pointer: str, *, now: datetime) -> FieldError | None:
    """None if `instant` can be a time in a schedule, else what is wrong."""
    if now < instant <= now + MOST_AHEAD:
        return None
    if instant > now:
        return FieldError(pointer, "out_of_range", "The instant is more than a year ahead.")
    return check_instant(instant, pointer, now=now)


# Lists whose instants may lie ahead. A change of team can be planned; so can the end of a contract,
# which is counted, and lies no further ahead than what else is counted.
LISTED = {"memberships": check_planned, "segments": check_ahead, "statuses": check_ahead}


def check_names(item: Any, prefix: str) -> list[FieldError]:
    """Names must fit into an index, as they are stored: in NFC, which can be longer."""
    return [
        FieldError(prefix + where, "too_long", f"At most {KEY_BYTES} bytes in UTF-8 (NFC).")
        for where, name in names_of(item)
        if not name.isascii() and len(normalized(name).encode()) > KEY_BYTES
    ]


def instant_of(item: Any, path: str) -> datetime | None:
    """The instant at a dotted path; None where the item or its part has none."""
    for name in path.split("."):
        item = getattr(item, name, None)
    found: datetime | None = item
    return found


def check_custom(custom: dict[str, Any], prefix: str) -> list[FieldError]:
    errors = []
    for name, value in custom.items():
        where = f"{prefix}/{name[:64].replace('~', '~0').replace('/', '~1')}"
        if not name or len(name.encode()) > KEY_BYTES:
            errors.append(FieldError(where, "too_long", "A name has 1 to 255 bytes."))
        elif isinstance(value, dict | list):
            errors.append(
                FieldError(where, "wrong_type", "A custom value is text, a number, a flag or null.")
            )
        elif isinstance(value, str) and len(value.encode()) > KEY_BYTES:
            errors.append(FieldError(where, "too_long", f"At most {KEY_BYTES} bytes in UTF-8."))
    return errors


def draft_item(
    kind: RecordKind, raw: bytes, index: int, prefix: str, now: datetime
) -> Draft | list[FieldError]:
    """One item decoded and checked. `prefix` is where the item stands in the body."""
    item = decode_item(raw, kind.decoder, index)
    if isinstance(item, list):
        return item if prefix else [strip_index(error) for error in item]
    is_plain = raw.isascii() and b"\\u" not in raw
    if errors := check_item(kind, item, prefix, now, is_plain=is_plain):
        return errors
    content = msgspec.json.encode(item)
    return Draft(
        index=index,
        item=item,
        source=normalized(item.source),
        external_id=normalized(getattr(item, kind.name_field)),
        version_at=getattr(item, VERSION_FIELD, None),
        content_hash=content_hash(content),
        content=content.decode(),
    )


def strip_index(error: FieldError) -> FieldError:
    """The pointer of an item that is the whole body."""
    inside = error.pointer.removeprefix("/0")
    return msgspec.structs.replace(error, pointer=inside)


def newest(drafts: Sequence[Draft], now: datetime) -> tuple[list[Draft], dict[int, str]]:
    """One draft for each record: the newest version. The others by index: duplicate or stale."""
    chosen: dict[tuple[str, str], Draft] = {}
    passed: dict[int, str] = {}
    for draft in drafts:
        key = (draft.source, draft.external_id)
        rival = chosen.get(key)
        if rival is None:
            chosen[key] = draft
        elif rival.content_hash == draft.content_hash:
            passed[draft.index] = "duplicate"
        elif order(draft, now) > order(rival, now):
            passed[rival.index] = "stale"
            chosen[key] = draft
        else:
            passed[draft.index] = "stale"
    return list(chosen.values()), passed


def order(draft: Draft, now: datetime) -> tuple[datetime, bool, int]:
    """Without a version the receipt counts: of two in one body the later."""
    if draft.version_at is None:
        return now, True, draft.index
    return draft.version_at, False, draft.content_hash
