"""The clock of a metric is the clock of its histogram."""

from dataclasses import replace

from csapi.metrics.catalog import METRICS
from csapi.metrics.parts import BUSINESS_TWINS, THRESHOLDS, Measure
from csapi.metrics.question import Asked
from csapi.reports.histograms import EDGES, steps


def test_in_business_hours_business_time_is_counted() -> None:
    metric = METRICS["average_speed_of_answer"]
    formula = metric.build(metric.defaults).in_business_hours()
    assert formula.spread is not None
    asked = Asked("wait", metric, metric.defaults, formula)
    found = list(steps(asked, formula.spread))
    assert len(found) == len(EDGES) + 1
    measures = {part.measure for each in found for part in each.formula.parts}
    assert measures <= set(BUSINESS_TWINS.values())
    assert THRESHOLDS[Measure.BUSINESS_WITHIN_N] == "f.business_ms"
    calendar = replace(asked, formula=metric.build(metric.defaults))
    assert calendar.formula.spread is not None
    (first, *_) = steps(calendar, calendar.formula.spread)
    assert {part.measure for part in first.formula.parts} == {Measure.WITHIN_N, Measure.DURATION_N}
