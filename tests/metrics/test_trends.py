"""A line through points: figures that were worked out by hand, and what its interval covers."""

import random

import pytest

from csapi.metrics.statistics import t_quantile
from csapi.metrics.trends import LEAST_POINTS, Point, line_through


def test_a_line_by_hand() -> None:
    """x 0 to 4, y 1 3 2 5 4: slope 0.8, residual variance 3.6 / 3."""
    line = line_through([Point(x, y) for x, y in enumerate((1, 3, 2, 5, 4))])
    assert line is not None
    assert [line.slope, line.at(0)] == pytest.approx([0.8, 1.4])
    assert line.variance == pytest.approx(3.6 / 3)
    assert line.slope_reach == pytest.approx(t_quantile(3) * (1.2 / 10) ** 0.5)
    low, high = line.interval_at(6, 1)
    reach = t_quantile(3) * (1.2 * (1 / 5 + 16 / 10 + 1)) ** 0.5
    assert [low, high] == pytest.approx([6.2 - reach, 6.2 + reach])


def test_weights_are_repetitions() -> None:
    heavy = line_through([Point(0, 1, 3), Point(1, 2), Point(2, 2), Point(3, 5)])
    single = line_through([*[Point(0, 1)] * 3, Point(1, 2), Point(2, 2), Point(3, 5)])
    assert heavy is not None
    assert single is not None
    assert [heavy.slope, heavy.level] == pytest.approx([single.slope, single.level])


def test_when_it_gets_there() -> None:
    steep = line_through([Point(x, x + d) for x, d in enumerate((0, 0.1, -0.1, 0.1, 0, -0.1))])
    assert steep is not None
    found = steep.reaches(10)
    assert found is not None
    at, (early, late) = found
    assert early < at < late
    assert at == pytest.approx(10, abs=0.5)
    # A new point there has the target within its interval.
    low, high = steep.interval_at(at, 1)
    assert low < 10 < high


def test_what_may_be_flat_gets_nowhere_for_certain() -> None:
    noisy = line_through([Point(x, y) for x, y in enumerate((1, 5, 0, 4, 2, 4))])
    assert noisy is not None
    assert noisy.reaches(10) is None


def test_too_few_points_are_no_line() -> None:
    points = [Point(x, x) for x in range(LEAST_POINTS - 1)]
    assert line_through(points) is None
    assert line_through([*points, Point(9, 9, 0)]) is None
    assert line_through([Point(1, y) for y in range(LEAST_POINTS)]) is None


def test_the_interval_covers_nineteen_of_twenty() -> None:
    rng, inside, rounds = random.Random(5), 0, 1_000
    for _ in range(rounds):
        line = line_through([Point(x, 2 + 0.3 * x + rng.gauss(0, 1)) for x in range(8)])
        assert line is not None
        low, high = line.interval_at(12, 1)
        inside += low <= 2 + 0.3 * 12 + rng.gauss(0, 1) <= high
    assert 0.93 < inside / rounds < 0.97
