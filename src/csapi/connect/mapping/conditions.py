"""Conditions on a row, for filters and for `when`."""

import re
from collections.abc import Callable
from typing import Any

from csapi.connect.mapping.errors import CellError, MappingError
from csapi.connect.mapping.numbers import to_decimal
from csapi.connect.mapping.row import BOOL, INSTANT, NUMBER, TEXT, Row, Test, Value
from csapi.connect.mapping.scope import Scope
from csapi.connect.mapping.table import Table, toml_name

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "at_least": lambda left, right: bool(left >= right),
    "at_most": lambda left, right: bool(left <= right),
    "above": lambda left, right: bool(left > right),
    "below": lambda left, right: bool(left < right),
}
_SUBJECTS = ("column", "value")
_TESTS = ("equals", "not_equals", "in", "not_in", "is_null", "matches", *_COMPARISONS)
_GROUPS = ("all", "any", "not")
_PYTHON_OF = {TEXT: (str,), NUMBER: (int, float), BOOL: (bool,)}


def compile_condition(scope: Scope, data: object, place: str) -> Test:
    """All tests of one table must hold. Null fails every test but is_null and the two not_ ones."""
    table = Table(data, place, (*_SUBJECTS, *_TESTS, *_GROUPS))
    groups = [key for key in _GROUPS if key in table]
    if groups:
        if len(table.data) > 1:
            raise MappingError(place, f"{groups[0]} stands alone in its table")
        return _group(scope, table, groups[0])
    subject = _subject(scope, table)
    tests = [_test(scope, table, subject, key) for key in _TESTS if key in table]
    if not tests:
        raise MappingError(place, f"a test is missing; one or more of {', '.join(_TESTS)}")
    return _all(tests)


def _group(scope: Scope, table: Table, key: str) -> Test:
    place = table.at(key)
    if key == "not":
        inner = compile_condition(scope, table.data["not"], place)
        return lambda row: not inner(row)
    members = table.data[key]
    if not isinstance(members, list) or not members:
        raise table.error(key, "needs a list of conditions")
    tests = [
        compile_condition(scope, member, f"{place}[{index}]")
        for index, member in enumerate(members)
    ]
    return _all(tests) if key == "all" else _any(tests)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test_all(row: Row) -> bool:
        for test in tests:  # noqa: SIM110 - a generator costs more than the tests
            if not test(row):
                return False
        return True

    return test_all


def _any(tests: list[Test]) -> Test:
    def test_any(row: Row) -> bool:
        for test in tests:  # noqa: SIM110
            if test(row):
                return True
        return False

    return test_any


def _subject(scope: Scope, table: Table) -> Value:
    given = [key for key in _SUBJECTS if key in table]
    if len(given) != 1:
        raise MappingError(table.place, "needs column = NAME or value = NAME, and only one of them")
    return scope.compile_value(scope, {given[0]: table.text(given[0])}, table.place)


def _test(scope: Scope, table: Table, subject: Value, key: str) -> Test:
    get = subject.get
    if key == "is_null":
        expected = table.flag("is_null", default=True)
        return lambda row: (get(row) is None) is expected
    if key == "matches":
        return _matching(table, subject)
    if key in _COMPARISONS:
        return _comparing(scope, table, subject, key)
    operands = table.data[key] if key in ("in", "not_in") else [table.data[key]]
    if not isinstance(operands, list):
        raise table.error(key, "needs a list")
    for operand in operands:
        _check_operand(table, key, subject, operand)
    if key == "equals":
        operand = operands[0]
        return lambda row: bool(get(row) == operand)
    among = frozenset(operands)
    if key == "in":
        return lambda row: get(row) in among
    return lambda row: get(row) not in among


def _check_operand(table: Table, key: str, subject: Value, operand: object) -> None:
    allowed = _PYTHON_OF.get(subject.kind)
    if allowed is None:
        raise table.error(key, f"cannot test a value of kind {subject.kind}")
    if not isinstance(operand, allowed) or (subject.kind != BOOL and isinstance(operand, bool)):
        message = f"the value is a {subject.kind}, so {toml_name(operand)} can never be equal to it"
        hint = "; write it in quotes" if subject.kind == TEXT else ""
        raise table.error(key, message + hint)


def _matching(table: Table, subject: Value) -> Test:
    if subject.kind != TEXT:
        raise table.error("matches", "needs a text to look at")
    try:
        pattern = re.compile(table.text("matches"))
    except re.error as error:
        raise table.error("matches", f"is not a regular expression: {error}") from None
    get = subject.get

    def test(row: Row) -> bool:
        text = get(row)
        return text is not None and pattern.search(text) is not None

    return test


def _comparing(scope: Scope, table: Table, subject: Value, key: str) -> Test:
    compare = _COMPARISONS[key]
    left = as_number(subject)
    operand = table.data[key]
    if isinstance(operand, int | float) and not isinstance(operand, bool):
        right = Value(NUMBER, lambda _: operand)
    elif isinstance(operand, dict):
        right = as_number(scope.compile_value(scope, operand, table.at(key)))
    else:
        raise table.error(key, "needs a number, or a table such as { value = NAME }")
    if left.kind != right.kind or left.kind not in (NUMBER, INSTANT):
        raise table.error(key, f"cannot compare {left.kind} with {right.kind}")
    get_left, get_right = left.get, right.get

    def test(row: Row) -> bool:
        first, second = get_left(row), get_right(row)
        return first is not None and second is not None and compare(first, second)

    return test


def as_number(value: Value) -> Value:
    """A text as the number that it must be; other kinds as they are."""
    if value.kind != TEXT:
        return value
    get = value.get

    def number(row: Row) -> object:
        text = get(row)
        if text is None:
            return None
        try:
            return to_decimal(text)
        except CellError as error:
            raise CellError(
                error.code, f"{error.reason}, which is needed to compare or compute"
            ) from None

    return Value(NUMBER, number)
