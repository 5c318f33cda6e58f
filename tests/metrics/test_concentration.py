"""How evenly work is spread over people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.concentration import gini, top_share

pairs = st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 100)), min_size=1, max_size=20)


def test_equal_occupancy_is_even_whatever_the_hours() -> None:
    assert gini([(8, 6), (4, 3), (2, 1.5)]) == pytest.approx(0)
    assert top_share([(8, 6), (4, 3), (2, 1.5)], 0.2) == pytest.approx(0.2)


def test_known_values() -> None:
    # Four people with 1, 2, 3 and 4: the textbook value is 0.25.
    assert gini([(1, 1), (1, 2), (1, 3), (1, 4)]) == pytest.approx(0.25)
    # One of five does all of it.
    alone = [(1.0, 0.0)] * 4 + [(1.0, 1.0)]
    assert gini(alone) == pytest.approx(0.8)
    assert top_share(alone, 0.2) == pytest.approx(1)
    assert gini([]) is gini([(0, 0)]) is gini([(1, 0)]) is None
    assert top_share([], 0.2) is None


@given(pairs)
def test_laws(found: list[tuple[float, float]]) -> None:
    value = gini(found)
    if value is None:
        return
    assert 0 <= value < 1
    # Who is there twice as often with twice as much changes nothing.
    assert gini([*found, *found]) == pytest.approx(value, abs=1e-9)
    share = top_share(found, 0.2)
    assert share is not None
    assert 0.2 - 1e-9 <= share <= 1 + 1e-9
