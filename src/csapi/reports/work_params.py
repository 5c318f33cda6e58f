"""Reports that are lists: which work they are about as query parameters, and the query that these
stand for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.problems import Problem
from csapi.metrics.periods import RangePreset
from csapi.reports.comparison import CompareTo
from csapi.reports.ordering import Name
from csapi.reports.ranges import RangeParams
from csapi.reports.refusals import moved
from csapi.reports.schemas import (
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
PREVIOUS = CompareRequest(to=CompareTo.previous_period)
# The problems of a query that these parameters can cause, by where they would be in its body.
PLACES = (
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


def range_of(wanted: RangeParams) -> TimeRange:
    """The range that is asked for; the last 30 days where none is."""
    preset = wanted.preset
    if wanted.from_ is None and wanted.to is None and preset is None:
        preset = RangePreset.last_30_days
    return TimeRange(from_=wanted.from_, to=wanted.to, preset=preset)


def filter_of(chosen: Mapping[str, Sequence[str]]) -> FilterNode | None:
    """Only these members of each dimension; of one without any all."""
    tests = [
        FilterNode(dimension=name, op=FilterOp.is_in, values=list(values))
        for name, values in chosen.items()
        if values
    ]
    return FilterNode(and_=tests) if tests else None


def query_of(
    wanted: WorkParams,
    metrics: Sequence[MetricRequest],
    dimensions: Sequence[str] = (),
    compare: CompareRequest | None = None,
    only: Mapping[str, Sequence[str]] | None = None,
) -> Query:
    """The query of these metrics over the work that is asked for; of the last 30 days where no
    range is. only: further dimensions with the members to keep, all where there are none."""
    chosen = {"channel": wanted.channel, "inbox": wanted.inbox, **(only or {})}
    return Query(
        metrics=list(metrics),
        time=QueryTime(range=range_of(wanted), timezone=wanted.timezone),
        dimensions=list(dimensions),
        filters=filter_of(chosen),
        compare=compare,
        include=[Include.totals, Include.confidence] if dimensions else [Include.confidence],
    )


@contextmanager
def told_by_parameter(metrics: str, dimensions: str = "/by") -> Iterator[None]:
    """Problems of the query as problems of the parameters that it was made from; those of metrics
    and of dimensions of the parameters that are named."""
    places = (("/metrics", metrics), ("/dimensions", dimensions), *PLACES)
    try:
        yield
    except Problem as problem:
        raise moved(problem, lambda pointer: parameter_of(pointer, places)) from None


def parameter_of(pointer: str, places: Sequence[tuple[str, str]]) -> str:
    for place, parameter in places:
        if pointer == place or pointer.startswith(f"{place}/"):
            return parameter
    return pointer
