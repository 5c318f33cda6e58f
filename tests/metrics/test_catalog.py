"""Every entry of the catalog says what it is; the golden numbers come out."""

import re

import pytest
from tests.metrics.world import Fact, expected_cell

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome
from csapi.metrics.catalog import METRICS
from csapi.metrics.catalog.calls import SERVICE_LEVEL_VARIANTS
from csapi.metrics.metric import MergeClass, Metric, ParamType, Unit
from csapi.reports.describe import catalog_page, metric_info

EVERY = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.id)


@EVERY
def test_entry_is_complete(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.id)
    assert not re.search(r"_(seconds|ms|hours|percent)\b", metric.id)
    for text in (metric.label, metric.description, metric.formula_text, metric.example):
        assert text
    assert metric.kinds
    is_share = metric.merge_class is MergeClass.ratio or metric.id == "still_waiting_rate"
    assert (metric.unit is Unit.SHARE) == is_share
    is_divided = metric.build(metric.defaults).denominator is not None
    if metric.merge_class is not MergeClass.distinct:
        assert is_divided == (metric.merge_class not in (MergeClass.additive, MergeClass.stock))


@EVERY
def test_parameters_have_lawful_defaults(metric: Metric) -> None:
    for param in metric.params:
        assert param.description
        if param.type is ParamType.choice:
            assert param.default in param.choices
        elif param.type is ParamType.flag:
            assert isinstance(param.default, bool)
        elif param.default is not None:
            assert param.minimum <= param.default <= param.maximum


@EVERY
def test_entry_is_published(metric: Metric) -> None:
    info = metric_info(metric)
    assert "channel" in info.dimensions
    assert "time:day" in info.dimensions
    assert f"`{metric.id}`" in catalog_page()


def call(outcome: CallOutcome, wait_ms: int) -> Fact:
    return {
        "kind": Kind.CALL, "outcome": outcome, "duration_ms": wait_ms, "negative_ms": None,
        "value": None,
    }  # fmt: skip


# answered 1000, abandoned 60; within 20 s 860 and 20; abandoned within 5 s 10
CALL_CENTRE_HELPER = [
    *(call(CallOutcome.ANSWERED, 20_000) for _ in range(860)),
    *(call(CallOutcome.ANSWERED, 20_001) for _ in range(140)),
    *(call(CallOutcome.ABANDONED, 4_999) for _ in range(10)),
    *(call(CallOutcome.ABANDONED, 5_000) for _ in range(10)),
    *(call(CallOutcome.ABANDONED, 20_001) for _ in range(40)),
]
GOLDEN = {
    "answered_only": 86.00,
    "abandons_in_threshold_met": 83.02,
    "abandons_after_threshold_missed": 82.69,
    "short_abandons_met": 82.08,
    "short_abandons_excluded": 81.90,
    "all_abandons_missed": 81.13,
}


@pytest.mark.parametrize("variant", SERVICE_LEVEL_VARIANTS)
def test_service_level_variants(variant: str) -> None:
    metric = METRICS["service_level"]
    cell = expected_cell(metric.build({**metric.defaults, "variant": variant}), CALL_CENTRE_HELPER)
    assert round(cell["value"] * 100, 2) == GOLDEN[variant]


def test_the_default_variant_is_the_published_one() -> None:
    assert METRICS["service_level"].defaults["variant"] == "abandons_after_threshold_missed"


def test_a_mean_is_no_mean_of_means() -> None:
    responses = [
        {"kind": Kind.FIRST_RESPONSE, "outcome": 0, "duration_ms": seconds * 1000,
         "negative_ms": None, "value": None}
        for seconds in [60] * 100 + [600] * 2
    ]  # fmt: skip
    metric = METRICS["first_response_time"]
    cell = expected_cell(metric.build(metric.defaults), responses)
    assert round(cell["value"], 2) == 70.59
    assert (cell["numerator"], cell["denominator"], cell["n"]) == (7200, 102, 102)


def test_short_abandons_are_strictly_short() -> None:
    metric = METRICS["abandonment_rate"]
    cell = expected_cell(metric.build(metric.defaults), CALL_CENTRE_HELPER)
    assert (cell["numerator"], cell["denominator"]) == (50, 1050)
