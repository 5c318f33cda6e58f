"""First screens: fixed questions to the same engine."""

from enum import StrEnum

from csapi.reports.comparison import CompareTo
from csapi.reports.kpi_schemas import KpiCompare, KpiReport, KpiValue
from csapi.reports.schemas import CompareRequest, MetricRequest, Query, QueryTime, TimeRange
from csapi.reports.service import Desk, answer


class KpiSet(StrEnum):
    """Which numbers a first screen shows."""

    help_desk_home = "help_desk_home"
    call_center = "call_center"
    e_commerce = "e_commerce"


SETS: dict[KpiSet, tuple[str, ...]] = {
    KpiSet.help_desk_home: (
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
    ),
}


async def kpis(
    desk: Desk,
    chosen: KpiSet,
    range_: TimeRange,
    timezone: str | None,
    compare: KpiCompare | None = None,
) -> KpiReport:
    """The numbers of a set over a range, each held against another one if that is asked for."""
    query = Query(
        metrics=[MetricRequest(id=metric_id) for metric_id in SETS[chosen]],
        time=QueryTime(range=range_, timezone=timezone),
        compare=None if compare is None else CompareRequest(to=CompareTo(compare.value)),
    )
    found = await answer(desk, query)
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
            )
        )
    return KpiReport(set=chosen.value, data=data, meta=found.meta)
