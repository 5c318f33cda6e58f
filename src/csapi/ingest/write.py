"""One transaction: raw records, their facts, the marks of what moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts import agent_time, dependants
from csapi.facts.derive import derive_again, derive_locked, derive_new
from csapi.facts.kinds import Resource
from csapi.facts.lookup import Lookup
from csapi.facts.resource import RecordKind
from csapi.facts.wire import normalized
from csapi.ingest.directory import StaleNamesError
from csapi.ingest.items import Draft
from csapi.ingest.statements import STATEMENTS, lock_linked, stored_hashes
from csapi.kit.problems import FieldError
from csapi.kit.turns import give_way

Key = tuple[str, str]

# The order in which everybody locks (facts/derive.py).
LINK_ORDER = ("tickets", "calls", "feedback_requests", "sessions", "kb_articles")


@dataclass(slots=True)
class Written:
    """What happened to each record, by (source, external id); what was refused, by index."""

    statuses: dict[Key, str] = field(default_factory=dict)
    ids: dict[Key, UUID] = field(default_factory=dict)
    refused: dict[int, FieldError] = field(default_factory=dict)


async def rows_of(
    kind: RecordKind, drafts: Sequence[Draft], lookup: Lookup
) -> list[tuple[Any, ...]]:
    rows = []
    for index, draft in enumerate(drafts):
        await give_way(index)
        rows.append(kind.row(draft.item, lookup))
    return rows


def arrays_of(
    kind: RecordKind, drafts: Sequence[Draft], rows: Sequence[tuple[Any, ...]]
) -> list[list[Any]]:
    """One list for each parameter of the upsert. A tombstone keeps no values."""
    identity: list[list[Any]] = [
        [draft.source for draft in drafts],
        [draft.external_id for draft in drafts],
        [draft.version_at for draft in drafts],
        [draft.content_hash for draft in drafts],
        [draft.item.deleted for draft in drafts],
        [draft.content for draft in drafts],
    ]
    columns = columns_of(rows)
    for position, column in enumerate(kind.columns):
        if column.link:
            columns[position] = [
                None if value is None else normalized(value) for value in columns[position]
            ]
    return [*identity, *columns]


def columns_of(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """One list for each column. One without any value is left empty, which spares its encoding:
    unnest() fills the shorter arrays up with nulls."""
    count = len(rows)
    return [
        [] if values.count(None) == count else list(values) for values in zip(*rows, strict=True)
    ]


async def write_records(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    drafts: Sequence[Draft],
    rows: Sequence[tuple[Any, ...]],
    version: int,
) -> tuple[Written, list[asyncpg.Record]]:
    """Write raw records and derive what they change. Gives the outcome and the written rows.

    Raises StaleNamesError when `version`, that of the names that the rows were built with, is no
    longer the version of the tenant's names.
    """
    arrays = arrays_of(kind, drafts, rows)
    await link_records(connection, tenant_id, kind, arrays)
    stored = await connection.fetch(STATEMENTS[kind.name], tenant_id, version, *arrays)
    written = Written()
    for row in stored:
        key = (row["source"], row["external_id"])
        written.statuses[key] = "created" if row["created"] else "updated"
        written.ids[key] = row["id"]
    if len(stored) < len(drafts):
        await explain_unwritten(connection, tenant_id, kind, drafts, version, written)
    if kind.resource is not None and stored:
        await derive_written(connection, tenant_id, kind, stored, rows)
    return written, stored


async def link_records(
    connection: asyncpg.Connection, tenant_id: UUID, kind: RecordKind, arrays: list[list[Any]]
) -> None:
    """Make stubs for linked records that are not here yet, and lock all linked ones."""
    sources = arrays[0]
    wanted: dict[str, set[Key]] = {}
    for column, names in zip(kind.columns, arrays[-len(kind.columns) :], strict=True):
        if column.link is not None:
            pairs = zip(sources, names, strict=False)
            wanted[column.link] = {pair for pair in pairs if pair[1] is not None}
    for table in LINK_ORDER:
        if wanted.get(table):
            await lock_records(connection, tenant_id, table, wanted[table])


async def lock_records(
    connection: asyncpg.Connection, tenant_id: UUID, table: str, wanted: set[Key]
) -> None:
    sources, names = [key[0] for key in wanted], [key[1] for key in wanted]
    locked = await connection.fetch(lock_linked(table), tenant_id, sources, names)
    if len(locked) < len(wanted):
        await connection.execute(
            f"INSERT INTO {table} (tenant_id, source, external_id, is_stub) "
            "SELECT $1, source, external_id, true "
            "FROM unnest($2::text[], $3::text[]) AS w (source, external_id) "
            "ORDER BY source, external_id ON CONFLICT DO NOTHING",
            tenant_id,
            sources,
            names,
        )
        await connection.fetch(lock_linked(table), tenant_id, sources, names)


async def explain_unwritten(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    drafts: Iterable[Draft],
    version: int,
    written: Written,
) -> None:
    """Tell duplicates from stale versions among the drafts that the upsert left alone."""
    left = {
        (draft.source, draft.external_id): draft.content_hash
        for draft in drafts
        if (draft.source, draft.external_id) not in written.statuses
    }
    rows = await connection.fetch(
        stored_hashes(kind.table), tenant_id, [key[0] for key in left], [key[1] for key in left]
    )
    for row in rows:
        if row["version"] != version:
            raise StaleNamesError
        key = (row["source"], row["external_id"])
        same = row["content_hash"] == left[key]
        written.statuses[key] = "duplicate" if same else "stale"
        written.ids[key] = row["id"]


def customers_of(kind: RecordKind, rows: Sequence[tuple[Any, ...]]) -> set[int]:
    """The customers that the rows name; none where the kind knows no customers."""
    place = kind.customer_place
    return set() if place is None else {row[place] for row in rows} - {None}


async def derive_written(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    stored: Sequence[asyncpg.Record],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    resource = kind.resource
    if resource is None:
        return
    if derive := agent_time.DERIVATIONS.get(resource):
        await derive(connection, tenant_id, stored)
        return
    if resource is Resource.CUSTOMER:
        # Their facts depend on nothing but the rows, which the write has locked.
        await derive_locked(connection, tenant_id, {resource: [row["id"] for row in stored]})
        return
    fresh = [row["id"] for row in stored if row["is_new"]]
    known = [row["id"] for row in stored if not row["is_new"]]
    if not known and resource not in dependants.ALWAYS:
        await derive_new(connection, tenant_id, resource, fresh, customers_of(kind, rows))
        return
    subjects: dict[Resource, list[UUID]] = {resource: fresh + known}
    await dependants.lock_dependants(connection, tenant_id, resource, subjects, stored)
    await derive_again(connection, tenant_id, subjects)
