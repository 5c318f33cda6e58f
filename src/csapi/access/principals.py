"""Who is calling."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What a key may do. Every route names one."""

    INGEST_WRITE = "ingest:write"
    RECORDS_READ = "records:read"
    REPORTS_READ = "reports:read"
    ADMIN_WRITE = "admin:write"


@dataclass(frozen=True, slots=True)
class Principal:
    tenant_id: UUID
    key_id: str
    scopes: frozenset[str]
    timezone: str
