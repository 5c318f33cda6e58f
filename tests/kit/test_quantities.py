import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from csapi.kit.quantities import (
    EARLIEST,
    MAX_SECONDS,
    Seconds,
    check_instant,
    seconds_to_ms,
    ten_thousandths,
    weighted_ten_thousandths,
)

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


def exact(value: float) -> int:
    return int((Decimal(repr(value)) * 1000).quantize(Decimal(1), ROUND_HALF_UP))


@given(st.integers(0, MAX_SECONDS * 1000))
def test_whole_milliseconds_survive(ms: int) -> None:
    assert seconds_to_ms(ms / 1000) == ms
    assert seconds_to_ms(msgspec.json.decode(f"{Decimal(ms) / 1000}", type=float)) == ms


@given(st.floats(0, MAX_SECONDS))
@example(0.0005)
@example(1.0005)
@example(0.0015)
@example(-0.0)
@example(math.nextafter(0.0005, 0))
@example(5e-324)
def test_other_numbers_round_as_they_are_written(value: float) -> None:
    assert seconds_to_ms(value) == exact(value)


@given(st.integers(0, MAX_SECONDS * 1000 - 1), st.integers(0, 9), st.integers(0, 99))
def test_halves_round_up(ms: int, digit: int, more: int) -> None:
    value = float(f"{ms // 1000}.{ms % 1000:03d}{digit}{more:02d}")
    assert seconds_to_ms(value) == exact(value)


@given(st.integers(0, MAX_SECONDS))
def test_whole_seconds_are_exact(value: int) -> None:
    assert seconds_to_ms(value) == value * 1000


@pytest.mark.parametrize("value", [-1, -0.001, MAX_SECONDS + 1, math.inf, math.nan])
def test_other_durations_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r".*"):
        seconds_to_ms(value)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, Seconds)


@pytest.mark.parametrize(
    ("instant", "code"),
    [
        (EARLIEST, None),
        (EARLIEST - timedelta(microseconds=1), "out_of_range"),
        (NOW + timedelta(minutes=5), None),
        (NOW + timedelta(minutes=5, microseconds=1), "out_of_range"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "out_of_range"),
        (datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=-12))), "out_of_range"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))), "out_of_range"),
        (datetime(2026, 1, 5, 10), "timezone_required"),  # noqa: DTZ001 - that is the case
        (datetime(2026, 1, 5, 12, tzinfo=timezone(timedelta(hours=2))), None),
    ],
)
def test_instants_have_a_range(instant: datetime, code: str | None) -> None:
    error = check_instant(instant, "/at", now=NOW)
    assert (error and error.code) == code
    assert error is None or error.pointer == "/at"


@given(st.datetimes(timezones=st.timezones() | st.just(timezone(timedelta(hours=23, minutes=59)))))
def test_any_instant_is_judged(instant: datetime) -> None:
    error = check_instant(instant, "/at", now=NOW)
    if error is None:
        assert EARLIEST <= instant.astimezone(UTC) <= NOW + timedelta(minutes=5)
    else:
        assert error.code == "out_of_range"


@given(st.floats(-1_000, 1_000))
@example(0.00005)
@example(-0.00005)
@example(0.00015)
@example(math.nextafter(0.00005, 0))
@example(-0.0)
def test_values_round_as_they_are_written(value: float) -> None:
    written = (Decimal(repr(value)) * 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    assert ten_thousandths(value) == int(written)


def decimal_mean(pairs: list[tuple[float, float]]) -> int:
    """The rule once more, in fractions of the written numbers and Python's own rounding."""
    exact = [(Fraction(repr(weight)), Fraction(repr(value))) for weight, value in pairs]
    mean = sum(weight * value for weight, value in exact) / sum(weight for weight, _ in exact)
    return math.floor(mean * 10_000 + Fraction(1, 2))


weights = st.one_of(
    st.floats(0, 1_000_000, exclude_min=True), st.sampled_from([0.1, 0.2, 1.0, 3.0, 5e-324])
)
marks = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.00005, 0.33335, 0.5, 1.0]))


@given(st.lists(st.tuples(weights, marks), min_size=1, max_size=20))
@example([(0.1, 0.33335), (0.2, 0.33335)])
@example([(5e-324, 0.5), (5e-324, 0.25)])
@example([(1e6, 1.0), (5e-324, 0.0)])
@example([(1.0, 1.0), (1.0, 1.0), (1.0, 0.0)])
def test_a_weighted_mean_is_rounded_once(pairs: list[tuple[float, float]]) -> None:
    assert weighted_ten_thousandths(pairs) == decimal_mean(pairs)


def test_nothing_has_no_mean() -> None:
    assert weighted_ten_thousandths([]) is None
