"""Values that are instants: one text, or a date and a time from two columns."""

from collections.abc import Callable, Iterable
from datetime import datetime, time, timedelta
from typing import Any

from csapi.connect.mapping.errors import CellError, MappingError, shown
from csapi.connect.mapping.formats import (
    DIRECTIVES,
    WORDS,
    YEAR_FROM,
    Moment,
    bad_directive,
    has_date,
    has_hour,
    has_time,
    moment_parser,
    time_parser,
)
from csapi.connect.mapping.row import INSTANT, TEXT, Get, Row, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table
from csapi.connect.mapping.zones import with_offset

ZONE_KEYS = ("zone", "ambiguous", "nonexistent", "year_from", "after", "slack_seconds")
INSTANT_KEYS = ("format", *ZONE_KEYS)
DATE_KEYS = ("date", "time", "date_format", "time_format", *ZONE_KEYS)

_HALF_A_DAY = 43_200
_DAY = timedelta(days=1)
_KNOWN_MAX = 90_000  # a day has 86,400 seconds


def moment_reader(table: Table, key: str, default: str = "iso") -> Callable[[str], Moment]:
    """A reader for the formats under `key`, tried in their order."""
    year_from = table.whole("year_from", YEAR_FROM)
    formats = _formats(table, key, [default])
    for fmt in formats:
        if fmt not in WORDS and not has_date(fmt):
            message = f"{fmt!r} has no full date; allowed: {', '.join(WORDS)} or strptime formats"
            raise MappingError(table.at(key), message, fmt)
    return _first_that_fits(formats, [moment_parser(fmt, year_from) for fmt in formats])


def _formats(table: Table, key: str, default: Iterable[str]) -> list[str]:
    formats = table.texts(key, default)
    if not formats:
        raise table.error(key, "needs at least one format")
    for fmt in formats:
        if directive := bad_directive(fmt):
            allowed = ", ".join(f"%{name}" for name in DIRECTIVES)
            message = f"{directive!r} in {fmt!r} is unknown or there twice; allowed: {allowed}"
            raise MappingError(table.at(key), message, fmt)
    return formats


def _time_reader(table: Table) -> Callable[[str], time]:
    formats = _formats(table, "time_format", ["%H:%M:%S", "%H:%M"])
    for fmt in formats:
        if not has_hour(fmt) or "%z" in fmt:
            message = f"{fmt!r} is not a time of day: it needs %H, or %I and %p, and no %z"
            raise MappingError(table.at("time_format"), message, fmt)
    return _first_that_fits(formats, [time_parser(fmt) for fmt in formats])


def _first_that_fits(
    formats: list[str], parsers: list[Callable[[str], Any]]
) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        for parse in parsers:
            parsed = parse(text)
            if parsed is not None:
                return parsed
        raise CellError("invalid_value", f"{shown(text)} does not fit {' or '.join(formats)}")

    return read


def localized(scope: Scope, table: Table, parsed: Get) -> Value:
    """What `parsed` gives (dates, local times, times with an offset) as instants in UTC."""
    to_utc = with_offset if _needs_no_zone(scope, table) else scope.clock(table).moment
    if "after" in table:
        return Value(INSTANT, _rolled_over(scope, table, parsed, to_utc))
    if "slack_seconds" in table:
        raise table.error("slack_seconds", "goes with after")

    def get(row: Row) -> datetime | None:
        moment = parsed(row)
        return None if moment is None else to_utc(moment)

    return Value(INSTANT, get)


def _rolled_over(
    scope: Scope, table: Table, parsed: Get, to_utc: Callable[[Moment], datetime]
) -> Get:
    """On the next day where the instant is well before `after`: work that ends past midnight."""
    place = table.at("after")
    reference = scope.compile_value(scope, table.data["after"], place)
    if reference.kind != INSTANT:
        raise MappingError(place, "needs an instant")
    before = reference.get
    slack = timedelta(seconds=table.whole("slack_seconds", _HALF_A_DAY))

    def get(row: Row) -> datetime | None:
        moment = parsed(row)
        if moment is None:
            return None
        start = before(row)
        instant = to_utc(moment)
        if start is not None and start - instant > slack:
            return to_utc(moment + _DAY)
        return instant

    return get


def _needs_no_zone(scope: Scope, table: Table) -> bool:
    if "zone" in table or scope.has_zone:
        return False
    formats = table.texts("format", ["iso"])
    return "date" not in table and all(fmt in WORDS or "%z" in fmt for fmt in formats)


def date_and_time(scope: Scope, table: Table) -> Value:
    """`date` and `time` from two texts, read apart and put together."""
    for key in ("date", "time"):
        if key not in table:
            raise MappingError(table.place, f"date and time go together; {key} is missing")
    date_get = _remembered_text(scope, table, "date", moment_reader(table, "date_format"))
    time_get = _remembered_text(scope, table, "time", _time_reader(table))
    for fmt in table.texts("date_format", ["iso"]):
        if has_time(fmt) or fmt in ("unix", "unix_ms"):
            raise MappingError(table.at("date_format"), f"{fmt!r} is more than a date", fmt)

    def together(row: Row) -> datetime | None:
        day, clock_time = date_get(row), time_get(row)
        if day is None or clock_time is None:
            return None
        return datetime.combine(day, clock_time)

    return localized(scope, table, together)


def _remembered_text(scope: Scope, table: Table, key: str, read: Callable[[str], Any]) -> Get:
    source = scope.compile_value(scope, table.data[key], table.at(key))
    if source.kind != TEXT:
        raise table.error(key, "needs a text")
    text_of = source.get
    known: dict[str, Any] = {}

    def get(row: Row) -> Any:
        text = text_of(row)
        if text is None:
            return None
        if text not in known:
            if len(known) > _KNOWN_MAX:
                known.clear()
            known[text] = read(text)
        return known[text]

    return get
