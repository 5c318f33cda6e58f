"""How an answer came about, as its `meta` says it."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.metrics.formulas import Unit
from csapi.metrics.question import Question
from csapi.reports.comparing import Beside, compare_info
from csapi.reports.ranking import Rows
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import AnswerSource, ColumnInfo, Query, QueryMeta
from csapi.reports.surroundings import currency_of
from csapi.reports.telling import statistics_info

NO_COST_BOOK = "there is no cost book: what the work costs is not known, and counts as 0"


def meta_of(
    query: Query | RecordsQuery,
    rows: Rows,
    beside: Beside | None,
    warnings: list[str],
    now: datetime,
) -> QueryMeta:
    question, reading = rows.question, rows.reading
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
    meta = QueryMeta(
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
    if any(asked.sampling is not None for asked in question.metrics):
        meta.statistics = statistics_info(question)
    if beside is not None:
        meta.compare = compare_info(beside)
        meta.exact = meta.exact and beside.reading.is_exact
    return meta


async def add_currency(
    connection: asyncpg.Connection, tenant_id: UUID, question: Question, meta: QueryMeta
) -> None:
    """Say what money is in; without a cost book, that nothing is known of it."""
    money = [asked.name for asked in question.metrics if asked.metric.unit is Unit.MONEY]
    if not money:
        return
    currency = await currency_of(connection, tenant_id)
    if currency is None:
        meta.warnings.append(NO_COST_BOOK)
    for name in money:
        if meta.columns[name].unit is Unit.MONEY:
            meta.columns[name].currency = currency
