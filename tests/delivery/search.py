"""Which schedules to run: one of each set that differ only in the order of independent steps.

Source-DPOR with sleep sets (Abdulla, Aronis, Jonsson, Sagonas, POPL 2014). Whether two steps are
independent is told from their SQL (footprints.py). A schedule is written as the lanes in the order
in which they took their steps: "00112".
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.delivery.footprints import Footprint, dependent, footprint
from tests.delivery.stepping import Lane, Schedule, State

Choose = Callable[[Schedule, list[Lane]], Lane]


class RedundantError(Exception):
    """Whatever comes now was already run in another order of independent steps."""


@dataclass(eq=False)
class Node:
    """A state that was reached: who could go on there, who did, and who is still to be tried."""

    parent: "Node | None"
    ready: dict[int, Footprint]
    asleep: set[int]
    chosen: int
    wanted: set[int]
    came_by: int
    tried: set[int] = field(default_factory=set)

    @property
    def step(self) -> Footprint:
        return self.ready[self.chosen]

    @property
    def left(self) -> set[int]:
        return self.wanted - self.tried - self.asleep

    def still_asleep(self) -> set[int]:
        """Lanes whose next step was already tried here, and could as well come before this one."""
        done = (self.asleep | self.tried) - {self.chosen}
        return {
            lane for lane in done & self.ready.keys() if not dependent(self.ready[lane], self.step)
        }


class Systematic:
    """Chooses for one schedule after another, each of another kind, in an order drawn by lot: a
    search that is cut short has then looked everywhere a little."""

    def __init__(self, seed: int = 0, *, reduced: bool = True) -> None:
        self._dice = random.Random(seed)
        self._reduced = reduced
        self._open: dict[Node, None] = {}
        self._forced: list[Node] = []
        self._path: list[Node] = []
        self.is_complete = False

    @property
    def replayed_choices(self) -> int:
        """So many first steps of the next schedule were seen before."""
        return max(0, len(self._forced) - 1)

    def choose(self, schedule: Schedule, ready: list[Lane]) -> Lane:
        depth = len(schedule.choices)
        waiting = {schedule.lanes.index(lane): next_footprint(schedule, lane) for lane in ready}
        if depth < len(self._forced):
            node = self._forced[depth]
            if node.chosen not in waiting:
                raise RedundantError
            node.ready = waiting
        else:
            node = self._new_node(schedule, waiting)
        node.tried.add(node.chosen)
        self._path.append(node)
        return schedule.lanes[node.chosen]

    def _new_node(self, schedule: Schedule, waiting: dict[int, Footprint]) -> Node:
        parent = self._path[-1] if self._path else None
        asleep = parent.still_asleep() & waiting.keys() if parent and self._reduced else set()
        awake = waiting.keys() - asleep
        if not awake:
            raise RedundantError
        last = schedule.choices[-1] if schedule.choices else -1
        chosen = last if last in awake else min(awake)
        wanted = {chosen} if self._reduced else set(waiting)
        came_by = parent.chosen if parent else -1
        return Node(parent, waiting, asleep, chosen, wanted, came_by)

    def learn(self) -> None:
        """Take in the schedule that ran, and find the next one."""
        self._open |= dict.fromkeys(self._path)
        for node, lanes in races(self._path) if self._reduced else ():
            if not node.wanted & lanes:
                possible = lanes & node.ready.keys()
                node.wanted |= {min(possible)} if possible else node.ready.keys()
                self._open[node] = None
        self._open = {node: None for node in self._open if node.left}
        self._path = []
        self.is_complete = not self._open
        if self._open:
            node = self._dice.choice(list(self._open))
            node.chosen = min(node.left)
            self._forced = lineage(node)


def lineage(node: Node) -> list[Node]:
    """The nodes from the first one to this, each set to go on to the next."""
    path = [node]
    while (parent := path[-1].parent) is not None:
        parent.chosen = path[-1].came_by
        path.append(parent)
    return path[::-1]


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
    dice = random.Random(seed)

    def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
        last = schedule.lanes[schedule.choices[-1]] if schedule.choices else None
        # Mostly go on with the same lane: uniform choices hardly ever finish a transaction
        # while another one stands still.
        if last in ready and dice.random() < 0.7:
            return last
        return dice.choice(ready)

    return choose


def directed(plan: Sequence[tuple[int, str]]) -> Choose:
    """One schedule: each lane of the plan in turn goes on until it waits before a statement with
    the text, or to its end where there is none. While it is blocked, and after the plan, whoever is
    ready goes on."""
    left = list(plan)

    def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
        while left:
            number, until = left[0]
            lane = schedule.lanes[number]
            if lane in ready and not (until and until in lane.waiting):
                return lane
            if lane not in ready and lane.state is not State.DONE:
                break
            left.pop(0)
        return ready[0]

    return choose


def replayed(choices: str) -> Choose:
    forced = iter(choices)

    def choose(schedule: Schedule, ready: list[Lane]) -> Lane:
        number = next(forced, None)
        lane = ready[0] if number is None else schedule.lanes[int(number)]
        # After a deadlock PostgreSQL picks the victim: a replay can find other lanes ready.
        return lane if lane in ready else ready[0]

    return choose
