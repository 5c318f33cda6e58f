"""How an answer came about: the question, the definitions in force, and how settled it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from csapi.facts.kinds import MarkReason
from csapi.metrics.composed import ComposedFormula
from csapi.metrics.metric import TimeBasis, Unit
from csapi.metrics.question import Asked, Places, Question
from csapi.metrics.variants import Variant
from csapi.metrics.zones import day_start, local_date
from csapi.reports.comparing import Beside, compare_info
from csapi.reports.fillings import Group
from csapi.reports.ranking import Rows
from csapi.reports.read import Reading
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import (
    AnswerSource,
    ColumnInfo,
    Maturity,
    MaturityState,
    Query,
    QueryMeta,
    RevisedBucket,
    RevisionReason,
    VariantInForce,
)
from csapi.reports.shape import total
from csapi.reports.state import Revision, names_of
from csapi.reports.surroundings import currency_of
from csapi.reports.telling import statistics_info

NO_COST_BOOK = "there is no cost book: what the work costs is not known, and counts as 0"
REASONS = {
    MarkReason.RECORDS: RevisionReason.records,
    MarkReason.DERIVED_AGAIN: RevisionReason.derived_again,
}


def meta_of(
    query: Query | RecordsQuery,
    rows: Rows,
    beside: Beside | None,
    warnings: Sequence[str],
    now: datetime,
) -> QueryMeta:
    question, reading = rows.question, rows.reading
    maturity = {
        asked.name: maturity_of(asked, places, reading.groups, now, question.period.end)
        for asked, places in zip(question.metrics, question.places, strict=True)
        if asked.metric.time_basis is TimeBasis.cohort
        or asked.formula.matures_ms is not None
        or asked.formula.stays_open
    }
    meta = QueryMeta(
        query=resolved_query(query, question),
        columns={
            asked.name: ColumnInfo(
                unit=Unit.COUNT if asked.agg == "count" else asked.metric.unit,
                direction=asked.metric.direction,
                label=reading.words.metric(asked.metric),
            )
            for asked in question.metrics
        },
        mature_through={
            name: each.mature_through
            for name, each in maturity.items()
            if each.mature_through is not None
        },
        definitions={asked.name: asked.metric.version for asked in question.metrics},
        exact=reading.is_exact,
        pending_buckets=reading.pending_buckets,
        pending_subjects=reading.pending_subjects,
        source=AnswerSource(reading.source),
        data_through=reading.data_through,
        warnings=[*warnings, *cautions_of(question, reading)],
        variants={
            name: [in_force(each) for each in variants]
            for asked in question.metrics
            for name, variants in asked.all_variants.items()
        },
        maturity=maturity,
        revised_since=question.revised_since,
        revised_buckets=[revised(each, question) for each in reading.revised],
    )
    if any(asked.sampling is not None for asked in question.metrics):
        meta.statistics = statistics_info(question)
    if beside is not None:
        meta.compare = compare_info(beside)
        meta.exact = meta.exact and beside.reading.is_exact
    return meta


def in_force(variant: Variant) -> VariantInForce:
    return VariantInForce(
        starts_at=variant.since,
        ends_at=variant.until,
        setting=variant.setting,
        params=dict(variant.params),
    )


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


def resolved_query(query: Query | RecordsQuery, question: Question) -> dict[str, Any]:
    """The question as it would have to be asked to get the same answer at any time."""
    resolved: dict[str, Any] = msgspec.to_builtins(query)
    resolved["time"] = {
        "range": {
            "from": question.period.start.isoformat().replace("+00:00", "Z"),
            "to": question.period.end.isoformat().replace("+00:00", "Z"),
            "preset": query.time.range.preset,
        },
        "timezone": question.period.timezone,
        "week_starts_on": question.period.week_start.value,
    }
    for entry, asked in zip(resolved["metrics"], question.metrics, strict=True):
        entry["params"] = asked.params
    return resolved


def maturity_of(
    asked: Asked, places: Places, groups: Sequence[Group], now: datetime, end: datetime
) -> Maturity:
    """How settled a metric of a cohort is in a range that ends at `end`. Units without a window are
    settled as they come, or never."""
    window = asked.formula.matures_ms
    if window is None:
        is_open = asked.metric.stays_open or asked.formula.stays_open
        return Maturity(
            state=MaturityState.open if is_open else MaturityState.final,
            window_seconds=None,
            mature_through=None if is_open else end,
            immature_n=None if is_open else 0,
        )
    # What is late of a formula over several metrics is no number of the same things.
    unsettled: int | None = None if isinstance(asked.formula, ComposedFormula) else 0
    if places.unsettled is not None:
        # With small groups hidden, how many are late in a large one must not be told either.
        is_told = not any(group.customers for group in groups)
        late = (total(places.unsettled, group.parts) for group in groups)
        unsettled = sum(late) if is_told else None
    return Maturity(
        state=MaturityState.window,
        window_seconds=window / 1000,
        mature_through=min(now - timedelta(milliseconds=window), end),
        immature_n=unsettled,
    )


def cautions_of(question: Question, reading: Reading) -> list[str]:
    """What to know of the numbers beside what they say themselves."""
    found = list(reading.cautions)
    found += [
        f"{name}: stored facts are being derived by a changed definition; until that is through, "
        "there is no value (GET /v1/metrics/{id}/versions says how far it is)"
        for name in names_of(reading.outdated)
    ]
    for asked, places in zip(question.metrics, question.places, strict=True):
        for name, variants in asked.all_variants.items():
            if len(variants) > 1:
                days = ", ".join(str(each.setting) for each in variants[1:])
                found.append(
                    f"{name}: its definition changes within the range, on {days}; each part is "
                    "counted by what was in force (see variants)"
                )
        if places.told is not None:
            untold = sum(total(places.told[1], group.parts) for group in reading.groups)
            created = sum(total(places.told[0], group.parts) for group in reading.groups)
            if 0 < untold < created:
                found.append(
                    f"{asked.name}: some tickets came as snapshots, which do not tell it, and are "
                    "not in it"
                )
    return found


def revised(revision: Revision, question: Question) -> RevisedBucket:
    zone = question.tenant_timezone
    return RevisedBucket(
        start=revision.start,
        end=day_start(zone, local_date(zone, revision.start), 1),
        revised_at=revision.revised_at,
        revisions=revision.times,
        reasons=[REASONS[each] for each in revision.reasons],
    )
