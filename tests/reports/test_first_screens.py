"""First screens are read from summaries alone."""

import pytest

from csapi.metrics.catalog import METRICS
from csapi.metrics.compile import cuboid_for
from csapi.metrics.periods import explicit_period
from csapi.metrics.question import Asked, Question
from csapi.reports.kpis import SETS, KpiSet
from csapi.reports.schemas import MOST_METRICS

PERIOD = explicit_period("2026-01-01", "2026-02-01", "UTC")


@pytest.mark.parametrize("chosen", KpiSet)
def test_summaries_have_all_of_a_screen(chosen: KpiSet) -> None:
    metrics = [METRICS[name] for name in SETS[chosen]]
    asked = tuple(
        Asked(each.id, each, each.defaults, each.build(each.defaults), None) for each in metrics
    )
    assert cuboid_for(Question(PERIOD, "UTC", asked, (), None)) is not None
    assert len({*SETS[chosen]}) == len(SETS[chosen]) <= MOST_METRICS
