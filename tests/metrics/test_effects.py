"""What an event changed, on series whose truth is known."""

import math
import random
from collections.abc import Callable

import pytest

from csapi.metrics.effects import Effect, NoEffect, Scale, Week, effect_of


def weeks(*values: float | None, weight: float = 1.0) -> list[Week]:
    return [Week(value, weight) for value in values]


def test_a_step_without_any_noise_is_told_as_it_is() -> None:
    found = effect_of(weeks(1, 2, 3, 4, 5, 6), weeks(12, 13, 14))
    assert isinstance(found, Effect)
    assert found.effect == pytest.approx(5)
    assert found.p_value < 1e-6
    assert (found.weeks_before, found.weeks_after) == (6, 3)


def test_a_factor_of_counts() -> None:
    before = weeks(100, 110, 95, 104, 99, 107, 101, 96)
    found = effect_of(before, weeks(150, 161, 148), scale=Scale.ratio)
    assert isinstance(found, Effect)
    assert math.exp(found.effect) == pytest.approx(1.5, rel=0.15)
    assert found.p_value < 0.05


def test_a_season_of_all_is_no_effect_of_one() -> None:
    """Both double: held against the others, nothing is left."""
    before, after = weeks(10, 11, 9, 10, 12, 10), weeks(20, 21, 19)
    others = weeks(100, 108, 93, 101, 118, 99), weeks(200, 208, 193)
    found = effect_of(before, after, scale=Scale.ratio, others=others)
    assert isinstance(found, Effect)
    assert found.p_value > 0.05
    assert found.ci95[0] < 0 < found.ci95[1]


def test_what_is_missing_is_said() -> None:
    few = weeks(1, None, 2, 3, None, 2, 1)
    assert effect_of(few, weeks(2)) is NoEffect.too_few_weeks_before
    enough = weeks(1, 2, 3, 2, 1, 2)
    assert effect_of(enough, weeks(None, None)) is NoEffect.too_few_weeks_after
    assert effect_of(enough, []) is NoEffect.too_few_weeks_after
    assert isinstance(effect_of(enough, weeks(2)), Effect)
    weightless = [Week(1.0, 0.0)] * 6
    assert effect_of(weightless, weeks(2)) is NoEffect.too_few_weeks_before


def test_values_that_never_differ_have_no_effect() -> None:
    found = effect_of(weeks(4, 4, 4, 4, 4, 4), weeks(4, 4))
    assert isinstance(found, Effect)
    assert found.effect == pytest.approx(0, abs=1e-9)
    assert not math.isnan(found.p_value)


def autoregressive(rng: random.Random, clings: float) -> Callable[[], float]:
    """Weeks that are means of days, each of which clings to the one before."""
    level = [rng.gauss(0, 1)]

    def day() -> float:
        level[0] = clings * level[0] + rng.gauss(0, math.sqrt(1 - clings**2))
        return level[0]

    return lambda: sum(day() for _ in range(7)) / 7


@pytest.mark.parametrize("clings", [0.0, 0.6])
@pytest.mark.parametrize("has_others", [False, True])
def test_without_an_effect_at_most_one_in_twenty_is_told(
    clings: float, *, has_others: bool
) -> None:
    rng, told, rounds = random.Random(f"{clings}/{has_others}"), 0, 400
    for _ in range(rounds):
        own, other = autoregressive(rng, clings), autoregressive(rng, clings)
        series = weeks(*(own() for _ in range(16)))
        beside = weeks(*(other() for _ in range(16)))
        others = (beside[:12], beside[12:]) if has_others else None
        found = effect_of(series[:12], series[12:], others=others)
        assert isinstance(found, Effect)
        told += found.p_value < 0.05
    assert told / rounds <= 0.05
