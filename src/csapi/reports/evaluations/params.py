"""What can be asked of evaluations, as query parameters, and the query that it stands for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.problems import Problem
from csapi.metrics.periods import RangePreset
from csapi.reports.ordering import Name
from csapi.reports.ranges import RangeParams
from csapi.reports.schemas import (
    MOST_METRICS,
    MOST_VALUES,
    CompareRequest,
    FilterNode,
    FilterOp,
    Include,
    MetricRequest,
    Query,
    QueryTime,
    TimeRange,
)

Values = Annotated[list[Name], Meta(max_length=MOST_VALUES)]
# The problems of a query that these parameters can cause, by where they would be in its body.
PLACES = (
    ("/metrics", "/columns"),
    ("/time/range/from", "/from"),
    ("/time/range/to", "/to"),
    ("/time/range/preset", "/preset"),
    ("/time/range", "/preset"),
    ("/time/timezone", "/timezone"),
    ("/compare", "/from"),
)


class WorkParams(RangeParams, kw_only=True):
    """Which work counts: of a range, of channels, of inboxes."""

    channel: Annotated[Values, Meta(description="Work on these channels alone")] = msgspec.field(
        default_factory=list
    )
    inbox: Annotated[Values, Meta(description="Work in these inboxes alone")] = msgspec.field(
        default_factory=list
    )


class EvaluationsParams(WorkParams, kw_only=True):
    """Which agents, by which numbers, in which order."""

    team: Annotated[Values, Meta(description="Work in these teams, and their members")] = (
        msgspec.field(default_factory=list)
    )
    columns: Annotated[
        Annotated[list[Name], Meta(max_length=MOST_METRICS)],
        Meta(description="Ids of metrics, in their order; a choice for first screens if absent"),
    ] = msgspec.field(default_factory=list)
    sort: Annotated[
        Name,
        Meta(
            description="`agent`, `name`, `composite` or a column, which sorts by `rank_value`; a "
            "column with `.value` or `.n` by that. With `-` in front the largest first. Null is "
            "last either way"
        ),
    ] = "agent"
    weight: Annotated[
        Annotated[list[Name], Meta(max_length=MOST_METRICS)],
        Meta(description="column:weight, such as `csat_score:2`, for a composite of columns"),
    ] = msgspec.field(default_factory=list)
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Annotated[
        Annotated[str, Meta(max_length=500)] | None, Meta(description="next_cursor of a page")
    ] = None


def query_of(
    wanted: WorkParams,
    metrics: Sequence[MetricRequest],
    dimensions: Sequence[str] = (),
    compare: CompareRequest | None = None,
) -> Query:
    """The query of these metrics over the work that is asked for; of the last 30 days where no
    range is."""
    preset = wanted.preset
    if wanted.from_ is None and wanted.to is None and preset is None:
        preset = RangePreset.last_30_days
    chosen = {"channel": wanted.channel, "inbox": wanted.inbox}
    if isinstance(wanted, EvaluationsParams):
        chosen["team"] = wanted.team
    tests = [
        FilterNode(dimension=name, op=FilterOp.is_in, values=values)
        for name, values in chosen.items()
        if values
    ]
    return Query(
        metrics=list(metrics),
        time=QueryTime(
            range=TimeRange(from_=wanted.from_, to=wanted.to, preset=preset),
            timezone=wanted.timezone,
        ),
        dimensions=list(dimensions),
        filters=FilterNode(and_=tests) if tests else None,
        compare=compare,
        include=[Include.totals, Include.confidence] if dimensions else [Include.confidence],
    )


@contextmanager
def told_by_parameter() -> Iterator[None]:
    """Problems of the query as problems of the parameters that it was made from."""
    try:
        yield
    except Problem as problem:
        errors = [
            msgspec.structs.replace(each, pointer=parameter_of(each.pointer))
            for each in problem.errors
        ]
        raise Problem(
            problem.code, problem.detail, errors=errors, headers=problem.headers
        ) from None


def parameter_of(pointer: str) -> str:
    for place, parameter in PLACES:
        if pointer == place or pointer.startswith(f"{place}/"):
            return parameter
    return pointer
