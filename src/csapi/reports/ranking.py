"""Which groups of an answer come, and in which order: having, top and order_by.

With time beside other dimensions it is members that are held against each other, by their values
over the whole range: all their buckets come, or none.
"""

import operator
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csapi.metrics.question import OTHER, Kept, MemberGroup, Question, TimeGroup
from csapi.metrics.stocks import empty_parts
from csapi.reports.fillings import Group
from csapi.reports.merging import merged
from csapi.reports.ordering import HavingOp, HavingTest, OrderBy, SortDirection, TopRequest
from csapi.reports.read import Reading
from csapi.reports.schemas import MetricValue, Query
from csapi.reports.shape import metric_value, ordered, rank_of

Read = Callable[[Question], Awaitable[Reading]]
Keys = tuple[int | None, ...]

COMPARE: dict[HavingOp, Callable[[float, float], bool]] = {
    HavingOp.gt: operator.gt,
    HavingOp.gte: operator.ge,
    HavingOp.lt: operator.lt,
    HavingOp.lte: operator.le,
    HavingOp.eq: operator.eq,
    HavingOp.ne: operator.ne,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """What an answer is made of. other: all that is left out, as one; others: the same for each
    time bucket. ranked: the keys of the members that were chosen, the best first."""

    question: Question
    reading: Reading
    groups: Sequence[Group]
    other: Group | None = None
    others: Sequence[Group] = ()
    ranked: Sequence[Keys] | None = None


def ranks_members(question: Question) -> bool:
    """Whether there is time beside other dimensions."""
    kinds = {type(group) for group in question.groups}
    return kinds == {TimeGroup, MemberGroup}


async def read_rows(read: Read, query: Query, question: Question) -> Rows:
    """Everything that an answer shows, from as few readings as it takes."""
    if query.top is None and not query.having:
        reading = await read(question)
        groups = ordered(question, reading)
        return Rows(question, reading, in_order(question, reading, groups, query.order_by))
    if not ranks_members(question):
        reading = await read(question)
        everything = ordered(question, reading)
        chosen = choose(question, everything, query)
        other = await rest_of(read, question, everything, chosen, query.top)
        groups = in_order(question, reading, chosen, query.order_by)
        return Rows(question, reading, groups, other, ranked=[each.keys for each in chosen])
    members = tuple(group for group in question.groups if isinstance(group, MemberGroup))
    over_all = replace(question, groups=members, with_totals=False)
    everything = ordered(over_all, await read(over_all))
    chosen = choose(over_all, everything, query)
    other = await rest_of(read, over_all, everything, chosen, query.top)
    reading = await read(replace(question, kept=kept_of(over_all, chosen)))
    by_rest = [OTHER in group.keys for group in reading.groups]
    shown = [group for group, is_rest in zip(reading.groups, by_rest, strict=True) if not is_rest]
    others = [group for group, is_rest in zip(reading.groups, by_rest, strict=True) if is_rest]
    groups = ordered(question, replace(reading, groups=shown))
    return Rows(
        question,
        reading,
        in_order(question, reading, groups, query.order_by),
        other,
        others if other is not None else (),
        [each.keys for each in chosen],
    )


def kept_of(question: Question, chosen: Sequence[Group]) -> Kept:
    return Kept(tuple(group.id for group in question.groups), tuple(each.keys for each in chosen))


def value_of(question: Question, name: str) -> Callable[[Group], MetricValue]:
    place = [asked.name for asked in question.metrics].index(name)
    asked, places = question.metrics[place], question.places[place]
    return lambda group: metric_value(asked, places, group)


def choose(question: Question, groups: Sequence[Group], query: Query) -> list[Group]:
    """The groups that pass `having`; of them those that `top` asks for, the best first."""
    chosen = list(groups)
    for test in query.having:
        chosen = [group for group in chosen if passes(test, value_of(question, test.by)(group))]
    if query.top is None:
        return chosen
    order = OrderBy(by=query.top.by, direction=query.top.direction)
    best = sorted(chosen, key=metric_rank(question, order))
    return best[: query.top.n] + [group for group in best[query.top.n :] if keeps(question, group)]


def keeps(question: Question, group: Group) -> bool:
    """Whether a group comes beside the best: how much has no tag is always told."""
    return bool(question.overlapping) and len(group.keys) == 1 and group.keys[0] is None


def passes(test: HavingTest, cell: MetricValue) -> bool:
    found = getattr(cell, test.part.value)
    return found is not None and COMPARE[test.op](found, test.value)


def metric_rank(question: Question, order: OrderBy) -> Callable[[Group], tuple[bool, float]]:
    cell, sign = value_of(question, order.by), 1 if order.direction is SortDirection.asc else -1

    def rank(group: Group) -> tuple[bool, float]:
        value = cell(group).value
        return value is None, sign * (value or 0)

    return rank


def in_order(
    question: Question, reading: Reading, groups: Sequence[Group], orders: Sequence[OrderBy]
) -> list[Group]:
    """The groups by the orders, the first one first; where all agree, as they were."""
    found = list(groups)
    names = {asked.name for asked in question.metrics}
    ids = [group.id for group in question.groups]
    for order in reversed(orders):
        if order.by in names:
            found.sort(key=metric_rank(question, order))
        else:
            sort_by_key(question, reading, found, ids.index(order.by), order.direction)
    return found


def sort_by_key(
    question: Question, reading: Reading, groups: list[Group], place: int, way: SortDirection
) -> None:
    """Sort by the keys of one dimension; (none) stays last either way."""
    rank = rank_of(question.groups[place], reading)

    def key(group: Group) -> tuple[Any, ...]:
        return rank(group.keys[place])

    groups.sort(key=key, reverse=way is SortDirection.desc)
    groups.sort(key=lambda group: group.keys[place] is None)


async def rest_of(
    read: Read,
    question: Question,
    groups: Sequence[Group],
    chosen: Sequence[Group],
    top: TopRequest | None,
) -> Group | None:
    """All groups but the chosen ones as one. Sums are added up; what cannot be added (percentiles,
    distinct counts) is read once more, with the rest under one key."""
    if top is None or not top.other:
        return None
    kept = {each.keys for each in chosen}
    rest = [group for group in groups if group.keys not in kept]
    if all(asked.percentile is None and not asked.is_set for asked in question.metrics):
        return merged(question, rest)
    if not rest:
        return Group((), empty_parts(question), {})
    reading = await read(replace(question, with_totals=False, kept=kept_of(question, chosen)))
    found = [group for group in reading.groups if OTHER in group.keys]
    return found[0] if found else Group((), empty_parts(question), {})
