"""Chat, and work that may wait: models of how many people it needs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csapi.metrics.deferred import agents_for, worked_off
from csapi.metrics.erlang import Target
from csapi.metrics.staffing import (
    Demand,
    Rules,
    StaffingModel,
    changed,
    load_of,
    needed,
    outcomes,
    summed,
)

HOUR = 3600.0
works = st.lists(st.floats(0, 40_000), min_size=1, max_size=40)


def rules(model: StaffingModel, **more: object) -> Rules:
    target = Target(in_time=0.8, within_seconds=20.0, occupancy=None)
    return Rules(model, **{"seconds": HOUR, "target": target, **more})  # type: ignore[arg-type]


def test_what_is_not_done_is_carried_over() -> None:
    """Three hours of work at once, one agent: done in three hours, in time only as much as fits."""
    work, is_open = [3 * HOUR, 0.0, 0.0, 0.0], [True] * 4
    done = worked_off(work, is_open, [1.0] * 4, deadline=2, seconds=HOUR, is_cycle=False)
    assert [each.left / HOUR for each in done] == pytest.approx([2, 1, 0, 0])
    assert done[0].in_time == pytest.approx(2 / 3)
    assert [each.occupancy for each in done] == pytest.approx([1, 1, 1, 0])


def test_what_comes_while_closed_waits_for_the_opening() -> None:
    work, is_open = [HOUR, HOUR, HOUR], [False, True, False]
    done = worked_off(work, is_open, [5.0, 3.0, 5.0], deadline=1, seconds=HOUR, is_cycle=True)
    assert done[1].in_time == 1
    assert done[1].occupancy == pytest.approx(1)
    assert agents_for(work, is_open, deadline=1, seconds=HOUR, is_cycle=True) == [0, 3, 0]


@settings(max_examples=60, deadline=None)
@given(works, st.integers(1, 12), st.booleans())
def test_as_many_as_are_required_keep_every_deadline(
    work: list[float],
    deadline: int,
    is_cycle: bool,  # noqa: FBT001
) -> None:
    is_open = [number % 5 != 3 for number in range(len(work))]
    agents = agents_for(work, is_open, deadline=deadline, seconds=HOUR, is_cycle=is_cycle)
    # Not one hour more than there is work, over a whole cycle.
    if is_cycle:
        assert sum(agents) * HOUR == pytest.approx(sum(work), abs=1e-3)
    done = worked_off(work, is_open, agents, deadline=deadline, seconds=HOUR, is_cycle=is_cycle)
    # What is due after the end is not done by then.
    places = [number for number, works in enumerate(is_open) if works]
    for place in places if is_cycle else places[:-deadline]:
        share = done[place].in_time
        assert share is None or share == pytest.approx(1, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(works, st.lists(st.floats(0, 8), min_size=1, max_size=8))
def test_work_is_done_or_left(work: list[float], crew: list[float]) -> None:
    is_open = [True] * len(work)
    agents = [crew[number % len(crew)] for number in range(len(work))]
    done = worked_off(work, is_open, agents, deadline=4, seconds=HOUR, is_cycle=False)
    handled = sum(each.occupancy * count * HOUR for each, count in zip(done, agents, strict=True))
    assert handled + done[-1].left == pytest.approx(sum(work), abs=0.01)


def test_several_at_a_time_need_fewer_agents_and_longer_chats_more() -> None:
    demand = [Demand(60, 600)]
    alone, both, slow = (
        needed(demand, rules(StaffingModel.concurrency, concurrency=count, stretch=stretch))[0]
        for count, stretch in ((1, 0.0), (3, 0.0), (3, 0.2))
    )
    assert alone is not None
    assert both is not None
    assert slow is not None
    assert both < slow < alone
    # One at a time is a queue of calls.
    assert alone == needed(demand, rules(StaffingModel.erlang_c))[0]
    stretched = rules(StaffingModel.concurrency, concurrency=3, stretch=0.2)
    assert load_of(demand[0], stretched) == pytest.approx(10 * 1.4 / 3)


def test_mail_needs_its_work_and_no_more() -> None:
    """60 mails an hour of 5 minutes each are 5 agents, busy for 85 % of their time 6."""
    target = Target(in_time=0.8, within_seconds=4 * HOUR, occupancy=0.85)
    own = rules(StaffingModel.deferred, target=target)
    demands = [Demand(60, 300)] * 8
    assert needed(demands, own) == [6] * 8
    found = summed(demands, outcomes(demands, [6.0] * 8, own), own)
    assert found.in_time == 1
    assert found.occupancy == pytest.approx(5 / 6)
    assert found.agent_seconds == 48 * HOUR
    few = outcomes(demands, [4.0] * 8, own)
    assert few[-1] is not None
    # Of what is too much a second week has begun with all of the first one's.
    assert few[-1].backlog == pytest.approx(16 * 12)
    assert summed(demands, few, own).in_time == 0


def test_a_gap_in_the_row_is_not_guessed() -> None:
    demands = [Demand(10, 300)] * 2
    assert outcomes(demands, [None, 2.0], rules(StaffingModel.deferred)) == [None, None]
    found = outcomes(demands, [None, 2.0], rules(StaffingModel.erlang_c))
    assert found[0] is None
    assert found[1] is not None
    assert not summed(demands, found, rules(StaffingModel.erlang_c)).is_whole


def test_what_if_changes_both_sides_of_the_load() -> None:
    (found,) = changed([Demand(100, 300)], arrivals=0.2, handle_seconds=-30)
    assert (found.arrivals, found.handle_seconds) == (120, 270)
    (nothing,) = changed([Demand(100, 30)], arrivals=-1, handle_seconds=-60)
    assert (nothing.arrivals, nothing.handle_seconds) == (0, 0)
