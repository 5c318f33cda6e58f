"""First screens: fixed questions to the same engine."""

import msgspec
from msgspec import UNSET, UnsetType

from csapi.metrics.pairs import PAIRS
from csapi.metrics.periods import TimeGrain
from csapi.metrics.zones import local_date
from csapi.reports.charts import charts_of
from csapi.reports.comparison import CompareTo
from csapi.reports.goals.matching import match_of
from csapi.reports.goals.schemas import GoalStatus
from csapi.reports.kpi_schemas import (
    KpiChart,
    KpiCompare,
    KpiGoal,
    KpiReport,
    KpiSet,
    KpiValue,
    Sparkline,
    SparkPoint,
)
from csapi.reports.schemas import (
    CompareRequest,
    FilterNode,
    MetricRequest,
    Query,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Desk, Snapshot, answer_on, resolved, snapshot_of

# Summaries have all of them: one that only facts tell would have all of a screen read from facts.
SETS: dict[KpiSet, tuple[str, ...]] = {
    KpiSet.help_desk_home: (
        "backlog_open",
        "tickets_closed",
        "tickets_created",
        "ticket_resolutions",
        "tickets_reopened",
        "messages_in",
        "messages_out",
        "first_response_time",
        "full_resolution_time",
        "csat_score",
        "rating_average",
        "feedback_response_rate",
        "forms_received",
        "unanswered_tickets",
        "reopen_rate",
    ),
    KpiSet.call_center: (
        "calls_offered",
        "calls_answered",
        "abandonment_rate",
        "service_level",
        "average_speed_of_answer",
        "average_talk_time",
        "average_handle_time",
        "resolution_rate",
        "repeat_contact_rate",
        "csat_score",
        "average_after_call_work",
        "occupancy",
        "ces_score",
    ),
    KpiSet.e_commerce: (
        "tickets_created",
        "messages_in",
        "messages_out",
        "first_response_time",
        "first_response_within_rate",
        "ticket_resolutions",
        "feedback_requests",
        "feedback_responses",
        "csat_score",
        "csat_bottom_2_box",
        "feedback_response_rate",
        "sla_attainment_rate",
        "sla_breaches",
        "unanswered_tickets",
        "no_reply_rate",
        "backlog_open",
    ),
    KpiSet.executive: (
        "contacts",
        "customers_active",
        "csat_score",
        "feedback_response_rate",
        "nps",
        "repeat_contact_rate",
        "first_response_time",
        "full_resolution_time",
        "ticket_resolutions",
        "sla_attainment_rate",
        "backlog_open",
        "unanswered_tickets",
        "cost_per_contact",
        "deflection_rate",
    ),
}
# A line has at most so many points: days, or else weeks, or else months.
MOST_POINTS = 62


async def kpis(
    desk: Desk,
    chosen: KpiSet,
    range_: TimeRange,
    timezone: str | None,
    compare: KpiCompare | None = None,
    filters: FilterNode | None = None,
    *,
    sparkline: bool = False,
    charts: bool = False,
) -> KpiReport:
    """The numbers of a set over a range, of the work that passes the filters, each held against
    another range and with a line of it over time if that is asked for, and the charts of the
    screen. All are of one snapshot."""
    query = Query(
        metrics=[MetricRequest(id=metric_id) for metric_id in SETS[chosen]],
        time=QueryTime(range=range_, timezone=timezone),
        filters=filters,
        compare=None if compare is None else CompareRequest(to=CompareTo(compare.value)),
    )
    lines: dict[str, Sparkline] = {}
    drawn: list[KpiChart] | UnsetType = UNSET
    async with snapshot_of(desk, keeps_plans=True) as snapshot:
        found = await answer_on(snapshot, query)
        goals = await goals_of(snapshot, query)
        if sparkline or charts:
            grain = await grain_of(snapshot, query)
        if sparkline:
            lines = await sparklines(snapshot, query, grain)
        if charts:
            drawn = await charts_of(snapshot, chosen, query, grain)
    (row,) = found.data
    data = []
    for name, cell in row.metrics.items():
        column = found.meta.columns[name]
        data.append(
            KpiValue(
                id=name,
                label=column.label,
                unit=column.unit,
                direction=column.direction,
                value=cell.value,
                n=cell.n,
                numerator=cell.numerator,
                denominator=cell.denominator,
                null_reason=cell.null_reason,
                precision=cell.precision,
                relative_error=cell.relative_error,
                excluded=cell.excluded,
                compare=cell.compare,
                sparkline=lines[name] if sparkline else UNSET,
                pairs_with=list(PAIRS.get(name, ())),
                goal=goals.get(name),
            )
        )
    return KpiReport(set=chosen.value, data=data, meta=found.meta, charts=drawn)


async def goals_of(snapshot: Snapshot, query: Query) -> dict[str, KpiGoal]:
    """The goals of today for what a query asks for, by the names of its metrics. Costs no
    statement: they stand in what the tenant has settled. What a token narrows is not what they are
    about."""
    desk = snapshot.desk
    if desk.only is not None:
        return {}
    today = local_date(desk.timezone, desk.now)
    under_way: dict[str, KpiGoal] = {}
    for each in (await snapshot.standing()).goals:
        if each.starts_on <= today <= each.due_on and each.match not in under_way:
            under_way[each.match] = KpiGoal(
                id=each.id,
                title=each.title,
                target=each.target,
                due_on=each.due_on,
                status=GoalStatus(each.status),
                status_at=each.status_at,
            )
    if not under_way:
        return {}
    matches = {each.id: match_of(each, query.filters) for each in query.metrics}
    return {name: under_way[match] for name, match in matches.items() if match in under_way}


async def grain_of(snapshot: Snapshot, query: Query) -> TimeGrain:
    """How long the buckets of lines are."""
    plain = msgspec.structs.replace(query, compare=None)
    period = (await resolved(snapshot, plain)).question.period
    days = (period.end - period.start).days
    if days <= MOST_POINTS:
        return TimeGrain.day
    return TimeGrain.week if days <= 7 * MOST_POINTS else TimeGrain.month


async def sparklines(snapshot: Snapshot, query: Query, grain: TimeGrain) -> dict[str, Sparkline]:
    """Each metric over the buckets of the range."""
    by_time = msgspec.structs.replace(query, compare=None, dimensions=[f"time:{grain}"])
    found = await answer_on(snapshot, by_time)
    lines = {metric.id: Sparkline(grain=grain, points=[]) for metric in query.metrics}
    for row in found.data:
        (bucket,) = row.dimensions.values()
        for name, cell in row.metrics.items():
            point = SparkPoint(start=bucket.start, value=cell.value, n=cell.n)
            lines[name].points.append(point)
    return lines
