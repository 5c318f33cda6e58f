"""Asking for erasures: from that transaction on, nobody brings the names back."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from csapi.facts.customer_tables import customers
from csapi.facts.erased_names import erased_among, remember

Connection = Any
KEY_BYTES = 32


class ErasureMode(StrEnum):
    """`overwrite`: records stay and are nobody's. `delete`: the records and their numbers go."""

    overwrite = "overwrite"
    delete = "delete"


class ErasureStatus(StrEnum):
    """How far an erasure is."""

    queued = "queued"
    running = "running"
    done = "done"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be done, and who asked for it."""

    mode: ErasureMode
    reference: str | None
    actor_kind: str
    actor: str | None


# A customer is all that were merged into one, whichever of them is named.
ALL_OF = """
WITH named AS (
  SELECT coalesce(merged_into, surrogate) AS one FROM customers WHERE tenant_id = $1 AND {chosen}
)
SELECT c.id, c.surrogate, c.erasure FROM customers c
WHERE c.tenant_id = $1 AND (c.surrogate IN (SELECT one FROM named)
  OR c.merged_into IN (SELECT one FROM named))
ORDER BY c.source, c.external_id FOR NO KEY UPDATE OF c"""
ALL_OF_IDS = ALL_OF.format(chosen="id = ANY($2::uuid[])")
ALL_OF_NAME = ALL_OF.format(chosen="source = $2 AND external_id = $3")

MAKE_KEY = """
INSERT INTO erasure_keys (tenant_id, key) VALUES ($1, $2) ON CONFLICT DO NOTHING"""
ADD = """
INSERT INTO erasures (tenant_id, sequence, mode, reference, actor_kind, actor)
SELECT $1::uuid, coalesce(max(sequence), 0) + 1, $2::text, $3::text, $4::text, $5::text
FROM erasures WHERE tenant_id = $1 RETURNING id"""
CLAIM = "UPDATE customers SET erasure = $2 WHERE tenant_id = $1 AND id = ANY($3::uuid[])"
MARK = """
INSERT INTO erasure_marks (tenant_id, erasure, due_at) VALUES ($1, $2, clock_timestamp())"""
# What has been overwritten can still be deleted.
ALREADY = f"""
SELECT id FROM erasures WHERE tenant_id = $1 AND id = ANY($2::uuid[])
  AND (status <> '{ErasureStatus.done}' OR $3::text = '{ErasureMode.overwrite}')
ORDER BY sequence DESC LIMIT 1"""


async def customers_named(
    connection: Connection, tenant_id: UUID, source: str, external_id: str
) -> list[Any]:
    rows: list[Any] = await connection.fetch(ALL_OF_NAME, tenant_id, source, external_id)
    return rows


async def customers_by_id(
    connection: Connection, tenant_id: UUID, ids: Sequence[UUID]
) -> list[Any]:
    rows: list[Any] = await connection.fetch(ALL_OF_IDS, tenant_id, ids)
    return rows


async def erasure_of_name(
    connection: Connection, tenant_id: UUID, source: str, external_id: str
) -> UUID | None:
    """Which erasure has taken a name away."""
    name = (customers.name, source, external_id)
    return (await erased_among(connection, tenant_id, [name])).get(name)


async def erasure_of_people(
    connection: Connection, tenant_id: UUID, people: Sequence[Any], mode: ErasureMode
) -> UUID | None:
    """An erasure of these customers that is under way, or after which there is nothing to do."""
    known = [row["erasure"] for row in people if row["erasure"] is not None]
    found: UUID | None = await connection.fetchval(ALREADY, tenant_id, known, mode.value)
    return found


async def begin_erasure(
    connection: Connection, tenant_id: UUID, people: Sequence[Any], wish: Wish
) -> UUID:
    """Erase customers, who are locked; the worker does the rest.

    The caller holds the tenant's exclusive lock: every record is either committed already, and the
    worker finds it, or will be written by somebody who knows of this erasure.
    """
    await connection.execute(MAKE_KEY, tenant_id, secrets.token_bytes(KEY_BYTES))
    asked = (wish.mode.value, wish.reference, wish.actor_kind, wish.actor)
    erasure: UUID = await connection.fetchval(ADD, tenant_id, *asked)
    ids = [row["id"] for row in people]
    fresh = [row["id"] for row in people if row["erasure"] is None]
    await remember(connection, tenant_id, customers.name, erasure, fresh)
    await connection.execute(CLAIM, tenant_id, erasure, ids)
    await connection.execute(MARK, tenant_id, erasure)
    return erasure
