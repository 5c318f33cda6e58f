"""Formulas as text: numbers, names, + - * / and parentheses. Read into a tree, and exact."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

MOST_LEAVES, DEEPEST = 12, 16
TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,9}(?:\.[0-9]{1,6})?)|(?P<name>[a-z][a-z0-9_]*)|(?P<sign>[-+*/()]))"
)


WORK: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class FormulaError(ValueError):
    """What is wrong with a formula, in words for its author."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    sign: str
    left: "Node"
    right: "Node"


Node = Number | Name | Operation


@dataclass(frozen=True, slots=True)
class Result:
    """A value, or why there is none, and how many observations it rests on."""

    value: Fraction | None
    n: int
    is_divided_by_zero: bool = False


def names_of(node: Node) -> Iterator[str]:
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Operation):
        yield from names_of(node.left)
        yield from names_of(node.right)


def leaves(node: Node) -> int:
    return leaves(node.left) + leaves(node.right) if isinstance(node, Operation) else 1


def evaluate(node: Node, operands: Mapping[str, Result]) -> Result:
    """n of a quotient is that of what is divided by: a share of 40 calls rests on 40. Else the n of
    both sides add up."""
    if isinstance(node, Number):
        return Result(node.value, 0)
    if isinstance(node, Name):
        return operands[node.name]
    left, right = evaluate(node.left, operands), evaluate(node.right, operands)
    is_quotient = node.sign == "/"
    n = right.n if is_quotient and not isinstance(node.right, Number) else left.n + right.n
    if left.value is None or right.value is None:
        return Result(None, n, left.is_divided_by_zero or right.is_divided_by_zero)
    if is_quotient and right.value == 0:
        return Result(None, n, is_divided_by_zero=True)
    return Result(WORK[node.sign](left.value, right.value), n)


def parse(text: str) -> Node:
    """The tree of a formula. Raises FormulaError."""
    reader = _Reader(list(tokens(text)))
    node = reader.sum(0)
    if (left_over := reader.peek()) is not None:
        raise FormulaError(f"Nothing can follow at {left_over!r}.")
    if leaves(node) > MOST_LEAVES:
        raise FormulaError(f"At most {MOST_LEAVES} numbers and names.")
    if not any(True for _ in names_of(node)):
        raise FormulaError("A formula is about at least one metric.")
    return node


def tokens(text: str) -> Iterator[str]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            rest = text[position:].strip()[:16]
            raise FormulaError(f"Cannot be read from {rest!r} on.")
        yield match[0].strip()
        position = match.end()


class _Reader:
    """Reads sums of products of numbers, names and parentheses."""

    def __init__(self, found: list[str]) -> None:
        self._tokens = found
        self._place = 0

    def peek(self) -> str | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def take(self) -> str:
        word = self.peek()
        if word is None:
            raise FormulaError("It ends too early.")
        self._place += 1
        return word

    def sum(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise FormulaError(f"At most {DEEPEST} parentheses within each other.")
        node = self.product(depth)
        while self.peek() in ("+", "-"):
            node = Operation(self.take(), node, self.product(depth))
        return node

    def product(self, depth: int) -> Node:
        node = self.single(depth)
        while self.peek() in ("*", "/"):
            node = Operation(self.take(), node, self.single(depth))
        return node

    def single(self, depth: int) -> Node:
        word = self.take()
        if word == "(":
            node = self.sum(depth + 1)
            if self.take() != ")":
                raise FormulaError("A parenthesis is not closed.")
            return node
        if word in "+-*/)":
            raise FormulaError(f"A number, a name or a parenthesis belongs in place of {word!r}.")
        return Number(Fraction(word)) if word[0].isdigit() else Name(word)
