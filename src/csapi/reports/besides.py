"""What groups have besides the sums of their rows: balances, cohorts, and what is due later."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import asyncpg

from csapi.metrics.compile import MOST_GROUPS, cuboid_for
from csapi.metrics.plan import Marked, Planner, from_facts
from csapi.metrics.question import Question
from csapi.metrics.stocks import added, balanced, opening_question
from csapi.reports.cohorts import read_cohorts
from csapi.reports.fillings import Group, too_many_groups
from csapi.reports.frozen import check_kept
from csapi.reports.groups import read_groups, split
from csapi.reports.outlooks import read_due
from csapi.reports.state import read_state

# Of what is frozen the records are gone: then it begins with the first bucket.
FIRST_CHANGE = """
SELECT least(min(first.at), (
  SELECT min(b.bucket) FROM rollup_buckets b WHERE b.tenant_id = $1 AND b.grain = 2
    AND b.bucket < $3 AND EXISTS (SELECT FROM freezes WHERE tenant_id = $1)))
FROM unnest($2::smallint[]) AS k (kind) CROSS JOIN LATERAL (
  SELECT occurred_at AS at FROM facts f
  WHERE f.tenant_id = $1 AND f.kind = k.kind AND f.occurred_at < $3
  ORDER BY occurred_at LIMIT 1) AS first"""


Keys = tuple[int | None, ...]


def regrouped(
    known: Mapping[Keys, Group], parts: Mapping[Keys, Sequence[int | None]]
) -> list[Group]:
    """Groups with these parts, those that were known with their percentiles. Raises Problem for too
    many."""
    if len(parts) > MOST_GROUPS:
        raise too_many_groups()
    return [
        Group(keys, found, known[keys].percentiles if keys in known else {})
        for keys, found in parts.items()
    ]


async def with_balances(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    groups: Sequence[Group],
    total: Group | None,
) -> tuple[list[Group], Group | None]:
    """The groups with balances in place of their changes. What is before the range comes from
    summaries, as far as they are clean."""
    kinds = [int(kind) for kind in question.kinds]
    first = await connection.fetchval(FIRST_CHANGE, tenant_id, kinds, question.period.start)
    start = first or question.period.start
    period = replace(question.period, start=start, end=question.period.start)
    opening = opening_question(question, period)
    opened: list[Group] = []
    opened_total: Group | None = None
    if first is not None:
        state = await read_state(connection, tenant_id, question, start, period.end)
        pieces = from_facts(start, period.end)
        if (cuboid := cuboid_for(opening)) is not None:
            marked, zone = Marked(state.slots, state.months), question.tenant_timezone
            planner = Planner(zone, cuboid, marked, opening.cuts, state.slotted)
            pieces = split(planner, opening)
        check_kept(state.frozen, opening, pieces.facts, cuboid)
        opened, opened_total, _ = await read_groups(connection, tenant_id, opening, pieces)
    known = {group.keys: group for group in groups}
    changes = {keys: group.parts for keys, group in known.items()}
    before = {group.keys: group.parts for group in opened}
    found = balanced(question, opening, changes, before)
    shown = regrouped(known, found)
    if total is not None:
        whole = opened_total or (opened[0] if opened and not opening.groups else None)
        parts = added(question, opening, total.parts, None if whole is None else whole.parts)
        total = Group((), parts, total.percentiles)
    return shown, total


async def with_outlooks(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    groups: Sequence[Group],
    total: Group | None,
) -> tuple[list[Group], Group | None]:
    """The groups with what is due after the range, too."""
    known = {group.keys: group for group in groups}
    parts = {keys: group.parts for keys, group in known.items()}
    found = await read_due(
        connection, tenant_id, question, parts, None if total is None else total.parts
    )
    shown = regrouped(known, found.groups)
    if total is not None and found.total is not None:
        total = Group((), found.total, total.percentiles)
    return shown, total


async def add_cohorts(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    groups: Sequence[Group],
    total: Group | None,
) -> tuple[list[Group], Group | None]:
    """The groups with the sizes of their cohorts; those of the total are of the whole range."""
    known = {group.keys: group for group in groups}
    stored = {keys: group.parts for keys, group in known.items()}
    parts = await read_cohorts(connection, tenant_id, question, stored)
    shown = regrouped(known, parts)
    if total is not None:
        whole = await read_cohorts(connection, tenant_id, question.undivided(), {(): total.parts})
        total = Group((), whole[()], total.percentiles)
    return shown, total
