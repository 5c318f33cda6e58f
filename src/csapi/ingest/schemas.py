"""What ingest and read-back answer. The item structs themselves live in facts/."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.facts.resource import RecordKind
from csapi.facts.wire import Key
from csapi.kit.problems import FieldError
from csapi.kit.quantities import UtcDatetime


class IngestStatus(StrEnum):
    """What became of an item. A duplicate or stale item is acknowledged and changes nothing."""

    created = "created"
    updated = "updated"
    duplicate = "duplicate"
    stale = "stale"
    rejected = "rejected"


class IngestReceipt(msgspec.Struct, kw_only=True):
    """The acknowledgement of one item: it is committed."""

    id: str
    source: str
    external_id: str
    status: IngestStatus
    request_id: str


class BatchSummary(msgspec.Struct, kw_only=True):
    """How many items met which fate; `received` is their sum."""

    received: int
    created: int
    updated: int
    duplicate: int
    stale: int
    rejected: int


class BatchResult(msgspec.Struct, kw_only=True):
    """What became of the item at this index of the body."""

    index: int
    external_id: str | None
    status: IngestStatus
    errors: list[FieldError]


class BatchAnswer(msgspec.Struct, kw_only=True):
    """One result for each item, in the order of the body. All good items are committed."""

    summary: BatchSummary
    results: list[BatchResult]
    request_id: str


class PageInfo(msgspec.Struct, kw_only=True):
    """Where the next page starts; null at the end."""

    next_cursor: str | None


class RecordFilter(msgspec.Struct, kw_only=True):
    """Which records to list."""

    source: Annotated[Key | None, Meta(description="Only this source")] = None
    external_id: Annotated[Key | None, Meta(description="Only this id of the source")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[
        Annotated[str, Meta(max_length=200)] | None, Meta(description="next_cursor of a page")
    ] = None


class RangeFilter(RecordFilter, kw_only=True):
    """Which records to list; with a range only those that lie in it and are not deleted."""

    from_: Annotated[
        str | None, Meta(description="Only what lasts at or after this local day or instant")
    ] = msgspec.field(name="from", default=None)
    to: Annotated[
        str | None, Meta(description="Only what starts before this local day or instant")
    ] = None


class RecordPath(msgspec.Struct, kw_only=True):
    id: Annotated[UUID, Meta(description="Our id of the record")]


def record_struct(kind: RecordKind) -> type[msgspec.Struct]:
    """The struct of a stored record: the item, and what we know about it."""
    name = f"{kind.item.__name__}Record"
    return msgspec.defstruct(
        name,
        [("id", str), ("received_at", UtcDatetime)],
        bases=(kind.item,),
        kw_only=True,
        module=__name__,
        namespace={"__doc__": f"A stored record: {kind.item.__doc__}"},
    )


def page_struct(record: type[Any]) -> type[msgspec.Struct]:
    name = record.__name__.removesuffix("Record")
    return msgspec.defstruct(
        f"{name}Page",
        [("data", list[record]), ("page", PageInfo)],  # type: ignore[valid-type]
        kw_only=True,
        module=__name__,
        namespace={"__doc__": "Records, oldest first."},
    )
