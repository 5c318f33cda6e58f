"""Formulas: read like arithmetic at school, worked out exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.arithmetic import FormulaError, Result, evaluate, parse

NAMES = {"a": 7, "b": 3, "c": 0}
OPERANDS = {name: Result(Fraction(value), 10 + value) for name, value in NAMES.items()}
UNKNOWN = {**OPERANDS, "u": Result(None, 0)}

formulas = st.recursive(
    st.sampled_from(["a", "b", "c", "2", "0.5", "100"]),
    lambda inner: st.builds(
        lambda left, sign, right, close: (
            f"({left}{sign}{right})" if close else f"{left}{sign}{right}"
        ),
        inner,
        st.sampled_from(["+", "-", "*", "/", " - ", " / "]),
        inner,
        st.booleans(),
    ),
    max_leaves=8,
)


@given(formulas)
def test_it_is_what_python_makes_of_it(text: str) -> None:
    names = {name: Fraction(value) for name, value in NAMES.items()}
    exact = text.replace("0.5", "half").replace("100", "hundred").replace("2", "two")
    names |= {"half": Fraction(1, 2), "hundred": Fraction(100), "two": Fraction(2)}
    try:
        expected = eval(exact, {}, names)  # noqa: S307  of our own letters
    except ZeroDivisionError:
        expected = None
    if not set(text) & set(NAMES):
        with pytest.raises(FormulaError, match="at least one metric"):
            parse(text)
        return
    found = evaluate(parse(text), OPERANDS)
    assert found.value == expected
    assert found.is_divided_by_zero == (expected is None)


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("a", 17),
        ("a / b", 13),
        ("a + b", 30),
        ("a - b * 2", 30),
        ("(a + b) / 60", 30),
        ("1 / b", 13),
    ],
)
def test_what_it_rests_on(text: str, n: int) -> None:
    assert evaluate(parse(text), OPERANDS).n == n


def test_what_is_unknown_stays_unknown() -> None:
    for text in ("u", "u + 1", "a / u", "u / c", "0 * u"):
        found = evaluate(parse(text), UNKNOWN)
        assert (found.value, found.is_divided_by_zero) == (None, False)
    assert evaluate(parse("1 + a / c"), UNKNOWN).is_divided_by_zero


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "a +", "+ a", "-a", "(a", "a)", "a // b", "a ** 2", "a; b", "A", "1", "1 + 2",
     "a.b", "a(1)", "1e9 * a", "a / 1.2345678", "a * 12345678901", "+".join("a" * 13),
     "(" * 18 + "a" + ")" * 18, "__import__", "\N{ARABIC-INDIC DIGIT ONE} * a"],
)  # fmt: skip
def test_what_is_no_formula(text: str) -> None:
    with pytest.raises(FormulaError):
        parse(text)
