"""What exactly is wrong: each row and each fact that differs, as it is and as it should be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_scope
from csapi.facts.kinds import Grain, Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS
from csapi.facts.sql import FACT_COLUMNS
from csapi.kit.db import Statement
from csapi.metrics.cuboids import CUBOIDS, SLOT_CUBOIDS
from csapi.metrics.rebuild import SLOT, bucket_rows_from_facts, differences, slot_rows
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.held import EVER, Held, held_by
from csapi.rollup.repair import slots_of
from csapi.rollup.verify import Findings

# Of each bucket, and of each resource's subjects, so many are told in full.
ROWS_TOLD = 20
PLACE = ("kind", "ordinal")
CUBOID_NAMES = {cuboid.number: " and ".join(cuboid.columns) or "total" for cuboid in CUBOIDS}
STORED_FACTS = f"""
SELECT to_json(f)::text FROM (
  SELECT {", ".join(FACT_COLUMNS)} FROM facts
  WHERE tenant_id = $1 AND subject = ANY($2::uuid[])) AS f"""


class Wrong(msgspec.Struct, frozen=True):
    """One thing that differs. `part`: the cuboid of a summary, the kind of a fact."""

    tenant_id: UUID
    where: str
    part: str
    was: str
    should: str


@dataclass(frozen=True, slots=True)
class Place:
    """Whose bucket, and what verify's snapshot holds of the tenant."""

    tenant_id: UUID
    held: Held

    def statement(self, grain: Grain, start: datetime) -> Statement:
        zone, attributes = self.held.timezone, self.held.attributes
        if grain is Grain.SLOT:
            day = day_start(zone, local_date(zone, start))
            cuboids = CUBOIDS if day in self.held.slotted else SLOT_CUBOIDS
            slots = [
                slot for slot in slots_of(grain, start, zone) if slot not in self.held.marked_slots
            ]
            expected = slot_rows(self.tenant_id, slots, attributes, cuboids)
            end = slots[-1] + SLOT if slots else start
            return differences(expected, grain, start, end, self.tenant_id, cuboids, most=ROWS_TOLD)
        following = month_start if grain is Grain.MONTH else day_start
        end = following(zone, local_date(zone, start), 1)
        expected = bucket_rows_from_facts(self.tenant_id, grain, start, end, attributes)
        return differences(expected, grain, start, end, self.tenant_id, most=ROWS_TOLD)


def unlike(was: Mapping[str, Any] | None, should: Mapping[str, Any] | None) -> tuple[str, str]:
    """What two rows say where they differ; `nothing` for a row that is not there."""
    names = [
        name
        for name in (was or should or {})
        if was is None or should is None or was[name] != should[name]
    ]
    return said(was, names), said(should, names)


def said(row: Mapping[str, Any] | None, names: Iterable[str]) -> str:
    if row is None:
        return "nothing"
    told = [f"{name}={row[name]}" for name in names if row[name] is not None]
    return " ".join(told) or "empty"


async def wrongs_of(
    connection: asyncpg.Connection, tenant_id: UUID, timezone: str, findings: Findings
) -> list[Wrong]:
    """All that is wrong of a tenant, each bucket and each resource up to some rows."""
    found: list[Wrong] = []
    if flaw := findings.flaws.get(tenant_id):
        was = f"entry {flaw.sequence} is {flaw.reason.replace('_', ' ')}"
        found.append(Wrong(tenant_id, "audit log", "chain", was, "as it was written"))
    async with tenant_scope(connection, tenant_id, readonly=True, many_rows=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        for resource, ids in findings.wrong_subjects.get(tenant_id, {}).items():
            if ids:
                chosen = sorted(ids)[:ROWS_TOLD]
                found += await wrong_facts(connection, tenant_id, resource, chosen)
        if buckets := findings.wrong_buckets.get(tenant_id):
            place = Place(tenant_id, await held_by(connection, tenant_id, timezone, EVER))
            for grain, start in sorted(buckets):
                found += await wrong_rows(connection, place, grain, start)
    return found


async def wrong_rows(
    connection: asyncpg.Connection, place: Place, grain: Grain, start: datetime
) -> list[Wrong]:
    statement = place.statement(grain, start)
    found = []
    for row in await connection.fetch(statement.sql, *statement.arguments):
        was, should = (
            None if row[name] is None else msgspec.json.decode(row[name])
            for name in ("was", "should")
        )
        known = was or should or {}
        told = f"{grain.name.lower()} {known['bucket']} {Kind(known['kind']).name.lower()}"
        part = CUBOID_NAMES[known["cuboid"]]
        found.append(Wrong(place.tenant_id, told, part, *unlike(was, should)))
    return found


async def wrong_facts(
    connection: asyncpg.Connection, tenant_id: UUID, resource: Resource, ids: Sequence[UUID]
) -> list[Wrong]:
    """Facts that are not what the history of their subjects gives. Where all are, it is the gap
    between contacts, which depends on other subjects."""
    derived = (
        f"SELECT to_json(f)::text FROM (SELECT {', '.join(FACT_COLUMNS)} "
        f"FROM ({SUBJECT_KINDS[resource].derivation}) AS d) AS f"
    )
    stored = await facts_of(connection, STORED_FACTS, tenant_id, ids)
    expected = await facts_of(connection, derived, tenant_id, ids)
    found = []
    for subject in ids:
        name = f"{resource.name.lower()} {subject}"
        is_told = False
        for key in sorted({each for each in (*stored, *expected) if each[0] == str(subject)}):
            was, should = without_gaps(stored.get(key)), without_gaps(expected.get(key))
            if was != should:
                is_told = True
                part = f"fact {Kind(key[1]).name.lower()}"
                found.append(Wrong(tenant_id, name, part, *unlike(was, should)))
        if not is_told:
            gaps = "another gap", "the gap to the contacts beside it"
            found.append(Wrong(tenant_id, name, "fact contact", *gaps))
    return found


Key = tuple[str, int, int]


async def facts_of(
    connection: asyncpg.Connection, sql: str, tenant_id: UUID, ids: Sequence[UUID]
) -> dict[Key, dict[str, Any]]:
    rows = [msgspec.json.decode(row[0]) for row in await connection.fetch(sql, tenant_id, ids)]
    return {(row["subject"], row["kind"], row["ordinal"]): row for row in rows}


def without_gaps(fact: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if fact is None or fact["kind"] != Kind.CONTACT:
        return fact
    return {**fact, "duration_ms": None, "gap_next_ms": None}
