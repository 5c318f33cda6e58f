"""What a snapshot holds of a tenant's summaries: which buckets, and which of them wait."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Grain
from csapi.metrics.zones import day_start, local_date, month_start

Span = tuple[datetime, datetime]
EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))

# Of facts and summaries from $2 until before $3.
DAY_SLOTS = """
SELECT DISTINCT date_bin('15 minutes', occurred_at, 'epoch') AS slot FROM facts
WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3
UNION SELECT bucket FROM summaries
WHERE tenant_id = $1 AND grain = 1 AND bucket >= $2 AND bucket < $3
UNION SELECT bucket FROM summaries
WHERE tenant_id = $1 AND grain IN (2, 3) AND bucket >= $2 AND bucket < $3"""

SLOTTED = f"""
SELECT bucket FROM rollup_buckets WHERE tenant_id = $1 AND grain = {Grain.DAY} AND is_slotted"""


@dataclass(frozen=True, slots=True)
class Held:
    """The slots that have facts or summaries, those that are marked, and what else tells them."""

    timezone: str
    attributes: list[int]
    slots: set[datetime]
    marked_slots: set[datetime]
    marked_months: set[datetime]
    slotted: set[datetime]

    def clean_days(self) -> list[datetime]:
        return sorted(self._days(self.slots) - self._days(self.marked_slots))

    def clean_months(self) -> list[datetime]:
        dirty = self._months(self.marked_slots) | self.marked_months
        return sorted(self._months(self.slots) - dirty)

    def clean_slots_of_dirty_days(self) -> list[datetime]:
        dirty = self._days(self.marked_slots)
        clean = self.slots - self.marked_slots
        return sorted(slot for slot in clean if self._days([slot]) <= dirty)

    def _days(self, slots: Iterable[datetime]) -> set[datetime]:
        return {day_start(self.timezone, local_date(self.timezone, slot)) for slot in slots}

    def _months(self, slots: Iterable[datetime]) -> set[datetime]:
        return {month_start(self.timezone, local_date(self.timezone, slot)) for slot in slots}


async def held_by(
    connection: asyncpg.Connection, tenant_id: UUID, timezone: str, span: Span
) -> Held:
    attributes = await connection.fetch(
        "SELECT slot FROM custom_attributes WHERE tenant_id = $1", tenant_id
    )
    marks = await connection.fetch(
        "SELECT DISTINCT grain, bucket FROM marks WHERE tenant_id = $1", tenant_id
    )
    slots = await connection.fetch(DAY_SLOTS, tenant_id, *span)
    slotted = await connection.fetch(SLOTTED, tenant_id)
    return Held(
        timezone=timezone,
        attributes=[row["slot"] for row in attributes],
        slots={row["slot"] for row in slots},
        marked_slots={row["bucket"] for row in marks if row["grain"] == Grain.SLOT},
        marked_months={row["bucket"] for row in marks if row["grain"] == Grain.MONTH},
        slotted={row["bucket"] for row in slotted},
    )
