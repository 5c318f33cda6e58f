"""The detector of alerts on plain series."""

import math
import random

import pytest

from csapi.metrics.effects import Scale
from csapi.reports.alerts.detector import (
    DAY_LIMIT,
    Finding,
    History,
    NoFinding,
    Seen,
    Side,
    anomaly,
    drift,
    threshold,
)
from csapi.reports.alerts.steps import RELEASE, Step, step

TODAY = 740_000
USUAL = (100, 110, 105, 120, 90, 40, 30)


def counts(days: int, seed: int = 1) -> dict[tuple[int, int], Seen]:
    rng, found = random.Random(seed), {}
    for day in range(TODAY - days, TODAY + 1):
        count = max(0, round(rng.gauss(USUAL[day % 7], math.sqrt(USUAL[day % 7]))))
        found[day, 0] = Seen(float(count), count)
    return found


def judged(seen: dict[tuple[int, int], Seen], side: Side = Side.both) -> Finding:
    return anomaly(History(seen, Scale.ratio), (TODAY, 0), side, limit=DAY_LIMIT)


def test_a_day_is_held_against_its_own_weekday() -> None:
    seen = counts(60)
    usual = USUAL[TODAY % 7]
    quiet = judged(seen)
    assert not quiet.is_out
    assert quiet.low is not None
    assert quiet.high is not None
    assert quiet.low < usual < quiet.high
    for value, is_out in ((usual * 3, True), (usual, False), (0, True)):
        seen[TODAY, 0] = Seen(float(value), value)
        assert judged(seen).is_out is is_out, value
    seen[TODAY, 0] = Seen(0.0, 0)
    assert not judged(seen, Side.up).is_out
    assert judged(seen, Side.down).is_out


def test_what_came_a_year_ago_is_expected_again() -> None:
    """A sale: three times as much, on the same days of the week 52 weeks earlier."""
    seen = counts(430)
    seen[TODAY, 0] = Seen(300.0, 300)
    assert judged(seen).is_out
    seen[TODAY - 364, 0] = Seen(310.0, 310)
    found = judged(seen)
    assert found.is_seasonal
    assert not found.is_out
    # And it may as well stay away this year.
    seen[TODAY, 0] = Seen(float(USUAL[TODAY % 7]), USUAL[TODAY % 7])
    assert not judged(seen).is_out


def test_what_cannot_be_judged_says_why() -> None:
    assert judged(counts(20)).reason is NoFinding.short_history
    missing = counts(60)
    del missing[TODAY, 0]
    assert judged(missing).reason is NoFinding.no_value
    same = {(day, 0): Seen(0.9, 50) for day in range(TODAY - 60, TODAY + 1)}
    history = History(same, Scale.linear)
    found = anomaly(history, (TODAY, 0), Side.both, limit=4)
    assert found.reason is NoFinding.no_spread
    few = anomaly(history, (TODAY, 0), Side.both, limit=4, minimum_n=51)
    assert few.reason is NoFinding.too_few


def test_a_share_of_few_lies_off_by_chance() -> None:
    rng = random.Random(2)
    seen = {
        (day, 0): Seen(sum(rng.random() < 0.8 for _ in range(100)) / 100, 100)
        for day in range(TODAY - 60, TODAY)
    }
    for n, is_out in ((100, True), (4, False)):
        seen[TODAY, 0] = Seen(0.5, n)
        found = anomaly(History(seen, Scale.linear), (TODAY, 0), Side.down, limit=DAY_LIMIT)
        assert found.is_out is is_out


def weeks(*later: float) -> list[Seen | None]:
    rng = random.Random(3)
    return [
        Seen(value, 200) for value in (*(rng.gauss(0.8, 0.02) for _ in range(26)), *later)
    ]  # fmt: skip


def test_weeks_that_move_are_told_once_they_add_up() -> None:
    assert not drift(weeks(), Scale.linear, Side.both).is_out
    assert not drift(weeks(0.75), Scale.linear, Side.down).is_out
    slow = drift(weeks(0.75, 0.74, 0.75, 0.74), Scale.linear, Side.down)
    assert slow.is_out
    assert slow.score is not None
    assert slow.score < 0
    assert not drift(weeks(0.75, 0.74, 0.75, 0.74), Scale.linear, Side.up).is_out
    assert drift(weeks()[-12:], Scale.linear, Side.both).reason is NoFinding.short_history


def test_weeks_that_moved_a_year_ago_too_are_the_season() -> None:
    low = [0.74, 0.74, 0.75, 0.74]
    rng = random.Random(4)
    year = [Seen(rng.gauss(0.8, 0.02), 200) for _ in range(48)]
    series: list[Seen | None] = [*weeks(*low), *year, *(Seen(each, 200) for each in low)]
    found = drift(series, Scale.linear, Side.down)
    assert found.is_seasonal
    assert not found.is_out


@pytest.mark.parametrize(
    ("value", "n", "side", "is_out", "reason"),
    [
        (0.7, 30, Side.down, True, None),
        (0.8, 30, Side.down, False, None),
        (0.9, 30, Side.up, True, None),
        (0.7, 19, Side.down, False, NoFinding.too_few),
    ],
)
def test_a_bound(
    value: float, n: int, side: Side, *, is_out: bool, reason: NoFinding | None
) -> None:
    found = threshold(Seen(value, n), 0.8, side, 20)
    assert (found.is_out, found.reason) == (is_out, reason)
    assert threshold(None, 0.8, side, 20).reason is NoFinding.no_value


def test_what_lasts_is_one_event() -> None:
    """Out, out, two quiet, out again, unjudged, three quiet: one event, then it is over."""
    out, calm = Finding(is_out=True), Finding(is_out=False)
    unjudged = Finding(is_out=False, reason=NoFinding.no_value)
    quiet: int | None = None
    steps = []
    for found in (out, out, calm, calm, out, calm, unjudged, calm, calm, calm, out):
        done = step(found, quiet)
        steps.append(done)
        if done in (Step.fire, Step.go_on):
            quiet = 0
        elif done is Step.wait:
            quiet = (quiet or 0) + 1
        elif done is Step.end:
            quiet = None
    assert RELEASE == 3
    assert steps == [
        Step.fire, Step.go_on, Step.wait, Step.wait, Step.go_on, Step.wait, Step.nothing,
        Step.wait, Step.end, Step.nothing, Step.fire,
    ]  # fmt: skip
