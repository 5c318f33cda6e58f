"""Reading what a question needs, in one snapshot and few statements."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from csapi.facts.kinds import Resource
from csapi.facts.origins import resources_of
from csapi.facts.wire import normalized
from csapi.kit.db import run
from csapi.metrics.dimensions import (
    FIND_MEMBERS,
    Dimension,
    Source,
    custom_dimension,
    entity_names,
    find_entities,
    member_names,
)
from csapi.metrics.question import OTHER, MemberGroup, Question, TimeGroup
from csapi.metrics.stocks import empty_parts
from csapi.metrics.wholes import Common
from csapi.metrics.words import ENGLISH, Words
from csapi.reports.besides import add_cohorts, with_balances, with_outlooks
from csapi.reports.comparison import NullReason
from csapi.reports.fillings import Group, common_of, filled
from csapi.reports.frozen import check_records_kept, frozen_cautions
from csapi.reports.groups import pieces_of, read_groups
from csapi.reports.resolve import Members, Wanted
from csapi.reports.small_groups import with_customers
from csapi.reports.state import Revision, State, read_state
from csapi.reports.suppression import customers_statement

# The key of a member, and what its tenant calls it, if it says.
Name = tuple[str, str | None]

CUSTOM = "SELECT name, label, slot FROM custom_attributes WHERE tenant_id = $1 ORDER BY slot"


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read for a question."""

    groups: Sequence[Group]
    total: Group | None
    names: Mapping[tuple[str, int], Name]
    pending_buckets: int
    pending_subjects: int
    is_exact: bool
    source: str
    data_through: datetime | None
    common: Common | None = None
    outdated: tuple[Resource, ...] = ()
    # The metrics that facts of two definitions would be mixed in.
    changing: frozenset[str] = frozenset()
    revised: tuple[Revision, ...] = ()
    words: Words = ENGLISH
    # What to know of all the numbers.
    cautions: tuple[str, ...] = ()

    def nothing(self, question: Question, keys: tuple[int | None, ...]) -> Group:
        """A group in which nothing happened."""
        parts = empty_parts(question)
        found = Group(keys, self.common.filled(keys, parts) if self.common else parts, {})
        return with_changing(found, self.changing) if self.changing else found


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
    words: Words = ENGLISH,
    names_customers: bool = False,
) -> Reading:
    """Run a question. `connection` is in a read-only snapshot of the tenant. smallest_group: what
    is about fewer customers is hidden. names_customers: by their names, else by their ids."""
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
        what = "how many customers a number is about cannot be told"
        check_records_kept(state.frozen, period.start, what)
        rows = await run(connection, customers_statement(tenant_id, question))
        groups, total = with_customers(question, groups, total, rows, smallest_group)
    changing = changing_in(question, state)
    if changing:
        groups = [with_changing(each, changing) for each in groups]
        total = None if total is None else with_changing(total, changing)
    found = replace(
        reading_of(state, groups, total, reader.source, words),
        changing=changing,
        cautions=frozen_cautions(state.frozen, question),
    )
    names = await read_names(
        connection, tenant_id, question.groups, groups, names_customers=names_customers
    )
    is_exact = found.is_exact and reader.is_complete
    return replace(found, names=names, is_exact=is_exact, common=common)


def changing_in(question: Question, state: State) -> frozenset[str]:
    """The metrics some of whose facts a changed definition has made, and some its predecessor."""
    if not state.outdated:
        return frozenset()
    return frozenset(
        asked.name
        for asked in question.metrics
        if not set(state.outdated).isdisjoint(resources_of({part.kind for part in asked.parts}))
    )


def with_changing(group: Group, names: Iterable[str]) -> Group:
    changing = dict.fromkeys(names, NullReason.definition_changing)
    return replace(group, hidden={**group.hidden, **changing})


def reading_of(
    state: State, groups: Sequence[Group], total: Group | None, source: str, words: Words
) -> Reading:
    """What was read, and what the state says of it."""
    return Reading(
        groups=groups,
        total=total,
        names={},
        pending_buckets=len(state.slots),
        pending_subjects=state.pending_subjects,
        is_exact=state.pending_subjects == 0 and not state.outdated,
        source=source,
        data_through=state.data_through,
        outdated=state.outdated,
        revised=state.revised,
        words=words,
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
        frozen = self.state.frozen
        groups, total, has_read_facts = await read_groups(
            self.connection, self.tenant_id, question, pieces, frozen
        )
        if question.stocks:
            groups, total = await with_balances(
                self.connection, self.tenant_id, question, groups, total
            )
        if question.has_cohorts or question.has_outlooks:
            what = "this follows them one by one"
            check_records_kept(frozen, question.period.start, what)
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
        frozen = self.state.frozen
        groups, _, _ = await read_groups(self.connection, self.tenant_id, question, pieces, frozen)
        return groups


def with_untagged(question: Question, groups: list[Group]) -> list[Group]:
    """By tags alone there is always a row of what has none, be it empty."""
    if len(question.groups) > 1 or any(group.keys == (None,) for group in groups):
        return groups
    return [*groups, Group((None,), empty_parts(question), {})]


async def read_names(
    connection: asyncpg.Connection,
    tenant_id: UUID,
    asked: Sequence[TimeGroup | MemberGroup],
    groups: Sequence[Group],
    *,
    names_customers: bool = False,
) -> dict[tuple[str, int], Name]:
    """Key and label of every member in the groups of what was asked, by dimension: one statement
    for all. Customers are called by their names only where that is wanted."""
    statements: list[str] = []
    arguments: list[Any] = [tenant_id]
    for place, group in enumerate(asked):
        if not isinstance(group, MemberGroup) or group.dimension.source is Source.value:
            continue
        members = list({each.keys[place] for each in groups} - {None, OTHER})
        if not members:
            continue
        source = group.dimension.source
        is_named = names_customers or source is not Source.customers
        if source is Source.members:
            sql = member_names(group.dimension.labels)
        else:
            sql = entity_names(source.value, is_named=is_named)
        name, ids = len(arguments) + 1, len(arguments) + 2
        statements.append(sql.replace("$3", f"${ids}").replace("$2", f"${name}"))
        arguments += [group.id, members]
    if not statements:
        return {}
    rows = await connection.fetch(" UNION ALL ".join(statements), *arguments)
    return {(row["dimension"], row["member"]): (row["key"], row["label"]) for row in rows}
