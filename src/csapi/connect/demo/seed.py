"""The demo tenant, from nothing to a key and a curl line that answers with a real number."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import msgspec

from csapi.connect.demo.access import TENANT_NAME, Kept, keep, open_tenant, read_kept, still_valid
from csapi.connect.demo.dataset import generate
from csapi.connect.demo.deliveries import deliveries_of
from csapi.connect.demo.sending import Sender, Teller
from csapi.connect.demo.span import Span
from csapi.kit.clock import now as clock_now

CURL_DAYS = 30


class Admin(Protocol):
    """Where the database is, for the role of the API."""

    @property
    def api_url(self) -> str: ...


@dataclass(frozen=True, slots=True)
class DemoAccess:
    """What is printed once the demo is there."""

    tenant_name: str
    ingest_key: str
    read_key: str
    curl: str


def seed(
    base_url: str,
    data_dir: Path,
    admin: Admin,
    teller: Teller,
    *,
    days: int = 90,
    volume: float = 1.0,
) -> DemoAccess:
    """Fill the demo tenant of `data_dir`, unless it is there; finish it where it was interrupted.

    Raises DemoError when anything is rejected, ImportStoppedError when the API cannot be reached.
    """
    kept = read_kept(data_dir)
    if kept is None or not still_valid(base_url, kept):
        span = Span(clock_now().replace(microsecond=0), days, volume)
        kept = asyncio.run(open_tenant(admin.api_url, span))
        keep(data_dir, kept)
    if kept.complete:
        teller.say(f"The demo data is there, up to {kept.span.today}")
    else:
        fill(base_url, kept.ingest_key, kept.span, teller)
        kept = msgspec.structs.replace(kept, complete=True)
        keep(data_dir, kept)
    return access_of(base_url, kept)


def fill(base_url: str, key: str, span: Span, teller: Teller) -> Sender:
    """Send everything; the sender knows what became of it."""
    teller.say(f"Making up {span.days} days of demo data")
    sender = Sender(base_url, key, teller)
    sender.send(deliveries_of(generate(span)))
    return sender


def access_of(base_url: str, kept: Kept) -> DemoAccess:
    span = kept.span
    since = max(span.first, span.today - timedelta(days=CURL_DAYS))
    curl = (
        f"curl -s '{base_url}/v1/kpis?set=help_desk_home&from={since}&to={span.today}' "
        f"-H 'Authorization: Bearer {kept.read_key}'"
    )
    return DemoAccess(TENANT_NAME, kept.ingest_key, kept.read_key, curl)
