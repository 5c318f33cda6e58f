"""When a number and a goal are about the same: one short name for metric, parameters and filters.

Metric, aggregation, clock, parameters as they are written, and filters, whatever the order of what
is joined by `and` and of the values of a test. Pure.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from csapi.facts.wire import normalized
from csapi.reports.schemas import FilterNode, MetricRequest


def joint(node: FilterNode) -> Iterator[FilterNode]:
    """What has to hold all at once."""
    if node.and_ is None:
        yield node
    for each in node.and_ or ():
        yield from joint(each)


def plain(node: FilterNode) -> Any:
    if node.or_ is not None:
        return ["or", *sorted((plain_all(each) for each in node.or_), key=repr)]
    if node.not_ is not None:
        return ["not", plain_all(node.not_)]
    values = sorted({normalized(each) for each in node.values or ()})
    return [node.dimension, node.op, *values]


def plain_all(node: FilterNode | None) -> Any:
    if node is None:
        return []
    tests = {msgspec.json.encode(plain(each)).decode() for each in joint(node)}
    return sorted(tests)


def match_of(metric: MetricRequest, filters: FilterNode | None) -> str:
    agg = None if metric.agg == "avg" else metric.agg
    params = {name: each for name, each in metric.params.items() if each is not None}
    told = metric.id, agg, metric.hours, sorted(params.items()), plain_all(filters)
    return hashlib.blake2b(msgspec.json.encode(told), digest_size=16).hexdigest()
