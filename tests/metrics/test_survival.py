"""Kaplan and Meier, against plain products of fractions."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.survival import median, surviving

WAITS = st.lists(st.integers(0, 12), max_size=12).map(sorted)


def share(ended: Sequence[int], seen: Sequence[int], until: int) -> Fraction:
    found = Fraction(1)
    for when in sorted(set(ended)):
        if when <= until:
            at_risk = sum(each >= when for each in (*ended, *seen))
            found *= Fraction(at_risk - list(ended).count(when), at_risk)
    return found


@given(ended=WAITS, seen=WAITS, threshold=st.integers(0, 13))
def test_the_surviving_share(ended: list[int], seen: list[int], threshold: int) -> None:
    found = surviving(ended, seen, threshold)
    if not ended and not seen:
        assert found is None
        return
    assert found == pytest.approx(float(share(ended, seen, threshold)), rel=1e-12)


@given(ended=WAITS, seen=WAITS)
def test_the_median(ended: list[int], seen: list[int]) -> None:
    reached = [when for when in ended if share(ended, seen, when) <= Fraction(1, 2)]
    assert median(ended, seen) == min(reached, default=None)


def test_without_lost_waits_it_is_a_plain_share() -> None:
    assert surviving([10, 20, 30], [], 20) == 1 / 3
    assert surviving([10, 20, 30], [100] * 7, 20) == 8 / 10
    assert median([10, 20, 30], []) == 20
    assert median([10, 20], [100] * 3) is None
