"""Durations and instants as the wire writes them."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated

from msgspec import Meta

from csapi.kit.problems import FieldError

MAX_SECONDS = 315_360_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)

UtcDatetime = Annotated[datetime, Meta(tz=True)]
Seconds = Annotated[float, Meta(ge=0, le=MAX_SECONDS, description="A duration in seconds.")]


def seconds_to_ms(value: float) -> int:
    """The whole milliseconds nearest to the decimal number that was written, halves up.

    Raises ValueError outside 0 to ten years.
    """
    if not 0 <= value <= MAX_SECONDS:
        raise ValueError(value)
    if isinstance(value, int):
        return value * 1000
    # The product is off by less than 0.0001 (relative error 2**-52 of at most 3.2e11), so only
    # what comes near a half needs the digits.
    product = value * 1000
    nearest = round(product)
    if abs(abs(product - nearest) - 0.5) > 0.001:
        return nearest
    return int((Decimal(repr(value)) * 1000).quantize(Decimal(1), ROUND_HALF_UP))


def ten_thousandths(value: float | Fraction) -> int:
    """`value` x 10,000 as the nearest whole number, halves away from zero.

    A float counts as the decimal number that was written, not as its nearest binary fraction.
    """
    exact = value if isinstance(value, Fraction) else exact_fraction(value)
    doubled = abs(exact) * 20_000
    nearest = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return nearest if exact >= 0 else -nearest


def exact_fraction(value: float) -> Fraction:
    """The decimal number that was written, without what binary makes of it."""
    return Fraction(Decimal(repr(value)))


def check_instant(instant: datetime, pointer: str, *, now: datetime) -> FieldError | None:
    """None if `instant` lies between 1990 and five minutes from `now`, else what is wrong."""
    if instant.tzinfo is None:
        return FieldError(pointer, "timezone_required", "The date-time needs an offset.")
    if instant < EARLIEST:
        return FieldError(pointer, "out_of_range", "The instant is before 1990.")
    if instant > now + AHEAD:
        return FieldError(
            pointer, "out_of_range", "The instant is more than five minutes in the future."
        )
    return None
