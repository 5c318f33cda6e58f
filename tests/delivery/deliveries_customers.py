"""Anything that a source may send about customers, and about who is one and the same."""

from datetime import datetime

from hypothesis import strategies as st
from tests.delivery.lab import Item
from tests.delivery.strategies import (
    custom,
    customers,
    flags,
    instants,
    labels,
    maybe,
    record,
    tags,
    versions,
)


def periods(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[list[Item]]:
    """Up to two periods that follow each other, with a gap or without, open at either end."""

    def made(edges: list[str], one: str, other: str, has_gap: bool) -> list[Item]:  # noqa: FBT001
        first, *rest = sorted(set(edges), key=datetime.fromisoformat)
        if not rest:
            return [{name: one, "from": first}]
        start = rest[0] if has_gap else first
        if len(rest) == 1:
            return [{name: one, "to": first}, {name: other, "from": start}]
        return [{name: one, "to": first}, {name: other, "from": start, "to": rest[1]}]

    edges = st.lists(instants, min_size=1, max_size=3)
    return st.one_of(st.just([]), st.builds(made, edges, values, values, st.booleans()))


statuses = periods("status", st.sampled_from(["active", "churned"]))
customer_items = st.one_of(
    record(customers, segment=maybe(labels), created_at=maybe(instants), custom=custom),
    record(
        customers,
        segments=periods("segment", labels),
        statuses=statuses,
        created_at=maybe(instants),
        tags=tags,
    ),
)
merge_items = (
    st.fixed_dictionaries(
        {
            "from": customers,
            "into": customers,
            "source_updated_at": versions,
            "deleted": flags,
        }
    )
    .filter(lambda item: item["from"] != item["into"])
    .map(dict)
)
