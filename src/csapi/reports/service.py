"""One engine behind every report: a question in, an answer out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.access.tenancy import tenant_transaction
from csapi.metrics.dimensions import CUSTOM_PREFIX, Dimension
from csapi.metrics.formulas import Unit
from csapi.metrics.question import Question
from csapi.reports.checks import check_top
from csapi.reports.read import Reading, custom_dimensions, find_members, read_question
from csapi.reports.resolve import Setting, build_question, check_filter, wanted_keys
from csapi.reports.schemas import (
    AnswerSource,
    ColumnInfo,
    FilterNode,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryPage,
)
from csapi.reports.shape import cells, fingerprint_of, ordered, page_of, pick_top, result_rows

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}


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
        custom: Sequence[Dimension] = ()
        if any(name.startswith(CUSTOM_PREFIX) for name in names_in(query)):
            custom = await custom_dimensions(connection, desk.tenant_id)
        setting = Setting(desk.timezone, custom, desk.now)
        members: Mapping[tuple[str, str], Sequence[int]] = {}
        if query.filters is not None:
            wanted = wanted_keys(list(check_filter(query.filters, setting)))
            members = await find_members(connection, desk.tenant_id, wanted)
        question = build_question(query, setting, members)
        check_top(query, question)
        reading = await read_question(
            connection,
            desk.tenant_id,
            question,
            live_slots_max=desk.live_slots_max,
        )
    warnings = [*cautions(question), *unknown_values(query, members)]
    return shaped(query, question, reading, warnings, desk.now)


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


def shaped(
    query: Query, question: Question, reading: Reading, warnings: list[str], now: datetime
) -> QueryAnswer:
    groups = ordered(question, reading)
    other = None
    if query.top is not None:
        groups, other = pick_top(question, groups, query.top)
    page, cursor = page_of(groups, query.limit, query.cursor, fingerprint_of(query))
    data = result_rows(question, reading, page)
    totals = None
    if question.with_totals and reading.total is not None:
        totals = cells(question, reading.total)
    return QueryAnswer(
        data=data,
        totals=totals,
        other=other,
        page=QueryPage(next_cursor=cursor),
        meta=meta_of(query, question, reading, warnings, now),
    )


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
