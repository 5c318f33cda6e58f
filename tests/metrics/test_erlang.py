"""Erlang B, C and A: golden numbers, laws, and a simulation that knows no formula."""

import heapq
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csapi.metrics.erlang import (
    MOST_AGENTS,
    Service,
    Target,
    Traffic,
    agents_needed,
    erlang_b,
    erlang_c,
    flooded,
    impatient,
    service_between,
    service_of,
)

HALF_HOUR = 1800
traffics = st.builds(
    Traffic,
    per_second=st.floats(0.0001, 1),
    handle_seconds=st.floats(10, 900),
    patience_seconds=st.one_of(st.none(), st.floats(1, 3600)),
).filter(lambda each: each.load < 300)


@pytest.mark.parametrize(
    ("calls", "handle", "within", "agents", "share"),
    [
        (100, 600, 20, 39, 0.7897),
        (100, 600, 20, 40, 0.8473),
        (200, 240, 30, 30, 0.718),
        (200, 240, 30, 31, 0.8135),
    ],
)
def test_golden_service_levels(
    calls: int, handle: float, within: float, agents: int, share: float
) -> None:
    found = service_of(Traffic(calls / HALF_HOUR, handle), agents, within)
    assert found.in_time == pytest.approx(share, abs=5e-5)


def test_golden_number_of_agents() -> None:
    traffic = Traffic(200 / HALF_HOUR, 240)
    assert agents_needed(traffic, Target(0.8, 30)) == 31
    found = service_of(traffic, 31, 30)
    assert found.average_wait == pytest.approx(17.8, abs=0.05)
    assert found.occupancy == pytest.approx(26.667 / 31, abs=1e-4)
    assert agents_needed(Traffic(100 / HALF_HOUR, 600), Target(0.8, 20)) == 40


def test_erlang_b_is_that_of_the_tables() -> None:
    # a^n / n! over the sum of those up to n.
    for load, agents in ((2.0, 3), (10.0, 10), (0.5, 1)):
        terms = [load**n / math.factorial(n) for n in range(agents + 1)]
        assert erlang_b(agents, load) == pytest.approx(terms[-1] / sum(terms))
    assert erlang_b(10, 10.0) == pytest.approx(0.2146, abs=5e-5)
    assert erlang_c(1, 0.5) == pytest.approx(0.5)


def simulated(traffic: Traffic, agents: int, within: float, seed: int) -> Service:
    """A queue, call by call."""
    rng = random.Random(seed)
    free = [0.0] * agents
    clock, count, in_time, gone, waited, worked = 0.0, 150_000, 0, 0, 0.0, 0.0
    for _ in range(count):
        clock += rng.expovariate(traffic.per_second)
        wait = max(free[0] - clock, 0.0)
        patience = traffic.patience_seconds
        if patience is not None and wait > rng.expovariate(1 / patience):
            gone += 1
            continue
        took = rng.expovariate(1 / traffic.handle_seconds)
        heapq.heapreplace(free, clock + wait + took)
        in_time, waited, worked = in_time + (wait <= within), waited + wait, worked + took
    answered = count - gone
    return Service(0, in_time / count, waited / answered, gone / count, worked / clock / agents)


@pytest.mark.parametrize(
    ("traffic", "agents", "within"),
    [
        (Traffic(1 / 9, 240), 31, 30.0),
        (Traffic(1 / 9, 240, 300), 27, 30.0),
        # More comes than can be handled: those who leave make the queue bearable.
        (Traffic(1 / 9, 240, 120), 22, 60.0),
        (Traffic(1 / 360, 300, 100), 1, 20.0),
    ],
)
def test_a_simulation_agrees(traffic: Traffic, agents: int, within: float) -> None:
    found, seen = service_of(traffic, agents, within), simulated(traffic, agents, within, 11)
    assert found.in_time == pytest.approx(seen.in_time, abs=0.03)
    assert found.abandoned == pytest.approx(seen.abandoned, abs=0.01)
    assert found.occupancy == pytest.approx(seen.occupancy, abs=0.02)
    assert found.average_wait == pytest.approx(seen.average_wait, rel=0.15)


@settings(max_examples=60, deadline=None)
@given(traffics, st.integers(1, 320), st.floats(0, 600))
def test_laws_of_every_queue(traffic: Traffic, agents: int, within: float) -> None:
    found = service_of(traffic, agents, within)
    more = service_of(traffic, agents + 1, within)
    for share in (found.waiting, found.in_time, found.abandoned, found.occupancy):
        assert -1e-9 <= share <= 1 + 1e-9
    assert found.in_time + found.abandoned <= 1 + 1e-9
    # More agents never make it worse, nor does a longer time.
    assert more.in_time >= found.in_time - 1e-9
    assert more.abandoned <= found.abandoned + 1e-9
    assert more.occupancy <= found.occupancy + 1e-9
    assert service_of(traffic, agents, within + 10).in_time >= found.in_time - 1e-9
    if traffic.patience_seconds is not None:
        # What comes is handled or gives up; who is handled keeps agents busy.
        handled = traffic.load * (1 - found.abandoned)
        assert found.occupancy * agents == pytest.approx(handled, rel=1e-6, abs=1e-9)
        # Nobody who would have been answered at once gives up.
        assert found.abandoned <= found.waiting + 1e-9


@settings(max_examples=40, deadline=None)
@given(traffics, st.floats(0.5, 0.99), st.floats(0, 120), st.floats(0.5, 1))
def test_the_number_of_agents_is_the_least(
    traffic: Traffic, share: float, within: float, occupancy: float
) -> None:
    target = Target(share, within, occupancy)
    found = agents_needed(traffic, target)
    if found is None:
        return
    assert target.is_kept(service_of(traffic, found, within))
    assert found == 1 or not target.is_kept(service_of(traffic, found - 1, within))


@settings(max_examples=12, deadline=None)
@given(st.floats(0.5, 60), st.integers(2, 20), st.floats(1, 60))
def test_endless_patience_is_erlang_c(load: float, spare: int, within: float) -> None:
    agents = math.ceil(load) + spare
    patient = service_of(Traffic(load / 300, 300), agents, within)
    almost = impatient(Traffic(load / 300, 300), agents, within, 1e9)
    assert almost.in_time == pytest.approx(patient.in_time, abs=1e-5)
    assert almost.abandoned == pytest.approx(0, abs=1e-5)


def test_a_flood_is_a_fluid() -> None:
    """Where very many wait, the sums over states and the fluid say the same."""
    traffic, agents = Traffic(3.0, 300), 600
    found = impatient(traffic, agents, 15_000, 30_000)
    assert found.abandoned == pytest.approx(1 - agents / traffic.load, abs=1e-6)
    assert found.average_wait == pytest.approx(-math.log(agents / traffic.load) * 30_000, rel=1e-3)
    assert found.in_time == pytest.approx(agents / traffic.load, abs=1e-3)
    flood = flooded(traffic, agents, 15_000, 30_000)
    assert flood.abandoned == pytest.approx(found.abandoned, abs=1e-6)
    assert flood.in_time == pytest.approx(found.in_time, abs=1e-3)
    # Which of the two answers is decided by how many wait.
    assert service_of(Traffic(3.0, 300, 30_000), agents, 15_000) == flood


def test_extremes_are_answered() -> None:
    assert service_of(Traffic(0, 300), 0, 20).in_time == 1
    assert service_of(Traffic(1, 300, 60), 0, 20).abandoned == 1
    assert service_of(Traffic(1, 300), 300, 20).average_wait is None
    assert service_of(Traffic(1e-9, 300, 60), MOST_AGENTS, 20).in_time == 1
    assert agents_needed(Traffic(0, 300), Target(0.8)) == 0
    assert agents_needed(Traffic(100, 300), Target(0.8)) is None
    # All of those who call at once cannot be answered in no time at all.
    assert agents_needed(Traffic(1, 300, 60), Target(1.0, 0)) in (None, *range(400, 1500))


def test_a_fraction_lies_between_whole_agents() -> None:
    traffic = Traffic(1 / 9, 240, 300)
    low, high = (service_of(traffic, agents, 20) for agents in (27, 28))
    found = service_between(traffic, 27.25, 20)
    assert found.in_time == pytest.approx(0.75 * low.in_time + 0.25 * high.in_time)
    assert service_between(traffic, 27, 20) == low
