"""Which schedules to run: every one up to the order of independent steps, fewest preemptions first.

Stateless search with sleep sets (Godefroid) in the order of preemptions (CHESS, Musuvathi and
Qadeer). A schedule is written as the lanes in the order in which they took their steps: "00112".
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.delivery.footprints import dependent
from tests.delivery.stepping import Lane, Schedule

Choose = Callable[[Schedule, list[Lane]], Lane]


class RedundantError(Exception):
    """Whatever comes now was already run in another order of independent steps."""


@dataclass(frozen=True, slots=True, order=True)
class Branch:
    """A prefix of choices, what need not be tried right after it, and its preemptions."""

    preemptions: int
    number: int
    prefix: tuple[int, ...] = field(compare=False)
    asleep: frozenset[int] = field(compare=False)


def is_preemption(schedule: Schedule, ready: list[Lane], chosen: Lane) -> bool:
    if not schedule.choices:
        return False
    last = schedule.lanes[schedule.choices[-1]]
    return last is not chosen and last in ready


class Systematic:
    """Hands out a chooser for each schedule, and learns from it which others there are."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._branches = [Branch(0, next(self._numbers), (), frozenset())]

    @property
    def is_complete(self) -> bool:
        return not self._branches

    @property
    def next_preemptions(self) -> int:
        return self._branches[0].preemptions if self._branches else -1

    def next_chooser(self) -> Choose:
        branch = heapq.heappop(self._branches)
        forced = iter(branch.prefix)
        asleep = set(branch.asleep)
        preemptions = branch.preemptions

        def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
            nonlocal preemptions
            number = next(forced, None)
            if number is not None:
                return by_number(schedule, ready, number)
            awake = [lane for lane in ready if schedule.lanes.index(lane) not in asleep]
            if not awake:
                raise RedundantError
            awake.sort(key=lambda lane: is_preemption(schedule, ready, lane))
            chosen, *others = awake
            tried = asleep | {schedule.lanes.index(chosen)}
            for other in others:
                self._add(schedule, ready, other, tried, preemptions)
                tried = tried | {schedule.lanes.index(other)}
            preemptions += is_preemption(schedule, ready, chosen)
            asleep.intersection_update(still_asleep(schedule, asleep, chosen))
            return chosen

        return choose

    def _add(
        self, schedule: Schedule, ready: list[Lane], lane: Lane, tried: set[int], preemptions: int
    ) -> None:
        heapq.heappush(
            self._branches,
            Branch(
                preemptions + is_preemption(schedule, ready, lane),
                next(self._numbers),
                (*schedule.choices, schedule.lanes.index(lane)),
                frozenset(still_asleep(schedule, tried, lane)),
            ),
        )


def still_asleep(schedule: Schedule, asleep: set[int], chosen: Lane) -> set[int]:
    """Those of `asleep` whose next step could as well come before that of `chosen`."""
    step = chosen.next_footprint
    # A commit that lets blocked lanes go on is more than one step.
    if step.ends and any(lane.is_blocked for lane in schedule.lanes):
        return set()
    return {
        number
        for number in asleep
        if schedule.lanes[number] is not chosen
        and not dependent(schedule.lanes[number].next_footprint, step)
    }


def by_number(schedule: Schedule, ready: list[Lane], number: int) -> Lane:
    lane = schedule.lanes[number]
    # After a deadlock PostgreSQL picks the victim: a replay can find other lanes ready.
    return lane if lane in ready else ready[0]


def seeded(seed: int) -> Choose:
    dice = random.Random(seed)  # noqa: S311  a replayable sequence, not a secret

    def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
        last = schedule.lanes[schedule.choices[-1]] if schedule.choices else None
        # Mostly go on with the same lane: uniform choices hardly ever finish a transaction
        # while another one stands still.
        if last in ready and dice.random() < 0.7:
            return last
        return dice.choice(ready)

    return choose


def replayed(choices: str) -> Choose:
    forced = iter(choices)

    def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
        number = next(forced, None)
        return ready[0] if number is None else by_number(schedule, ready, int(number))

    return choose
