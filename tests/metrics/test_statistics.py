"""Intervals and tests against published figures and against sums over all outcomes."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics import statistics
from csapi.metrics.statistics import (
    counts_p,
    fisher_p,
    holm,
    newcombe,
    poisson,
    rates_p,
    shares_p,
    t_p,
    t_quantile,
    variance,
    welch,
    wilson,
)

SIZES = st.integers(1, 60)


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(SIZES)
    return draw(st.integers(0, n)), n


def near(*numbers: float) -> object:
    return pytest.approx(numbers, abs=5e-4)


def test_golden_shares() -> None:
    assert wilson(18, 21) == near(0.654, 0.950)
    assert wilson(27, 28) == near(0.823, 0.994)
    assert newcombe(27, 28, 18, 21) == near(-0.062, 0.313)
    assert fisher_p(18, 21, 27, 28) == pytest.approx(0.3006, abs=5e-5)
    assert shares_p(6, 60, 2, 50) == pytest.approx(0.2877, abs=5e-5)


def test_newcombes_own_examples() -> None:
    """Table II of Newcombe 1998, Statistics in Medicine 17:873, method 10."""
    assert newcombe(56, 70, 48, 80) == near(0.0524, 0.3339)
    assert newcombe(9, 10, 3, 10) == near(0.1705, 0.8090)
    assert newcombe(5, 56, 0, 29) == near(-0.0381, 0.1926)
    assert newcombe(0, 10, 0, 10) == near(-0.2775, 0.2775)


@pytest.mark.parametrize(
    ("freedom", "t"),
    [
        (1, 12.7062),
        (2, 4.3027),
        (3, 3.1824),
        (5, 2.5706),
        (10, 2.2281),
        (30, 2.0423),
        (120, 1.9799),
    ],
)
def test_students_table(freedom: int, t: float) -> None:
    assert t_quantile(freedom) == pytest.approx(t, abs=5e-5)
    assert t_p(t_quantile(freedom), freedom) == pytest.approx(0.05, abs=1e-9)


def test_a_quantile_of_many_is_the_normal_one() -> None:
    assert t_quantile(1e9) == pytest.approx(1.959964, abs=1e-6)
    assert t_quantile(1000) == pytest.approx(t_quantile(1001), abs=1e-5)


@pytest.mark.parametrize(
    ("count", "low", "high"), [(1, 0.025, 5.572), (5, 1.623, 11.668), (20, 12.217, 30.888)]
)
def test_byar_is_near_the_exact_interval(count: int, low: float, high: float) -> None:
    """The exact ones: Garwood 1936."""
    found = poisson(count)
    assert found[0] == pytest.approx(low, abs=0.02)
    assert found[1] == pytest.approx(high, abs=0.02)


def test_welch_against_a_worked_example() -> None:
    """Two groups of 10: means 5 and 7, variances 4 and 9: t = -1.7541, 15.68 degrees of freedom."""
    p_value, (low, high) = welch((10, 5.0, 4.0), (10, 7.0, 9.0))
    error = math.sqrt(1.3)
    freedom = 1.3**2 / ((0.4**2 + 0.9**2) / 9)
    assert freedom == pytest.approx(15.68, abs=0.01)
    assert p_value == pytest.approx(t_p(-2 / error, freedom))
    assert p_value == pytest.approx(0.0990, abs=2e-3)
    assert (low + high) / 2 == pytest.approx(-2)
    assert high + 2 == pytest.approx(2.1235 * error, rel=1e-3)


@given(shares(), shares())
def test_fisher_is_the_sum_over_all_tables(first: tuple[int, int], second: tuple[int, int]) -> None:
    (a, m), (b, n) = first, second
    hits = a + b
    ways = {
        at: math.comb(m, at) * math.comb(n, hits - at)
        for at in range(max(0, hits - n), min(hits, m) + 1)
    }
    rare = sum(each for each in ways.values() if each <= ways[a])
    assert fisher_p(a, m, b, n) == pytest.approx(float(Fraction(rare, sum(ways.values()))))


@given(st.integers(0, 80), st.integers(0, 80), st.integers(1, 9), st.integers(1, 9))
def test_counts_are_the_sum_over_all_splits(a: int, b: int, span: int, other: int) -> None:
    chances = [math.comb(a + b, k) * span**k * other ** (a + b - k) for k in range(a + b + 1)]
    rare = sum(each for each in chances if each <= chances[a])
    assert rates_p(a, span, b, other) == pytest.approx(float(Fraction(rare, sum(chances))))
    assert counts_p(a, b) == pytest.approx(rates_p(a, 1, b, 1))


@given(shares(), shares())
def test_swapping_sides_negates(first: tuple[int, int], second: tuple[int, int]) -> None:
    low, high = newcombe(*first, *second)
    assert newcombe(*second, *first) == pytest.approx((-high, -low))
    assert shares_p(*first, *second) == pytest.approx(shares_p(*second, *first))
    assert -1 - 1e-9 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1 + 1e-9


@given(st.integers(1, 10**12), st.data())
def test_an_interval_holds_its_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson(hits, n)
    assert 0 <= low <= high <= 1
    assert low - 1e-12 <= hits / n <= high + 1e-12


@given(st.integers(0, 10**15))
def test_an_interval_holds_its_count(count: int) -> None:
    low, high = poisson(count)
    assert 0 <= low <= count < high


@given(st.lists(st.integers(-(10**12), 10**12), min_size=2, max_size=50))
def test_variance_from_sums_is_exact(values: list[int]) -> None:
    mean = Fraction(sum(values), len(values))
    exact = sum((each - mean) ** 2 for each in values) / (len(values) - 1)
    found = variance(len(values), sum(values), sum(each * each for each in values))
    assert found == pytest.approx(float(exact), rel=1e-12)


def test_large_tables_go_over_into_the_normal_test() -> None:
    """Where the exact test ends and the other takes over, both say the same."""
    for second in (400, 420, 440, 470):
        exact = fisher_p(400, 2000, second, 2000)
        assert shares_p(400, 2000, second, 2000) == pytest.approx(exact, abs=0.04)
    assert counts_p(530, 471) == pytest.approx(counts_p(529, 471), abs=0.01)
    assert shares_p(10**9, 2 * 10**9, 10**9, 2 * 10**9) == 1
    assert shares_p(0, 10, 0, 10**9) == 1
    assert fisher_p(0, 5000, 5000, 5000) == pytest.approx(0)


def test_constants() -> None:
    assert welch((30, 2.0, 0.0), (30, 2.0, 0.0)) == (1.0, (0.0, 0.0))
    assert welch((30, 3.0, 0.0), (30, 2.0, 0.0)) == (0.0, (1.0, 1.0))


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_only_raises_and_keeps_the_order(p_values: list[float]) -> None:
    found = holm(p_values)
    for p_value, adjusted in zip(p_values, found, strict=True):
        assert p_value <= adjusted <= 1
    ranked = sorted(zip(p_values, found, strict=True))
    assert [each[1] for each in ranked] == sorted(found)
    if p_values:
        assert min(found) == pytest.approx(min(1, len(p_values) * min(p_values)))


def test_the_level_is_95_percent() -> None:
    assert pytest.approx(1.959964, abs=1e-6) == statistics.Z
