"""The limit of ingest: rows that are known beforehand, written by as few statements as it takes.

COPY into a table under row-level security is refused by PostgreSQL, so COPY goes into temporary
tables, and one INSERT ... SELECT each from there.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from bench.precomputed import FACT_COLUMNS, Portion, table_of
from csapi.access.tenancy import tenant_scope
from csapi.facts.events import EVENTS
from csapi.facts.kinds import Grain, Kind
from csapi.facts.resource import RecordKind
from csapi.facts.sql import FACT_TYPES
from csapi.kit.db import SERVER_SETTINGS

MARKS = (
    f"INSERT INTO marks (tenant_id, grain, bucket) SELECT $1, {Grain.SLOT}, "
    "unnest($2::timestamptz[])"
)
GAPS = f"""
UPDATE facts SET duration_ms = g.previous, gap_next_ms = g.following
FROM unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS g (subject, previous, following)
WHERE facts.tenant_id = $1 AND facts.subject = g.subject AND facts.kind = {Kind.CONTACT}"""
REMOVE = """
DELETE FROM facts USING unnest($2::uuid[], $3::smallint[], $4::int[]) AS r (subject, kind, ordinal)
WHERE facts.tenant_id = $1 AND facts.subject = r.subject AND facts.kind = r.kind
  AND facts.ordinal = r.ordinal"""


def on_conflict(kind: RecordKind) -> str:
    if kind is EVENTS:
        return "ON CONFLICT (tenant_id, source, event_id) DO NOTHING"
    names = [name for name in table_of(kind).columns.keys()[1:] if name != "id"]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names)
    return (
        f"ON CONFLICT (tenant_id, source, external_id) DO UPDATE SET {updates} "
        "WHERE t.is_stub OR (excluded.version_at, excluded.content_hash) "
        "> (t.version_at, t.content_hash)"
    )


def stage(table: str) -> str:
    return f"CREATE TEMP TABLE stage_{table} (LIKE csapi.{table}) ON COMMIT DELETE ROWS"


class Writer:
    """Writes portions of one kind on one connection, each in a tenant transaction like csapi's."""

    def __init__(self, connection: asyncpg.Connection, tenant_id: UUID, kind: RecordKind) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._table = kind.table
        self._columns = list(table_of(kind).columns.keys())
        named = ", ".join(self._columns)
        self._upsert = (
            f"INSERT INTO {kind.table} AS t ({named}) SELECT {named} FROM stage_{kind.table} "
            f"ORDER BY source, {kind.name_column} {on_conflict(kind)}"
        )

    @classmethod
    async def open(cls, url: str, tenant_id: UUID, kind: RecordKind) -> "Writer":
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
        for table in (kind.table, "facts"):
            await connection.execute(stage(table))
        return cls(connection, tenant_id, kind)

    async def close(self) -> None:
        await self._connection.close()

    async def write(self, portion: Portion) -> None:
        connection, tenant_id = self._connection, self._tenant_id
        async with tenant_scope(connection, tenant_id, lock="shared"):
            await self._copy(self._table, self._columns, portion.records)
            await connection.execute(self._upsert)
            if portion.removed:
                await connection.execute(REMOVE, tenant_id, *columns_of(portion.removed))
            await self._copy("facts", FACT_COLUMNS, portion.facts)
            await connection.execute("INSERT INTO facts SELECT * FROM stage_facts")
            if portion.gaps:
                await connection.execute(GAPS, tenant_id, *columns_of(portion.gaps))
            await connection.execute(MARKS, tenant_id, portion.slots)

    async def _copy(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        await self._connection.copy_records_to_table(
            f"stage_{table}", records=rows, columns=columns
        )


def columns_of(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    return [list(values) for values in zip(*rows, strict=True)]


def one_record(kind: RecordKind) -> str:
    """The upsert of a single record: one parameter for each column."""
    table = table_of(kind)
    names = list(table.columns.keys())
    values = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    return (
        f"INSERT INTO {kind.table} AS t ({', '.join(names)}) VALUES ({values}) {on_conflict(kind)}"
    )


# Columns whose values are no arrays: those of a single record go through unnest(). No call of the
# bench has tags.
SCALARS = [name for name in FACT_COLUMNS if not FACT_TYPES[name].endswith("[]")]


def scalars_of(facts: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """An array for each of SCALARS."""
    columns = dict(zip(FACT_COLUMNS, columns_of(facts), strict=True))
    return [columns[name] for name in SCALARS]


def few_facts() -> str:
    """Facts, marks and gaps of a single record at once: $1 tenant, $2 slots, $3 to $5 gaps, and
    then an array for each of SCALARS."""
    arrays = ", ".join(
        f"${number}::{FACT_TYPES[name]}[]" for number, name in enumerate(SCALARS, start=6)
    )
    gaps = GAPS
    for number in (4, 3, 2):
        gaps = gaps.replace(f"${number}", f"${number + 1}")
    return (
        f"WITH written AS (INSERT INTO facts ({', '.join(SCALARS)}) "
        f"SELECT * FROM unnest({arrays})), "
        f"marked AS ({MARKS}) {gaps}"
    )
