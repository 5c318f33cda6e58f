"""Numbers as people read them. Digits are Latin in every language, as everywhere on the wire."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

from csapi.metrics.metric import Unit
from csapi.reports.papers.words import PaperWords

MINUS = "-"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
# From so many seconds on, a duration is told in days and hours.
LONG = 2 * DAY


def grouped(value: float, decimals: int) -> str:
    """A number with separators; what rounds to zero has no sign."""
    text = f"{abs(value):,.{decimals}f}"
    is_negative = value < 0 and any(each not in "0.," for each in text)
    return f"{MINUS}{text}" if is_negative else text


def trimmed(value: float, decimals: int) -> str:
    """The same without zeros at the end; small numbers keep two digits that count."""
    size = abs(value)
    if 0 < size < 1:
        decimals = min(max(decimals, 1 - math.floor(math.log10(size))), 12)
    text = grouped(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    # The decimal that is nearest: 0.07 x 100 has digits that nobody wrote.
    return f"{trimmed(round(share * 100, 10), 1)}%"


def duration(seconds: float, words: PaperWords) -> str:
    """At most two units, rounded to the second of them; under a minute with decimals."""
    size = abs(seconds)
    sign = MINUS if seconds < 0 else ""
    if size < MINUTE:
        found = f"{trimmed(size, 1)} {words.term('s')}"
        return f"{sign if any(each in '123456789' for each in found) else ''}{found}"
    if round(size) < HOUR:
        large, small, names = *divmod(round(size), MINUTE), ("min", "s")
    elif round(size) < LONG:
        large, small, names = *divmod(round(size / MINUTE), 60), ("h", "min")
    else:
        large, small, names = *divmod(round(size / HOUR), 24), ("d", "h")
    parts = [f"{large:,} {words.term(names[0])}"]
    if small:
        parts.append(f"{small} {words.term(names[1])}")
    return sign + " ".join(parts)


def number(value: float, unit: Unit, words: PaperWords, currency: str | None = None) -> str:
    match unit:
        case Unit.SHARE:
            return percent(value)
        case Unit.SECONDS:
            return duration(value, words)
        case Unit.MONEY:
            money = grouped(value, 2)
            return money if currency is None else f"{money} {currency}"
        case Unit.POINTS:
            return trimmed(value, 1)
        case Unit.COUNT | Unit.SCORE:
            return trimmed(value, 2)


def difference(value: float, unit: Unit, words: PaperWords, currency: str | None = None) -> str:
    """A change with its sign; of shares in percentage points."""
    if unit is Unit.SHARE:
        text = f"{trimmed(round(value * 100, 10), 1)} {words.term('points')}"
    else:
        text = number(value, unit, words, currency)
    is_positive = value > 0 and any(each in "123456789" for each in text)
    return f"+{text}" if is_positive else text


def probability(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {trimmed(p_value, 3)}"


def instant(value: datetime, timezone: str) -> str:
    """A local date, with the time of the clock where it is not midnight."""
    local = value.astimezone(ZoneInfo(timezone))
    is_midnight = (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
    return f"{local:%Y-%m-%d}" if is_midnight else f"{local:%Y-%m-%d %H:%M}"
