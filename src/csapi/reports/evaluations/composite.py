"""Several columns as one number, by weights that the request gives. Pure.

    score = (rank_value - mean) / deviation, better is positive, at most 3 either way
    composite = sum of weight x score / sum of weights

Mean and deviation are those of the rank values of all agents that have one. A column without a
value, or in which all agents are alike, brings nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csapi.metrics.metric import Direction
from csapi.reports.evaluations.schemas import Composite, CompositePart
from csapi.reports.refusals import refuse

FARTHEST, LARGEST_WEIGHT = 3.0, 1000.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How a column is scored. weight: its share of all weights."""

    weight: float
    sign: int
    mean: float
    deviation: float

    def score(self, rank_value: float) -> float:
        if self.deviation == 0:
            return 0.0
        found = self.sign * (rank_value - self.mean) / self.deviation
        return max(-FARTHEST, min(FARTHEST, found))


def read_weights(texts: Sequence[str], columns: Mapping[str, Direction]) -> dict[str, float]:
    """The weights by column. Raises Problem."""
    found: dict[str, float] = {}
    able = [name for name, each in columns.items() if each is not Direction.neutral]
    for text in texts:
        name, _, number = text.rpartition(":")
        if name not in able:
            message = "A weight is column:weight, of a column that has a good direction."
            refuse("/weight", "invalid_value", message, able)
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if name in found or not 0 < weight <= LARGEST_WEIGHT:
            message = f"Each column once, with a weight above 0 and up to {LARGEST_WEIGHT:g}."
            refuse("/weight", "invalid_value", message)
        found[name] = weight
    return found


def scales_of(
    weights: Mapping[str, float],
    columns: Mapping[str, Direction],
    ranked: Mapping[str, Sequence[float | None]],
) -> dict[str, Scale]:
    whole = sum(weights.values())
    found = {}
    for name, weight in weights.items():
        values = [each for each in ranked[name] if each is not None]
        mean = sum(values) / len(values) if values else 0.0
        spread = sum((each - mean) ** 2 for each in values) / len(values) if values else 0.0
        sign = 1 if columns[name] is Direction.higher_is_better else -1
        found[name] = Scale(weight / whole, sign, mean, math.sqrt(spread))
    return found


def composite(scales: Mapping[str, Scale], ranked: Mapping[str, float | None]) -> Composite:
    """That of one agent; null where no column has a value."""
    parts, covered = {}, 0.0
    for name, scale in scales.items():
        value = ranked[name]
        score = None if value is None else scale.score(value)
        covered += 0 if score is None else scale.weight
        parts[name] = CompositePart(
            weight=scale.weight, score=score, contribution=scale.weight * (score or 0.0)
        )
    total = sum(each.contribution for each in parts.values())
    return Composite(value=total if covered else None, covered=covered, parts=parts)
