"""Reading what a question needs, in one snapshot and few statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Resource
from csapi.facts.wire import normalized
from csapi.kit.db import run
from csapi.metrics.compile import MOST_GROUPS, Compiler, cuboid_for
from csapi.metrics.dimensions import (
    FIND_MEMBERS,
    Dimension,
    Source,
    custom_dimension,
    entity_names,
    find_entities,
    member_names,
)
from csapi.metrics.formulas import Facts
from csapi.metrics.parts import LASTING, Hours
from csapi.metrics.percentiles import (
    EXACT_MAX,
    Percentile,
    binned_statement,
    exact_statement,
    percentiles_of,
)
from csapi.metrics.plan import Marked, Pieces, Planner, extend, from_facts
from csapi.metrics.question import OTHER, Asked, MemberGroup, Question, Terms
from csapi.metrics.stocks import added, balanced, empty_parts, opening_question
from csapi.metrics.wholes import Common
from csapi.reports.cohorts import read_cohorts
from csapi.reports.fillings import Group, common_of, filled, too_many_groups
from csapi.reports.outlooks import read_due
from csapi.reports.resolve import Members, Wanted
from csapi.reports.small_groups import with_customers
from csapi.reports.state import Revision, State, read_state
from csapi.reports.suppression import customers_statement

FIRST_CHANGE = """
SELECT min(first.at) FROM unnest($2::smallint[]) AS k (kind) CROSS JOIN LATERAL (
  SELECT occurred_at AS at FROM facts f
  WHERE f.tenant_id = $1 AND f.kind = k.kind AND f.occurred_at < $3
  ORDER BY occurred_at LIMIT 1) AS first"""

CUSTOM = "SELECT name, label, slot FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot"


Ranked = dict[tuple[bool, tuple[int | None, ...]], dict[str, Percentile]]


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
    common: Common | None = None
    outdated: tuple[Resource, ...] = ()
    revised: tuple[Revision, ...] = ()

    def nothing(self, question: Question, keys: tuple[int | None, ...]) -> Group:
        """A group in which nothing happened."""
        parts = empty_parts(question)
        return Group(keys, self.common.filled(keys, parts) if self.common else parts, {})


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
    live_slots_max: int,
    smallest_group: int | None = None,
) -> Reading:
    """Run a question. `connection` is in a read-only snapshot of the tenant. smallest_group: what
    is about fewer customers is hidden."""
    period = question.period
    state = await read_state(connection, tenant_id, question, period.start, period.end)
    reader = Reader(connection, tenant_id, state, live_slots_max)
    told = replace(question, with_totals=False) if question.overlapping else question
    groups, total = await reader.read(told)
    if question.overlapping:
        groups = with_untagged(question, groups)
        if question.with_totals:
            _, total = await reader.read(question.undivided())
    common = await common_of(question, reader.groups)
    if common is not None:
        groups = [replace(each, parts=common.filled(each.keys, each.parts)) for each in groups]
        if total is not None:
            total = replace(total, parts=common.filled((), total.parts))
    if smallest_group is not None:
        rows = await run(connection, customers_statement(tenant_id, question))
        groups, total = with_customers(question, groups, total, rows, smallest_group)
    return Reading(
        groups=groups,
        total=total,
        names=await read_names(connection, tenant_id, question, groups),
        pending_buckets=len(state.slots),
        pending_subjects=state.pending_subjects,
        is_exact=reader.is_complete and state.pending_subjects == 0 and not state.outdated,
        source=reader.source,
        data_through=state.data_through,
        common=common,
        outdated=state.outdated,
        revised=state.revised,
    )


@dataclass(slots=True)
class Reader:
    """Reads groups in one snapshot, whose state is known, and remembers what from."""

    connection: asyncpg.Connection
    tenant_id: UUID
    state: State
    live_slots_max: int
    is_complete: bool = True
    source: str = ""

    async def read(self, question: Question) -> tuple[list[Group], Group | None]:
        """The groups of a question, and their total."""
        pieces, is_complete = pieces_of(question, self.state, self.live_slots_max)
        groups, total, has_read_facts = await read_groups(
            self.connection, self.tenant_id, question, pieces
        )
        if question.stocks:
            groups, total = await with_balances(
                self.connection, self.tenant_id, question, groups, total
            )
        if question.has_cohorts:
            groups, total = await add_cohorts(
                self.connection, self.tenant_id, question, groups, total
            )
        if question.has_outlooks:
            groups, total = await with_outlooks(
                self.connection, self.tenant_id, question, groups, total
            )
        groups, total = await filled(self.connection, self.tenant_id, question, groups, total)
        source = "mixed" if has_read_facts and pieces.source == "summary" else pieces.source
        self.source = source if self.source in ("", source) else "mixed"
        self.is_complete &= is_complete
        return groups, total

    async def groups(self, question: Question) -> list[Group]:
        """The groups of a question as the rows have them, nothing filled in."""
        pieces, _ = pieces_of(question, self.state, self.live_slots_max)
        groups, _, _ = await read_groups(self.connection, self.tenant_id, question, pieces)
        return groups


def with_untagged(question: Question, groups: list[Group]) -> list[Group]:
    """By tags alone there is always a row of what has none, be it empty."""
    if len(question.groups) > 1 or any(group.keys == (None,) for group in groups):
        return groups
    return [*groups, Group((None,), empty_parts(question), {})]


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
    if len(parts) > MOST_GROUPS:
        raise too_many_groups()
    shown = [
        Group(keys, found, known[keys].percentiles if keys in known else {})
        for keys, found in parts.items()
    ]
    if total is not None:
        whole = await read_cohorts(connection, tenant_id, question.undivided(), {(): total.parts})
        total = Group((), whole[()], total.percentiles)
    return shown, total


def pieces_of(question: Question, state: State, live_slots_max: int) -> tuple[Pieces, bool]:
    """What to read where, and whether that has everything: of too many marked slots it does not."""
    period, cuboid = question.period, cuboid_for(question)
    if cuboid is None:
        return from_facts(period.start, period.end), True
    marked = Marked(state.slots, state.months)
    is_complete = len(marked.slots) <= live_slots_max
    planner = Planner(
        question.tenant_timezone,
        cuboid,
        marked if is_complete else Marked(),
        question.cuts,
        state.slotted,
    )
    return split(planner, question), is_complete


def split(planner: Planner, question: Question) -> Pieces:
    """The pieces of a question's period. Where facts may lie ahead, no summary says which."""
    period = question.period
    if question.seen_until is None:
        return planner.split(period.start, period.end)
    now = max(question.seen_until, period.start)
    pieces = planner.split(period.start, now)
    extend(pieces.facts, now, period.end)
    return pieces


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
        opened, opened_total, _ = await read_groups(connection, tenant_id, opening, pieces)
    known = {group.keys: group for group in groups}
    changes = {keys: group.parts for keys, group in known.items()}
    before = {group.keys: group.parts for group in opened}
    found = balanced(question, opening, changes, before)
    if len(found) > MOST_GROUPS:
        raise too_many_groups()
    shown = [
        Group(keys, parts, known[keys].percentiles if keys in known else {})
        for keys, parts in found.items()
    ]
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
    if len(found.groups) > MOST_GROUPS:
        raise too_many_groups()
    shown = [
        Group(keys, parts, known[keys].percentiles if keys in known else {})
        for keys, parts in found.groups.items()
    ]
    if total is not None and found.total is not None:
        total = Group((), found.total, total.percentiles)
    return shown, total


async def read_groups(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, pieces: Pieces
) -> tuple[list[Group], Group | None, bool]:
    """The groups, their total, and whether percentiles were read from facts."""
    cuboid = cuboid_for(question)
    rows = await run(connection, Compiler(tenant_id, question).parts(pieces, cuboid))
    size = len(question.groups)
    if len(rows) > MOST_GROUPS + 1:
        raise too_many_groups()
    counted = [row for row in rows if not row[size]] if size else rows
    ranked: Ranked = {}
    from_facts_read = False
    for spread, asked in spreads(question).items():
        places = question.places[question.metrics.index(asked[0])]
        n = sum(total_of(places.n, row, size + 1) for row in counted)
        # Bins are of durations by the calendar alone.
        has_bins = cuboid is not None and spread[0].hours is Hours.calendar
        is_exact = not has_bins or n <= EXACT_MAX
        from_facts_read |= is_exact
        if is_exact:
            statement = exact_statement(tenant_id, question, spread[0], asked)
        else:
            statement = binned_statement(tenant_id, question, spread[0], asked, pieces, cuboid)
        for row in await run(connection, statement):
            values = tuple(row)
            keys = () if values[size] else values[:size]
            found = ranked.setdefault((values[size], keys), {})
            found.update(percentiles_of(asked, values[size + 1 :], is_exact=is_exact))
    groups: list[Group] = []
    total: Group | None = None
    has_squares = any(asked.squares is not None for asked in question.metrics)
    for row in rows:
        values = tuple(row)
        if has_squares:
            values = tuple(int(each) if isinstance(each, Decimal) else each for each in values)
        is_total = values[size]
        keys = () if is_total else values[:size]
        group = Group(keys, values[size + 1 :], ranked.get((is_total, keys), {}))
        if is_total and size:
            total = group
        else:
            groups.append(group)
    return groups, total if size else groups[0], from_facts_read


def spreads(question: Question) -> dict[tuple[Facts, bool], list[Asked]]:
    """The percentiles that are asked for, by the durations that they are taken of."""
    found: dict[tuple[Facts, bool], list[Asked]] = {}
    for asked in question.metrics:
        spread = asked.formula.spread
        if asked.percentile is not None and spread is not None and spread.kind not in LASTING:
            found.setdefault((spread, asked.formula.exclude_zero), []).append(asked)
    return found


def total_of(terms: Terms, row: Sequence[Any], first: int) -> int:
    return sum(sign * row[first + place] for sign, place in terms)


async def read_names(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, groups: Sequence[Group]
) -> dict[tuple[str, int], tuple[str, str]]:
    """Key and label of every member in the answer, by dimension: one statement for all."""
    statements: list[str] = []
    arguments: list[Any] = [tenant_id]
    for place, group in enumerate(question.groups):
        if not isinstance(group, MemberGroup) or group.dimension.source is Source.value:
            continue
        members = list({each.keys[place] for each in groups} - {None, OTHER})
        if not members:
            continue
        source = group.dimension.source
        is_label = source is Source.members
        sql = member_names(group.dimension.labels) if is_label else entity_names(source.value)
        name, ids = len(arguments) + 1, len(arguments) + 2
        statements.append(sql.replace("$3", f"${ids}").replace("$2", f"${name}"))
        arguments += [group.id, members]
    if not statements:
        return {}
    rows = await connection.fetch(" UNION ALL ".join(statements), *arguments)
    return {(row["dimension"], row["member"]): (row["key"], row["label"]) for row in rows}
