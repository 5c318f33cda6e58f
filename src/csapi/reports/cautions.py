"""What a query names, and what to know of it beside its numbers. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from csapi.metrics.question import Question
from csapi.reports.schemas import FilterNode, Query

BY_PERSON = {"actor_agent", "actor_team", "owner_agent", "owner_team"}


def names_in(*filters: FilterNode | None) -> Iterable[str]:
    """The dimensions that filters are about."""
    pending = list(filters)
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.dimension is not None:
            yield node.dimension
        pending += [*(node.and_ or ()), *(node.or_ or ()), node.not_]


def filters_of(query: Query) -> list[FilterNode | None]:
    """Those of both sides."""
    return [query.filters, None if query.compare is None else query.compare.filters]


def cautions(question: Question) -> list[str]:
    """What to know of rows that overlap, and of a metric by person or team."""
    found = [
        f"{name}: a record can be in several rows, so that rows do not add up to the total and "
        "shares can add up to more than 1"
        for name in question.overlapping
    ]
    if not question.columns & BY_PERSON:
        return found
    return found + [
        f"{asked.name}: {asked.metric.caution_by_agent}"
        for asked in question.metrics
        if asked.metric.caution_by_agent
    ]


def unknown_values(query: Query, members: Mapping[tuple[str, str], Sequence[int]]) -> list[str]:
    """A filter value that nobody bears selects nothing; say so, since it may be a typo."""
    known = {key for _, key in members}
    found: list[str] = []
    pending = filters_of(query)
    while pending:
        node = pending.pop()
        if node is None:
            continue
        if node.dimension != "rating":
            found += [
                f"no member of {node.dimension} is called {value[:64]!r}"
                for value in node.values or ()
                if value not in known
            ]
        pending += [*(node.and_ or ()), *(node.or_ or ()), node.not_]
    return found
