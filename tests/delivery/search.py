"""Which schedules to run: one of each set that differ only in the order of independent steps.

Source-DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014). Whether two steps are
independent is told from their SQL (footprints.py). A schedule is written as the lanes in the order
in which they took their steps: "00112".
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.delivery.footprints import Footprint, dependent, footprint
from tests.delivery.stepping import Lane, Schedule

Choose = Callable[[Schedule, list[Lane]], Lane]


class RedundantError(Exception):
    """Whatever comes now was already run in another order of independent steps."""


@dataclass
class Node:
    """A state on the current path: who could go on, who did, and who is still to be tried."""

    ready: dict[int, Footprint]
    asleep: set[int]
    chosen: int
    wanted: set[int]
    tried: set[int] = field(default_factory=set)

    @property
    def step(self) -> Footprint:
        return self.ready[self.chosen]

    def after(self) -> set[int]:
        """Lanes whose next step was already tried here, and could as well come before this one."""
        done = (self.asleep | self.tried) - {self.chosen}
        return {
            lane
            for lane in done
            if lane in self.ready and not dependent(self.ready[lane], self.step)
        }


class Systematic:
    """Depth-first: hands out a chooser for each schedule, learns from what ran, and turns back."""

    def __init__(self) -> None:
        self._path: list[Node] = []
        self.is_complete = False

    @property
    def replayed_choices(self) -> int:
        """So many first steps of the next schedule were seen before."""
        return max(0, len(self._path) - 1)

    def choose(self, schedule: Schedule, ready: list[Lane]) -> Lane:
        depth = len(schedule.choices)
        waiting = {schedule.lanes.index(lane): next_footprint(schedule, lane) for lane in ready}
        if depth < len(self._path):
            node = self._path[depth]
            if node.chosen not in waiting:
                raise RedundantError
            node.ready = waiting
        else:
            asleep = self._path[-1].after() & waiting.keys() if self._path else set()
            awake = waiting.keys() - asleep
            if not awake:
                raise RedundantError
            last = schedule.choices[-1] if schedule.choices else -1
            chosen = last if last in awake else min(awake)
            node = Node(waiting, asleep, chosen, {chosen})
            self._path.append(node)
        return schedule.lanes[node.chosen]

    def learn(self, length: int) -> None:
        """Take in the schedule that ran, and find the next one."""
        del self._path[length:]
        for node, lanes in races(self._path):
            if not node.wanted & lanes:
                possible = lanes & node.ready.keys()
                node.wanted |= {min(possible)} if possible else node.ready.keys()
        while self._path:
            node = self._path[-1]
            node.tried.add(node.chosen)
            left = node.wanted - node.tried - node.asleep
            if left:
                node.chosen = min(left)
                return
            self._path.pop()
        self.is_complete = True


def races(path: list[Node]) -> list[tuple[Node, set[int]]]:
    """Pairs of dependent steps that could have come in the other order: the state before the
    first of them, and the lanes of which one has to go on there to bring that about."""
    found = []
    before = happened_before(path)
    for second, mine in enumerate(before):
        for first in members(mine):
            if path[first].chosen == path[second].chosen:
                continue
            if any(before[k] >> first & 1 for k in members(mine >> first + 1, first + 1)):
                continue
            free = [k for k in range(first + 1, second) if not before[k] >> first & 1] + [second]
            passed, initials = 0, set()
            for k in free:
                if not before[k] & passed:
                    initials.add(path[k].chosen)
                passed |= 1 << k
            found.append((path[first], initials))
    return found


def members(bits: int, start: int = 0) -> list[int]:
    return [start + place for place in range(bits.bit_length()) if bits >> place & 1]


def happened_before(path: list[Node]) -> list[int]:
    """For each step the earlier steps whose order with it matters, directly or by others, as a
    set of bits."""
    before: list[int] = []
    for number, node in enumerate(path):
        mine = 0
        for earlier in range(number - 1, -1, -1):
            other = path[earlier]
            if not mine >> earlier & 1 and (
                other.chosen == node.chosen or dependent(other.step, node.step)
            ):
                mine |= 1 << earlier | before[earlier]
        before.append(mine)
    return before


def next_footprint(schedule: Schedule, lane: Lane) -> Footprint:
    """With a commit go the statements that wait for its locks."""
    step = lane.next_footprint
    if step.ends:
        for other in schedule.lanes:
            if other.is_blocked:
                step = step.with_locks(footprint(other.waiting).locks)
    return step


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
        lane = ready[0] if number is None else schedule.lanes[int(number)]
        # After a deadlock PostgreSQL picks the victim: a replay can find other lanes ready.
        return lane if lane in ready else ready[0]

    return choose
