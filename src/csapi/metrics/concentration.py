"""How evenly something is spread over people. Pure.

The curve of M. O. Lorenz (1905) and the coefficient of C. Gini (1912), with weights: what each has
is held against the time that each was there for, so that part-time work is no unevenness.
"""

from collections.abc import Sequence
from itertools import pairwise

Pair = tuple[float, float]


def lorenz(pairs: Sequence[Pair]) -> list[Pair]:
    """Points of the curve from (0, 0) to (1, 1): of (weight, amount) those with the least amount
    for their weight first. Empty without any weight or amount."""
    known = sorted((pair for pair in pairs if pair[0] > 0), key=lambda pair: pair[1] / pair[0])
    weights, amounts = sum(weight for weight, _ in known), sum(amount for _, amount in known)
    if not weights or not amounts:
        return []
    found, x, y = [(0.0, 0.0)], 0.0, 0.0
    for weight, amount in known:
        x, y = x + weight / weights, y + amount / amounts
        found.append((x, y))
    return found


def gini(pairs: Sequence[Pair]) -> float | None:
    """0: everybody has the same for their weight; towards 1: one has all of it."""
    curve = lorenz(pairs)
    if not curve:
        return None
    area = sum((x - before) * (y + below) for (before, below), (x, y) in pairwise(curve))
    return max(1.0 - area, 0.0)


def top_share(pairs: Sequence[Pair], top: float) -> float | None:
    """What the busiest `top` of all weight has of all amount."""
    curve = lorenz(pairs)
    rest = 1.0 - top
    for (x, y), (following, above) in pairwise(curve):
        if following >= rest and following > x:
            return 1.0 - (y + (above - y) * (rest - x) / (following - x))
    return None
