"""Erasures on the wire."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.access.audit_actions import ActorKind
from csapi.facts.erasures import ErasureMode, ErasureStatus
from csapi.facts.wire import Key
from csapi.kit.quantities import UtcDatetime
from csapi.reports.pages import Cursor
from csapi.reports.schemas import QueryPage


class ErasureRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whom to erase: by our `id`, or by `source` and `external_id`. All customers that were merged
    into one are erased together, whichever of them is named. `reference` is kept: the number of the
    request that you answer, and nothing about the person."""

    id: Annotated[UUID | None, Meta(description="Id of the customer")] = None
    source: Key | None = None
    external_id: Key | None = None
    mode: ErasureMode = ErasureMode.overwrite
    reference: Key | None = None


class ErasureActor(msgspec.Struct, kw_only=True):
    """Who asked for it."""

    kind: ActorKind
    id: str | None


class ErasedRecords(msgspec.Struct, kw_only=True):
    """Rows of one kind, and what was done with them."""

    resource: str
    overwritten: int
    deleted: int


class ErasedFacts(msgspec.Struct, kw_only=True):
    """The facts that the person's records are counted by, before and after. Equal checksums: no
    number that is made of them has moved. After `delete` there are none."""

    before: int
    after: int
    checksum_before: str
    checksum_after: str


class Erasure(msgspec.Struct, kw_only=True):
    """The receipt of an erasure. It holds nothing about the person."""

    id: str
    status: ErasureStatus
    mode: ErasureMode
    reference: str | None
    requested_by: ErasureActor
    requested_at: UtcDatetime
    started_at: UtcDatetime | None
    finished_at: UtcDatetime | None
    names_kept_out: Annotated[int, Meta(description="Names that are not taken in again")]
    records: list[ErasedRecords]
    facts: ErasedFacts


class ErasureList(msgspec.Struct, kw_only=True):
    """The newest come first."""

    data: list[Erasure]
    page: QueryPage


class ErasureParams(msgspec.Struct, kw_only=True):
    """Pages of erasures."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class ErasurePath(msgspec.Struct, kw_only=True):
    id: Annotated[UUID, Meta(description="Id of the erasure")]
