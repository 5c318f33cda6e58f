"""The steps of an erasure. Each does a piece in the transaction that notes how far it came."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from csapi.facts.customer_tables import customer_merges, customers
from csapi.facts.dependants import lock_dependants
from csapi.facts.derive import derive_again, derive_locked
from csapi.facts.erased_names import remember
from csapi.facts.erasing import OVERWRITE_CUSTOMERS, OVERWRITE_MERGES, overwrite_erased
from csapi.facts.erasures import ErasureMode
from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.resource import RecordKind
from csapi.rollup.erasures.documents import drop_files, rename_documents
from csapi.rollup.erasures.owned import OWNED

Connection = Any
RECORDS_PER_PIECE = 500
BEGINNING = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Scene:
    """An erasure at work: the connection, whose it is, and where the step goes on."""

    connection: Connection
    tenant_id: UUID
    erasure: UUID
    people: Sequence[int]
    after: UUID


@dataclass(slots=True)
class Piece:
    """What was done: rows by what was done with them and table; where it goes on, if it does."""

    overwritten: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    facts: dict[str, int] = field(default_factory=dict)
    after: UUID | None = None


Step = Callable[[Scene], Awaitable[Piece]]

# Sums of 31 bits of a hash of each fact: equal where the facts are.
SUM_FACTS = """
SELECT count(*) AS n, coalesce(sum(abs(hashtextextended(f::text, 0) % 2147483648)), 0)::bigint
  AS checksum
FROM facts f WHERE f.tenant_id = $1 AND f.subject = ANY($2::uuid[])"""
LOCK_PEOPLE = """
SELECT id FROM customers WHERE tenant_id = $1 AND erasure = $2
ORDER BY source, external_id FOR NO KEY UPDATE"""


async def facts_of(scene: Scene, ids: Sequence[UUID], when: str) -> dict[str, int]:
    """How many facts the records have, and a sum over them."""
    row = await scene.connection.fetchrow(SUM_FACTS, scene.tenant_id, ids)
    return {when: row["n"], f"checksum_{when}": row["checksum"]}


async def next_of(scene: Scene, table: str) -> list[UUID]:
    sql = f"SELECT id FROM ({OWNED[table]}) AS owned WHERE id > $3 ORDER BY id LIMIT $4"
    chosen = (scene.tenant_id, scene.people, scene.after, RECORDS_PER_PIECE)
    rows = await scene.connection.fetch(sql, *chosen)
    return [UUID(bytes=row["id"].bytes) for row in rows]


def following(ids: Sequence[UUID]) -> UUID | None:
    return ids[-1] if len(ids) == RECORDS_PER_PIECE else None


def overwriting(table: str) -> Step:
    async def step(scene: Scene) -> Piece:
        connection, tenant_id = scene.connection, scene.tenant_id
        ids = await next_of(scene, table)
        if not ids:
            return Piece()
        if table == "ticket_events":
            touched = await overwrite_erased(connection, tenant_id, table, ids)
            return Piece(overwritten={table: len(touched)}, after=following(ids))
        # Under these locks nobody else changes the facts of the records.
        await lock_rows(scene, table, "SELECT unnest($2::uuid[])", ids)
        await connection.execute(LOCK_PEOPLE, tenant_id, scene.erasure)
        facts = await facts_of(scene, ids, "before")
        touched = await overwrite_erased(connection, tenant_id, table, ids)
        facts |= await facts_of(scene, ids, "after")
        return Piece(overwritten={table: len(touched)}, facts=facts, after=following(ids))

    return step


# Articles need no lock: nothing is derived of them.
LINKED = ("tickets", "calls", "feedback_requests", "sessions")
# What derivation asks of written rows, read from rows that are about to go.
WRITTEN = {
    Resource.FEEDBACK: "request AS old_request, request",
    Resource.KB_EVENT: ", ".join(
        f"{name} AS {version}_{name}"
        for version in ("old", "new")
        for name in ("type", "session", "occurred_at")
    ),
}


async def lock_rows(scene: Scene, table: str, chosen: str, ids: Sequence[UUID]) -> None:
    sql = (
        f"SELECT 1 FROM {table} WHERE tenant_id = $1 AND id IN ({chosen}) "
        "ORDER BY source, external_id FOR NO KEY UPDATE"
    )
    await scene.connection.execute(sql, scene.tenant_id, ids)


async def lock_all(scene: Scene, kind: RecordKind, ids: Sequence[UUID]) -> None:
    """Lock records after those that they link to, as everybody does."""
    links = {column.link: column.name for column in kind.links}
    for table in LINKED:
        if column := links.get(table):
            chosen = (
                f"SELECT {column} FROM {kind.table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])"
            )
            await lock_rows(scene, table, chosen, ids)
    await lock_rows(scene, kind.table, "SELECT unnest($2::uuid[])", ids)


def deleting(resource: Resource) -> Step:
    kind = SUBJECT_KINDS[resource]
    columns = WRITTEN.get(resource, "id")
    read = f"SELECT {columns} FROM {kind.table} WHERE tenant_id = $1 AND id = ANY($2::uuid[])"

    async def step(scene: Scene) -> Piece:
        """Delete records and derive again what they leave: the slots of all that goes are marked in
        this transaction."""
        connection, tenant_id = scene.connection, scene.tenant_id
        ids = await next_of(scene, kind.table)
        if not ids:
            return Piece()
        await lock_all(scene, kind, ids)
        written = await connection.fetch(read, tenant_id, ids)
        subjects: dict[Resource, list[UUID]] = {resource: list(ids)}
        await lock_dependants(connection, tenant_id, resource, subjects, written)
        await remember(connection, tenant_id, kind.table, scene.erasure, ids)
        gone = {}
        if resource is Resource.TICKET:
            gone["ticket_events"] = await delete(scene, "ticket_events", "ticket", ids)
        gone[kind.table] = await delete(scene, kind.table, "id", ids)
        facts = await facts_of(scene, ids, "before")
        await derive_again(connection, tenant_id, subjects)
        facts |= await facts_of(scene, ids, "after")
        return Piece(deleted=gone, facts=facts, after=following(ids))

    return step


async def delete(scene: Scene, table: str, column: str, ids: Sequence[UUID]) -> int:
    rows = await scene.connection.fetch(
        f"DELETE FROM {table} WHERE tenant_id = $1 AND {column} = ANY($2::uuid[]) RETURNING 1",
        scene.tenant_id,
        ids,
    )
    return len(rows)


async def clear_files(scene: Scene) -> Piece:
    return Piece(deleted={"exports": await drop_files(scene.connection, scene.tenant_id)})


async def clear_documents(scene: Scene) -> Piece:
    changed = await rename_documents(scene.connection, scene.tenant_id, scene.erasure)
    forgotten = changed.pop("idempotency", 0)
    return Piece(overwritten=changed, deleted={"idempotency": forgotten})


async def overwrite_customers(scene: Scene) -> Piece:
    """Last of all: until here the names are needed."""
    connection, tenant_id = scene.connection, scene.tenant_id
    merges = await connection.fetch(OVERWRITE_MERGES, tenant_id, scene.people)
    people = await connection.fetch(OVERWRITE_CUSTOMERS, tenant_id, scene.erasure)
    return Piece(overwritten={customer_merges.name: len(merges), customers.name: len(people)})


DELETE_MERGES = """
DELETE FROM customer_merges WHERE tenant_id = $1
  AND (from_customer = ANY($2::bigint[]) OR into_customer = ANY($2)) RETURNING 1"""


async def delete_customers(scene: Scene) -> Piece:
    connection, tenant_id = scene.connection, scene.tenant_id
    merges = await connection.fetch(DELETE_MERGES, tenant_id, scene.people)
    rows = await connection.fetch(LOCK_PEOPLE, tenant_id, scene.erasure)
    ids = [UUID(bytes=row["id"].bytes) for row in rows]
    gone = await delete(scene, customers.name, "id", ids)
    await derive_locked(connection, tenant_id, {Resource.CUSTOMER: ids})
    return Piece(deleted={customer_merges.name: len(merges), customers.name: gone})


# Words about what goes are overwritten while it is still known whose they are. What depends on
# others goes first. Documents need the names; files come last, with all that was made meanwhile.
WORK_OF_OTHERS = ("quality_reviews", "tasks", "work_sessions")
DELETED = (
    Resource.KB_EVENT,
    Resource.SESSION,
    Resource.FORM,
    Resource.FEEDBACK,
    Resource.FEEDBACK_REQUEST,
    Resource.CALL,
    Resource.TICKET,
)
STEPS: Mapping[str, tuple[Step, ...]] = {
    ErasureMode.overwrite.value: (
        *(overwriting(table) for table in OWNED),
        clear_documents,
        overwrite_customers,
        clear_files,
    ),
    ErasureMode.delete.value: (
        *(overwriting(table) for table in WORK_OF_OTHERS),
        *(deleting(resource) for resource in DELETED),
        clear_documents,
        delete_customers,
        clear_files,
    ),
}
