"""Exports on the wire."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.kit.language import Language
from csapi.kit.quantities import UtcDatetime
from csapi.reports.schemas import FilterNode, Query

MOST_WAITING, MOST_KEPT = 3, 20
MOST_BYTES = 256 * 1024 * 1024
# Of all data of a tenant, compressed: files are kept in the database, so few of those at once.
MOST_ARCHIVE_BYTES, MOST_ARCHIVES = 2 * 1024 * 1024 * 1024, 2
EXPIRES_HOURS = 24
LINK_SECONDS = 300


class ExportFormat(StrEnum):
    """How the file is written. `zip`: all data of the tenant, and nothing else."""

    csv = "csv"
    ndjson = "ndjson"
    zip = "zip"


class ExportResource(StrEnum):
    """Records that can be exported, one a row."""

    tickets = "tickets"
    calls = "calls"
    feedback = "feedback"


class ExportStatus(StrEnum):
    """How far an export is. There is a file when it is done, and never part of one."""

    queued = "queued"
    running = "running"
    done = "done"
    failed = "failed"


class RecordExport(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Records as they were sent, by the time of their creation (tickets), of entering the queue
    (calls) or of the response (feedback): from `from` until before `to`, each a local date or an
    instant. Deleted ones are left out. `filters`, as a query has them, are about what the record
    was at that time; what no number counts, such as spam, passes none."""

    resource: ExportResource
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    timezone: str | None = None
    filters: FilterNode | None = None


class ExportRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Either all rows of a query, whatever its `limit`, or records, or with `tenant_data` all that
    the tenant has sent. `language` is that of labels; if it is absent, that of Accept-Language."""

    format: ExportFormat
    query: Query | None = None
    records: RecordExport | None = None
    tenant_data: bool = False
    language: Language | None = None


class ExportProblem(msgspec.Struct, kw_only=True):
    """Why there is no file. `code` as in problems."""

    code: str
    detail: str


class ExportDownload(msgspec.Struct, kw_only=True):
    """A link that needs no key, until it expires. Each read of the export gives a new one."""

    url: str
    expires_at: UtcDatetime


class Export(msgspec.Struct, kw_only=True):
    """An export. `rows` are written so far, of `rows_total`, if that is known; `progress` is their
    share. With its file it is gone at `expires_at`."""

    id: str
    status: ExportStatus
    request: ExportRequest
    progress: float | None
    rows: int
    rows_total: int | None
    bytes: int
    problem: ExportProblem | None
    download: ExportDownload | None
    created_at: UtcDatetime
    finished_at: UtcDatetime | None
    expires_at: UtcDatetime | None


class ExportList(msgspec.Struct, kw_only=True):
    """All exports, the newest first."""

    data: list[Export]


class ExportPath(msgspec.Struct, kw_only=True):
    id: Annotated[UUID, Meta(description="Id of the export")]


class DownloadParams(msgspec.Struct, kw_only=True):
    """What the link carries."""

    token: Annotated[str, Meta(max_length=200, description="From `download.url` of the export")]
