"""Numbers and durations over wide input: what is written is what is read, or it is refused."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.connect.mapping.errors import CellError
from csapi.connect.mapping.numbers import decimal_reader, duration_reader, to_decimal, to_int

SECONDS = st.integers(-10_000_000, 10_000_000)


@given(SECONDS, st.booleans())
def test_clock_times_are_their_seconds(seconds: int, padded: bool) -> None:  # noqa: FBT001
    minutes, second = divmod(abs(seconds), 60)
    hour, minute = divmod(minutes, 60)
    sign = "-" if seconds < 0 else ""
    width = 2 if padded else 1
    text = f"{sign}{hour:0{width}}:{minute:0{width}}:{second:0{width}}"
    assert duration_reader("h:m:s")(text) == seconds
    assert duration_reader("m:s")(f"{sign}{minutes}:{second:02}") == seconds


@given(SECONDS)
def test_units_agree(seconds: int) -> None:
    assert duration_reader("seconds")(str(seconds)) == seconds
    assert duration_reader("milliseconds")(str(seconds * 1000)) == seconds
    assert duration_reader("minutes")(str(seconds)) == seconds * 60
    assert duration_reader("hours")(str(seconds)) == seconds * 3600


@given(st.text("0123456789:.- ", max_size=12))
def test_a_duration_is_read_whole_or_refused(text: str) -> None:
    try:
        duration_reader("h:m:s")(text)
    except CellError:
        assert not re.fullmatch(r"-?\d+:[0-5]\d:[0-5]\d", text)


@given(st.text(max_size=20))
def test_no_text_crashes_and_numbers_mean_what_python_means(text: str) -> None:
    try:
        assert to_int(text) == int(text)
    except CellError:
        assert not re.fullmatch(r"-?[0-9]{1,17}", text)
    try:
        assert to_decimal(text) == Decimal(text)
    except CellError:
        assert not re.fullmatch(r"-?[0-9]{1,8}\.[0-9]{1,8}", text)


@given(
    st.decimals(-(10**9), 10**9, places=3), st.sampled_from([(".", ","), (",", "."), (",", " ")])
)
def test_grouped_numbers(number: Decimal, marks: tuple[str, str]) -> None:
    mark, thousands = marks
    text = f"{number:,.3f}".translate({ord(","): thousands, ord("."): mark})
    assert decimal_reader(mark, thousands)(text) == number


@pytest.mark.parametrize(
    "text", ["1,23", "1,2345", ",123", "1,,234", "12,345,6", "1.2.3", "1,234,"]
)
def test_groups_in_the_wrong_place_are_refused(text: str) -> None:
    with pytest.raises(CellError):
        decimal_reader(".", ",")(text)
