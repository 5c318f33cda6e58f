"""The forecast of arrivals, on series whose law is known."""

import random
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from csapi.metrics.backtesting import HORIZON, backtest
from csapi.metrics.forecasting import Day, fitted, naive

FIRST = date(2026, 1, 5)
WEEKDAYS = (1.4, 1.2, 1.1, 1.0, 0.9, 0.3, 0.0)
SHARES = (0.0, 0.1, 0.3, 0.25, 0.2, 0.15)


def poisson(mean: float, rng: random.Random) -> int:
    """How many come where so many are expected."""
    count, left = 0, mean
    while left > 0 and (left := left - rng.expovariate(1)) > 0:
        count += 1
    return count


def series(
    count: int,
    level: Callable[[int], float],
    *,
    seed: int | None = None,
    events: Callable[[int], frozenset[str]] = lambda _: frozenset(),
) -> list[Day]:
    """Days from a Monday on; exactly as expected, or with the chance of a seed."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        amount = level(number) * WEEKDAYS[number % 7]
        means = [amount * share for share in SHARES]
        counts = means if seed is None else [float(poisson(each, rng)) for each in means]
        planned = events(number)
        found.append(Day(FIRST + timedelta(days=number), sum(counts), counts, planned))
    return found


def test_what_follows_its_law_is_forecast_exactly() -> None:
    days = series(56, lambda _: 200)
    baseline = fitted(days, len(SHARES))
    for ahead in range(14):
        day = FIRST + timedelta(days=56 + ahead)
        expected = [200 * WEEKDAYS[day.weekday()] * share for share in SHARES]
        assert baseline.expected(day, ()) == pytest.approx(expected)
        assert naive(days, day, len(SHARES)) == pytest.approx(expected)


def test_the_level_follows_a_step() -> None:
    days = series(84, lambda number: 100 if number < 42 else 200)
    # The mean of all weekdays is a little below 1.
    assert fitted(days, len(SHARES)).level / (sum(WEEKDAYS) / 7) == pytest.approx(200, rel=0.05)


def test_events_are_left_out_and_get_their_own_factor() -> None:
    def events(number: int) -> frozenset[str]:
        return frozenset({"sale"} if number in (15, 16, 43, 44) else ())

    days = series(70, lambda number: 300 if events(number) else 100, events=events)
    baseline = fitted(days, len(SHARES))
    assert baseline.level / (sum(WEEKDAYS) / 7) == pytest.approx(100, rel=0.01)
    sale = baseline.events["sale"]
    assert sale.days == 4
    assert sale.value == pytest.approx(3, rel=0.01)
    tuesday = FIRST + timedelta(days=71)
    assert sum(baseline.expected(tuesday, {"sale"})) == pytest.approx(360, rel=0.02)
    once = fitted(
        series(70, lambda _: 100, events=lambda n: events(n) if n == 15 else events(0)), 6
    )
    assert once.events["sale"].value is None
    assert sum(once.expected(tuesday, {"sale"})) == pytest.approx(120, rel=0.01)


def test_of_chance_the_model_beats_the_week_before_and_its_band_holds() -> None:
    tested = backtest(series(98, lambda _: 150, seed=3), 14, len(SHARES))
    assert tested is not None
    assert (len(tested.origins), tested.horizon) == (6, HORIZON)
    own, other = tested.model.errors, tested.naive.errors
    assert own.wape is not None
    assert other.wape is not None
    # Against itself a Poisson series is off by the chance of two days, not of one.
    assert own.wape < 0.8 * other.wape
    assert own.mase is not None
    assert own.mase < 0.85
    assert own.covered_n > 100
    assert own.coverage[0.8] == pytest.approx(0.8, abs=0.08)
    assert own.coverage[0.95] == pytest.approx(0.95, abs=0.05)
    assert tested.is_model_better


def test_what_is_the_same_every_week_is_left_to_the_week_before() -> None:
    tested = backtest(series(70, lambda _: 100), 7, len(SHARES))
    assert tested is not None
    assert tested.naive.errors.wape == 0
    assert not tested.is_model_better


def test_too_little_is_not_tested() -> None:
    assert backtest(series(27, lambda _: 100), 7, len(SHARES)) is None
    tested = backtest(series(28, lambda _: 100, seed=1), 7, len(SHARES))
    assert tested is not None
    assert len(tested.origins) == 1
    assert tested.model.errors.coverage == {}


def test_days_without_contacts_are_no_trouble() -> None:
    baseline = fitted(series(14, lambda _: 0), len(SHARES))
    assert sum(baseline.expected(FIRST, ())) == 0
    tested = backtest(series(60, lambda _: 0), 7, len(SHARES))
    assert tested is not None
    assert tested.model.errors.wape is None
    assert tested.model.band is None
