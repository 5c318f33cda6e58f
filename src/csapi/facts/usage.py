"""How much a tenant has sent: the records that are there, by the day on which they came to be.

A record's id tells when that was (UUIDv7), and its key finds a range of ids: what is told is a
count of rows, and taking in pays nothing for it.
"""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import asyncpg

from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS

RANDOM_BITS = 80
# A name that something else mentions is no record yet.
ONE = """
SELECT '{name}' AS resource, (uuid_extract_timestamp(id) AT TIME ZONE 'UTC')::date AS day,
  count(*) AS created
FROM {table} WHERE tenant_id = $1 AND id >= $2 AND id < $3{sent} GROUP BY day"""


def select_of(name: str, table: str, *, has_stubs: bool) -> str:
    return ONE.format(name=name, table=table, sent=" AND NOT is_stub" if has_stubs else "")


COUNTS = "\nUNION ALL".join(
    [
        *(select_of(kind.name, kind.table, has_stubs=True) for kind in RECORD_KINDS),
        select_of(EVENTS.name, EVENTS.table, has_stubs=False),
    ]
)
BY_DAY = f"SELECT * FROM ({COUNTS}) AS c ORDER BY day, resource"
IN_ALL = f"SELECT coalesce(sum(created), 0)::bigint FROM ({COUNTS}) AS c"


# Whether something was ever sent, or mentioned.
HAS_RECORDS = "SELECT " + "\n  OR ".join(
    f"EXISTS (SELECT 1 FROM {table} WHERE tenant_id = $1)"
    # What was sent once and removed by retention is in frozen summaries.
    for table in dict.fromkeys([*(kind.table for kind in RECORD_KINDS), EVENTS.table, "freezes"])
)


QUOTAS = "SELECT period, items FROM quotas WHERE tenant_id = $1 ORDER BY period"


def lowest_id(at: datetime) -> UUID:
    """The lowest id that could have been made at this instant."""
    return UUID(int=max(0, int(at.timestamp() * 1000)) << RANDOM_BITS)


def start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def bounds_of(period: str, now: datetime) -> tuple[datetime, datetime]:
    """Start and end of the day or month of UTC in which `now` lies."""
    day = now.date() if period == "day" else now.date().replace(day=1)
    if period == "day":
        return start_of(day), start_of(day + timedelta(days=1))
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return start_of(day), start_of(following)


async def quotas_of(connection: asyncpg.Connection, tenant_id: UUID) -> dict[str, int]:
    """How many records the tenant may make, by period."""
    return {row["period"]: row["items"] for row in await connection.fetch(QUOTAS, tenant_id)}


async def created_by_day(
    connection: asyncpg.Connection, tenant_id: UUID, start: date, end: date
) -> list[tuple[date, str, int]]:
    """Day of UTC, resource and how many records came to be, where some did."""
    bounds = lowest_id(start_of(start)), lowest_id(start_of(end))
    rows = await connection.fetch(BY_DAY, tenant_id, *bounds)
    return [(row["day"], row["resource"], row["created"]) for row in rows]


async def created_between(
    connection: asyncpg.Connection, tenant_id: UUID, start: datetime, end: datetime
) -> int:
    found: int = await connection.fetchval(IN_ALL, tenant_id, lowest_id(start), lowest_id(end))
    return found
