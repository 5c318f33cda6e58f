"""A change splits exactly, whatever the members are."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from csapi.metrics.decompose import STEPS, Member, Piece, Side, apportioned, split

EMAIL = (Side(Fraction(500 * 7000), Fraction(500)), Side(Fraction(800 * 7200), Fraction(800)))
CHAT = (Side(Fraction(500 * 150), Fraction(500)), Side(Fraction(200 * 120), Fraction(200)))

numbers = st.fractions(-(10**6), 10**6, max_denominator=1000)
weights = st.fractions(0, 10**4, max_denominator=1000)
quotients = st.builds(Side, numbers, weights)
sums = st.builds(Side, numbers, st.none())


def total(members: list[Member], place: int) -> tuple[Fraction, Fraction]:
    sides = [side for member in members if (side := member[place]) is not None]
    above = sum((side.numerator for side in sides), Fraction(0))
    return above, sum((side.denominator or Fraction(0) for side in sides), Fraction(0))


def by_piece(members: list[Member], piece: Piece) -> Fraction:
    found = split(members, is_quotient=True)
    assert found is not None
    return sum((each.get(piece, Fraction(0)) for each in found), Fraction(0))


def test_golden() -> None:
    assert by_piece([EMAIL, CHAT], Piece.rate) == Fraction("-119.5")
    assert by_piece([EMAIL, CHAT], Piece.mix) == Fraction("-2089.5")


def test_the_order_of_sides_is_only_a_sign() -> None:
    back: list[Member] = [(before, after) for after, before in (EMAIL, CHAT)]
    assert by_piece(back, Piece.rate) == Fraction("119.5")
    assert by_piece(back, Piece.mix) == Fraction("2089.5")


def test_what_comes_and_goes_is_held_against_the_whole() -> None:
    """Half of the work is new and 10 above the mean of both wholes: it added 5 of the change."""
    old = (Side(Fraction(100), Fraction(1)), Side(Fraction(100), Fraction(1)))
    new = (Side(Fraction(120), Fraction(1)), None)
    found = split([old, new], is_quotient=True)
    assert found is not None
    # 100 -> 110; the mean of both is 105.
    assert found[1] == {Piece.new: Fraction(1, 2) * (120 - 105)}
    assert sum(sum(each.values()) for each in found) == 10


@settings(max_examples=40)
@given(st.lists(st.tuples(st.none() | quotients, st.none() | quotients), max_size=12))
def test_quotients_add_up(members: list[Member]) -> None:
    found = split(members, is_quotient=True)
    (after, weight), (before, other_weight) = total(members, 0), total(members, 1)
    if not weight or not other_weight:
        assert found is None
        return
    assert found is not None
    change = after / weight - before / other_weight
    assert sum((sum(each.values(), Fraction(0)) for each in found), Fraction(0)) == change


@settings(max_examples=40)
@given(st.lists(st.tuples(st.none() | sums, st.none() | sums), max_size=12))
def test_sums_add_up(members: list[Member]) -> None:
    found = split(members, is_quotient=False)
    assert found is not None
    change = total(members, 0)[0] - total(members, 1)[0]
    assert sum((sum(each.values(), Fraction(0)) for each in found), Fraction(0)) == change


@settings(max_examples=40)
@given(st.lists(st.fractions(-(10**9), 10**9, max_denominator=10**9), max_size=40))
def test_rounded_parts_add_up_to_the_rounded_sum(parts: list[Fraction]) -> None:
    found = apportioned(parts)
    assert sum(found) == round(sum(parts, Fraction(0)) * STEPS)
    for part, steps in zip(parts, found, strict=True):
        assert abs(part * STEPS - steps) < 1


@given(st.lists(st.integers(-(10**12), 10**12), max_size=40))
def test_what_is_whole_stays(parts: list[int]) -> None:
    assert apportioned([Fraction(part) for part in parts]) == [part * STEPS for part in parts]
