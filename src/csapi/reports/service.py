"""One engine behind every report: a question in, an answer out."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from csapi.access.tenancy import PLAN_ANEW, tenant_transaction
from csapi.kit.lanes import Lanes
from csapi.kit.language import Language
from csapi.kit.turns import FEW_ROWS, aside
from csapi.metrics.dimensions import CUSTOM_PREFIX, DIMENSIONS, Dimension
from csapi.metrics.metric import Metric
from csapi.metrics.periods import WEEKLY, Period, RangePreset, WeekStart
from csapi.metrics.question import Question
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.metrics.words import ALL_WORDS
from csapi.reports.cautions import cautions, filters_of, names_in, unknown_values
from csapi.reports.checks_of_rows import check_rows
from csapi.reports.comparing import joined, read_beside
from csapi.reports.definitions import custom_metrics
from csapi.reports.groups import is_brief
from csapi.reports.histograms import histograms_of
from csapi.reports.laying_out import shaped
from csapi.reports.meta import add_currency
from csapi.reports.narrowing import narrowed, with_filters
from csapi.reports.ranges import RangeParams, period_of
from csapi.reports.ranking import read_rows
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.refusals import refuse, too_slow
from csapi.reports.resolve import (
    MOST_CONDITIONS,
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
from csapi.reports.schemas import FilterNode, Include, Query, QueryAnswer
from csapi.reports.standing import Standing, Standings
from csapi.reports.surroundings import annotations_of, topic_tree

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
    # Whether who asks may know what customers are called.
    names_customers: bool = False
    standings: Standings = field(default_factory=Standings)
    language: Language = Language.en


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


async def week_start_of(desk: Desk, preset: RangePreset | None) -> WeekStart:
    """With which day weeks begin, where a range is about weeks."""
    if preset not in WEEKLY:
        return WeekStart.monday
    async with snapshot_of(desk) as snapshot:
        return (await snapshot.standing()).week_start


async def asked_period(desk: Desk, wanted: RangeParams) -> Period:
    """The range that parameters ask for. Raises Problem."""
    return period_of(wanted, desk.timezone, desk.now, await week_start_of(desk, wanted.preset))


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

    async def smallest_group(self) -> int | None:
        """What is about fewer customers is hidden from who asks."""
        return None if self.desk.sees_everything else (await self.standing()).smallest_group

    async def read(self, question: Question) -> Reading:
        smallest_group = await self.smallest_group()
        if self.keeps_plans and (smallest_group is not None or not is_brief(question)):
            await self.connection.execute(PLAN_ANEW)
            self.keeps_plans = False
        return await read_question(
            self.connection,
            self.desk.tenant_id,
            question,
            live_slots_max=self.desk.live_slots_max,
            smallest_group=smallest_group,
            words=ALL_WORDS[self.desk.language],
            names_customers=self.desk.names_customers,
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
        desk.timezone, custom, desk.now, topics, metrics, standing.settled, standing.untold,
        standing.week_start,
    )  # fmt: skip
    members: Mapping[tuple[str, str], Sequence[int]] = {}
    if query.compare is not None:
        check_compare(query, query.compare)
    filters = [each for each in (query.filters, desk.only) if each is not None]
    tests = [test for each in filters for test in check_filter(each, setting)]
    tests += compare_tests(query, setting)
    if len(tests) > MOST_CONDITIONS:
        message = f"At most {MOST_CONDITIONS} tests in all filters: name several values in one."
        refuse("/filters", "too_long", message)
    if tests:
        members = await find_members(snapshot.connection, desk.tenant_id, wanted_keys(tests))
    question = build_question(query, setting, members)
    target = build_target(query, question, setting, members)
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
    if beside is None and len(rows.groups) <= FEW_ROWS:
        found = shaped(*parts)
    else:
        found = await aside(shaped, *parts)
    await add_currency(connection, tenant_id, question, found.meta)
    if Include.annotations in query.include:
        found.annotations = await annotations_of(
            snapshot.connection, snapshot.desk.tenant_id, question.period, query.filters
        )
    if Include.histograms in query.include:
        found.histograms = await histograms_of(snapshot.read, question)
    return found
