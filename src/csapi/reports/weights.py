"""Weights in a query string: name:weight, repeated."""

import math
from collections.abc import Sequence

from csapi.reports.refusals import refuse

LARGEST_WEIGHT = 1000.0


def read_weights(texts: Sequence[str], able: Sequence[str]) -> dict[str, float]:
    """The weights by name, each name once and out of `able`. Raises Problem."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition(":")
        if name not in able:
            message = "A weight is name:weight; these can have one."
            refuse("/weight", "invalid_value", message, able)
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
        if name in found or not 0 < weight <= LARGEST_WEIGHT:
            message = f"Each name once, with a weight above 0 and up to {LARGEST_WEIGHT:g}."
            refuse("/weight", "invalid_value", message)
        found[name] = weight
    return found
