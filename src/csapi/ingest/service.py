"""Taking in records: good items land, bad ones are named."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.audit import audited
from csapi.access.audit_actions import AuditAction
from csapi.access.principals import Principal
from csapi.access.tenancy import tenant_transaction
from csapi.facts.erasing import overwrite_about, overwrite_erased
from csapi.facts.lookup import Lookup
from csapi.facts.resource import RecordKind
from csapi.facts.wire import KEY_LENGTH
from csapi.ingest.costs import refusals
from csapi.ingest.directory import Directory, StaleNamesError
from csapi.ingest.erased import Sifted, is_of_erased, keep_customers, sift
from csapi.ingest.items import Draft, draft_item, newest
from csapi.ingest.people import after_write, lock_of
from csapi.ingest.retention import too_old
from csapi.ingest.write import Written, rows_of, write_records
from csapi.kit.faultpoints import faultpoint
from csapi.kit.problems import FieldError
from csapi.kit.turns import give_way

TRIES = 4
FEW_ITEMS = 20
RETRYABLE = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

T = TypeVar("T")


class Named(msgspec.Struct):
    """The part of an unreadable item that tells which one it was."""

    external_id: str | None = None
    event_id: str | None = None


@dataclass(slots=True)
class Outcome:
    """What became of one item of a body."""

    index: int
    source: str | None
    external_id: str | None
    status: str
    id: UUID | None
    errors: list[FieldError]


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking in needs: connections, and the names that are known."""

    pool: asyncpg.Pool
    directory: Directory
    # Whose request it is, where somebody asked.
    principal: Principal | None = None


async def retried(intake: Intake, tenant_id: UUID, work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` again after a deadlock, or after the tenant's names became others meanwhile."""
    for left in reversed(range(TRIES)):
        try:
            return await work()
        except (*RETRYABLE, StaleNamesError) as error:
            if isinstance(error, StaleNamesError):
                await intake.directory.refresh(tenant_id)
            if left == 0:
                raise
            await asyncio.sleep(random.uniform(0.005, 0.05))  # noqa: S311  spread, not secrecy
    raise AssertionError


async def ingest_records(
    intake: Intake,
    tenant_id: UUID,
    kind: RecordKind,
    raw_items: Sequence[bytes],
    now: datetime,
    *,
    is_batch: bool = True,
) -> list[Outcome]:
    """Take in items; one outcome for each, in their order. All good ones commit together."""
    outcomes: list[Outcome | None] = [None] * len(raw_items)
    drafts: list[Draft] = []
    for index, raw in enumerate(raw_items):
        await give_way(index)
        drafted = draft_item(kind, raw, index, f"/{index}" if is_batch else "", now)
        if isinstance(drafted, Draft):
            drafts.append(drafted)
        else:
            outcomes[index] = Outcome(index, None, named(raw), "rejected", None, drafted)
    chosen, passed = newest(drafts, now)
    written = Written()
    if chosen:
        written = await retried(
            intake, tenant_id, lambda: write(intake, tenant_id, kind, chosen, now)
        )
    for draft in drafts:
        key = (draft.source, draft.external_id)
        if error := written.refused.get(draft.index):
            outcomes[draft.index] = refused_outcome(draft, error, is_batch=is_batch)
            continue
        status = passed.get(draft.index) or written.statuses[key]
        outcomes[draft.index] = Outcome(
            draft.index, draft.source, draft.external_id, status, written.ids.get(key), []
        )
    return [outcome for outcome in outcomes if outcome is not None]


def refused_outcome(draft: Draft, error: FieldError, *, is_batch: bool) -> Outcome:
    """Of an item that is well-formed, and wrong beside what is stored."""
    prefix = f"/{draft.index}" if is_batch else ""
    placed = msgspec.structs.replace(error, pointer=prefix + error.pointer)
    return Outcome(draft.index, None, draft.external_id, "rejected", None, [placed])


async def resolved_rows(
    intake: Intake, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft]
) -> tuple[list[tuple[Any, ...]], Lookup]:
    """The rows of drafts with all names resolved, and the lookup that they were built with."""
    lookup = await intake.directory.lookup(tenant_id)
    rows = await rows_of(kind, drafts, lookup)
    while lookup.missing:
        await intake.directory.resolve(tenant_id, lookup.missing)
        lookup = await intake.directory.lookup(tenant_id)
        rows = await rows_of(kind, drafts, lookup)
    return rows, lookup


async def sifted_drafts(
    intake: Intake, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft]
) -> tuple[Sifted, int]:
    """What of the drafts may be written, and the version of the tenant's names that says so."""
    lookup = await intake.directory.lookup(tenant_id)
    if not lookup.erasures and not any(map(is_of_erased, drafts)):
        return Sifted(list(drafts)), lookup.version
    return await sift(intake.pool, tenant_id, kind, drafts), lookup.version


Rows = list[tuple[Any, ...]]


def spared(
    drafts: Sequence[Draft], rows: Rows, refused: Container[int]
) -> tuple[Sequence[Draft], Rows]:
    """The drafts that were not refused, by index, with their rows."""
    kept = [n for n, draft in enumerate(drafts) if draft.index not in refused]
    return [drafts[n] for n in kept], [rows[n] for n in kept]


async def write(
    intake: Intake, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft], now: datetime
) -> Written:
    """Write what may be written. Raises StaleNamesError."""
    sifted, version = await sifted_drafts(intake, tenant_id, kind, drafts)
    if not sifted.drafts:
        return Written(refused=sifted.refused)
    rows, lookup = await resolved_rows(intake, tenant_id, kind, sifted.drafts)
    async with tenant_transaction(
        intake.pool, tenant_id, lock=lock_of(kind), many_rows=len(drafts) > FEW_ITEMS
    ) as connection:
        if lookup.erasures:
            rows = await keep_customers(connection, tenant_id, kind, sifted, rows)
        drafts = sifted.drafts
        refused = await refusals(connection, tenant_id, kind, drafts)
        refused |= await too_old(connection, tenant_id, kind, drafts, now)
        if refused:
            drafts, rows = spared(drafts, rows, refused)
        refused |= sifted.refused
        if not drafts:
            return Written(refused=refused)
        faultpoint("ingest.before_write")
        written, stored = await write_records(connection, tenant_id, kind, drafts, rows, version)
        faultpoint("ingest.after_write")
        await after_write(connection, tenant_id, kind, drafts, stored, lookup)
        if lookup.erasures:
            ids = [row["id"] for row in stored]
            touched = await overwrite_erased(connection, tenant_id, kind.table, ids)
            await overwrite_about(connection, tenant_id, kind.table, touched)
        written.refused = refused
        if kind.name == "customers/merge" and stored and intake.principal is not None:
            act, count = AuditAction.customers_merged, len(stored)
            await audited(connection, intake.principal, act, count=count)
        return written


def named(raw: bytes) -> str | None:
    """The external id of an item that could not be read as a whole, where it can be found."""
    try:
        found = msgspec.json.decode(raw, type=Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    name = found.external_id or found.event_id
    return name if name and len(name) <= KEY_LENGTH else None
