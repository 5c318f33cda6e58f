"""Work that may wait, such as e-mail: what is not done is carried over, and is due by a deadline.

A fluid: work flows in evenly within an interval and is done in the order in which it came (the
deferred workload of N. Gans, G. Koole and A. Mandelbaum, "Telephone call centers", 2003, section
6). Pure. Work is in seconds of one agent; a deadline is a number of open intervals.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

# Work less than this is what floats leave of nothing.
NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an interval. `in_time`: the share of the work that came in it (while closed:
    at the next opening) and is done by its deadline; None: none came. `left`: work that waits at
    its end."""

    in_time: float | None
    occupancy: float
    left: float


def at_openings(
    work: Sequence[float], is_open: Sequence[bool], *, is_cycle: bool
) -> tuple[list[int], list[float]]:
    """The open intervals, and the work of each: what comes while it is closed waits for the next
    one. In a cycle the first follows the last."""
    places = [number for number, each in enumerate(is_open) if each]
    found = [0.0] * len(places)
    waiting, slot = 0.0, 0
    for number, amount in enumerate(work):
        waiting += amount
        if is_open[number]:
            found[slot] += waiting
            waiting, slot = 0.0, slot + 1
    if places and is_cycle:
        found[0] += waiting
    return places, found


def agents_for(
    work: Sequence[float],
    is_open: Sequence[bool],
    *,
    deadline: int,
    seconds: float,
    is_cycle: bool,
) -> list[float]:
    """How many agents are busy where the work of each interval is spread evenly over the intervals
    until it is due: the flattest way to keep every deadline that looks no further ahead."""
    places, amounts = at_openings(work, is_open, is_cycle=is_cycle)
    count = len(places)
    busy = [0.0] * len(work)
    if not count:
        return busy
    # In a cycle, what is due after a whole turn is spread over it.
    reach = min(max(deadline, 1), count)
    recent = sum(amounts[count - reach + 1 :]) if is_cycle and reach > 1 else 0.0
    for slot, place in enumerate(places):
        recent += amounts[slot]
        busy[place] = max(recent, 0.0) / reach / seconds
        oldest = slot - reach + 1
        if oldest >= 0 or is_cycle:
            recent -= amounts[oldest]
    return busy


def worked_off(
    work: Sequence[float],
    is_open: Sequence[bool],
    agents: Sequence[float],
    *,
    deadline: int,
    seconds: float,
    is_cycle: bool,
) -> list[Done]:
    """What so many agents make of it, first come first served. Of a cycle the second turn, after a
    first one that began with nothing: as are all that follow. Where a turn brings more than is done
    in one, the backlog grows for ever, and nothing is in time."""
    places, amounts = at_openings(work, is_open, is_cycle=is_cycle)
    count, turns = len(places), 2 if is_cycle else 1
    in_time = [0.0] * count
    occupancy, left = [0.0] * count, [0.0] * count
    queue: deque[list[float]] = deque()
    waiting = 0.0
    # In a cycle a third turn, to see what becomes of what came in the second.
    for step in range(count * (turns + is_cycle)):
        slot, turn = step % count, step // count
        if turn < turns:
            queue.append([float(step), amounts[slot]])
            waiting += amounts[slot]
        capacity = max(agents[places[slot]], 0.0) * seconds
        room = capacity
        while queue and room > NOTHING:
            came, amount = queue[0]
            done = min(amount, room)
            room -= done
            waiting -= done
            queue[0][1] -= done
            if int(came) // count == turns - 1 and step - came < max(deadline, 1):
                in_time[int(came) % count] += done
            if queue[0][1] <= NOTHING:
                queue.popleft()
        if turn == turns - 1:
            occupancy[slot] = (capacity - room) / capacity if capacity > 0 else 0.0
            left[slot] = max(waiting, 0.0)
    capacity = sum(max(agents[place], 0.0) for place in places) * seconds
    if is_cycle and sum(amounts) > capacity + NOTHING:
        in_time = [0.0] * count
    return told(len(work), places, amounts, Turn(in_time, occupancy, left), is_cycle=is_cycle)


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of each open interval."""

    in_time: Sequence[float]
    occupancy: Sequence[float]
    left: Sequence[float]


def told(
    size: int, places: Sequence[int], amounts: Sequence[float], turn: Turn, *, is_cycle: bool
) -> list[Done]:
    """By all intervals: while it is closed, nothing is done and what waits stays."""
    before = turn.left[-1] if places and is_cycle else 0.0
    found = [Done(None, 0.0, before)] * size
    for slot, place in enumerate(places):
        following = places[slot + 1] if slot + 1 < len(places) else size
        amount = amounts[slot]
        found[place] = Done(
            share_of(turn.in_time[slot], amount), turn.occupancy[slot], turn.left[slot]
        )
        for closed in range(place + 1, following):
            found[closed] = Done(None, 0.0, turn.left[slot])
    return found


def share_of(done: float, amount: float) -> float | None:
    """Each end of a piece of work may have left next to nothing of it."""
    if amount <= NOTHING:
        return None
    return 1.0 if done >= amount - 2 * NOTHING else done / amount


def intervals_of(within_seconds: float, seconds: float) -> int:
    """A deadline in whole intervals, one at least."""
    return max(1, math.floor(within_seconds / seconds + NOTHING))
