"""Computed values: instants moved by seconds, durations between instants, sums of numbers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from csapi.connect.mapping.conditions import as_number
from csapi.connect.mapping.errors import CellError, MappingError
from csapi.connect.mapping.numbers import Number, plain
from csapi.connect.mapping.row import INSTANT, NUMBER, Get, Row, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table

_SECONDS_MAX = 10**11


def operands(scope: Scope, table: Table, key: str, *, minimum: int) -> list[Value]:
    members = table.data[key]
    if not isinstance(members, list) or len(members) < minimum:
        raise table.error(key, f"needs a list of at least {minimum}")
    return [
        scope.compile_value(scope, member, f"{table.at(key)}[{index}]")
        for index, member in enumerate(members)
    ]


def add(scope: Scope, table: Table) -> Value:
    return _moved(scope, table, "add", 1)


def subtract(scope: Scope, table: Table) -> Value:
    return _moved(scope, table, "subtract", -1)


def between(scope: Scope, table: Table) -> Value:
    """Seconds from the first instant to the second; negative if it is the later one."""
    values = operands(scope, table, "between", minimum=2)
    if len(values) != 2:
        raise table.error("between", "needs two instants: [start, end]")
    for index, value in enumerate(values):
        if value.kind != INSTANT:
            message = f"needs an instant, not a {value.kind}"
            raise MappingError(f"{table.at('between')}[{index}]", message)
    get_start, get_end = values[0].get, values[1].get

    def get(row: Row) -> Number | None:
        start, end = get_start(row), get_end(row)
        if start is None or end is None:
            return None
        gap: timedelta = end - start
        seconds = gap.days * 86_400 + gap.seconds
        return seconds if not gap.microseconds else plain(seconds + _microseconds(gap))

    return Value(NUMBER, get)


def _microseconds(gap: timedelta) -> Decimal:
    return Decimal(gap.microseconds).scaleb(-6)


def _moved(scope: Scope, table: Table, key: str, sign: int) -> Value:
    values = [as_number(value) for value in operands(scope, table, key, minimum=2)]
    for index, value in enumerate(values):
        allowed = (INSTANT, NUMBER) if index == 0 else (NUMBER,)
        if value.kind not in allowed:
            message = f"needs {' or '.join(allowed)}, not {value.kind}"
            raise MappingError(f"{table.at(key)}[{index}]", message)
    first, rest = values[0], [value.get for value in values[1:]]
    total = _total(rest, sign)
    get_first = first.get
    move: Callable[[Any, Number], object] = _later if first.kind == INSTANT else _sum

    def get(row: Row) -> Any:
        start, amount = get_first(row), total(row)
        return None if start is None or amount is None else move(start, amount)

    return Value(first.kind, get)


def _total(gets: list[Get], sign: int) -> Callable[[Row], Number | None]:
    def total(row: Row) -> Number | None:
        amount: Number = 0
        for get in gets:
            part = get(row)
            if part is None:
                return None
            amount += _exact(part)
        return sign * amount

    return total


def _exact(number: float | Decimal) -> Number:
    return Decimal(str(number)) if isinstance(number, float) else number


def _sum(first: float | Decimal, amount: Number) -> Number:
    return plain(Decimal(_exact(first)) + amount)


def _later(instant: datetime, amount: Number) -> datetime:
    if abs(Decimal(amount)) > _SECONDS_MAX:
        raise CellError("out_of_range", f"{amount} seconds are out of range")
    whole = int(amount)
    try:
        return instant + timedelta(seconds=whole, microseconds=round((amount - whole) * 1_000_000))
    except OverflowError:
        raise CellError(
            "out_of_range", f"{instant} and {amount} seconds are out of range"
        ) from None
