"""All that a tenant has sent, as one archive: a file for each resource, an item a line, in the very
shape that the resource's batch takes. What the counts are is said at the end, in manifest.json.

The archive is written as it is read, from one snapshot: neither it nor a file of it is ever held
whole. A file is counted while it is written, and held against a count by the database.
"""

import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS
from csapi.facts.resource import RecordKind
from csapi.kit.quantities import UtcDatetime
from csapi.kit.turns import give_way
from csapi.reports.exports.lines import Line, Source
from csapi.reports.exports.schemas import MOST_ARCHIVE_BYTES
from csapi.reports.service import Snapshot

VERSION = 1
PREFETCH = 500

TENANT = """
SELECT t.tenant_id, t.name, t.timezone, t.created_at, s.language, s.currency, s.week_starts_on
FROM tenants t LEFT JOIN tenant_settings s ON s.tenant_id = $1 WHERE t.tenant_id = $1"""
# What answers depend on besides records, in the shape that its own operation takes.
SETTINGS = {
    "custom-attributes": (
        "POST /v1/custom-attributes",
        (
            "SELECT json_build_object('name', name, 'label', label)::text AS item "
            "FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot"
        ),
    ),
    "metric-settings": (
        "POST /v1/metric-settings",
        (
            "SELECT json_build_object('metric', metric, 'valid_from', valid_from, 'params', params)"
            "::text AS item FROM metric_settings WHERE tenant_id = $1 ORDER BY metric, valid_from"
        ),
    ),
    "custom-metrics": (
        "PUT /v1/custom-metrics/{id}",
        (
            "SELECT json_build_object('id', id, 'definition', definition)::text AS item "
            "FROM custom_metrics WHERE tenant_id = $1 ORDER BY id"
        ),
    ),
}
SETTINGS_COUNTS = {
    name: f"SELECT count(*) FROM ({sql}) AS s" for name, (_, sql) in SETTINGS.items()
}


class ArchivedFile(msgspec.Struct, kw_only=True):
    """A file: how many lines it has, how many of them tell of something deleted, and what takes
    them. mentioned: names that other records mention and nobody has sent; they have no line."""

    name: str
    resource: str
    send_to: str
    rows: int
    deleted: int = 0
    mentioned: int = 0


class ArchivedTenant(msgspec.Struct, kw_only=True):
    """Whose it is, and by what its days are cut."""

    tenant_id: UUID
    name: str
    timezone: str
    language: str | None
    currency: str | None
    week_starts_on: str | None
    created_at: UtcDatetime


class Manifest(msgspec.Struct, kw_only=True):
    """What the archive holds, in the order in which it is sent again."""

    version: int
    made_at: UtcDatetime
    tenant: ArchivedTenant
    files: list[ArchivedFile]
    rows: int


class Tape:
    """What a ZipFile writes to: whoever reads takes what there is."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


@dataclass(slots=True)
class Archive:
    """A ZIP under way, and the tape that it is written to."""

    made_at: datetime
    tape: Tape = field(default_factory=Tape)
    zip: zipfile.ZipFile = field(init=False)

    def __post_init__(self) -> None:
        self.zip = zipfile.ZipFile(self.tape, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload]

    def info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self.made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        return info


def counting(kind: RecordKind) -> str:
    has_stubs = "is_stub" if kind is not EVENTS else "false"
    is_deleted = "is_deleted" if kind is not EVENTS else "false"
    return (
        f"SELECT count(*) FILTER (WHERE NOT {has_stubs}) AS rows, "
        f"count(*) FILTER (WHERE {is_deleted} AND NOT {has_stubs}) AS deleted, "
        f"count(*) FILTER (WHERE {has_stubs}) AS mentioned FROM {kind.table} WHERE tenant_id = $1"
    )


def listing(kind: RecordKind) -> str:
    known = "true" if kind is EVENTS else "NOT is_stub"
    return (
        f"SELECT item::text AS item FROM {kind.table} WHERE tenant_id = $1 AND {known} ORDER BY id"
    )


async def planned(
    connection: asyncpg.Connection, tenant_id: UUID
) -> list[tuple[ArchivedFile, str]]:
    """Each file with what it will count, and the statement that gives its items."""
    found = []
    for name, (send_to, sql) in SETTINGS.items():
        rows = await connection.fetchval(SETTINGS_COUNTS[name], tenant_id)
        file = ArchivedFile(
            name=f"settings/{name}.ndjson", resource=name, send_to=send_to, rows=rows
        )
        found.append((file, sql))
    for kind in (*RECORD_KINDS, EVENTS):
        row = await connection.fetchrow(counting(kind), tenant_id)
        file = ArchivedFile(
            name=f"records/{kind.name.replace('/', '-')}.ndjson",
            resource=kind.name,
            send_to=f"POST /v1/{kind.name}/batch",
            rows=row["rows"],
            deleted=row["deleted"],
            mentioned=row["mentioned"],
        )
        found.append((file, listing(kind)))
    return found


async def archive_source(snapshot: Snapshot, made_at: datetime) -> Source:
    """The archive, piece by piece. Everything comes from the one snapshot."""
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    files = await planned(connection, tenant_id)
    rows = sum(file.rows for file, _ in files)

    async def lines() -> AsyncIterator[Line]:
        archive = Archive(made_at)
        for file, sql in files:
            async for piece in file_lines(archive, connection, tenant_id, file, sql):
                yield Line(piece)
            yield Line(archive.tape.take(), is_row=False)
        row = await connection.fetchrow(TENANT, tenant_id)
        manifest = Manifest(
            version=VERSION,
            made_at=made_at,
            tenant=ArchivedTenant(**dict(row)),
            files=[file for file, _ in files],
            rows=rows,
        )
        text = msgspec.json.format(msgspec.json.encode(manifest))
        archive.zip.writestr(archive.info("manifest.json"), text)
        archive.zip.close()
        yield Line(archive.tape.take(), is_row=False)

    return Source(rows, lines(), MOST_ARCHIVE_BYTES)


async def file_lines(
    archive: Archive,
    connection: asyncpg.Connection,
    tenant_id: UUID,
    file: ArchivedFile,
    sql: str,
) -> AsyncIterator[bytes]:
    """What the archive has grown by with each item of a file."""
    number = 0
    with archive.zip.open(archive.info(file.name), "w", force_zip64=True) as entry:
        async for row in connection.cursor(sql, tenant_id, prefetch=PREFETCH):
            entry.write(row["item"].encode() + b"\n")
            await give_way(number)
            number += 1
            yield archive.tape.take()
    if number != file.rows:
        raise AssertionError((file.name, number, file.rows))
