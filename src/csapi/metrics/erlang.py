"""Queues of calls: how many agents answer how soon. Pure; rates and seconds in, shares out.

Erlang B and C: A. K. Erlang, "Solution of some problems in the theory of probabilities of
significance in automatic telephone exchanges" (1917). Erlang A, the queue that people leave when
an exponential patience ends: C. Palm, "Research on telephone traffic carried by full availability
groups" (1957); the formulas as in A. Mandelbaum and S. Zeltyn, "Service engineering in action: the
Palm/Erlang-A queue" (2007). How call centers use them: N. Gans, G. Koole and A. Mandelbaum,
"Telephone call centers" (2003).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

# Erlangs and agents beyond which nothing is worked out.
LARGEST_LOAD, MOST_AGENTS = 1_000, 2_000
# Beyond so many contacts within a patience, or waiting at the mean, how their number varies is next
# to nothing, and the sum over states takes long.
MANY_CONTACTS, MANY_WAITING = 20_000, 3_000
# What is left of a sum of states below this part of it is nothing.
NEGLIGIBLE = 1e-13
# Sums grow with the load in states; past this they are scaled down.
HUGE = 1e200
# Points and weights of Gauss and Legendre on [-1, 1], of seven points.
GAUSS = (
    (0.0, 0.4179591836734694),
    (0.4058451513773972, 0.3818300505051189),
    (-0.4058451513773972, 0.3818300505051189),
    (0.7415311855993945, 0.2797053914892766),
    (-0.7415311855993945, 0.2797053914892766),
    (0.9491079123427585, 0.1294849661688697),
    (-0.9491079123427585, 0.1294849661688697),
)
PANELS = 12
# A density that is lower than its peak by this power of e is nothing.
NOTHING = 40.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What comes: contacts per second, seconds to handle one, and for how long people wait at the
    mean before they give up; None: they never do."""

    per_second: float
    handle_seconds: float
    patience_seconds: float | None = None

    @property
    def load(self) -> float:
        """The offered load in erlangs: how many would be busy if nobody ever waited."""
        return self.per_second * self.handle_seconds


@dataclass(frozen=True, slots=True)
class Service:
    """What comes of it. Shares are of all contacts: of those that wait, that are answered within
    the seconds asked about, and that give up. `average_wait`: of those answered; None: without end.
    `occupancy`: of the time of the agents."""

    waiting: float
    in_time: float
    average_wait: float | None
    abandoned: float
    occupancy: float


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be kept; None: need not be. `in_time`: the least share answered within
    `within_seconds`."""

    in_time: float | None = None
    within_seconds: float = 20.0
    occupancy: float | None = None
    average_wait: float | None = None

    def is_kept(self, found: Service) -> bool:
        # A wait of no known end is longer than any.
        wait = math.inf if found.average_wait is None else found.average_wait
        return (
            (self.in_time is None or found.in_time >= self.in_time)
            and (self.occupancy is None or found.occupancy <= self.occupancy)
            and (self.average_wait is None or wait <= self.average_wait)
        )


IDLE = Service(0.0, 1.0, 0.0, 0.0, 0.0)
# Nobody there: who comes waits, and none is answered.
DESERTED = Service(1.0, 0.0, None, 0.0, 1.0)


def inverse_b(agents: int, load: float) -> float:
    """1 / Erlang B, by its recursion: 1/B(n) = 1 + n/a x 1/B(n-1), 1/B(0) = 1. Sums of what is not
    negative lose no digits; where it is past all floats, it is infinite."""
    found = 1.0
    for number in range(1, agents + 1):
        found = 1.0 + found * number / load
        if found > HUGE:
            return math.inf
    return found


def erlang_b(agents: int, load: float) -> float:
    """The share that is lost where nobody can wait."""
    return 1.0 / inverse_b(agents, load) if load > 0 else 0.0 if agents else 1.0


def erlang_c(agents: int, load: float) -> float:
    """The share that has to wait where everybody does, for as long as it takes."""
    if load <= 0:
        return 0.0 if agents else 1.0
    if load >= agents:
        return 1.0
    # C = B / (1 - a/n x (1 - B)), over B.
    return 1.0 / (inverse_b(agents, load) * (1 - load / agents) + load / agents)


@lru_cache(maxsize=20_000)
def service_of(traffic: Traffic, agents: int, within_seconds: float) -> Service:
    """What so many agents make of it: Erlang A where patience is known, else Erlang C."""
    if traffic.load <= 0:
        return IDLE
    patience = traffic.patience_seconds
    if agents <= 0:
        return deserted(patience)
    if patience is None:
        return patient(traffic, agents, within_seconds)
    waiting = (traffic.per_second - agents / traffic.handle_seconds) * patience
    if traffic.per_second * patience > MANY_CONTACTS and traffic.load < agents:
        return patient(traffic, agents, within_seconds)
    if waiting > MANY_WAITING or traffic.per_second * patience > MANY_CONTACTS:
        return flooded(traffic, agents, within_seconds, patience)
    return impatient(traffic, agents, within_seconds, patience)


def deserted(patience: float | None) -> Service:
    return DESERTED if patience is None else Service(1.0, 0.0, None, 1.0, 1.0)


def patient(traffic: Traffic, agents: int, within_seconds: float) -> Service:
    """Erlang C: the wait of those who wait is exponential with the rate of what is idle."""
    load = traffic.load
    if load >= agents:
        return DESERTED
    waiting = erlang_c(agents, load)
    spare = (agents - load) / traffic.handle_seconds
    return Service(
        waiting=waiting,
        in_time=1.0 - waiting * math.exp(-spare * within_seconds),
        average_wait=waiting / spare,
        abandoned=0.0,
        occupancy=load / agents,
    )


def flooded(traffic: Traffic, agents: int, within_seconds: float, patience: float) -> Service:
    """Erlang A of very many as a fluid: all wait, until so few are left that they are served."""
    answered = min(agents / traffic.load, 1.0)
    wait = -math.log(answered) * patience
    return Service(1.0, answered if wait <= within_seconds else 0.0, wait, 1.0 - answered, 1.0)


def impatient(traffic: Traffic, agents: int, within_seconds: float, patience: float) -> Service:
    """Erlang A. Relative to the state with one agent idle, the states below it add up to
    1/B(n-1), those in which all are busy to the products of l / (n m + i t)."""
    rate, leaving = traffic.per_second, 1.0 / patience
    serving = agents / traffic.handle_seconds
    below = inverse_b(agents - 1, traffic.load)
    if math.isinf(below):
        return Service(0.0, 1.0, 0.0, 0.0, traffic.load / agents)
    # `divided`: by how many powers of e all sums were divided, so that none is past all floats.
    divided = 0.0
    state, busy, gone, waited, stages = rate / serving, 0.0, 0.0, 0.0, 0.0
    ahead = 0
    while True:
        ahead += 1
        ends = serving + ahead * leaving
        stages += 1.0 / ends
        busy += state
        gone += state * (ahead * leaving / ends)
        waited += state * (serving / ends) * stages
        # From here on the states fall off faster than this ratio.
        if rate < ends and state * rate / (ends - rate) <= NEGLIGIBLE * busy:
            break
        state *= rate / ends
        if busy > HUGE:
            busy, gone, waited, state = busy / HUGE, gone / HUGE, waited / HUGE, state / HUGE
            below, divided = below / HUGE, divided + math.log(HUGE)
    whole = below + busy
    abandoned = gone / whole
    answered = 1.0 - abandoned
    late = served_later(rate, serving, leaving, within_seconds, math.log(whole) + divided)
    return Service(
        waiting=busy / whole,
        in_time=min(below / whole + late, answered),
        average_wait=waited / (whole - gone),
        abandoned=abandoned,
        occupancy=min(traffic.load * answered / agents, 1.0),
    )


def served_later(
    rate: float, serving: float, leaving: float, within: float, log_whole: float
) -> float:
    """The share of those who wait and are answered within the seconds: the integral over x of
    l exp(l (1 - exp(-t x)) / t - n m x) exp(-t x), which has one peak."""

    def power(x: float) -> float:
        return rate * -math.expm1(-leaving * x) / leaving - (serving + leaving) * x - log_whole

    peak = max(0.0, math.log(rate / (serving + leaving)) / leaving)
    least = power(peak) - NOTHING
    low, step = 0.0, 1.0 / (serving + leaving)
    if power(0.0) < least:
        low = crossing(power, least, 0.0, peak)
    high = peak + step
    while power(high) > least and high < within:
        step *= 2
        high = peak + step
    high = min(high, within)
    if high <= low:
        return 0.0
    return rate * integral(lambda x: math.exp(power(x)), low, high)


def crossing(power: Callable[[float], float], least: float, low: float, high: float) -> float:
    """About where a function that grows passes `least`, from below."""
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if power(middle) < least else (low, middle)
    return low


def integral(density: Callable[[float], float], start: float, end: float) -> float:
    half = (end - start) / PANELS / 2
    middles = (start + half * (2 * panel + 1) for panel in range(PANELS))
    return half * sum(
        weight * density(middle + half * point) for middle in middles for point, weight in GAUSS
    )


@lru_cache(maxsize=20_000)
def agents_needed(traffic: Traffic, target: Target) -> int | None:
    """The fewest agents that keep the target; None where no number that is worked out does. More
    agents never make it worse, so that halving finds them."""
    load = traffic.load
    if load <= 0:
        return 0
    if load > LARGEST_LOAD:
        return None

    def is_enough(agents: int) -> bool:
        return target.is_kept(service_of(traffic, agents, target.within_seconds))

    low, step = 0, max(1, math.ceil(math.sqrt(load)))
    high = max(1, math.ceil(load))
    while not is_enough(high):
        low, high, step = high, high + step, step * 2
        if high > MOST_AGENTS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def service_between(traffic: Traffic, agents: float, within_seconds: float) -> Service:
    """The same of a number with a fraction, such as a mean: between the two whole ones."""
    low = math.floor(agents)
    part = agents - low
    first = service_of(traffic, low, within_seconds)
    if part < 1e-9:
        return first
    second = service_of(traffic, low + 1, within_seconds)

    def mixed(one: float, other: float) -> float:
        return one + (other - one) * part

    return Service(
        waiting=mixed(first.waiting, second.waiting),
        in_time=mixed(first.in_time, second.in_time),
        average_wait=wait_between(first, second, part),
        abandoned=mixed(first.abandoned, second.abandoned),
        occupancy=mixed(first.occupancy, second.occupancy),
    )


def wait_between(first: Service, second: Service, part: float) -> float | None:
    """The wait of those answered, by how many there are on each side."""
    sides = [
        (weight * (1 - each.abandoned), each.average_wait)
        for weight, each in ((1 - part, first), (part, second))
        if each.abandoned < 1
    ]
    if not sides or any(wait is None for _, wait in sides):
        return None
    return sum(weight * (wait or 0) for weight, wait in sides) / sum(weight for weight, _ in sides)
