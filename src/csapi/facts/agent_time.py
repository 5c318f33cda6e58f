"""Deriving presence and shifts, whose facts depend on what else their agent did.

The facts of an agent's presence and shifts are written under the lock of the agent's row: whoever
changes a record locks the agents that it names, before and after, and looks for the neighbours only
then. So of two such transactions the later one sees the earlier.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from csapi.facts.derive import derive_locked
from csapi.facts.derive_sql import LOCK_AGENTS
from csapi.facts.interval import LONGEST_SQL
from csapi.facts.kinds import Kind, Resource
from csapi.facts.staff_cost import PRESENCE_NEAR_SHIFTS
from csapi.facts.timeline import of_same_agent

Connection = Any
Row = Mapping[str, Any]

# At each point of a timeline where a record came, went or changed, these may count otherwise: the
# record before it, when it lasts to the next start, and those that reach into either of the two.
NEIGHBOURS = f"""
WITH points AS (
  SELECT DISTINCT agent, started_at, external_id
  FROM unnest($2::int[], $3::timestamptz[], $4::text[]) AS z (agent, started_at, external_id)
), reaches AS MATERIALIZED (
  SELECT z.*, before.id, coalesce(before.started_at, z.started_at) AS since
  FROM points z LEFT JOIN LATERAL (
    SELECT p.id, p.started_at, p.ended_at FROM presence p
    WHERE {of_same_agent("p", "z")}
      AND (p.started_at, p.external_id) < (z.started_at, z.external_id)
      AND p.started_at >= z.started_at - {LONGEST_SQL}
    ORDER BY p.started_at DESC, p.external_id DESC LIMIT 1) before ON before.ended_at IS NULL
)
SELECT id FROM reaches WHERE id IS NOT NULL
UNION
SELECT p.id FROM reaches r CROSS JOIN LATERAL (
  SELECT p.id FROM presence p
  WHERE {of_same_agent("p", "r")} AND p.started_at <= r.started_at
    AND p.started_at >= r.since - {LONGEST_SQL} AND p.ended_at > r.since OFFSET 0) p"""

# The shifts that stored facts of presence reach into.
SHIFTS_OF_PRESENCE = f"""
SELECT DISTINCT s.id FROM (
  SELECT actor_agent AS agent, min(occurred_at) AS starts_at,
    max(occurred_at) + interval '15 minutes' AS ends_at
  FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[]) AND kind = {Kind.PRESENCE}
  GROUP BY subject, actor_agent) f
CROSS JOIN LATERAL (
  SELECT s.id FROM shifts s
  WHERE {of_same_agent("s", "f")} AND s.started_at < f.ends_at
    AND s.started_at >= f.starts_at - {LONGEST_SQL} AND s.ended_at > f.starts_at OFFSET 0) s"""


async def derive_presence(connection: Connection, tenant_id: UUID, written: Sequence[Row]) -> None:
    """Derive written presence, its neighbours, and the shifts that they reach into."""
    await lock_agents(connection, tenant_id, written)
    points = {(row["agent"], row["started_at"], row["external_id"]) for row in written}
    points |= {
        (row["old_agent"], row["old_started_at"], row["external_id"])
        for row in written
        if not row["is_new"]
    }
    arrays = [list(values) for values in zip(*points, strict=True)]
    subjects = {row["id"] for row in written}
    subjects |= {row[0] for row in await connection.fetch(NEIGHBOURS, tenant_id, *arrays)}
    chosen = sorted(subjects)
    shifts = await shifts_of(connection, tenant_id, chosen)
    await derive_locked(connection, tenant_id, {Resource.PRESENCE: chosen})
    shifts |= await shifts_of(connection, tenant_id, chosen)
    if shifts:
        await derive_locked(connection, tenant_id, {Resource.SHIFT: sorted(shifts)})


async def derive_shifts(connection: Connection, tenant_id: UUID, written: Sequence[Row]) -> None:
    """Derive written shifts, and the presence that they decide the pay of."""
    await lock_agents(connection, tenant_id, written)
    spans = {(row["agent"], row["started_at"], row["ended_at"]) for row in written}
    spans |= {
        (row["old_agent"], row["old_started_at"], row["old_ended_at"])
        for row in written
        if not row["is_new"]
    }
    arrays = [list(values) for values in zip(*spans, strict=True)]
    near = await connection.fetch(PRESENCE_NEAR_SHIFTS, tenant_id, *arrays)
    if near:
        presence = sorted(row[0] for row in near)
        await derive_locked(connection, tenant_id, {Resource.PRESENCE: presence})
    await derive_locked(connection, tenant_id, {Resource.SHIFT: [row["id"] for row in written]})


async def lock_agents(connection: Connection, tenant_id: UUID, written: Sequence[Row]) -> None:
    agents = {row[name] for row in written for name in ("agent", "old_agent")} - {None}
    await connection.execute(LOCK_AGENTS, tenant_id, sorted(agents))


async def shifts_of(connection: Connection, tenant_id: UUID, presence: Sequence[UUID]) -> set[UUID]:
    rows = await connection.fetch(SHIFTS_OF_PRESENCE, tenant_id, presence)
    return {row[0] for row in rows}


async def leave_to_worker(_: Connection, __: UUID, ___: Sequence[Row]) -> None:
    """What an entry of the cost book is counted in is decided with all others (facts/costs.py)."""


DERIVATIONS = {
    Resource.PRESENCE: derive_presence,
    Resource.SHIFT: derive_shifts,
    Resource.COST_ENTRY: leave_to_worker,
}
