"""What csapi writes for items, as rows: the hand-written write of the same items needs no thought.

The items go through csapi in this process, into a tenant of their own, batch by batch; what each
batch has written is read back.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import sqlalchemy as sa

from csapi.facts.events import EVENTS
from csapi.facts.kinds import Kind
from csapi.facts.resource import RecordKind
from csapi.facts.tables import facts
from csapi.ingest.directory import Directory
from csapi.ingest.events import ingest_events
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.db import open_pool
from csapi.kit.tables import metadata
from csapi.metrics.plan import EPOCH, SLOT

FACT_COLUMNS = list(facts.columns.keys())
SUBJECT, KIND, ORDINAL = (FACT_COLUMNS.index(name) for name in ("subject", "kind", "ordinal"))
OCCURRED, CUSTOMER = FACT_COLUMNS.index("occurred_at"), FACT_COLUMNS.index("customer")
DURATION, GAP_NEXT = FACT_COLUMNS.index("duration_ms"), FACT_COLUMNS.index("gap_next_ms")

Row = tuple[Any, ...]
Place = tuple[int, int]

SINCE = "tenant_id = $1 AND xmin::text::bigint >= $2 ORDER BY ctid"


class Portion(msgspec.Struct):
    """The rows that one batch leaves behind, with tenant_id first."""

    records: list[Row]
    facts: list[Row]
    removed: list[tuple[UUID, int, int]]
    gaps: list[tuple[UUID, int | None, int | None]]
    slots: list[datetime]

    def of(self, tenant_id: UUID) -> "Portion":
        """The same for another tenant. Ids stay: they are unique within a tenant."""
        return msgspec.structs.replace(
            self,
            records=[(tenant_id, *row[1:]) for row in self.records],
            facts=[(tenant_id, *row[1:]) for row in self.facts],
        )


def table_of(kind: RecordKind) -> sa.Table:
    return metadata.tables[kind.table]


class Recorder:
    """Takes items in and notes what that wrote."""

    def __init__(self, admin: asyncpg.Connection, intake: Intake, tenant_id: UUID) -> None:
        self._admin = admin
        self._intake = intake
        self._tenant_id = tenant_id
        self._present: dict[UUID, dict[Place, Row]] = defaultdict(dict)

    @classmethod
    async def open(cls, admin: asyncpg.Connection, url: str, tenant_id: UUID) -> "Recorder":
        pool = await open_pool(url, size=2, statement_timeout_ms=60_000)
        return cls(admin, Intake(pool, Directory(pool)), tenant_id)

    async def close(self) -> None:
        await self._intake.pool.close()

    async def take_in(self, kind: RecordKind, items: Sequence[bytes]) -> Portion:
        since = await self._admin.fetchval("SELECT pg_current_xact_id()::text::bigint")
        taking = ingest_events if kind is EVENTS else ingest_records
        outcomes = await taking(self._intake, self._tenant_id, kind, items, datetime.now(UTC))
        if strange := [each for each in outcomes if each.status != "created"]:
            raise AssertionError(strange[0])
        records = await self._since(kind.table, list(table_of(kind).columns.keys()), since)
        portion = Portion(records, [], [], [], [])
        touched = {row[SUBJECT] for row in await self._since("facts", FACT_COLUMNS, since)}
        self._sort_facts(portion, await self._facts_of(touched))
        marked = await self._since("marks", ["bucket"], since)
        portion.slots = sorted({row[0] for row in marked})
        return portion

    async def _since(self, table: str, columns: Sequence[str], since: int) -> list[Row]:
        sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {SINCE}"
        return [tuple(row) for row in await self._admin.fetch(sql, self._tenant_id, since)]

    async def _facts_of(self, subjects: set[UUID]) -> list[Row]:
        columns = ", ".join(FACT_COLUMNS)
        sql = f"SELECT {columns} FROM facts WHERE tenant_id = $1 AND subject = ANY($2)"
        rows = await self._admin.fetch(sql, self._tenant_id, list(subjects))
        return [tuple(row) for row in rows]

    def _sort_facts(self, portion: Portion, stored: Sequence[Row]) -> None:
        """Only what differs from before has to be written. `stored`: all facts of some subjects."""
        found: dict[UUID, dict[Place, Row]] = defaultdict(dict)
        for row in stored:
            found[row[SUBJECT]][row[KIND], row[ORDINAL]] = row
        for subject, rows in found.items():
            present = self._present[subject]
            for place in present.keys() - rows.keys():
                portion.removed.append((subject, *place))
                del present[place]
            for place, row in rows.items():
                before = present.get(place)
                if before is None:
                    portion.facts.append(row)
                elif place[0] == Kind.CONTACT and before != row:
                    portion.gaps.append((subject, row[DURATION], row[GAP_NEXT]))
                elif before != row:
                    portion.removed.append((subject, *place))
                    portion.facts.append(row)
            present.update(rows)

    def split(self, whole: Portion) -> list[Portion]:
        """A portion for each record of a batch in which no customer comes twice."""
        facts: dict[UUID, list[Row]] = defaultdict(list)
        for row in whole.facts:
            facts[row[SUBJECT]].append(row)
        neighbours = {}
        for gap in whole.gaps:
            contact = next(
                row for row in self._present[gap[0]].values() if row[KIND] == Kind.CONTACT
            )
            neighbours[contact[CUSTOMER]] = (gap, contact)
        portions = []
        for record in whole.records:
            own = facts[record[1]]
            touched = list(own)
            portion = Portion([record], own, [], [], [])
            if found := neighbours.get(own[0][CUSTOMER]):
                portion.gaps.append(found[0])
                touched.append(found[1])
            portion.slots = sorted(
                {row[OCCURRED] - (row[OCCURRED] - EPOCH) % SLOT for row in touched}
            )
            portions.append(portion)
        return portions
