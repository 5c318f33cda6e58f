"""A change split into what each member did to it, exactly. Pure; fractions in, fractions out.

Of a sum a member's part is its own change. Of a quotient it is, with w the member's share of the
denominator, r its own quotient, and R the mean of the whole before and after:
- rate: the change of r x the mean of w before and after,
- mix: the change of w x (the mean of r before and after - R),
- new: w x (r - R) of a member that was not there before; gone: the same of one that has left, taken
  away.
The parts of all members add up to the change of the whole, since shares add up to 1 on each side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor

# Parts are rounded to so many of the unit: six decimals.
STEPS = 10**6
ZERO = Fraction(0)


class Piece(StrEnum):
    """What a part of a change comes from. volume: of sums alone, from members on both sides."""

    volume = "volume"
    mix = "mix"
    rate = "rate"
    new = "new"
    gone = "gone"


@dataclass(frozen=True, slots=True)
class Side:
    """A member before or after, in units of the metric. denominator: of quotients alone."""

    numerator: Fraction
    denominator: Fraction | None


Pieces = dict[Piece, Fraction]
Member = tuple[Side | None, Side | None]


def split(members: Sequence[Member], *, is_quotient: bool) -> list[Pieces] | None:
    """The parts of each member, given after and before; None where the whole has no value on one
    side. A member that is missing on a side is None there."""
    if not is_quotient:
        return [_of_sum(after, before) for after, before in members]
    wholes = [_whole([member[place] for member in members]) for place in (0, 1)]
    if not wholes[0][1] or not wholes[1][1]:
        return None
    middle = sum((above / below for above, below in wholes), ZERO) / 2
    return [_of_quotient(member, wholes, middle) for member in members]


def _whole(sides: Sequence[Side | None]) -> tuple[Fraction, Fraction]:
    there = [side for side in sides if side is not None]
    above = sum((side.numerator for side in there), ZERO)
    return above, sum((side.denominator or ZERO for side in there), ZERO)


def _of_sum(after: Side | None, before: Side | None) -> Pieces:
    now = ZERO if after is None else after.numerator
    then = ZERO if before is None else before.numerator
    piece = Piece.volume
    if before is None or after is None:
        piece = Piece.new if before is None else Piece.gone
    return {piece: now - then}


def _of_quotient(
    member: Member, wholes: Sequence[tuple[Fraction, Fraction]], middle: Fraction
) -> Pieces:
    effects, weights, rates = [], [], []
    for side, (_, whole) in zip(member, wholes, strict=True):
        above = ZERO if side is None else side.numerator
        below = ZERO if side is None else side.denominator or ZERO
        effects.append((above - middle * below) / whole)
        weights.append(below / whole)
        rates.append(above / below if below else None)
    change = effects[0] - effects[1]
    if member[0] is None or member[1] is None:
        return {Piece.new if member[1] is None else Piece.gone: change}
    if rates[0] is None or rates[1] is None:
        # What has no weight, such as a cost of nobody, cannot shift any.
        return {Piece.rate: change}
    rate = (rates[0] - rates[1]) * (weights[0] + weights[1]) / 2
    return {Piece.rate: rate, Piece.mix: change - rate}


def apportioned(parts: Sequence[Fraction]) -> list[int]:
    """The parts in steps, rounded so that they add up to their rounded sum: all are rounded down,
    then those that lost most get a step more."""
    exact = [part * STEPS for part in parts]
    found = [floor(part) for part in exact]
    missing = round(sum(exact, ZERO)) - sum(found)
    order = sorted(range(len(exact)), key=lambda place: (found[place] - exact[place], place))
    for place in order[:missing]:
        found[place] += 1
    return found
