"""Metrics made of other metrics by a formula. Parts are added up first; it divides at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from csapi.metrics.arithmetic import Node, Number, Result
from csapi.metrics.formulas import Formula
from csapi.metrics.parts import Combo, Hours, Part

NOTHING, ZERO = Combo(()), Number(Fraction(0))


@dataclass(frozen=True, slots=True)
class Operand:
    """A metric within a formula: its own value, or the sum or the count that it is made of.

    metric, params, hours: how it was asked for, so that what a tenant has settled can be in force.
    """

    name: str
    formula: Formula
    agg: str | None = None
    metric: str = ""
    params: tuple[tuple[str, Any], ...] = ()
    hours: Hours = Hours.calendar

    def result(self, total: Mapping[Part, int]) -> Result:
        formula = self.formula
        n = formula.n.total(total) // formula.n_scale
        numerator = formula.numerator.total(total)
        if self.agg == "count":
            return Result(Fraction(n), n)
        if self.agg == "sum" or formula.denominator is None:
            return Result(Fraction(numerator, formula.numerator_scale), n)
        denominator = formula.denominator.total(total)
        if denominator == 0:
            return Result(None, n)
        scaled = numerator * formula.denominator_scale
        return Result(Fraction(scaled, formula.numerator_scale * denominator), n)


@dataclass(frozen=True, kw_only=True)
class ComposedFormula(Formula):
    """A tree over operands. It has the parts of all of them, and combos of its own only for what
    the operands exclude."""

    root: Node = ZERO
    operands: tuple[Operand, ...] = ()

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return tuple(
            dict.fromkeys(part for operand in self.operands for part in operand.formula.parts)
        )

    @cached_property
    def scales(self) -> tuple[tuple[Part, Part], ...]:
        return tuple(dict.fromkeys(pair for each in self.operands for pair in each.formula.scales))

    @property
    def has_twin(self) -> bool:
        """Which clock is that of each operand."""
        return False

    def results(self, total: Mapping[Part, int]) -> dict[str, Result]:
        """The operands by name, from the parts."""
        return {operand.name: operand.result(total) for operand in self.operands}


def composed(root: Node, operands: Sequence[Operand]) -> ComposedFormula:
    """The formula of a tree."""
    excluded = [each.formula.negative for each in operands if each.formula.negative is not None]
    negative = Combo(tuple(dict.fromkeys(term for combo in excluded for term in combo.terms)))
    windows = [each.formula.matures_ms for each in operands if each.formula.matures_ms is not None]
    return ComposedFormula(
        numerator=NOTHING,
        n=NOTHING,
        negative=negative if negative.terms else None,
        matures_ms=max(windows, default=None),
        root=root,
        operands=tuple(operands),
    )
