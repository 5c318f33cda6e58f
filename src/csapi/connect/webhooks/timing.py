"""When it is tried again: ten times over three days, as Standard Webhooks has it."""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from csapi.access.outbox import MOST_DELIVERY_ATTEMPTS

MINUTE, HOUR = 60.0, 3_600.0
# Seconds between an attempt and the next one.
PAUSES = (
    5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
# Up to so much of a pause is added by chance: those that failed together do not come together.
JITTER = 0.2
LONGEST_WAIT = 24 * HOUR
GIVE_UP_AFTER = timedelta(days=5)

if len(PAUSES) != MOST_DELIVERY_ATTEMPTS - 1:
    raise AssertionError(PAUSES)


def pause_after(attempt: int, chance: float, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt; None: that was the last. `attempt` counts from 1, `chance`
    lies in [0, 1). `retry_after`: what the receiver asked for; a day at most, and never less than
    the schedule."""
    if attempt > len(PAUSES):
        return None
    pause = PAUSES[attempt - 1] * (1 + JITTER * chance)
    return max(pause, min(retry_after or 0.0, LONGEST_WAIT))


def retry_seconds(value: str | None, now: datetime) -> float | None:
    """Retry-After, as seconds or as a date; None where it is neither."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
        return max((at - now).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
