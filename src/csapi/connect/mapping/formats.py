"""Text to dates and times by strptime formats, with English month names whatever the locale.

A parser answers None for a text that does not fit, so that several formats can be tried in turn.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from operator import itemgetter

Moment = datetime | date
Parser = Callable[[str], Moment | None]

WORDS = ("iso", "unix", "unix_ms")
YEAR_FROM = 1969

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
)
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
DIRECTIVES = {
    "Y": r"([0-9]{4})",
    "y": r"([0-9]{2})",
    "m": r"(1[0-2]|0[1-9]|[1-9])",
    "b": rf"({'|'.join(_MONTHS)})",
    "B": rf"({_MONTH_NAMES})",
    "d": r"(3[01]|[12][0-9]|0[1-9]|[1-9]| [1-9])",
    "H": r"(2[0-3]|[01][0-9]|[0-9])",
    "I": r"(1[0-2]|0[1-9]|[1-9]| [1-9])",
    "p": r"(am|pm)",
    "M": r"([0-5][0-9]|[0-9])",
    "S": r"([0-5][0-9]|[0-9])",
    "f": r"([0-9]{1,6})",
    "z": r"(z|[+-][0-9]{2}:?[0-9]{2})",
    "a": r"(?:mon|tue|wed|thu|fri|sat|sun)",
    "A": rf"(?:{_DAYS})",
    "%": "%",
}
_SILENT = frozenset("aA%")
_PLAIN_ORDER = "YmdHMS"
_NAIVE: Callable[..., datetime] = datetime  # the zone comes later: LocalTimes
_TIME: Callable[..., time] = time
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


def bad_directive(fmt: str) -> str | None:
    """The first directive of `fmt` that is not in DIRECTIVES, or one used twice."""
    seen = set()
    for directive in re.findall(r"%(.?)", fmt, re.DOTALL):
        if directive not in DIRECTIVES or (directive in seen and directive not in _SILENT):
            return f"%{directive}"
        seen.add(directive)
    return None


def has_date(fmt: str) -> bool:
    names = _names(fmt)
    return "d" in names and bool({"Y", "y"} & names) and bool({"m", "b", "B"} & names)


def has_time(fmt: str) -> bool:
    return bool(_names(fmt) & set("HIMSfz"))


def has_hour(fmt: str) -> bool:
    names = _names(fmt)
    return "H" in names or {"I", "p"} <= names


def _names(fmt: str) -> set[str]:
    return set(re.findall(r"%(.)", fmt.replace("%%", "")))


def _pattern(fmt: str) -> tuple[re.Pattern[str], str]:
    regex, names = "", ""
    for literal, directive in re.findall(r"([^%]+)|%(.)", fmt):
        if literal:
            regex += re.sub(r"(?:\\?\s)+", r"\\s+", re.escape(literal))
        else:
            regex += DIRECTIVES[directive]
            names += "" if directive in _SILENT else directive
    return re.compile(regex, re.IGNORECASE), names


def _full_year(two_digits: int, year_from: int) -> int:
    return year_from + (two_digits - year_from) % 100


def _offset(text: str) -> timezone:
    if text in "zZ":
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _assemble(parts: dict[str, str], year_from: int) -> datetime:
    year = int(parts["Y"]) if "Y" in parts else _full_year(int(parts["y"]), year_from)
    if "m" in parts:
        month = int(parts["m"])
    else:
        month = _MONTHS.index((parts.get("b") or parts["B"])[:3].lower()) + 1
    if "H" in parts:
        hour = int(parts["H"])
    else:
        hour = int(parts.get("I", 0)) % 12 + (12 if parts.get("p", "").lower() == "pm" else 0)
    return datetime(
        year,
        month,
        int(parts["d"]),
        hour,
        int(parts.get("M", 0)),
        int(parts.get("S", 0)),
        int(parts.get("f", "0").ljust(6, "0")),
        _offset(parts["z"]) if "z" in parts else None,
    )


def moment_parser(fmt: str, year_from: int = YEAR_FROM) -> Parser:
    """A parser for a format with a date: gives a date if the format has no time in it."""
    if fmt in WORDS:
        return {"iso": _iso, "unix": _unix, "unix_ms": _unix_ms}[fmt]
    pattern, names = _pattern(fmt)
    match_all = pattern.fullmatch
    if set(names) == set(_PLAIN_ORDER[: len(names)]) and len(names) > 3:
        in_order = itemgetter(*(names.index(name) for name in _PLAIN_ORDER[: len(names)]))

        def plain(text: str) -> Moment | None:
            match = match_all(text)
            if match is None:
                return None
            try:
                return _NAIVE(*map(int, in_order(match.groups())))
            except ValueError:
                return None

        return plain
    timed = has_time(fmt)

    def general(text: str) -> Moment | None:
        match = match_all(text)
        if match is None:
            return None
        try:
            moment = _assemble(dict(zip(names, match.groups(), strict=True)), year_from)
        except ValueError:
            return None
        return moment if timed else moment.date()

    return general


def time_parser(fmt: str) -> Callable[[str], time | None]:
    pattern, names = _pattern(fmt)
    match_all = pattern.fullmatch
    if len(names) > 1 and set(names) == set("HMS"[: len(names)]):
        in_order = itemgetter(*(names.index(name) for name in "HMS"[: len(names)]))

        def plain(text: str) -> time | None:
            match = match_all(text)
            return None if match is None else _TIME(*map(int, in_order(match.groups())))

        return plain
    a_day = {"Y": "2000", "m": "1", "d": "1"}

    def general(text: str) -> time | None:
        match = match_all(text)
        if match is None:
            return None
        return _assemble(a_day | dict(zip(names, match.groups(), strict=True)), YEAR_FROM).time()

    return general


def _iso(text: str) -> Moment | None:
    try:
        if len(text) <= 10:
            return date.fromisoformat(text)
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _unix(text: str, units: int = 1) -> Moment | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    microseconds = int(whole + fraction.ljust(6, "0")[:6]) // units
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return None


def _unix_ms(text: str) -> Moment | None:
    return _unix(text, 1000)
