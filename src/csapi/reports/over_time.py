"""How the values of a metric over parts of a time hang together with that of the whole. Pure."""

from collections.abc import Iterable

from csapi.metrics.catalog import METRICS
from csapi.metrics.effects import Scale
from csapi.metrics.metric import MergeClass, Unit
from csapi.reports.schemas import MetricRequest, MetricValue

WEEK = 7
SUMS = {"sum", "count"}
# Of several weeks together these are not what they are of each.
OF_WHOLES = {MergeClass.distinct, MergeClass.extreme}
COUNTED = {MergeClass.additive, MergeClass.distinct, MergeClass.stock}
# What a formula of the tenant's own counts, or may.
COUNTS = {Unit.COUNT, Unit.MONEY}


def scale_of(metric: MetricRequest, unit: Unit, values: Iterable[float | None]) -> Scale:
    """Seasons and growth multiply what is counted; means and shares they shift, and differences,
    which can be below zero."""
    known = METRICS.get(metric.id)
    if any(each is not None and each < 0 for each in values):
        return Scale.linear
    if known is None:
        return Scale.ratio if unit in COUNTS else Scale.linear
    is_sum = metric.agg in SUMS or known.merge_class in COUNTED
    return Scale.ratio if is_sum else Scale.linear


def since_first(values: Iterable[MetricValue | None]) -> list[MetricValue | None]:
    """Nothing in place of what is before the first record: a 0 there is no quiet time, but one that
    nobody knows of."""
    found: list[MetricValue | None] = []
    has_begun = False
    for each in values:
        has_begun = has_begun or (each is not None and each.n > 0)
        found.append(each if has_begun else None)
    return found


def weeks_in(metric: MetricRequest, unit: Unit, window_days: int) -> float | None:
    """What the value of a week times makes that of a window; None: nothing does."""
    known = METRICS.get(metric.id)
    if window_days == WEEK:
        return 1.0
    if known is None:
        # Of a quotient weeks are alike, of a sum nobody knows.
        return None if unit in COUNTS else 1.0
    if metric.agg in SUMS or known.merge_class is MergeClass.additive:
        return window_days / WEEK
    is_extreme = metric.agg in ("min", "max")
    return None if is_extreme or known.merge_class in OF_WHOLES else 1.0
