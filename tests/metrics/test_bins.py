"""Bins are narrow, right-closed, and have the thresholds that metrics use as edges."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.bins import (
    EDGES,
    EXACT_THRESHOLDS,
    GAMMA,
    RELATIVE_ERROR,
    STRICT_THRESHOLDS,
    bin_of,
    bins_within,
    middle,
)
from csapi.metrics.catalog import METRICS

DURATIONS = st.integers(0, EDGES[-1]) | st.sampled_from(EDGES).flatmap(
    lambda edge: st.integers(max(0, edge - 1), edge + 1)
)


def test_edges_rise_by_no_more_than_gamma() -> None:
    for low, high in pairwise(EDGES):
        assert low < high <= max(low + 1, low * GAMMA)


def test_bins_fit_a_smallint() -> None:
    assert len(EDGES) < 2**15


@given(DURATIONS)
def test_the_middle_is_near(duration: int) -> None:
    assert abs(middle(bin_of(duration)) - duration) <= duration * RELATIVE_ERROR


@given(DURATIONS, st.sampled_from(sorted(EXACT_THRESHOLDS | STRICT_THRESHOLDS)))
def test_a_threshold_never_cuts_a_bin(duration: int, threshold: int) -> None:
    above = bins_within(threshold)
    assert above is not None
    assert (bin_of(duration) < above) == (duration <= threshold)


def test_a_threshold_between_edges_has_no_bin() -> None:
    assert bins_within(123_457) is None


def test_nothing_is_within_less_than_nothing() -> None:
    assert bins_within(-1) == 0


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.id)
def test_defaults_are_answered_from_bins(metric: object) -> None:
    formula = metric.build(metric.defaults)  # type: ignore[attr-defined]
    for part in formula.parts:
        if part.threshold_ms is not None:
            assert bins_within(part.threshold_ms) is not None
