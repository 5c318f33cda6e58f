"""What stands beside a metric is a metric, and another one."""

from csapi.metrics.catalog import METRICS
from csapi.metrics.pairs import PAIRS


def test_pairs_are_of_the_catalog() -> None:
    named = set(PAIRS).union(*PAIRS.values())
    assert named <= set(METRICS)
    assert not [metric for metric, others in PAIRS.items() if metric in others or not others]


def test_satisfaction_never_stands_alone() -> None:
    for metric in ("csat_score", "csat_bottom_2_box", "rating_average", "ces_score", "nps"):
        assert "feedback_response_rate" in PAIRS[metric]
