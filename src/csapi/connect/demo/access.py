"""The demo's keys. The database holds digests only, so they are kept beside it."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
import msgspec

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.connect.demo.span import ZONE_NAME, Span
from csapi.embedded.layout import write_private
from csapi.kit.db import connect

TENANT_NAME = "Demo"
FILE_NAME = "demo.json"
INGEST_SCOPES = (Scope.INGEST_WRITE, Scope.ADMIN_WRITE)
READ_SCOPES = (Scope.REPORTS_READ, Scope.RECORDS_READ)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a later start needs: to print the same again, or to finish what was interrupted."""

    tenant_id: UUID
    ingest_key: str
    read_key: str
    now: datetime
    days: int
    volume: float
    complete: bool = False

    @property
    def span(self) -> Span:
        return Span(self.now, self.days, self.volume)


def read_kept(data_dir: Path) -> Kept | None:
    try:
        return msgspec.json.decode((data_dir / FILE_NAME).read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def keep(data_dir: Path, kept: Kept) -> None:
    write_private(data_dir / FILE_NAME, msgspec.json.encode(kept))


def still_valid(base_url: str, kept: Kept) -> bool:
    """Whether the database still knows the keys; it may have been replaced since."""
    with httpx.Client(base_url=base_url, timeout=30, trust_env=False) as client:
        answers = [
            client.get("/v1/custom-attributes", headers={"authorization": f"Bearer {key}"})
            for key in (kept.read_key, kept.ingest_key)
        ]
    return all(answer.status_code != httpx.codes.UNAUTHORIZED for answer in answers)


async def open_tenant(api_url: str, span: Span) -> Kept:
    connection = await connect(api_url)
    try:
        tenant_id = await create_tenant(connection, TENANT_NAME, ZONE_NAME)
        ingest = await create_key(connection, tenant_id, "demo ingest", INGEST_SCOPES)
        read = await create_key(connection, tenant_id, "demo read", READ_SCOPES)
    finally:
        await connection.close()
    return Kept(
        tenant_id=tenant_id,
        ingest_key=ingest.token,
        read_key=read.token,
        now=span.now,
        days=span.days,
        volume=span.volume,
    )
