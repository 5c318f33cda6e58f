"""What a snapshot says about the state of a question's data: one round trip."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Grain, MarkReason, Resource
from csapi.facts.origins import resources_of
from csapi.facts.registry import SUBJECT_KINDS
from csapi.kit.problems import Problem
from csapi.metrics.cuboids import SLOTTED_DAYS
from csapi.metrics.question import Question
from csapi.reports.frozen import FROZEN, Frozen, frozen_of

PENDING_SHOWN = 100_000
REVISIONS_SHOWN = 100

# Marks in the range, what waits behind them, what another derivation made, which whole days were
# counted again, and how far the data goes.
STATE = f"""
SELECT
  (SELECT array_agg(DISTINCT bucket ORDER BY bucket) FROM marks
   WHERE tenant_id = $1 AND grain = {Grain.SLOT} AND bucket >= $2 AND bucket < $3) AS slots,
  (SELECT array_agg(DISTINCT bucket) FROM marks
   WHERE tenant_id = $1 AND grain = {Grain.MONTH} AND bucket >= $2 AND bucket < $3) AS months,
  (SELECT array_agg(bucket) FROM rollup_buckets
   WHERE tenant_id = $1 AND grain = {Grain.DAY} AND is_slotted
     AND bucket >= greatest($2 - interval '2 days', now() - interval '{SLOTTED_DAYS + 2} days')
     AND bucket < $3) AS slotted,
  (SELECT count(*) FROM (SELECT 1 FROM subject_marks WHERE tenant_id = $1 LIMIT {PENDING_SHOWN}) s)
  + (SELECT count(*) FROM reference_marks WHERE tenant_id = $1) AS subjects,
  (SELECT array_agg(d.resource ORDER BY d.resource) FROM definitions d
   JOIN unnest($5::smallint[], $6::bigint[]) AS k (resource, fingerprint) USING (resource)
   WHERE d.tenant_id = $1 AND (d.fingerprint <> k.fingerprint OR d.target IS NOT NULL)) AS outdated,
  (SELECT array_agg(ROW(bucket, revised_at, revisions, revised_by) ORDER BY bucket DESC) FROM (
     SELECT bucket, revised_at, revisions, revised_by FROM rollup_buckets
     WHERE tenant_id = $1 AND grain = {Grain.DAY} AND revised_at >= $7
       AND bucket > $2 - interval '1 day' AND bucket < $3
     ORDER BY bucket DESC LIMIT {REVISIONS_SHOWN}) AS r) AS revised,
  (SELECT timezone FROM tenants WHERE tenant_id = $1) AS timezone,
  (SELECT max(newest) FROM unnest($4::smallint[]) AS k (kind) CROSS JOIN LATERAL (
     SELECT occurred_at AS newest FROM facts f WHERE f.tenant_id = $1 AND f.kind = k.kind
       AND f.occurred_at <= now() ORDER BY occurred_at DESC LIMIT 1) AS n) AS data_through,
  {FROZEN}"""


@dataclass(frozen=True, slots=True)
class Revision:
    """A day that was counted again after it had been counted as a whole."""

    start: datetime
    revised_at: datetime
    times: int
    reasons: tuple[MarkReason, ...]


@dataclass(frozen=True, slots=True)
class State:
    """slots, months: those that wait to be rebuilt. slotted: the days whose slots have rows of
    every cuboid. outdated: what another derivation made, in whole or in part. frozen: of what no
    records are left."""

    slots: Sequence[datetime]
    months: Sequence[datetime]
    slotted: Sequence[datetime]
    pending_subjects: int
    outdated: tuple[Resource, ...]
    revised: tuple[Revision, ...]
    data_through: datetime | None
    frozen: Frozen | None = None


async def read_state(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    start: datetime,
    end: datetime,
) -> State:
    """The state of [start, end) for a question. `connection` is in a snapshot of the tenant. Raises
    Problem where days are of another zone than whoever asks knows: processes learn of a new one
    within seconds."""
    kinds = [int(kind) for kind in question.own_kinds]
    resources = resources_of(question.own_kinds)
    names = [SUBJECT_KINDS[each].fingerprint for each in resources]
    numbers = [int(each) for each in resources]
    since = question.revised_since
    row = await connection.fetchrow(STATE, tenant_id, start, end, kinds, numbers, names, since)
    if row["timezone"] != question.tenant_timezone:
        raise Problem("busy", "The tenant's zone has just changed: ask again in a few seconds.")
    through = row["data_through"]
    return State(
        slots=row["slots"] or (),
        months=row["months"] or (),
        slotted=row["slotted"] or (),
        pending_subjects=row["subjects"],
        outdated=tuple(Resource(each) for each in row["outdated"] or ()),
        revised=tuple(revision_of(each) for each in row["revised"] or ()),
        data_through=None if through is None else through.astimezone(UTC),
        frozen=frozen_of(row),
    )


def revision_of(row: Any) -> Revision:
    start, revised_at, times, told = row
    return Revision(
        start.astimezone(UTC),
        revised_at.astimezone(UTC),
        times,
        tuple(each for each in MarkReason if each & told),
    )


def names_of(resources: Sequence[Resource]) -> list[str]:
    return [SUBJECT_KINDS[each].name for each in resources]
