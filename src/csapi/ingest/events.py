"""Taking in events: appended once, and the whole history of their tickets derived again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.dependants import lock_dependants
from csapi.facts.derive import derive_again
from csapi.facts.kinds import Resource
from csapi.facts.resource import RecordKind
from csapi.facts.wire import normalized
from csapi.ingest.directory import StaleNamesError
from csapi.ingest.erased import without_words
from csapi.ingest.items import Draft, draft_item
from csapi.ingest.retention import too_old
from csapi.ingest.service import (
    FEW_ITEMS,
    Intake,
    Outcome,
    named,
    refused_outcome,
    resolved_rows,
    retried,
    sifted_drafts,
    spared,
)
from csapi.ingest.statements import KNOWS_ENOUGH
from csapi.ingest.write import Key, columns_of, lock_records
from csapi.kit.faultpoints import faultpoint
from csapi.kit.problems import FieldError


def insert_events(kind: RecordKind) -> str:
    """$1 tenant, $2 the version that is known of the tenant's names, then arrays: source, event_id,
    item, and one for each column. Where the version is another one, nothing is inserted."""
    inputs = [("source", "text"), ("event_id", "text"), ("item", "text")]
    inputs += [(column.name, column.cast) for column in kind.columns]
    arrays = ", ".join(f"${number}::{cast}[]" for number, (_, cast) in enumerate(inputs, start=3))
    names = [name for name, _ in inputs]
    values = ["i.source", "i.event_id", "i.item::json"] + [
        "t.id" if column.link else f"i.{column.name}" for column in kind.columns
    ]
    return f"""
INSERT INTO {kind.table} AS e (tenant_id, {", ".join(names)})
SELECT $1::uuid, {", ".join(values)}
FROM unnest({arrays}) AS i ({", ".join(names)})
JOIN tickets t ON t.tenant_id = $1 AND t.source = i.source AND t.external_id = i.ticket
WHERE {KNOWS_ENOUGH}
ORDER BY i.source, i.event_id
ON CONFLICT (tenant_id, source, event_id) DO NOTHING
RETURNING e.id, e.source, e.event_id, e.ticket"""


FIND_EVENTS = """
SELECT e.id, e.source, e.event_id FROM ticket_events e
JOIN unnest($2::text[], $3::text[]) AS w (source, event_id) USING (source, event_id)
WHERE e.tenant_id = $1"""


async def ingest_events(
    intake: Intake,
    tenant_id: UUID,
    kind: RecordKind,
    raw_items: Sequence[bytes],
    now: datetime,
    *,
    is_batch: bool = True,
) -> list[Outcome]:
    """Take in events; one outcome for each, in their order. All good ones commit together."""
    outcomes: dict[int, Outcome] = {}
    drafts: dict[Key, Draft] = {}
    again: list[Draft] = []
    for index, raw in enumerate(raw_items):
        drafted = draft_item(kind, raw, index, f"/{index}" if is_batch else "", now)
        if not isinstance(drafted, Draft):
            outcomes[index] = Outcome(index, None, named(raw), "rejected", None, drafted)
        elif drafts.setdefault((drafted.source, drafted.external_id), drafted) is not drafted:
            again.append(drafted)
    chosen = list(drafts.values())
    found = Appended()
    if chosen:
        found = await retried(
            intake, tenant_id, lambda: append(intake, tenant_id, kind, chosen, now)
        )
    for draft in (*chosen, *again):
        key = (draft.source, draft.external_id)
        if error := found.refused.get(drafts[key].index):
            outcomes[draft.index] = refused_outcome(draft, error, is_batch=is_batch)
            continue
        status = "created" if key in found.new and draft is drafts[key] else "duplicate"
        outcomes[draft.index] = Outcome(
            draft.index, draft.source, draft.external_id, status, found.ids.get(key), []
        )
    return [outcomes[index] for index in range(len(raw_items))]


@dataclass(slots=True)
class Appended:
    """The ids of the new events and of all by their names, and what was refused, by index."""

    new: dict[Key, UUID] = field(default_factory=dict)
    ids: dict[Key, UUID] = field(default_factory=dict)
    refused: dict[int, FieldError] = field(default_factory=dict)


async def append(
    intake: Intake, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft], now: datetime
) -> Appended:
    """Append what is not here yet, but for events of tickets that were erased. Raises
    StaleNamesError."""
    sifted, version = await sifted_drafts(intake, tenant_id, kind, drafts)
    done, drafts = Appended(refused=dict(sifted.refused)), sifted.drafts
    if not drafts:
        return done
    rows, lookup = await resolved_rows(intake, tenant_id, kind, drafts)
    async with tenant_transaction(
        intake.pool, tenant_id, lock="shared", many_rows=len(drafts) > FEW_ITEMS
    ) as connection:
        if refused := await too_old(connection, tenant_id, kind, drafts, now):
            done.refused |= refused
            drafts, rows = spared(drafts, rows, refused)
        if not drafts:
            return done
        arrays = columns_of(rows)
        arrays[0] = [normalized(draft.item.ticket) for draft in drafts]
        sources = [draft.source for draft in drafts]
        names = [draft.external_id for draft in drafts]
        tickets = set(zip(sources, arrays[0], strict=True))
        await lock_records(connection, tenant_id, "tickets", tickets)
        contents = [draft.content for draft in drafts]
        if lookup.erasures:
            contents = await without_words(connection, tenant_id, kind, drafts, rows)
        sql = insert_events(kind)
        faultpoint("ingest.before_write")
        stored = await connection.fetch(sql, tenant_id, version, sources, names, contents, *arrays)
        done.new = {(row["source"], row["event_id"]): row["id"] for row in stored}
        if stored:
            await derive_tickets(connection, tenant_id, {row["ticket"] for row in stored})
        faultpoint("ingest.after_write")
        done.ids = dict(done.new)
        if len(stored) < len(drafts):
            for row in await connection.fetch(FIND_EVENTS, tenant_id, sources, names):
                done.ids[row["source"], row["event_id"]] = row["id"]
        if len(done.ids) < len(drafts):
            raise StaleNamesError
    return done


async def derive_tickets(
    connection: asyncpg.Connection, tenant_id: UUID, tickets: set[UUID]
) -> None:
    subjects: dict[Resource, list[UUID]] = {Resource.TICKET: sorted(tickets)}
    await lock_dependants(connection, tenant_id, Resource.TICKET, subjects, [])
    await derive_again(connection, tenant_id, subjects)
