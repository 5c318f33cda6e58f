"""Reading the groups of a question: sums of parts, and percentiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg

from csapi.kit.db import run
from csapi.kit.turns import FEW_ROWS, aside
from csapi.metrics.compile import MOST_GROUPS, Compiler, cuboid_for
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
from csapi.metrics.question import Asked, MemberGroup, Question, Terms
from csapi.reports.fillings import Group, too_many_groups
from csapi.reports.frozen import Frozen, check_kept, check_records_kept
from csapi.reports.state import State

Ranked = dict[tuple[bool, tuple[int | None, ...]], dict[str, Percentile]]


def pieces_of(question: Question, state: State, live_slots_max: int) -> tuple[Pieces, bool]:
    """What to read where, and whether that has everything: of too many marked slots it does not."""
    period, cuboid = question.period, cuboid_for(question)
    if cuboid is None:
        check_kept(state.frozen, question, [(period.start, period.end)], None)
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
    pieces = split(planner, question)
    check_kept(state.frozen, question, pieces.facts, cuboid)
    return pieces, is_complete


def split(planner: Planner, question: Question) -> Pieces:
    """The pieces of a question's period. Where facts may lie ahead, no summary says which."""
    period = question.period
    if question.seen_until is None:
        return planner.split(period.start, period.end)
    now = max(question.seen_until, period.start)
    pieces = planner.split(period.start, now)
    extend(pieces.facts, now, period.end)
    return pieces


async def read_groups(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    question: Question,
    pieces: Pieces,
    frozen: Frozen | None = None,
) -> tuple[list[Group], Group | None, bool]:
    """The groups, their total, and whether percentiles were read from facts. Of what is frozen
    there are bins alone."""
    cuboid = cuboid_for(question)
    rows = await run(connection, Compiler(tenant_id, question).parts(pieces, cuboid))
    size = len(question.groups)
    if len(rows) > MOST_GROUPS + 1:
        raise too_many_groups()
    counted = [row for row in rows if not row[size]] if size else rows
    percentiles: list[Percentiles] = []
    for spread, asked in spreads(question).items():
        places = question.places[question.metrics.index(asked[0])]
        n = sum(total_of(places.n, row, size + 1) for row in counted)
        # Bins are of durations by the calendar alone.
        has_bins = cuboid is not None and spread[0].hours is Hours.calendar
        is_kept = frozen is None or question.period.start >= frozen.before
        if not has_bins:
            check_records_kept(frozen, question.period.start, f"{asked[0].name} is read from them")
        is_exact = not has_bins or (n <= EXACT_MAX and is_kept)
        if is_exact:
            statement = exact_statement(tenant_id, question, spread[0], asked)
        else:
            statement = binned_statement(tenant_id, question, spread[0], asked, pieces, cuboid)
        percentiles.append(Percentiles(asked, await run(connection, statement), is_exact))
    from_facts_read = any(each.is_exact for each in percentiles)
    if len(rows) <= FEW_ROWS:
        groups, total = groups_of(question, rows, percentiles)
    else:
        groups, total = await aside(groups_of, question, rows, percentiles)
    return groups, total, from_facts_read


@dataclass(frozen=True, slots=True)
class Percentiles:
    """What a statement found of percentiles of the same durations."""

    asked: Sequence[Asked]
    rows: Sequence[Sequence[Any]]
    is_exact: bool


def groups_of(
    question: Question, rows: Sequence[Sequence[Any]], percentiles: Sequence[Percentiles]
) -> tuple[list[Group], Group | None]:
    """The groups and their total from the rows of statements."""
    size = len(question.groups)
    ranked: Ranked = {}
    for each in percentiles:
        for row in each.rows:
            values = tuple(row)
            keys = () if values[size] else values[:size]
            found = percentiles_of(each.asked, values[size + 1 :], is_exact=each.is_exact)
            place = values[size], keys
            ranked[place] = ranked[place] | found if place in ranked else found
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
    return groups, total if size else groups[0]


def is_brief(question: Question) -> bool:
    """Whether sums of summaries are all that is read, and of facts no more than what waits for a
    rebuild: no joins, so that a plan is as good for few rows as for many."""
    joins = any(
        isinstance(group, MemberGroup)
        and (group.mapping is not None or group.dimension.is_looked_up)
        for group in question.groups
    )
    return (
        not joins
        and cuboid_for(question) is not None
        and not spreads(question)
        and not any(
            asked.formula.is_beside_rows or asked.extreme is not None for asked in question.metrics
        )
    )


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
