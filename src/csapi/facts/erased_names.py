"""Names that must not come back: a hash of each under a key of the tenant, and nothing else.

Two rounds of SHA-256 with the key in front of both, as an HMAC is: without the key nobody can try
names out. The key never leaves the database but for the list that a restore needs (csapi erasures).
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

Connection = Any
# Table, source, name within the source.
Name = tuple[str, str, str]

# What stands where a name or words were.
ERASED = "[erased]"

# Whoever writes says which version of these it knows: declared attributes and erasures.
VERSION = """((SELECT count(*) FROM custom_attributes WHERE tenant_id = $1)
  + (SELECT coalesce(max(sequence), 0) FROM erasures WHERE tenant_id = $1))"""


def hashed(key: str, resource: str, source: str, name: str) -> str:
    """SQL of the hash of a name. The arguments are SQL, too."""
    text = f"convert_to({resource} || chr(31) || {source} || chr(31) || {name}, 'UTF8')"
    return f"sha256({key} || sha256({key} || {text}))"


FIND = f"""
SELECT w.resource, w.source, w.name, e.erasure
FROM unnest($2::text[], $3::text[], $4::text[]) AS w (resource, source, name)
JOIN erasure_keys k ON k.tenant_id = $1
JOIN erased_names e ON e.tenant_id = $1
  AND e.hash = {hashed("k.key", "w.resource", "w.source", "w.name")}"""

REMEMBER = f"""
INSERT INTO erased_names (tenant_id, hash, erasure)
SELECT DISTINCT $1::uuid, {hashed("k.key", "$2::text", "r.source", "r.external_id")}, $3::uuid
FROM {{table}} r JOIN erasure_keys k ON k.tenant_id = $1
WHERE r.tenant_id = $1 AND r.id = ANY($4::uuid[])
ON CONFLICT DO NOTHING"""


async def erased_among(
    connection: Connection, tenant_id: UUID, names: Iterable[Name]
) -> dict[Name, UUID]:
    """The names that were erased, and by which erasure."""
    wanted = list(names)
    if not wanted:
        return {}
    rows = await connection.fetch(FIND, tenant_id, *map(list, zip(*wanted, strict=True)))
    return {(row["resource"], row["source"], row["name"]): row["erasure"] for row in rows}


async def remember(
    connection: Connection, tenant_id: UUID, table: str, erasure: UUID, ids: list[UUID]
) -> None:
    """Keep records that are here now from coming back under their names."""
    await connection.execute(REMEMBER.format(table=table), tenant_id, table, erasure, ids)
