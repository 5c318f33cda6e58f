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

FARTHEST = 3.0


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
