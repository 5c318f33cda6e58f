"""Reading what a question needs, in one snapshot and few statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Grain
from csapi.facts.wire import normalized
from csapi.kit.db import run
from csapi.metrics.compile import Compiler, cuboid_for
from csapi.metrics.dimensions import (
    FIND_MEMBERS,
    MEMBER_NAMES,
    Dimension,
    Source,
    custom_dimension,
    entity_names,
    find_entities,
)
from csapi.metrics.formulas import Part
from csapi.metrics.plan import Marked, Pieces, Planner, from_facts
from csapi.metrics.question import Asked, MemberGroup, Question
from csapi.reports.resolve import Members, Wanted

PENDING_SHOWN = 100_000

# Marks in the range, what waits behind them, and how far the data goes: one round trip.
STATE = f"""
SELECT
  (SELECT array_agg(DISTINCT bucket ORDER BY bucket) FROM marks
   WHERE tenant_id = $1 AND grain = {Grain.SLOT} AND bucket >= $2 AND bucket < $3) AS slots,
  (SELECT array_agg(DISTINCT bucket) FROM marks
   WHERE tenant_id = $1 AND grain = {Grain.MONTH} AND bucket >= $2 AND bucket < $3) AS months,
  (SELECT count(*) FROM (SELECT 1 FROM subject_marks WHERE tenant_id = $1 LIMIT {PENDING_SHOWN}) s)
  + (SELECT count(*) FROM reference_marks WHERE tenant_id = $1) AS subjects,
  (SELECT max(newest) FROM unnest($4::smallint[]) AS k (kind) CROSS JOIN LATERAL (
     SELECT occurred_at AS newest FROM facts f WHERE f.tenant_id = $1 AND f.kind = k.kind
     ORDER BY occurred_at DESC LIMIT 1) AS n) AS data_through"""

CUSTOM = "SELECT name, label, slot FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot"


@dataclass(frozen=True, slots=True)
class Group:
    """The parts of one group: its keys in the order of the question's groups."""

    keys: tuple[int | None, ...]
    parts: Mapping[Part, int | None]
    percentiles: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read for a question."""

    groups: Sequence[Group]
    total: Group | None
    names: Mapping[tuple[str, int], tuple[str, str]]
    pending_buckets: int
    pending_subjects: int
    is_exact: bool
    source: str
    data_through: datetime | None


async def custom_dimensions(
    connection: asyncpg.Connection, tenant_id: UUID
) -> tuple[Dimension, ...]:
    rows = await connection.fetch(CUSTOM, tenant_id)
    return tuple(custom_dimension(row["name"], row["label"], row["slot"]) for row in rows)


async def find_members(
    connection: asyncpg.Connection, tenant_id: UUID, wanted: Sequence[Wanted]
) -> Members:
    """The surrogates of names; a name may stand for several, or for none."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in wanted:
        spelled = {normalized(key): key for key in each.keys}
        if each.dimension.source is Source.members:
            rows = await connection.fetch(
                FIND_MEMBERS, tenant_id, int(each.dimension.labels or 0), list(spelled)
            )
        else:
            sql = find_entities(each.dimension.source.value)
            rows = await connection.fetch(sql, tenant_id, list(spelled))
        for row in rows:
            found[each.dimension.id, spelled[row["key"]]].append(row["member"])
    return found


async def read_question(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    *,
    now: datetime,
    live_slots_max: int,
) -> Reading:
    """Run a question. `connection` is in a read-only snapshot of the tenant."""
    period = question.period
    kinds = [int(kind) for kind in question.kinds]
    state = await connection.fetchrow(STATE, tenant_id, period.start, period.end, kinds)
    marked = Marked(state["slots"] or (), state["months"] or ())
    is_exact = state["subjects"] == 0
    cuboid = cuboid_for(question)
    pieces = from_facts(period.start, period.end)
    if cuboid is not None:
        if len(marked.slots) > live_slots_max:
            is_exact, shown = False, Marked()
        else:
            shown = marked
        planner = Planner(question.tenant_timezone, cuboid, shown, question.cuts, now)
        pieces = planner.split(period.start, period.end)
    groups, total = await read_groups(connection, tenant_id, question, pieces)
    return Reading(
        groups=groups,
        total=total,
        names=await read_names(connection, tenant_id, question, groups),
        pending_buckets=len(marked.slots),
        pending_subjects=state["subjects"],
        is_exact=is_exact,
        source=pieces.source,
        data_through=state["data_through"] and state["data_through"].astimezone(UTC),
    )


async def read_groups(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, pieces: Pieces
) -> tuple[list[Group], Group | None]:
    compiler = Compiler(tenant_id, question)
    rows = await run(connection, compiler.parts(pieces, cuboid_for(question)))
    spread = [asked for asked in question.metrics if asked.percentile is not None]
    ranked: Mapping[Any, dict[str, float | None]] = {}
    if spread:
        ranked = await read_percentiles(connection, tenant_id, question, spread)
    size = len(question.groups)
    groups: list[Group] = []
    total: Group | None = None
    for row in rows:
        values = tuple(row)
        parts = dict(zip(question.parts, values[size + 1 :], strict=True))
        is_total = values[size]
        keys = () if is_total else values[:size]
        group = Group(keys, parts, ranked.get((is_total, keys), {}))
        if is_total and size:
            total = group
        else:
            groups.append(group)
    if not size:
        total = groups[0]
    return groups, total


async def read_percentiles(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, spread: Sequence[Asked]
) -> dict[tuple[bool, tuple[int | None, ...]], dict[str, float | None]]:
    """Percentiles in milliseconds by group, by linear interpolation between exact values."""
    rows = await run(connection, Compiler(tenant_id, question).percentiles(spread))
    size = len(question.groups)
    found = {}
    for row in rows:
        values = tuple(row)
        keys = () if values[size] else values[:size]
        names = [asked.name for asked in spread]
        found[values[size], keys] = dict(zip(names, values[size + 1 :], strict=True))
    return found


async def read_names(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, groups: Sequence[Group]
) -> dict[tuple[str, int], tuple[str, str]]:
    """Key and label of every member in the answer, by dimension: one statement for all."""
    statements: list[str] = []
    arguments: list[Any] = [tenant_id]
    for place, group in enumerate(question.groups):
        if not isinstance(group, MemberGroup) or group.dimension.source is Source.value:
            continue
        members = list({each.keys[place] for each in groups if each.keys[place] is not None})
        if not members:
            continue
        source = group.dimension.source
        sql = MEMBER_NAMES if source is Source.members else entity_names(source.value)
        name, ids = len(arguments) + 1, len(arguments) + 2
        statements.append(sql.replace("$3", f"${ids}").replace("$2", f"${name}"))
        arguments += [group.id, members]
    if not statements:
        return {}
    rows = await connection.fetch(" UNION ALL ".join(statements), *arguments)
    return {(row["dimension"], row["member"]): (row["key"], row["label"]) for row in rows}
