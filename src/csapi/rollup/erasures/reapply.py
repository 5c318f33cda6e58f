"""After a restore: whoever was erased since the backup is erased again.

The list is what a running installation gives out (csapi erasures export): for each tenant the key
and the hashes of names, and no name. A tenant's own rows do where no list is at hand.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.facts.erased_names import hashed
from csapi.facts.erasures import CLAIM, customers_by_id
from csapi.kit.db import acquire

TENANTS = "SELECT tenant_id FROM tenants ORDER BY tenant_id"
KEY = "SELECT key FROM erasure_keys WHERE tenant_id = $1"
LISTED = """
SELECT e.id, e.mode, e.reference, e.actor_kind, e.actor, e.requested_at,
  ARRAY(SELECT encode(n.hash, 'hex') FROM erased_names n
        WHERE n.tenant_id = $1 AND n.erasure = e.id ORDER BY n.hash) AS names
FROM erasures e WHERE e.tenant_id = $1 ORDER BY e.sequence"""

ADD_KEY = """
INSERT INTO erasure_keys (tenant_id, key) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET key = excluded.key
WHERE NOT EXISTS (SELECT 1 FROM erased_names n WHERE n.tenant_id = $1)"""
ADD_ERASURE = """
INSERT INTO erasures
  (tenant_id, id, sequence, mode, reference, actor_kind, actor, requested_at, status)
SELECT $1::uuid, $2::uuid, coalesce(max(sequence), 0) + 1, $3::text, $4::text, $5::text, $6::text,
  $7::timestamptz, 'done'
FROM erasures WHERE tenant_id = $1 ON CONFLICT (tenant_id, id) DO NOTHING"""
ADD_NAMES = """
INSERT INTO erased_names (tenant_id, hash, erasure)
SELECT $1, decode(name, 'hex'), $2 FROM unnest($3::text[]) AS n (name) ON CONFLICT DO NOTHING"""
# Customers who are here under a name that was erased.
RETURNED = f"""
SELECT c.id, e.erasure FROM customers c JOIN erasure_keys k ON k.tenant_id = $1
JOIN erased_names e ON e.tenant_id = $1
  AND e.hash = {hashed("k.key", "'customers'", "c.source", "c.external_id")}
WHERE c.tenant_id = $1 AND c.erasure IS NULL"""
BEGIN_AGAIN = """
UPDATE erasures SET status = 'queued', step = 0, reached = NULL, counts = '{}', finished_at = NULL
WHERE tenant_id = $1 AND id = $2"""
MARK = """
INSERT INTO erasure_marks (tenant_id, erasure, due_at) VALUES ($1, $2, clock_timestamp())
ON CONFLICT (tenant_id, erasure) DO UPDATE SET due_at = excluded.due_at"""


class OtherKeyError(Exception):
    """The tenant has erased people under another key than the list's."""


class ListedErasure(msgspec.Struct, kw_only=True):
    """An erasure as it stands in the list."""

    id: UUID
    mode: str
    reference: str | None
    actor_kind: str
    actor: str | None
    requested_at: datetime
    names: list[str]


class ListedTenant(msgspec.Struct, kw_only=True):
    """The erasures of a tenant: a line of the list."""

    tenant_id: UUID
    key: str
    erasures: list[ListedErasure]


@dataclass(slots=True)
class Reapplied:
    """How many erasures were begun again, and for how many customers."""

    erasures: int = 0
    customers: int = 0


async def listed(pool: asyncpg.Pool) -> list[ListedTenant]:
    """The list of all tenants that have erased anybody."""
    found = []
    async with acquire(pool) as connection:
        tenants = [row["tenant_id"] for row in await connection.fetch(TENANTS)]
    for tenant_id in tenants:
        async with tenant_transaction(pool, tenant_id, readonly=True) as connection:
            key = await connection.fetchval(KEY, tenant_id)
            rows = [] if key is None else await connection.fetch(LISTED, tenant_id)
        if rows:
            erasures = [msgspec.convert(dict(row), ListedErasure) for row in rows]
            found.append(ListedTenant(tenant_id=tenant_id, key=key.hex(), erasures=erasures))
    return found


async def take_over(connection: asyncpg.Connection, tenant: ListedTenant) -> None:
    """Add what the list says and the database has lost. Raises OtherKeyError."""
    tenant_id, key = tenant.tenant_id, bytes.fromhex(tenant.key)
    await connection.execute(ADD_KEY, tenant_id, key)
    if await connection.fetchval(KEY, tenant_id) != key:
        raise OtherKeyError
    for each in tenant.erasures:
        told = (each.mode, each.reference, each.actor_kind, each.actor, each.requested_at)
        await connection.execute(ADD_ERASURE, tenant_id, each.id, *told)
        await connection.execute(ADD_NAMES, tenant_id, each.id, each.names)


async def erase_again(connection: asyncpg.Connection, tenant_id: UUID, done: Reapplied) -> None:
    returned: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await connection.fetch(RETURNED, tenant_id):
        returned[row["erasure"]].append(row["id"])
    for erasure, ids in returned.items():
        people = await customers_by_id(connection, tenant_id, ids)
        await connection.execute(CLAIM, tenant_id, erasure, [row["id"] for row in people])
        await connection.execute(BEGIN_AGAIN, tenant_id, erasure)
        await connection.execute(MARK, tenant_id, erasure)
        done.erasures += 1
        done.customers += len(people)


async def reapply(pool: asyncpg.Pool, tenants: Sequence[ListedTenant] = ()) -> Reapplied:
    """Begin again the erasures of everybody who is back; the worker, or an Eraser, does the rest.
    Again it finds nobody. Raises OtherKeyError."""
    done = Reapplied()
    by_id = {tenant.tenant_id: tenant for tenant in tenants}
    async with acquire(pool) as connection:
        known: Iterable[UUID] = [row["tenant_id"] for row in await connection.fetch(TENANTS)]
    for tenant_id in known:
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            await connection.execute("SET LOCAL statement_timeout = '300s'")
            if tenant := by_id.get(tenant_id):
                await take_over(connection, tenant)
            await erase_again(connection, tenant_id, done)
    return done
