"""What metrics tell, asked of the engine as anybody may ask it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from csapi.metrics.periods import Period
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    MetricRequest,
    MetricValue,
    Query,
    QueryAnswer,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Snapshot, answer_on

# Means of durations: what they leave out as negative.
TIMED = (
    "first_response_time",
    "response_time",
    "full_resolution_time",
    "average_speed_of_answer",
    "average_handle_time",
)
WHOLE = (
    *TIMED,
    "contacts",
    "unidentified_contacts",
    "ticket_resolutions",
    "calls_answered",
    "csat_score",
    "csat_responses",
    "feedback_response_rate",
    "first_contact_resolution_rate",
    "repeat_contact_rate",
    "deflection_rate",
    "self_service_sessions",
    "unidentified_sessions",
    "bot_resolution_rate",
    "durable_bot_resolution_rate",
    "quality_score",
)
# Metric -> dimensions without which its records say little.
NEEDED = {
    "contacts": ("topic", "tag"),
    "ticket_resolutions": ("agent",),
    "calls_answered": ("agent",),
}
# Faster than anybody reads and types, over so many replies.
QUICK_SECONDS, LEAST_REPLIES = 5.0, 20
AGENTS_READ = 1_000


@dataclass(slots=True)
class Numbers:
    """Values of the range by metric; of those without a member by metric and dimension; agents that
    reply at once by key. immature: how much of a cohort metric may still change."""

    values: Mapping[str, MetricValue]
    without: Mapping[tuple[str, str], MetricValue]
    quick: Sequence[str]
    exact: bool
    immature: Mapping[str, int] = field(default_factory=dict)

    def count(self, metric: str) -> int:
        return round(self.values[metric].value or 0)

    def value(self, metric: str) -> float | None:
        return self.values[metric].value


def question(
    period: Period, metrics: Sequence[MetricRequest], dimensions: Sequence[str] = (), **more: object
) -> Query:
    ends = TimeRange(from_=period.start.isoformat(), to=period.end.isoformat())
    return Query(
        metrics=list(metrics),
        time=QueryTime(range=ends, timezone=period.timezone),
        dimensions=list(dimensions),
        **more,  # type: ignore[arg-type]
    )


async def read_numbers(snapshot: Snapshot, period: Period) -> Numbers:
    whole = await answer_on(snapshot, question(period, [MetricRequest(id=each) for each in WHOLE]))
    answers = [whole]
    without: dict[tuple[str, str], MetricValue] = {}
    for metric, dimensions in NEEDED.items():
        for dimension in dimensions:
            missing = FilterNode(dimension=dimension, op=FilterOp.is_null)
            found = await answer_on(
                snapshot, question(period, [MetricRequest(id=metric)], filters=missing)
            )
            answers.append(found)
            without[metric, dimension] = found.data[0].metrics[metric]
    replies = MetricRequest(id="response_time", agg="p50")
    by_agent = await answer_on(snapshot, question(period, [replies], ["agent"], limit=AGENTS_READ))
    answers.append(by_agent)
    return Numbers(
        values=whole.data[0].metrics,
        without=without,
        quick=quick_agents(by_agent),
        exact=all(each.meta.exact for each in answers),
        immature={name: each.immature_n or 0 for name, each in whole.meta.maturity.items()},
    )


def quick_agents(answer: QueryAnswer) -> list[str]:
    found = []
    for row in answer.data:
        cell, key = row.metrics["response_time"], row.dimensions["agent"].key
        is_quick = cell.value is not None and cell.value <= QUICK_SECONDS
        if key is not None and is_quick and cell.n >= LEAST_REPLIES:
            # A key has its source in front of it where two sources have the same.
            found += [key, key.rsplit("/", 1)[-1]]
    return found
