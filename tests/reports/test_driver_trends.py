"""Trends and severity, by hand."""

import math

import pytest

from csapi.metrics.statistics import holm_of_known
from csapi.reports.drivers.severity import WEIGHTS, Amounts, severity, weights_in_force
from csapi.reports.drivers.trends import begun, mann_kendall, season_p, slope


def test_what_only_goes_up() -> None:
    up, p_value = mann_kendall(range(10))
    # 45 pairs, variance 10 * 9 * 25 / 18 = 125, z = 44 / sqrt(125).
    assert up == 45
    assert p_value == pytest.approx(math.erfc(44 / math.sqrt(125) / math.sqrt(2)))
    assert mann_kendall(range(10, 0, -1)) == (-45, p_value)
    assert slope([3 * n for n in range(10)]) == 3


def test_ties_are_less_to_go_by() -> None:
    up, p_value = mann_kendall([0, 0, 1, 1, 2, 2, 3, 3])
    # 24 pairs; of the variance each of the four ties takes 2 * 1 * 9.
    assert up == 24
    spread = (8 * 7 * 21 - 4 * 18) / 18
    assert p_value == pytest.approx(math.erfc(23 / math.sqrt(spread) / math.sqrt(2)))
    assert mann_kendall([5] * 9) == (0, 1.0)
    assert mann_kendall([1, 9, 1, 9, 1, 9, 1, 9])[1] > 0.3


def test_a_season_comes_back_after_a_year() -> None:
    summer = [100 + 60 * math.sin(math.pi * n / 6) for n in range(36)]
    assert season_p(summer) < 0.001
    rising = [value + 10 * n for n, value in enumerate(summer)]
    assert season_p(rising) < 0.001
    assert season_p([float(n) for n in range(36)]) == 1.0
    eight_months = [100 + 60 * math.sin(math.pi * n / 4) for n in range(36)]
    assert season_p(eight_months) > 0.5


def test_nothing_is_known_of_before_the_first_record() -> None:
    assert begun([[0, 0, 0, 4], [0, 2, 0, 1]], [0, 2, 0, 5]) == [[0, 0, 4], [2, 0, 1]]
    assert begun([[0, 0]], [0, 0]) == [[]]
    assert holm_of_known([0.01, None, 0.04]) == [0.02, None, 0.04]


def test_severity_is_the_sum_of_its_parts() -> None:
    whole = Amounts(100, 50, 20, 0, 10)
    weights = weights_in_force(WEIGHTS, whole)
    # Nobody has any handling time: 3, 2, 3 and 1 of 9.
    assert weights == {
        "contacts": 3 / 9, "customers": 2 / 9, "dissatisfaction": 3 / 9, "growth": 1 / 9,
    }  # fmt: skip
    parts = severity(Amounts(50, 10, 20, 0, None), whole, weights)
    assert {name: each.share for name, each in parts.items()} == {
        "contacts": 0.5, "customers": 0.2, "dissatisfaction": 1, "growth": None,
    }  # fmt: skip
    total = sum(each.contribution for each in parts.values())
    assert total == pytest.approx((3 * 0.5 + 2 * 0.2 + 3) / 9)
    assert weights_in_force({"handling": 1.0}, whole) == {}
