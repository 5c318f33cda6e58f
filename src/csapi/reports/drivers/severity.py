"""How much a topic weighs, as a published sum. Pure.

    severity = sum of weight x share / sum of weights

Every share is the topic's part of something that all topics have together, so severity lies between
0 and 1: contacts, different customers, dissatisfied ratings, handling time, and growth (of all that
topics have grown by since the range before). What nobody has anything of has no weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WEIGHTS = {
    "contacts": 3.0,
    "customers": 2.0,
    "dissatisfaction": 3.0,
    "handling": 1.0,
    "growth": 1.0,
}


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a topic, or all of them together, has of each; None: hidden."""

    contacts: float | None
    customers: float | None
    dissatisfaction: float | None
    handling: float | None
    growth: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the whole, its share of all weights, and what it brings."""

    share: float | None
    weight: float
    contribution: float


def weights_in_force(weights: Mapping[str, float], whole: Amounts) -> dict[str, float]:
    """The share of each in all weights that count."""
    counting = {name: weight for name, weight in weights.items() if getattr(whole, name)}
    total = sum(counting.values())
    return {name: weight / total for name, weight in counting.items()}


def severity(amounts: Amounts, whole: Amounts, weights: Mapping[str, float]) -> dict[str, Part]:
    """The parts that add up to it; weights: those in force."""
    found = {}
    for name, weight in weights.items():
        amount, total = getattr(amounts, name), getattr(whole, name)
        share = None if amount is None else amount / total
        found[name] = Part(share, weight, weight * (share or 0.0))
    return found
