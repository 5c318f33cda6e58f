"""Text to numbers, durations, booleans and lists. Strict: what does not fit is a CellError."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal

from csapi.connect.mapping.errors import CellError, shown

Number = int | Decimal
Convert = Callable[[str], object]

DURATION_FORMATS = ("h:m:s", "h:m", "m:s", "seconds", "minutes", "hours", "milliseconds")
DIGITS_MAX = 18

_INT = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_SECONDS_IN = {
    "seconds": Decimal(1),
    "minutes": Decimal(60),
    "hours": Decimal(3600),
    "milliseconds": Decimal("0.001"),
}
_CLOCK = {
    "h:m:s": (re.compile(r"(-?)([0-9]+):([0-5]?[0-9]):([0-5]?[0-9](?:\.[0-9]+)?)"), (3600, 60, 1)),
    "h:m": (re.compile(r"(-?)([0-9]+):([0-5]?[0-9])"), (3600, 60)),
    "m:s": (re.compile(r"(-?)([0-9]+):([0-5]?[0-9](?:\.[0-9]+)?)"), (60, 1)),
}


def plain(value: Decimal) -> Number:
    """The same number; a whole one as an int, so that 12.0 goes out as 12."""
    whole = int(value)
    return whole if whole == value else value


def to_int(text: str) -> int:
    if _INT.fullmatch(text) is None:
        raise CellError("wrong_type", f"{shown(text)} is not a whole number")
    if len(text) > DIGITS_MAX:
        raise CellError("out_of_range", f"{shown(text)} has more than {DIGITS_MAX} digits")
    return int(text)


def to_decimal(text: str) -> Number:
    if _DECIMAL.fullmatch(text) is None:
        raise CellError("wrong_type", f"{shown(text)} is not a number")
    if len(text) > DIGITS_MAX:
        raise CellError("out_of_range", f"{shown(text)} has more than {DIGITS_MAX} digits")
    return plain(Decimal(text))


def decimal_reader(mark: str, thousands: str) -> Callable[[str], Number]:
    """Numbers as written elsewhere: `1.234,5` with mark "," and thousands "."."""
    if mark == "." and not thousands:
        return to_decimal
    grouped = re.compile(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+(?![0-9])")

    def read(text: str) -> Number:
        canonical = text
        if thousands and (groups := grouped.match(text)):
            canonical = groups[0].replace(thousands, "") + text[groups.end() :]
        if mark != ".":
            if "." in canonical:
                raise CellError("wrong_type", f"{shown(text)} is not a number")
            canonical = canonical.replace(mark, ".")
        try:
            return to_decimal(canonical)
        except CellError as error:
            raise CellError(error.code, f"{shown(text)} is not a number") from None

    return read


def duration_reader(style: str) -> Callable[[str], Number]:
    """Text to seconds. `style` is one of DURATION_FORMATS."""
    if style in _SECONDS_IN:
        factor = _SECONDS_IN[style]
        return lambda text: plain(Decimal(to_decimal(text)) * factor)
    pattern, factors = _CLOCK[style]

    def read(text: str) -> Number:
        match = pattern.fullmatch(text)
        if match is None:
            raise CellError("wrong_type", f"{shown(text)} is not a duration as {style}")
        sign, *parts = match.groups()
        if any(len(part) > DIGITS_MAX for part in parts):
            raise CellError("out_of_range", f"{shown(text)} is too long for a duration")
        seconds = sum(
            (Decimal(part) * factor for part, factor in zip(parts, factors, strict=True)),
            Decimal(),
        )
        return plain(-seconds if sign else seconds)

    return read


def bool_reader(true: Iterable[str], false: Iterable[str]) -> Callable[[str], bool]:
    words = {word.casefold(): True for word in true} | {word.casefold(): False for word in false}

    def read(text: str) -> bool:
        answer = words.get(text.casefold())
        if answer is None:
            raise CellError("wrong_type", f"{shown(text)} is none of {', '.join(words)}")
        return answer

    return read


def list_reader(separator: str) -> Callable[[str], list[str]]:
    return lambda text: [part.strip() for part in text.split(separator) if part.strip()]
