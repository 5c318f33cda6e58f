"""What a process remembers of many, the latest alone."""

from collections import OrderedDict
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(kept: OrderedDict[K, V], key: K, value: V, *, most: int) -> None:
    """Remember it as the latest; beyond `most` the one that was kept longest ago is forgotten."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
