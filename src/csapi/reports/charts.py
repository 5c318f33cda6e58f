"""The charts of first screens: each one question to the engine, laid out to be drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csapi.metrics.periods import TimeGrain
from csapi.reports.kpi_schemas import KpiChart, KpiSet
from csapi.reports.ordering import Shape, TopRequest
from csapi.reports.schemas import MetricRequest, Query
from csapi.reports.service import Snapshot, answer_on

# Stands for the buckets of the range, whose length depends on that of the range.
OVER_TIME = "time"
# So many members are told apart; the rest is one.
TOLD_APART = 10


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows, by what, and how it is laid out. is_ranked: the members with most of the
    first metric come first, and the rest of them as one."""

    id: str
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = (OVER_TIME,)
    shape: Shape = Shape.series
    is_ranked: bool = False


def by_member(id_: str, metric: str, dimension: str) -> Chart:
    return Chart(id_, (metric,), (dimension,), is_ranked=True)


def by_hour(id_: str, metric: str) -> Chart:
    return Chart(id_, (metric,), ("time:day_of_week", "time:hour_of_day"), Shape.matrix)


RATINGS = Chart("rating_distribution", ("rating_distribution",), ("rating",))
SATISFACTION = Chart("satisfaction_over_time", ("csat_score", "feedback_response_rate"))
CHARTS: Mapping[KpiSet, Sequence[Chart]] = {
    KpiSet.help_desk_home: (
        Chart("tickets_over_time", ("tickets_created", "tickets_closed", "backlog_open")),
        Chart("messages_over_time", ("messages_in", "messages_out")),
        Chart("response_over_time", ("first_response_time", "full_resolution_time")),
        Chart("ratings_over_time", ("rating_average", "csat_score", "feedback_response_rate")),
        RATINGS,
        by_member("tickets_by_channel", "tickets_created", "channel"),
        by_hour("arrivals_by_hour", "tickets_created"),
    ),
    KpiSet.call_center: (
        Chart("calls_over_time", ("calls_offered", "calls_answered", "calls_abandoned")),
        Chart("service_level_over_time", ("service_level", "abandonment_rate")),
        Chart("handle_time_over_time", ("average_handle_time", "average_speed_of_answer")),
        SATISFACTION,
        by_member("calls_by_queue", "calls_offered", "queue"),
        by_hour("arrivals_by_hour", "calls_offered"),
    ),
    KpiSet.e_commerce: (
        Chart("tickets_over_time", ("tickets_created", "ticket_resolutions", "backlog_open")),
        Chart("messages_over_time", ("messages_in", "messages_out")),
        Chart("feedback_over_time", ("feedback_requests", "feedback_responses")),
        SATISFACTION,
        RATINGS,
        Chart("sla_over_time", ("sla_attainment_rate", "sla_breaches")),
        by_member("tickets_by_type", "tickets_created", "type"),
        by_member("tickets_by_channel", "tickets_created", "channel"),
        by_hour("arrivals_by_hour", "tickets_created"),
    ),
    KpiSet.executive: (
        Chart("contacts_over_time", ("contacts", "ticket_resolutions")),
        SATISFACTION,
        Chart("response_over_time", ("first_response_time", "full_resolution_time")),
        Chart("cost_over_time", ("cost_per_contact",)),
        by_member("contacts_by_channel", "contacts", "channel"),
        by_member("contacts_by_topic", "contacts", "topic"),
    ),
}


def question_of(chart: Chart, screen: Query, grain: TimeGrain) -> Query:
    """The query that a chart stands for, over the range and the work of the screen."""
    top = None
    if chart.is_ranked:
        top = TopRequest(n=TOLD_APART, by=chart.metrics[0], other=True)
    return Query(
        metrics=[MetricRequest(id=each) for each in chart.metrics],
        time=screen.time,
        filters=screen.filters,
        dimensions=[f"time:{grain}" if each == OVER_TIME else each for each in chart.dimensions],
        shape=chart.shape,
        top=top,
    )


async def charts_of(
    snapshot: Snapshot, chosen: KpiSet, screen: Query, grain: TimeGrain
) -> list[KpiChart]:
    """All charts of a screen, in its snapshot."""
    found = []
    for chart in CHARTS[chosen]:
        query = question_of(chart, screen, grain)
        answer = await answer_on(snapshot, query)
        found.append(
            KpiChart(
                id=chart.id,
                metrics=list(chart.metrics),
                dimensions=query.dimensions,
                shape=chart.shape,
                categories=answer.categories,
                series=answer.series,
                matrix=answer.matrix,
            )
        )
    return found
