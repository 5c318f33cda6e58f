"""Surrogates by name, remembered in the process: a surrogate never changes and never goes away."""

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.facts.lookup import Entity, Lookup, Ref

REMEMBERED_TENANTS = 2_000
REMEMBERED_REFS_PER_TENANT = 500_000

FIND_MEMBERS = """
SELECT m.dimension, m.key, m.member FROM members m
JOIN unnest($2::smallint[], $3::text[]) AS w (dimension, key) USING (dimension, key)
WHERE m.tenant_id = $1"""

ADD_MEMBERS = """
INSERT INTO members (tenant_id, dimension, key)
SELECT $1, dimension, key FROM unnest($2::smallint[], $3::text[]) AS w (dimension, key)
ORDER BY dimension, key ON CONFLICT DO NOTHING"""

READ_ERASURES = "SELECT coalesce(max(sequence), 0) FROM erasures WHERE tenant_id = $1"
READ_VERSION = f"""
SELECT e.n AS erasures, a.name, a.slot
FROM ({READ_ERASURES}) AS e (n) LEFT JOIN custom_attributes a ON a.tenant_id = $1"""

TABLES = {Entity.AGENT: "agents", Entity.TEAM: "teams", Entity.CUSTOMER: "customers"}


def find_entities(table: str) -> str:
    return (
        f"SELECT e.source, e.external_id, e.surrogate FROM {table} e "
        "JOIN unnest($2::text[], $3::text[]) AS w (source, external_id) "
        "USING (source, external_id) WHERE e.tenant_id = $1"
    )


def add_stubs(table: str) -> str:
    return (
        f"INSERT INTO {table} (tenant_id, source, external_id, is_stub) "
        "SELECT $1, source, external_id, true "
        "FROM unnest($2::text[], $3::text[]) AS w (source, external_id) "
        f"WHERE ({READ_ERASURES}) = $4::bigint "
        "ORDER BY source, external_id ON CONFLICT DO NOTHING"
    )


class StaleNamesError(Exception):
    """An attribute was declared or somebody erased since this process read the tenant's names:
    read them and write again."""


class TenantNames:
    __slots__ = ("attributes", "erasures", "known")

    def __init__(self) -> None:
        self.known: dict[Ref, int] = {}
        self.attributes: dict[str, int] | None = None
        self.erasures = 0


class Directory:
    """Names of all tenants that this process has met. Lost with the process, found again."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._tenants: OrderedDict[UUID, TenantNames] = OrderedDict()

    def _names(self, tenant_id: UUID) -> TenantNames:
        names = self._tenants.get(tenant_id)
        if names is None:
            names = self._tenants[tenant_id] = TenantNames()
            if len(self._tenants) > REMEMBERED_TENANTS:
                self._tenants.popitem(last=False)
        else:
            self._tenants.move_to_end(tenant_id)
        if len(names.known) > REMEMBERED_REFS_PER_TENANT:
            names.known.clear()
        return names

    async def lookup(self, tenant_id: UUID) -> Lookup:
        names = self._names(tenant_id)
        if names.attributes is None:
            await self.refresh(tenant_id)
        return Lookup(names.known, names.attributes or {}, names.erasures)

    async def refresh(self, tenant_id: UUID) -> None:
        """Read again which attributes there are, and forget names that may have been erased."""
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await connection.fetch(READ_VERSION, tenant_id)
        names, erasures = self._names(tenant_id), rows[0]["erasures"]
        if erasures != names.erasures:
            names.known = {}
        names.erasures = erasures
        names.attributes = {row["name"]: row["slot"] for row in rows if row["name"] is not None}

    async def resolve(self, tenant_id: UUID, refs: Iterable[Ref]) -> None:
        """Learn the surrogates of names, making members and stubs of records for the unknown.

        In a transaction of its own: what it makes is harmless without the records that named it,
        and no ingest waits for another one's new names. Stubs have names of people: they are made
        under the tenant's shared lock, so that none is made of somebody who is being erased.
        Raises StaleNamesError.
        """
        labels: list[Ref] = []
        entities: dict[int, list[Ref]] = {}
        for ref in refs:
            if ref[0] in TABLES:
                entities.setdefault(ref[0], []).append(ref)
            else:
                labels.append(ref)
        names = self._names(tenant_id)
        known, erasures = names.known, names.erasures
        found: dict[Ref, int] = {}
        async with tenant_transaction(
            self._pool, tenant_id, lock="shared" if entities else None
        ) as connection:
            if labels:
                found |= await _members(connection, tenant_id, labels)
            for entity, wanted in entities.items():
                found |= await _surrogates(connection, tenant_id, entity, wanted, erasures)
        known.update(found)


async def _members(
    connection: asyncpg.Connection, tenant_id: UUID, refs: list[Ref]
) -> dict[Ref, int]:
    async def find(wanted: list[Ref]) -> dict[Ref, int]:
        rows = await connection.fetch(
            FIND_MEMBERS, tenant_id, [ref[0] for ref in wanted], [ref[2] for ref in wanted]
        )
        return {(row["dimension"], "", row["key"]): row["member"] for row in rows}

    found = await find(refs)
    if missing := [ref for ref in refs if ref not in found]:
        await connection.execute(
            ADD_MEMBERS, tenant_id, [ref[0] for ref in missing], [ref[2] for ref in missing]
        )
        found |= await find(missing)
    return found


async def _surrogates(
    connection: asyncpg.Connection, tenant_id: UUID, entity: int, refs: list[Ref], erasures: int
) -> dict[Ref, int]:
    """Raises StaleNamesError where there were more erasures: no stub is made then."""
    table = TABLES[Entity(entity)]

    async def find(wanted: list[Ref]) -> dict[Ref, int]:
        rows = await connection.fetch(
            find_entities(table), tenant_id, [ref[1] for ref in wanted], [ref[2] for ref in wanted]
        )
        return {(entity, row["source"], row["external_id"]): row["surrogate"] for row in rows}

    found = await find(refs)
    if missing := [ref for ref in refs if ref not in found]:
        await connection.execute(
            add_stubs(table),
            tenant_id,
            [ref[1] for ref in missing],
            [ref[2] for ref in missing],
            erasures,
        )
        found |= await find(missing)
        if any(ref not in found for ref in missing):
            raise StaleNamesError
    return found
