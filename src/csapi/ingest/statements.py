"""The writes of raw records as SQL, built from what each kind of record declares."""

from functools import cache

from csapi.facts.erased_names import VERSION
from csapi.facts.registry import RECORD_KINDS
from csapi.facts.resource import RecordKind

IDENTITY = (
    ("source", "text"),
    ("external_id", "text"),
    ("version_at", "timestamptz"),
    ("content_hash", "bigint"),
    ("is_deleted", "boolean"),
    ("item", "text"),
)

# No order of receipt may change the outcome, so a version wins by (version, content) alone; the
# same content is the same version.
NEWER = (
    "t.is_stub OR (excluded.content_hash <> t.content_hash AND "
    "(excluded.version_at, excluded.content_hash) > (t.version_at, t.content_hash))"
)

# A process that has not heard of a newly declared attribute would store rows without it; one that
# has not heard of an erasure would bring somebody back.
KNOWS_ENOUGH = f"{VERSION} = $2::bigint"


def link_join(name: str, table: str) -> str:
    return (
        f"LEFT JOIN {table} AS to_{name} ON to_{name}.tenant_id = $1 "
        f"AND to_{name}.source = i.source AND to_{name}.external_id = i.{name}"
    )


@cache
def upsert(kind: RecordKind) -> str:
    """INSERT or replace records. $1 tenant, $2 the version that is known of the tenant's names,
    then one array for each of IDENTITY and of kind.columns.

    Gives id, source, external_id, is_new, created, and what kind.returning asks for, of the rows
    that were written; a row that is missing was a duplicate or stale.
    """
    inputs = [*IDENTITY, *((column.name, column.cast) for column in kind.columns)]
    arrays = ", ".join(
        f"${number}::{'text' if cast == 'jsonb' or cast.endswith('[]') else cast}[]"
        for number, (_, cast) in enumerate(inputs, start=3)
    )
    names = [name for name, _ in IDENTITY] + [column.name for column in kind.columns]
    values = [
        "i.source",
        "i.external_id",
        "coalesce(i.version_at, clock_timestamp())",
        "i.content_hash",
        "i.is_deleted",
        "i.item::json",
    ] + [
        f"to_{column.name}.id" if column.link else f"i.{column.name}::{column.cast}"
        for column in kind.columns
    ]
    joins = "\n".join(link_join(column.name, column.link or "") for column in kind.links)
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    returning = "".join(f", {extra}" for extra in kind.returning)
    return f"""
INSERT INTO {kind.table} AS t (tenant_id, {", ".join(names)})
SELECT $1::uuid, {", ".join(values)}
FROM unnest({arrays}) AS i ({", ".join(name for name, _ in inputs)})
{joins}
WHERE {KNOWS_ENOUGH}
ORDER BY i.source, i.external_id
ON CONFLICT (tenant_id, source, external_id) DO UPDATE
SET {updates}, is_stub = false, received_at = excluded.received_at
WHERE {NEWER}
RETURNING t.id, t.source, t.external_id, old.id IS NULL AS is_new,
  coalesce(old.is_stub, true) AS created{returning}"""


def stored_hashes(table: str) -> str:
    """The content of records that a write left alone, and the version of the tenant's names."""
    return f"""
SELECT a.version, e.id, w.source, w.external_id, e.content_hash
FROM (SELECT {VERSION} AS version) a
CROSS JOIN unnest($2::text[], $3::text[]) AS w (source, external_id)
LEFT JOIN {table} e ON e.tenant_id = $1
  AND e.source = w.source AND e.external_id = w.external_id AND NOT e.is_stub"""


# Nothing is derived of an article while events link to it: many may do so at once.
SHARED = frozenset({"kb_articles"})


def lock_linked(table: str) -> str:
    """Lock the records that items name, in the one order that everybody keeps."""
    strength = "SHARE" if table in SHARED else "NO KEY UPDATE"
    return f"""
SELECT e.source, e.external_id FROM {table} e
JOIN unnest($2::text[], $3::text[]) AS w (source, external_id) USING (source, external_id)
WHERE e.tenant_id = $1
ORDER BY e.source, e.external_id FOR {strength} OF e"""


STATEMENTS = {kind.name: upsert(kind) for kind in RECORD_KINDS}
