"""Reading a question in two: what summaries have, and what only facts tell.

One metric that only facts tell, such as different tickets, has all metrics of its question read
from facts. Of many metrics that is most of the time; so each half is read where it is quickest, in
the same snapshot, and put together as if it had been one.
"""

from collections.abc import Sequence
from dataclasses import replace

from csapi.metrics.compile import cuboid_for
from csapi.metrics.parts import Part
from csapi.metrics.question import Question
from csapi.metrics.stocks import empty_parts
from csapi.metrics.wholes import has_common
from csapi.reports.fillings import Group, hidden_in
from csapi.reports.read import Reading
from csapi.reports.service import Snapshot
from csapi.reports.suppression import NOTHING

Half = tuple[Question, Group | None]


async def read_apart(snapshot: Snapshot, question: Question) -> Reading:
    """The same as `snapshot.read`, from one reading or two."""
    halves = halves_of(question)
    if len(halves) == 1:
        return await snapshot.read(question)
    return together(question, halves, [await snapshot.read(each) for each in halves])


def halves_of(question: Question) -> list[Question]:
    """The question, or its metrics that summaries have and the others. What is held against the
    whole is not cut."""
    if has_common(question):
        return [question]
    is_summarized = {
        asked.name: cuboid_for(replace(question, metrics=(asked,))) is not None
        for asked in question.metrics
    }
    halves = [
        tuple(asked for asked in question.metrics if is_summarized[asked.name] is wanted)
        for wanted in (True, False)
    ]
    if not all(halves):
        return [question]
    return [replace(question, metrics=half) for half in halves]


def together(
    question: Question, halves: Sequence[Question], readings: Sequence[Reading]
) -> Reading:
    found = [{group.keys: group for group in each.groups} for each in readings]
    keys = dict.fromkeys(key for groups in found for key in groups)
    totals = [each.total for each in readings]
    through = [each.data_through for each in readings if each.data_through is not None]
    names = {key: each for one in readings for key, each in one.names.items()}
    sources = {each.source for each in readings}
    return replace(
        readings[0],
        groups=[
            one_group(question, list(zip(halves, [each.get(key) for each in found], strict=True)))
            for key in keys
        ],
        total=None
        if all(each is None for each in totals)
        else one_group(question, list(zip(halves, totals, strict=True))),
        names=names,
        is_exact=all(each.is_exact for each in readings),
        source=sources.pop() if len(sources) == 1 else "mixed",
        data_through=max(through, default=None),
        outdated=tuple(dict.fromkeys(each for one in readings for each in one.outdated)),
        changing=frozenset[str]().union(*(each.changing for each in readings)),
        revised=max((each.revised for each in readings), key=len),
    )


def one_group(question: Question, halves: Sequence[Half]) -> Group:
    """A group of the whole question from those of its halves; one of them may have none."""
    groups = [group for _, group in halves if group is not None]
    known: dict[Part, int | None] = {}
    customers: dict[str, int] = {}
    for half, group in halves:
        parts = empty_parts(half) if group is None else group.parts
        known.update(zip(half.parts, parts, strict=True))
        if group is not None and group.customers:
            names = (asked.name for asked in half.metrics)
            customers.update(zip(names, group.customers, strict=True))
    records = {name: each for group in groups for name, each in (group.records or {}).items()}
    return Group(
        keys=groups[0].keys,
        parts=[known[part] for part in question.parts],
        percentiles={name: each for group in groups for name, each in group.percentiles.items()},
        records=records or None,
        customers=[customers.get(asked.name, NOTHING) for asked in question.metrics]
        if customers
        else (),
        hidden=hidden_in(groups),
    )
