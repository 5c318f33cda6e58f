"""Plans of PostgreSQL, as EXPLAIN (FORMAT JSON) gives them."""

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]


def nodes(plan: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)
