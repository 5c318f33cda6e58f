"""One engine behind every report: a question in, an answer out."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import UNSET

from csapi.access.tenancy import PLAN_ANEW, tenant_transaction
from csapi.kit.lanes import Lanes
from csapi.metrics.dimensions import CUSTOM_PREFIX, DIMENSIONS, Dimension
from csapi.metrics.metric import Metric
from csapi.metrics.question import Question
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.comparing import Beside, check_compared, joined, read_beside
from csapi.reports.definitions import custom_metrics
from csapi.reports.groups import is_brief
from csapi.reports.histograms import histograms_of
from csapi.reports.meta import add_currency, meta_of
from csapi.reports.narrowing import narrowed, with_filters
from csapi.reports.ordering import Shape
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows, read_rows
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.refusals import too_slow
from csapi.reports.resolve import (
    Setting,
    build_condition,
    build_question,
    check_filter,
    wanted_keys,
)
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
from csapi.reports.standing import Standing, Standings
from csapi.reports.surroundings import annotations_of, topic_tree
from csapi.reports.telling import Teller, add_sides, tests_in
from csapi.reports.unanswered import by_agent, check_routed
from csapi.reports.verdicts import Judge

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}
THROUGH_TOPICS = {name for name, dimension in DIMENSIONS.items() if dimension.through}


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, from where, and at what time. `only`: a filter that every answer passes; `lanes`:
    where to wait for the tenant's turn."""

    pool: asyncpg.Pool
    tenant_id: UUID
    timezone: str
    now: datetime
    live_slots_max: int
    only: FilterNode | None = None
    lanes: Lanes | None = None
    # Whether the smallest group that the tenant shows does not hold for who asks.
    sees_everything: bool = False
    standings: Standings = field(default_factory=Standings)


@asynccontextmanager
async def snapshot_of(desk: Desk, *, keeps_plans: bool = False) -> AsyncIterator["Snapshot"]:
    """A snapshot to ask in, as soon as it is the tenant's turn. keeps_plans: what summaries alone
    answer runs on plans kept from earlier reads; planning takes longer than reading."""
    async with AsyncExitStack() as stack:
        if desk.lanes is not None:
            await stack.enter_async_context(desk.lanes.enter(desk.tenant_id))
        many_rows = False if keeps_plans else None
        transaction = tenant_transaction(
            desk.pool, desk.tenant_id, readonly=True, many_rows=many_rows
        )
        yield Snapshot(await stack.enter_async_context(transaction), desk, keeps_plans)


async def answer(desk: Desk, query: Query) -> QueryAnswer:
    """Answer a question in one snapshot. Raises Problem for what cannot be asked."""
    async with snapshot_of(desk, keeps_plans=True) as snapshot:
        return await answer_on(snapshot, query)


@dataclass(slots=True)
class Snapshot:
    """A read-only snapshot of a tenant, and what was looked up in it."""

    connection: asyncpg.Connection
    desk: Desk
    keeps_plans: bool = False
    _custom: Sequence[Dimension] | None = None
    _topics: TopicTree | None = None
    _metrics: Mapping[str, Metric] | None = None
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

    async def metrics(self, ids: Iterable[str]) -> Mapping[str, Metric]:
        """The tenant's own metrics, where one of the ids is of such a one."""
        if not any(each.startswith(CUSTOM_PREFIX) for each in ids):
            return {}
        if self._metrics is None:
            self._metrics = await custom_metrics(self.connection, self.desk.tenant_id)
        return self._metrics

    async def standing(self) -> Standing:
        """What the tenant has settled."""
        if self._standing is None:
            desk = self.desk
            self._standing = await desk.standings.of(self.connection, desk.tenant_id)
        return self._standing

    async def read(self, question: Question) -> Reading:
        standing = await self.standing()
        smallest_group = None if self.desk.sees_everything else standing.smallest_group
        if self.keeps_plans and (smallest_group is not None or not is_brief(question)):
            await self.connection.execute(PLAN_ANEW)
            self.keeps_plans = False
        return await read_question(
            self.connection,
            self.desk.tenant_id,
            question,
            live_slots_max=self.desk.live_slots_max,
            smallest_group=smallest_group,
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """A query with nothing left open, what to know of it, and what it is compared with."""

    question: Question
    warnings: list[str]
    target: Target | None


async def resolved(snapshot: Snapshot, query: Query) -> Resolved:
    """Raises Problem for what cannot be asked."""
    desk = snapshot.desk
    names = [*query.dimensions, *names_in(*filters_of(query), desk.only)]
    custom, topics = await snapshot.custom(names), await snapshot.topics(names)
    metrics = await snapshot.metrics(asked.id for asked in query.metrics)
    standing = await snapshot.standing()
    setting = Setting(
        desk.timezone, custom, desk.now, topics, metrics, standing.settled, standing.untold
    )
    members: Mapping[tuple[str, str], Sequence[int]] = {}
    if query.compare is not None:
        check_compare(query, query.compare)
    filters = [each for each in (query.filters, desk.only) if each is not None]
    tests = [test for each in filters for test in check_filter(each, setting)]
    tests += compare_tests(query, setting)
    if tests:
        members = await find_members(snapshot.connection, desk.tenant_id, wanted_keys(tests))
    question = build_question(query, setting, members)
    target = build_target(query, question, setting, members)
    sides = [question] if target is None else [question, target.question]
    if (unrouted := by_agent(sides)) is not None:
        await check_routed(snapshot.connection, desk.tenant_id, query, unrouted)
    warnings = cautions(question)
    if target is not None and overlaps(question, target):
        warnings.append(OVERLAP)
    if desk.only is None:
        return Resolved(question, [*warnings, *unknown_values(query, members)], target)
    # What members there are beyond the filter is not said.
    only = build_condition(desk.only, setting, members)
    if target is not None:
        target = replace(target, question=narrowed(target.question, only))
    return Resolved(narrowed(question, only), warnings, target)


async def answer_on(snapshot: Snapshot, query: Query) -> QueryAnswer:
    """The same in a snapshot that is there already."""
    with slowness_told():
        return await read_answer(snapshot, query, await resolved(snapshot, query))


@contextmanager
def slowness_told() -> Iterator[None]:
    """A statement that took too long as a problem that says what to change."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise too_slow() from None


async def read_answer(snapshot: Snapshot, query: Query, asked: Resolved) -> QueryAnswer:
    """The answer to a query that is resolved."""
    query, question = with_filters(query, snapshot.desk.only), asked.question
    check_rows(query, question)
    rows = await read_rows(snapshot.read, query, question)
    beside = None
    if asked.target is not None:
        beside = await read_beside(snapshot.read, query, rows, asked.target)
        rows = joined(query, rows, beside)
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    parts = query, rows, beside, asked.warnings, snapshot.desk.now
    # Tests take time, and others must not wait for them.
    found = shaped(*parts) if beside is None else await asyncio.to_thread(shaped, *parts)
    await add_currency(connection, tenant_id, question, found.meta)
    if Include.annotations in query.include:
        found.annotations = await annotations_of(
            snapshot.connection, snapshot.desk.tenant_id, question.period, query.filters
        )
    if Include.histograms in query.include:
        found.histograms = await histograms_of(snapshot.read, question)
    return found


def names_in(*filters: FilterNode | None) -> Iterable[str]:
    """The dimensions that filters are about."""
    pending = list(filters)
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
    """What to know of rows that overlap, and of a metric by person or team."""
    found = [
        f"{name}: a record can be in several rows, so that rows do not add up to the total and "
        "shares can add up to more than 1"
        for name in question.overlapping
    ]
    if not question.columns & BY_PERSON:
        return found
    return found + [
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
