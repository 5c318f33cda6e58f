"""Which rows answer for which time. The pieces tile the period, and each is allowed to be there."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.metrics.cuboids import CUBOIDS, TOTAL, covering
from csapi.metrics.plan import SLOT, Cuts, Marked, Pieces, Planner, Run
from csapi.metrics.zones import day_start, local_date, month_start

ZONE = "Europe/Berlin"
SLOTTED = ("2026-04-18", "2026-04-20")
BY_TEAM = covering(frozenset({"actor_team"}))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day(text: str) -> datetime:
    return day_start(ZONE, date.fromisoformat(text))


def split(
    start: datetime,
    end: datetime,
    *,
    slots: Sequence[datetime] = (),
    months: Sequence[datetime] = (),
    cuts: Cuts | None = None,
    total: bool = True,
) -> Pieces:
    assert BY_TEAM is not None
    planner = Planner(
        timezone=ZONE,
        cuboid=TOTAL if total else BY_TEAM,
        marked=Marked(sorted(slots), list(months)),
        cuts=cuts or Cuts(),
        slotted={day(text) for text in SLOTTED},
    )
    return planner.split(start, end)


def days_from(first: str, last: str) -> Run:
    return day(first), day(last)


def test_whole_clean_months_and_days() -> None:
    pieces = split(day("2026-01-30"), day("2026-04-03"))
    assert pieces.months == [days_from("2026-02-01", "2026-04-01")]
    assert pieces.days == [
        days_from("2026-01-30", "2026-02-01"),
        days_from("2026-04-01", "2026-04-03"),
    ]
    assert not pieces.slots
    assert not pieces.facts
    assert pieces.source == "summary"


def test_a_marked_slot_is_read_from_facts_and_its_day_from_slots() -> None:
    slot = datetime(2026, 2, 10, 9, 15, tzinfo=UTC)
    pieces = split(day("2026-02-01"), day("2026-03-01"), slots=[slot])
    assert pieces.facts == [(slot, slot + SLOT)]
    assert pieces.slots == [
        (day("2026-02-10"), slot),
        (slot + SLOT, day("2026-02-11")),
    ]
    assert pieces.days == [
        days_from("2026-02-01", "2026-02-10"),
        days_from("2026-02-11", "2026-03-01"),
    ]
    assert not pieces.months
    assert pieces.source == "mixed"


def test_an_old_dirty_day_of_another_cuboid_is_read_from_facts() -> None:
    slot = datetime(2026, 2, 10, 9, 15, tzinfo=UTC)
    pieces = split(day("2026-02-01"), day("2026-03-01"), slots=[slot], total=False)
    assert pieces.facts == [days_from("2026-02-10", "2026-02-11")]
    assert not pieces.slots


def test_a_recent_dirty_day_of_another_cuboid_has_slots() -> None:
    slot = datetime(2026, 4, 20, 9, 15, tzinfo=UTC)
    pieces = split(day("2026-04-20"), day("2026-04-21"), slots=[slot], total=False)
    assert pieces.facts == [(slot, slot + SLOT)]


def test_a_marked_month_is_read_from_its_days() -> None:
    pieces = split(day("2026-02-01"), day("2026-03-01"), months=[day("2026-02-01")])
    assert pieces.days == [days_from("2026-02-01", "2026-03-01")]
    assert not pieces.months


def test_a_range_that_ends_inside_a_slot() -> None:
    start = datetime(2026, 2, 10, 9, 7, tzinfo=UTC)
    end = datetime(2026, 2, 10, 9, 52, 30, tzinfo=UTC)
    pieces = split(start, end)
    assert pieces.slots == [(start.replace(minute=15), start.replace(minute=45))]
    assert pieces.facts == [
        (start, start.replace(minute=15)),
        (end.replace(minute=45, second=0), end),
    ]


def test_a_range_inside_one_slot() -> None:
    start = datetime(2026, 2, 10, 9, 7, tzinfo=UTC)
    assert split(start, start + timedelta(minutes=3)).facts == [
        (start, start + timedelta(minutes=3))
    ]


def test_another_zone_cuts_days() -> None:
    cuts = Cuts([datetime(2026, 2, 10, 18, 30, tzinfo=UTC)])
    pieces = split(day("2026-02-09"), day("2026-02-12"), cuts=cuts)
    assert pieces.slots == [days_from("2026-02-10", "2026-02-11")]
    assert len(pieces.days) == 2


def test_a_cut_inside_a_slot_is_read_from_facts() -> None:
    cut = datetime(2026, 2, 10, 18, 31, tzinfo=UTC)
    pieces = split(day("2026-02-10"), day("2026-02-11"), cuts=Cuts([cut]))
    assert pieces.facts == [(cut.replace(minute=30), cut.replace(minute=45))]


MOMENTS = st.integers(0, 120 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(
    bounds=st.tuples(MOMENTS, MOMENTS).filter(lambda pair: pair[0] < pair[1]),
    marks=st.sets(MOMENTS.map(lambda at: at - (at - EPOCH) % SLOT), max_size=30),
    months=st.sets(st.sampled_from([1, 2, 3, 4]).map(lambda n: date(2026, n, 1))),
    cuts=st.lists(MOMENTS, max_size=8),
    total=st.booleans(),
)
def test_pieces_tile_the_period_and_are_clean(
    *,
    bounds: tuple[datetime, datetime],
    marks: set[datetime],
    months: set[date],
    cuts: list[datetime],
    total: bool,
) -> None:
    starts = [month_start(ZONE, each) for each in months]
    cut = Cuts(sorted(cuts))
    pieces = split(*bounds, slots=list(marks), months=starts, cuts=cut, total=total)
    runs = sorted([*pieces.months, *pieces.days, *pieces.slots, *pieces.facts])
    assert (runs[0][0], runs[-1][1]) == bounds
    assert all(before[1] == after[0] for before, after in pairwise(runs))
    for first, last in [*pieces.months, *pieces.days, *pieces.slots]:
        assert not any(first <= mark < last for mark in marks)
    for first, last in pieces.months:
        assert not any(first <= start < last for start in starts)
        assert month_start(ZONE, local_date(ZONE, first)) == first
    for first, last in pieces.days:
        assert day_start(ZONE, local_date(ZONE, first)) == first
        assert day_start(ZONE, local_date(ZONE, last)) == last
    for first, last in pieces.slots:
        assert (first - EPOCH) % SLOT == (last - EPOCH) % SLOT == timedelta(0)
        days = {local_date(ZONE, first), local_date(ZONE, last - SLOT)}
        assert total or days <= {date.fromisoformat(text) for text in SLOTTED}


@pytest.mark.parametrize("cuboid", CUBOIDS, ids=lambda cuboid: ",".join(cuboid.columns) or "total")
def test_a_cuboid_covers_its_own_columns(cuboid: object) -> None:
    assert covering(frozenset(cuboid.columns)) == cuboid  # type: ignore[attr-defined]


def test_nothing_covers_three_columns_or_a_customer() -> None:
    assert covering(frozenset({"actor_team", "channel", "topic"})) is None
    assert covering(frozenset({"customer"})) is None


def test_numbers_of_cuboids_are_unique() -> None:
    assert len({cuboid.number for cuboid in CUBOIDS}) == len(CUBOIDS)
