"""One engine behind every report: a question in, an answer out."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import UNSET

from csapi.access.tenancy import tenant_transaction
from csapi.metrics.dimensions import CUSTOM_PREFIX, DIMENSIONS, Dimension
from csapi.metrics.question import Question
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.comparing import Beside, check_compared, joined, read_beside
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.ordering import Shape
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows, read_rows
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.resolve import Setting, build_question, check_filter, wanted_keys
from csapi.reports.resolve_compare import (
    OVERLAP,
    Target,
    build_target,
    check_compare,
    compare_tests,
    overlaps,
)
from csapi.reports.schemas import (
    FilterNode,
    Include,
    Query,
    QueryAnswer,
    QueryPage,
)
from csapi.reports.series import Grid, matrix_of, series_of
from csapi.reports.shape import result_rows
from csapi.reports.surroundings import annotations_of, topic_tree
from csapi.reports.telling import Teller, add_sides, tests_in
from csapi.reports.verdicts import Judge

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}
THROUGH_TOPICS = {name for name, dimension in DIMENSIONS.items() if dimension.through}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, from where, and at what time."""

    pool: asyncpg.Pool
    tenant_id: UUID
    timezone: str
    now: datetime
    live_slots_max: int


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

    async def read(self, question: Question) -> Reading:
        return await read_question(
            self.connection,
            self.desk.tenant_id,
            question,
            live_slots_max=self.desk.live_slots_max,
        )


async def resolved(snapshot: Snapshot, query: Query) -> tuple[Question, list[str], Target | None]:
    """The question with nothing left open, what to know of it, and what it is compared with."""
    desk = snapshot.desk
    names = list(names_in(query))
    custom, topics = await snapshot.custom(names), await snapshot.topics(names)
    setting = Setting(desk.timezone, custom, desk.now, topics)
    members: Mapping[tuple[str, str], Sequence[int]] = {}
    if query.compare is not None:
        check_compare(query, query.compare)
    tests = [] if query.filters is None else list(check_filter(query.filters, setting))
    tests += compare_tests(query, setting)
    if tests:
        members = await find_members(snapshot.connection, desk.tenant_id, wanted_keys(tests))
    question = build_question(query, setting, members)
    target = build_target(query, question, setting, members)
    warnings = [*cautions(question), *unknown_values(query, members)]
    if target is not None and overlaps(question, target):
        warnings.append(OVERLAP)
    return question, warnings, target


async def answer_on(snapshot: Snapshot, query: Query) -> QueryAnswer:
    """The same in a snapshot that is there already."""
    question, warnings, target = await resolved(snapshot, query)
    check_rows(query, question)
    rows = await read_rows(snapshot.read, query, question)
    beside = None
    if target is not None:
        beside = await read_beside(snapshot.read, query, rows, target)
        rows = joined(query, rows, beside)
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    parts = query, rows, beside, warnings, snapshot.desk.now
    # Tests take time, and others must not wait for them.
    found = shaped(*parts) if beside is None else await asyncio.to_thread(shaped, *parts)
    await add_currency(connection, tenant_id, question, found.meta)
    if Include.annotations in query.include:
        found.annotations = await annotations_of(
            connection, tenant_id, question.period, query.filters
        )
    return found


def names_in(query: Query) -> Iterable[str]:
    yield from query.dimensions
    pending = filters_of(query)
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.dimension is not None:
            yield node.dimension
        pending += [*(node.and_ or ()), *(node.or_ or ()), node.not_]


def filters_of(query: Query) -> list[FilterNode | None]:
    """Those of both sides."""
    return [query.filters, None if query.compare is None else query.compare.filters]


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
    pending = filters_of(query)
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


def shaped(
    query: Query, rows: Rows, beside: Beside | None, warnings: list[str], now: datetime
) -> QueryAnswer:
    question, reading = rows.question, rows.reading
    judge = None if beside is None else Judge(question, beside, now)
    teller = Teller(question, judge, Include.confidence in query.include)
    totals = None
    if question.with_totals and reading.total is not None:
        totals = teller.one(reading.total, None if beside is None else beside.reading.total)
    other = None
    if rows.other is not None:
        other = teller.one(rows.other, None if beside is None else beside.other)
    found = QueryAnswer(
        data=[],
        categories=None,
        series=None,
        matrix=None,
        totals=totals,
        other=other,
        page=QueryPage(next_cursor=None),
        meta=meta_of(query, rows, beside, warnings, now),
    )
    if query.shape is Shape.rows:
        add_rows(query, rows, beside, teller, found)
        return found
    grid = Grid(rows, query, found.meta.columns, teller)
    if query.shape is Shape.series:
        found.categories, found.series = series_of(grid)
    else:
        found.matrix = matrix_of(grid)
    return found


def add_rows(
    query: Query, rows: Rows, beside: Beside | None, teller: Teller, found: QueryAnswer
) -> None:
    """The page of rows that is asked for. Differences are corrected for the rows of all pages."""
    if beside is not None:
        check_compared(len(rows.groups) * len(rows.question.metrics))
    others = () if beside is None else beside.groups.values()
    page, found.page.next_cursor = page_of(
        rows.groups, query.limit, query.cursor, fingerprint_of(query), others
    )
    shown = rows.groups if beside is not None else page
    values = teller.cells(teller.paired(shown))
    if found.meta.statistics is not UNSET:
        found.meta.statistics.tests = tests_in(values)
    if beside is None:
        found.data = result_rows(rows.question, rows.reading, page, values)
        return
    known = {group.keys: each for group, each in zip(shown, values, strict=True)}
    cells = [known[group.keys] for group in page]
    found.data = result_rows(rows.question, rows.reading, page, cells)
    add_sides(rows, beside, page, found.data)
