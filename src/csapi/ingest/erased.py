"""What comes in about people who were erased: their own records do not, others come as nobody's."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.facts.customer_merge import CUSTOMER_MERGES
from csapi.facts.customer_tables import customers
from csapi.facts.erased_names import ERASED, Name, erased_among
from csapi.facts.erasing import own
from csapi.facts.resource import RecordKind
from csapi.facts.wire import normalized
from csapi.ingest.items import Draft
from csapi.kit.problems import FieldError

PEOPLE = customers.name

# A record that is here already stays its erased customer's, also where it comes without one:
# numbers do not move, and its words do not come back.
STORED = f"""
SELECT r.source, r.{{name}} AS name, r.customer FROM {{table}} r
JOIN unnest($2::text[], $3::text[]) AS w (source, name)
  ON w.source = r.source AND w.name = r.{{name}}
WHERE r.tenant_id = $1 AND {own("r")}"""


@dataclass(slots=True)
class Sifted:
    """What may be written: drafts, those of them that named somebody who was erased, by index, and
    what was refused, by index."""

    drafts: list[Draft]
    nameless: set[int] = field(default_factory=set)
    refused: dict[int, FieldError] = field(default_factory=dict)


def refused_names(kind: RecordKind, draft: Draft) -> dict[str, Name]:
    """The names that a draft cannot come with once they are erased, by where they stand."""
    item, source = draft.item, draft.source
    if kind is CUSTOMER_MERGES:
        into = normalized(item.into_source or item.source), normalized(item.into)
        return {"/from": (PEOPLE, source, draft.external_id), "/into": (PEOPLE, *into)}
    names = {f"/{kind.name_field}": (kind.table, source, draft.external_id)}
    for column in kind.links:
        named = getattr(item, column.name)
        if named is not None and column.link is not None:
            names[f"/{column.name}"] = (column.link, source, normalized(named))
    return names


def customer_of(draft: Draft) -> Name | None:
    named = getattr(draft.item, "customer", None)
    return None if named is None else (PEOPLE, draft.source, normalized(named))


def is_of_erased(draft: Draft) -> bool:
    """Whether it says of its customer what our own answers and files say of who was erased."""
    name = customer_of(draft)
    return name is not None and name[2] == ERASED


def without_customer(draft: Draft) -> Draft:
    """The same draft as nobody's. Its hash stays: sent again as it was, it is a duplicate."""
    content = msgspec.json.encode(msgspec.structs.replace(draft.item, customer=ERASED))
    item = msgspec.structs.replace(draft.item, customer=None)
    return replace(draft, item=item, content=content.decode())


async def sift(
    pool: asyncpg.Pool, tenant_id: UUID, kind: RecordKind, drafts: Sequence[Draft]
) -> Sifted:
    """Keep out what was erased. What is found stays so: nothing that was erased ever returns."""
    wanted = {name for draft in drafts for name in refused_names(kind, draft).values()}
    wanted |= {name for draft in drafts if (name := customer_of(draft)) is not None}
    async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
        erased = await erased_among(connection, tenant_id, wanted)
    sifted = Sifted([])
    for draft in drafts:
        named = refused_names(kind, draft).items()
        if places := [where for where, name in named if name in erased]:
            sifted.refused[draft.index] = FieldError(
                places[0], "erased", "It was erased, and is not taken in again."
            )
        elif customer_of(draft) in erased or is_of_erased(draft):
            sifted.drafts.append(without_customer(draft))
            sifted.nameless.add(draft.index)
        else:
            sifted.drafts.append(draft)
    return sifted


TICKETS_OF_ERASED = f"""
SELECT r.source, r.external_id FROM tickets r
JOIN unnest($2::text[], $3::text[]) AS w (source, name)
  ON w.source = r.source AND w.name = r.external_id
WHERE r.tenant_id = $1 AND {own("r")}"""


async def without_words(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    drafts: Sequence[Draft],
    rows: Sequence[tuple[Any, ...]],
) -> list[str]:
    """The contents of events, whose tickets are locked; without words and names where the ticket is
    somebody's who was erased. Events are never changed, so it is done before they are written."""
    sources = [draft.source for draft in drafts]
    tickets = [normalized(draft.item.ticket) for draft in drafts]
    found = await connection.fetch(TICKETS_OF_ERASED, tenant_id, sources, tickets)
    erased = {(row["source"], row["external_id"]) for row in found}
    place = [column.name for column in kind.columns].index("actor")
    contents = []
    for draft, row, ticket in zip(drafts, rows, tickets, strict=True):
        if (draft.source, ticket) not in erased:
            contents.append(draft.content)
            continue
        actor = None if row[place] is None else draft.item.actor
        item = msgspec.structs.replace(draft.item, body=None, actor=actor)
        contents.append(msgspec.json.encode(item).decode())
    return contents


async def keep_customers(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    kind: RecordKind,
    sifted: Sifted,
    rows: list[tuple[Any, ...]],
) -> list[tuple[Any, ...]]:
    """The rows of sifted drafts, in which records that are here stay their erased customers'."""
    place = kind.customer_place
    unnamed = [draft for draft in sifted.drafts if customer_of(draft) is None]
    if place is None or not unnamed:
        return rows
    sql = STORED.format(table=kind.table, name=kind.name_column)
    names = [each.source for each in unnamed], [each.external_id for each in unnamed]
    found = await connection.fetch(sql, tenant_id, *names)
    stored = {(row["source"], row["name"]): row["customer"] for row in found}
    kept = []
    for number, (draft, row) in enumerate(zip(sifted.drafts, rows, strict=True)):
        name = draft.source, draft.external_id
        if name not in stored or customer_of(draft) is not None:
            kept.append(row)
            continue
        kept.append((*row[:place], stored[name], *row[place + 1 :]))
        if draft.index not in sifted.nameless:
            sifted.drafts[number] = without_customer(draft)
    return kept
