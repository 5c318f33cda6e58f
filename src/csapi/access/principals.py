"""Who is calling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from csapi.access.addresses import Network


class Scope(StrEnum):
    """What a key may do. Every route names one."""

    INGEST_WRITE = "ingest:write"
    RECORDS_READ = "records:read"
    # Names of customers in reports; records have them in any case.
    NAMES_READ = "names:read"
    REPORTS_READ = "reports:read"
    ADMIN_WRITE = "admin:write"
    TOKENS_WRITE = "tokens:write"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose the request is. `is_portal`: it came with a portal token of that key, whose id is then
    `token_id`, or with a ticket, and sees of every answer only what passes `filters`, a filter as
    queries have it, in JSON. `agent_id`: the token is that agent's own, who sees what is about
    themselves and nothing else. `allowed_ips`: from where the key may be used, everywhere if there
    are none. `person_id`: somebody has signed in, with that role in the tenant; `key_id` is then
    the id of the session. `language`: the tenant's, where a request names none; `closes_at`: from
    when on the tenant is no more, and until then only reads."""

    tenant_id: UUID
    key_id: str
    scopes: frozenset[str]
    timezone: str
    is_portal: bool = False
    filters: str | None = None
    token_id: str | None = None
    agent_id: UUID | None = None
    allowed_ips: tuple[Network, ...] = ()
    person_id: UUID | None = None
    role: str | None = None
    language: str | None = None
    closes_at: datetime | None = None
