"""Policies in the database: which targets derivations choose from.

Written in the transaction of the policies. The caller holds the tenant's exclusive lock: every
derivation reads the targets under the shared one. Facts keep the targets that they have: a change
that reaches back waits until a recompute is asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from csapi.facts.kinds import Reference, Resource
from csapi.facts.schedule_periods import is_business_time_current
from csapi.facts.sla_policy import CONDITIONS, LAST_DAY, StoredRule
from csapi.facts.sla_tables import sla_targets
from csapi.kit.quantities import AHEAD
from csapi.kit.zones import day_start

Connection = Any

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# Nothing can have happened later than that: what begins then changes no fact that is there.
MARGIN = AHEAD + timedelta(hours=1)

POLICIES = """
SELECT rule::text AS rule, valid_from, valid_to FROM sla_policies
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_deleted
ORDER BY position, valid_from DESC, source, external_id"""

COLUMNS = [column.name for column in sla_targets.columns if column.name != "tenant_id"]
TARGETS = f"""
SELECT {", ".join(COLUMNS)} FROM sla_targets WHERE tenant_id = $1 ORDER BY rank, place"""

DELETE_TARGETS = "DELETE FROM sla_targets WHERE tenant_id = $1"

ADD_TARGETS = f"""
INSERT INTO sla_targets (tenant_id, {", ".join(COLUMNS)})
SELECT $1::uuid, {", ".join(COLUMNS)} FROM jsonb_to_recordset($2::jsonb) AS t (
  metric smallint, rank int, place smallint, priority int, target_ms bigint, is_business boolean,
  valid_from timestamptz, valid_to timestamptz, channels int[], inboxes int[], types int[],
  priorities int[], teams int[])"""

HAS_TICKETS = "SELECT EXISTS (SELECT 1 FROM tickets WHERE tenant_id = $1 AND NOT is_stub)"

SET_APPLIED = """
UPDATE sla_policies SET is_applied = true WHERE tenant_id = $1 AND id = ANY($2::uuid[])"""

SET_ALL_APPLIED = (
    "UPDATE sla_policies SET is_applied = true WHERE tenant_id = $1 AND NOT is_applied"
)

MARK_POLICIES = f"""
INSERT INTO reference_marks (tenant_id, reference, member)
VALUES ($1, {Reference.SLA}::smallint, 0)"""

HAS_UNAPPLIED = """
SELECT EXISTS (
  SELECT 1 FROM sla_policies WHERE tenant_id = $1 AND NOT is_stub AND NOT is_applied)"""

ZONE = "SELECT timezone FROM tenants WHERE tenant_id = $1"

MARK_TICKETS = f"""
INSERT INTO subject_marks (tenant_id, resource, subject)
SELECT tenant_id, {Resource.TICKET}::smallint, id FROM tickets
WHERE tenant_id = $1 AND NOT is_stub"""

# A ticket that waits may have no other business time than that of its targets.
MARK_TICKETS_WITH_HOURS = f"""{MARK_TICKETS}
  AND EXISTS (SELECT 1 FROM sla_targets WHERE tenant_id = $1 AND is_business)"""


@dataclass(frozen=True, slots=True)
class Target:
    """A row of sla_targets, by the names of its columns."""

    metric: int
    rank: int
    place: int
    priority: int | None
    target_ms: int
    is_business: bool
    valid_from: datetime
    valid_to: datetime
    channels: list[int] | None
    inboxes: list[int] | None
    types: list[int] | None
    priorities: list[int] | None
    teams: list[int] | None


def targets_of(
    rank: int, rule: StoredRule, valid_from: date, valid_to: date | None, timezone: str
) -> list[Target]:
    """The targets of a policy, each with its conditions."""
    ends = valid_to is not None and valid_to < LAST_DAY
    conditions = {name: sorted(set(getattr(rule, name))) or None for name in CONDITIONS}
    return [
        Target(
            metric=each.metric,
            rank=rank,
            place=place,
            priority=each.priority,
            target_ms=each.target_ms,
            is_business=each.is_business,
            valid_from=day_start(timezone, valid_from),
            valid_to=day_start(timezone, valid_to) if ends and valid_to else NEVER,
            **conditions,
        )
        for place, each in enumerate(rule.targets)
    ]


def effective(targets: Sequence[Target], until: datetime) -> list[Target]:
    """What can be told of the targets by what began before `until`."""
    begun = [target for target in targets if target.valid_from < until]
    ranks = {rank: place for place, rank in enumerate(sorted({each.rank for each in begun}))}
    return [
        replace(each, rank=ranks[each.rank], valid_to=min(each.valid_to, until)) for each in begun
    ]


async def settle(
    connection: Connection, tenant_id: UUID, written: Sequence[Any], now: datetime
) -> None:
    """Bring the targets in line with the policies, of which some were just written.

    Where that changes nothing for what has begun so far, or there is no ticket yet, all facts stay
    those of the policies. written: the rows, with id and was_applied.
    """
    timezone: str = await connection.fetchval(ZONE, tenant_id)
    wanted: list[Target] = []
    for rank, row in enumerate(await connection.fetch(POLICIES, tenant_id)):
        rule = msgspec.json.decode(row["rule"], type=StoredRule)
        wanted += targets_of(rank, rule, row["valid_from"], row["valid_to"], timezone)
    stored = [Target(**dict(row)) for row in await connection.fetch(TARGETS, tenant_id)]
    await connection.execute(DELETE_TARGETS, tenant_id)
    await connection.execute(ADD_TARGETS, tenant_id, msgspec.json.encode(wanted).decode())
    begun = now + MARGIN
    is_same = effective(stored, begun) == effective(wanted, begun)
    if is_same:
        applied = [row["id"] for row in written if row["was_applied"] is not False]
    elif await connection.fetchval(HAS_TICKETS, tenant_id):
        applied = []
    else:
        applied = [row["id"] for row in written]
    if applied:
        await connection.execute(SET_APPLIED, tenant_id, applied)


async def ask_for_recompute(connection: Connection, tenant_id: UUID) -> None:
    """Let the worker derive all tickets again, by the policies as they are."""
    await connection.execute(SET_ALL_APPLIED, tenant_id)
    await connection.execute(MARK_POLICIES, tenant_id)


async def are_targets_current(connection: Connection, tenant_id: UUID) -> bool:
    """Whether targets are decided as policies and schedules say now, apart from what is marked.

    Where not, one of them was changed and nobody asked for a recompute: facts keep what they had.
    """
    if await connection.fetchval(HAS_UNAPPLIED, tenant_id):
        return False
    return await is_business_time_current(connection, tenant_id)
