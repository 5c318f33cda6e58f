"""One engine behind every report: a question in, an answer out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.metrics.dimensions import CUSTOM_PREFIX, DIMENSIONS, Dimension
from csapi.metrics.formulas import Unit
from csapi.metrics.question import Question
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.meta import meta_of
from csapi.reports.ordering import Shape
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows, other_cells, read_rows
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.resolve import Setting, build_question, check_filter, wanted_keys
from csapi.reports.schemas import (
    FilterNode,
    Include,
    Query,
    QueryAnswer,
    QueryPage,
)
from csapi.reports.series import Grid, matrix_of, series_of
from csapi.reports.shape import cells, result_rows
from csapi.reports.standing import Standing, Standings
from csapi.reports.surroundings import annotations_of, currency_of, topic_tree

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}
NO_COST_BOOK = "there is no cost book: what the work costs is not known, and counts as 0"
THROUGH_TOPICS = {name for name, dimension in DIMENSIONS.items() if dimension.through}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, from where, and at what time."""

    pool: asyncpg.Pool
    tenant_id: UUID
    timezone: str
    now: datetime
    live_slots_max: int
    # Whether the smallest group that the tenant shows does not hold for who asks.
    sees_everything: bool = False
    standings: Standings = field(default_factory=Standings)


async def answer(desk: Desk, query: Query) -> QueryAnswer:
    """Answer a question in one snapshot. Raises Problem for what cannot be asked."""
    async with tenant_transaction(desk.pool, desk.tenant_id, readonly=True) as connection:
        return await answer_on(Snapshot(connection, desk), query)


@dataclass(slots=True)
class Snapshot:
    """A read-only snapshot of a tenant, and what was looked up in it."""

    connection: asyncpg.Connection
    desk: Desk
    _custom: Sequence[Dimension] | None = None
    _topics: TopicTree | None = None
    _standing: Standing | None = None

    async def custom(self, names: Iterable[str]) -> Sequence[Dimension]:
        """The tenant's own dimensions, where one of the names is of such a one."""
        if not any(name.startswith(CUSTOM_PREFIX) for name in names):
            return ()
        if self._custom is None:
            self._custom = await custom_dimensions(self.connection, self.desk.tenant_id)
        return self._custom

    async def topics(self, names: Iterable[str]) -> TopicTree:
        """How topics hang together, where one of the names looks at them so."""
        if not any(name in THROUGH_TOPICS for name in names):
            return NO_TOPICS
        if self._topics is None:
            self._topics = await topic_tree(self.connection, self.desk.tenant_id)
        return self._topics

    async def standing(self) -> Standing:
        """What the tenant has settled."""
        if self._standing is None:
            desk = self.desk
            self._standing = await desk.standings.of(self.connection, desk.tenant_id)
        return self._standing

    async def read(self, question: Question) -> Reading:
        standing = await self.standing()
        return await read_question(
            self.connection,
            self.desk.tenant_id,
            question,
            live_slots_max=self.desk.live_slots_max,
            smallest_group=None if self.desk.sees_everything else standing.smallest_group,
        )


async def resolved(snapshot: Snapshot, query: Query) -> tuple[Question, list[str]]:
    """The question with nothing left open, and what to know of it."""
    desk = snapshot.desk
    names = list(names_in(query))
    custom, topics = await snapshot.custom(names), await snapshot.topics(names)
    standing = await snapshot.standing()
    setting = Setting(desk.timezone, custom, desk.now, topics, standing.settled, standing.untold)
    members: Mapping[tuple[str, str], Sequence[int]] = {}
    if query.filters is not None:
        wanted = wanted_keys(list(check_filter(query.filters, setting)))
        members = await find_members(snapshot.connection, desk.tenant_id, wanted)
    question = build_question(query, setting, members)
    return question, [*cautions(question), *unknown_values(query, members)]


async def answer_on(snapshot: Snapshot, query: Query) -> QueryAnswer:
    """The same in a snapshot that is there already."""
    question, warnings = await resolved(snapshot, query)
    check_rows(query, question)
    rows = await read_rows(snapshot.read, query, question)
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    money = [asked.name for asked in question.metrics if asked.metric.unit is Unit.MONEY]
    currency = await currency_of(connection, tenant_id) if money else None
    if money and currency is None:
        warnings.append(NO_COST_BOOK)
    found = shaped(query, rows, warnings, snapshot.desk.now)
    for name in money:
        if found.meta.columns[name].unit is Unit.MONEY:
            found.meta.columns[name].currency = currency
    if Include.annotations in query.include:
        found.annotations = await annotations_of(
            connection, tenant_id, question.period, query.filters
        )
    return found


def names_in(query: Query) -> Iterable[str]:
    yield from query.dimensions
    pending = [query.filters]
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.dimension is not None:
            yield node.dimension
        pending += [*(node.and_ or ()), *(node.or_ or ()), node.not_]


def cautions(question: Question) -> list[str]:
    """What to know of a metric when it is asked for by person or team."""
    if not question.columns & BY_PERSON:
        return []
    return [
        f"{asked.name}: {asked.metric.caution_by_agent}"
        for asked in question.metrics
        if asked.metric.caution_by_agent
    ]


def unknown_values(query: Query, members: Mapping[tuple[str, str], Sequence[int]]) -> list[str]:
    """A filter value that nobody bears selects nothing; say so, since it may be a typo."""
    known = {key for _, key in members}
    found: list[str] = []
    pending: list[FilterNode | None] = [query.filters]
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.dimension != "rating":
            found += [
                f"no member of {node.dimension} is called {value[:64]!r}"
                for value in node.values or ()
                if value not in known
            ]
        pending += [*(node.and_ or ()), *(node.or_ or ()), node.not_]
    return found


def shaped(query: Query, rows: Rows, warnings: list[str], now: datetime) -> QueryAnswer:
    question, reading = rows.question, rows.reading
    totals = None
    if question.with_totals and reading.total is not None:
        totals = cells(question, reading.total)
    found = QueryAnswer(
        data=[],
        categories=None,
        series=None,
        matrix=None,
        totals=totals,
        other=other_cells(rows),
        page=QueryPage(next_cursor=None),
        meta=meta_of(query, rows, warnings, now),
    )
    if query.shape is Shape.rows:
        fingerprint = fingerprint_of(query)
        page, found.page.next_cursor = page_of(rows.groups, query.limit, query.cursor, fingerprint)
        found.data = result_rows(question, reading, page)
        return found
    grid = Grid(rows, query, found.meta.columns)
    if query.shape is Shape.series:
        found.categories, found.series = series_of(grid)
    else:
        found.matrix = matrix_of(grid)
    return found
