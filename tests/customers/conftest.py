"""Tenants with customers, filled and asked by the production coroutines."""

from typing import Any

from tests.reference.conftest import Ask, Item, Send, ask, derive, send


def values(answer: Any, metric: str) -> dict[Any, Any]:
    """The values of a metric by the keys of the rows; a single dimension is no tuple."""
    found = {}
    for row in answer["data"]:
        keys = tuple(each["key"] for each in row["dimensions"].values())
        found[keys[0] if len(keys) == 1 else keys] = row["metrics"][metric]["value"]
    return found


__all__ = ["Ask", "Item", "Send", "ask", "derive", "send", "values"]
