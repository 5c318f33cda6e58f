"""Durations and instants as the wire writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from csapi.kit.problems import FieldError

MAX_SECONDS = 315_360_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
NEAR_HALF = 0.00001
SMALL = 1e-200
# All digits of sums and products of two floats, from the smallest to the largest.
EXACT = Context(prec=2_000, traps=[Inexact, InvalidOperation])
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


def ten_thousandths(value: float) -> int:
    """`value`, of at most 1,000, x 10,000: the nearest whole number, halves away from zero.

    The decimal number counts that was written, not the binary fraction next to it.
    """
    if (nearest := clearly_nearest(value)) is not None:
        return nearest
    return int((Decimal(repr(value)) * 10_000).quantize(Decimal(1), ROUND_HALF_UP))


def weighted_ten_thousandths(pairs: Sequence[tuple[float, float]]) -> int | None:
    """The mean of values between 0 and 1 by weight, as (weight, value), rounded like the above.

    Nothing is rounded before. None without pairs.
    """
    if not pairs:
        return None
    weights = sum(weight for weight, _ in pairs)
    # Sums of what is not negative are off by less than 1e-12 of them, unless they are tiny.
    if weights > SMALL:
        mean = sum(weight * value for weight, value in pairs) / weights
        if (nearest := clearly_nearest(mean)) is not None:
            return nearest
    total = exact_weights = Decimal(0)
    for weight, value in pairs:
        exact_weight = Decimal(repr(weight))
        total = EXACT.fma(exact_weight, Decimal(repr(value)), total)
        exact_weights = EXACT.add(exact_weights, exact_weight)
    doubled = EXACT.fma(total, Decimal(20_000), exact_weights)
    return int(EXACT.divide_int(doubled, EXACT.multiply(exact_weights, Decimal(2))))


def clearly_nearest(value: float) -> int | None:
    """`value` x 10,000 as a whole number; None near a half, where only all digits can tell."""
    product = value * 10_000
    nearest = round(product)
    return nearest if abs(abs(product - nearest) - 0.5) > NEAR_HALF else None


def id_at(instant: datetime) -> UUID:
    """The least id that what was made at an instant has: ids begin with their millisecond."""
    return UUID(int=max(int(instant.timestamp() * 1000), 0) << 80)


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
