"""One engine behind every report: a question in, an answer out."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.kit.lanes import Lanes
from csapi.metrics.dimensions import CUSTOM_PREFIX, DIMENSIONS, Dimension
from csapi.metrics.formulas import Metric, Unit
from csapi.metrics.question import Question
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.definitions import custom_metrics
from csapi.reports.histograms import histograms_of
from csapi.reports.narrowing import narrowed, with_filters
from csapi.reports.ordering import Shape
from csapi.reports.pages import fingerprint_of, page_of
from csapi.reports.ranking import Rows, other_cells, read_rows
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.refusals import too_slow
from csapi.reports.resolve import (
    Setting,
    build_condition,
    build_question,
    check_filter,
    wanted_keys,
)
from csapi.reports.schemas import (
    AnswerSource,
    ColumnInfo,
    FilterNode,
    Include,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryPage,
)
from csapi.reports.series import Grid, matrix_of, series_of
from csapi.reports.shape import cells, result_rows
from csapi.reports.surroundings import annotations_of, currency_of, topic_tree

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}
NO_COST_BOOK = "there is no cost book: what the work costs is not known, and counts as 0"
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


@asynccontextmanager
async def snapshot_of(desk: Desk) -> AsyncIterator["Snapshot"]:
    """A snapshot to ask in, as soon as it is the tenant's turn."""
    async with AsyncExitStack() as stack:
        if desk.lanes is not None:
            await stack.enter_async_context(desk.lanes.enter(desk.tenant_id))
        transaction = tenant_transaction(desk.pool, desk.tenant_id, readonly=True)
        yield Snapshot(await stack.enter_async_context(transaction), desk)


async def answer(desk: Desk, query: Query) -> QueryAnswer:
    """Answer a question in one snapshot. Raises Problem for what cannot be asked."""
    async with snapshot_of(desk) as snapshot:
        return await answer_on(snapshot, query)


@dataclass(slots=True)
class Snapshot:
    """A read-only snapshot of a tenant, and what was looked up in it."""

    connection: asyncpg.Connection
    desk: Desk
    _custom: Sequence[Dimension] | None = None
    _topics: TopicTree | None = None
    _metrics: Mapping[str, Metric] | None = None

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

    async def read(self, question: Question) -> Reading:
        return await read_question(
            self.connection,
            self.desk.tenant_id,
            question,
            live_slots_max=self.desk.live_slots_max,
        )


async def resolved(snapshot: Snapshot, query: Query) -> tuple[Question, list[str]]:
    """The question with nothing left open, and what to know of it."""
    desk = snapshot.desk
    names = [*query.dimensions, *names_in(query.filters), *names_in(desk.only)]
    custom, topics = await snapshot.custom(names), await snapshot.topics(names)
    metrics = await snapshot.metrics(asked.id for asked in query.metrics)
    setting = Setting(desk.timezone, custom, desk.now, topics, metrics)
    members: Mapping[tuple[str, str], Sequence[int]] = {}
    filters = [each for each in (query.filters, desk.only) if each is not None]
    if filters:
        tests = [test for each in filters for test in check_filter(each, setting)]
        members = await find_members(snapshot.connection, desk.tenant_id, wanted_keys(tests))
    question = build_question(query, setting, members)
    if desk.only is not None:
        # What members there are beyond the filter is not said.
        question = narrowed(question, build_condition(desk.only, setting, members))
        return question, cautions(question)
    return question, [*cautions(question), *unknown_values(query, members)]


async def answer_on(snapshot: Snapshot, query: Query) -> QueryAnswer:
    """The same in a snapshot that is there already."""
    with slowness_told():
        return await read_answer(snapshot, query, *await resolved(snapshot, query))


@contextmanager
def slowness_told() -> Iterator[None]:
    """A statement that took too long as a problem that says what to change."""
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise too_slow() from None


async def read_answer(
    snapshot: Snapshot, query: Query, question: Question, warnings: list[str]
) -> QueryAnswer:
    """The answer to a query that is resolved."""
    query = with_filters(query, snapshot.desk.only)
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
    if Include.histograms in query.include:
        found.histograms = await histograms_of(snapshot.read, question)
    return found


def names_in(filters: FilterNode | None) -> Iterable[str]:
    """The dimensions that a filter is about."""
    pending = [filters]
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
        meta=meta_of(query, question, reading, warnings, now),
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


def meta_of(
    query: Query, question: Question, reading: Reading, warnings: list[str], now: datetime
) -> QueryMeta:
    resolved: dict[str, Any] = msgspec.to_builtins(query)
    resolved["time"] = {
        "range": {
            "from": question.period.start.isoformat().replace("+00:00", "Z"),
            "to": question.period.end.isoformat().replace("+00:00", "Z"),
            "preset": query.time.range.preset,
        },
        "timezone": question.period.timezone,
    }
    for entry, asked in zip(resolved["metrics"], question.metrics, strict=True):
        entry["params"] = asked.params
    return QueryMeta(
        query=resolved,
        columns={
            asked.name: ColumnInfo(
                unit=Unit.COUNT if asked.agg == "count" else asked.metric.unit,
                direction=asked.metric.direction,
                label=asked.metric.label,
            )
            for asked in question.metrics
        },
        mature_through={
            asked.name: now - timedelta(milliseconds=asked.formula.matures_ms)
            for asked in question.metrics
            if asked.formula.matures_ms is not None
        },
        definitions={asked.name: asked.metric.version for asked in question.metrics},
        exact=reading.is_exact,
        pending_buckets=reading.pending_buckets,
        pending_subjects=reading.pending_subjects,
        source=AnswerSource(reading.source),
        data_through=reading.data_through,
        warnings=warnings,
    )
