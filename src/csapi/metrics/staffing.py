"""How many people a stream of contacts needs, interval by interval, by the model that fits it.

Calls are queues (Erlang C, or A where patience is known). Chats are the same with several at a time
for each agent: each agent is so many servers, and each chat takes longer. Mail is work that may
wait until a deadline. Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from csapi.metrics.deferred import agents_for, at_openings, intervals_of, worked_off
from csapi.metrics.erlang import (
    LARGEST_LOAD,
    MOST_AGENTS,
    Target,
    Traffic,
    agents_needed,
    service_between,
)


class StaffingModel(StrEnum):
    """How contacts wait: in a queue for as long as it takes (`erlang_c`) or until their patience
    ends (`erlang_a`); in a queue of agents who have several at a time (`concurrency`); or until a
    deadline, in a backlog (`deferred`)."""

    erlang_c = "erlang_c"
    erlang_a = "erlang_a"
    concurrency = "concurrency"
    deferred = "deferred"


@dataclass(frozen=True, slots=True)
class Demand:
    """An interval: how many contacts come in it, how long each takes, and whether anybody works."""

    arrivals: float
    handle_seconds: float
    is_open: bool = True

    @property
    def work(self) -> float:
        return self.arrivals * self.handle_seconds


@dataclass(frozen=True, slots=True)
class Rules:
    """The model and what it needs to know. `stretch`: by what share each further contact at a time
    makes each of them longer. `is_cycle`: after the last interval comes the first, as in a week."""

    model: StaffingModel
    seconds: float
    target: Target
    patience_seconds: float | None = None
    concurrency: int = 1
    stretch: float = 0.0
    is_cycle: bool = True

    @property
    def deadline(self) -> int:
        return intervals_of(self.target.within_seconds, self.seconds)

    @property
    def servers(self) -> int:
        """How many contacts an agent has at a time."""
        return self.concurrency if self.model is StaffingModel.concurrency else 1

    def traffic(self, demand: Demand) -> Traffic:
        longer = 1 + self.stretch * (self.servers - 1)
        patience = None if self.model is StaffingModel.erlang_c else self.patience_seconds
        return Traffic(demand.arrivals / self.seconds, demand.handle_seconds * longer, patience)


@dataclass(frozen=True, slots=True)
class Staffed:
    """What a number of agents makes of an interval. Null service: nothing came. `backlog`: of work
    that may wait, how many contacts do at the end."""

    agents: float
    in_time: float | None
    average_wait: float | None
    abandoned: float | None
    occupancy: float | None
    backlog: float | None = None


def load_of(demand: Demand, rules: Rules) -> float:
    """The offered load in erlangs; of agents with several contacts at a time, in agents."""
    return rules.traffic(demand).load / rules.servers


def needed(demands: Sequence[Demand], rules: Rules) -> list[int | None]:
    """The fewest agents that keep the target, by interval; None: more than are worked out."""
    if rules.model is not StaffingModel.deferred:
        return [needed_at_once(each, rules) for each in demands]
    busy = agents_for(
        [each.work for each in demands],
        [each.is_open for each in demands],
        deadline=rules.deadline,
        seconds=rules.seconds,
        is_cycle=rules.is_cycle,
    )
    most = rules.target.occupancy or 1.0
    # What floats add to a whole number is nobody.
    found = [math.ceil(each / most - 1e-9) for each in busy]
    return [None if each > MOST_AGENTS else each for each in found]


def needed_at_once(demand: Demand, rules: Rules) -> int | None:
    if not demand.is_open:
        return 0
    found = agents_needed(rules.traffic(demand), rules.target)
    return None if found is None else math.ceil(found / rules.servers)


def outcomes(
    demands: Sequence[Demand], agents: Sequence[float | None], rules: Rules
) -> list[Staffed | None]:
    """What so many agents make of it, by interval; None where their number is not known."""
    if rules.model is StaffingModel.deferred:
        return deferred_outcomes(demands, agents, rules)
    return [
        None if count is None else outcome(each, count, rules)
        for each, count in zip(demands, agents, strict=True)
    ]


def outcome(demand: Demand, agents: float, rules: Rules) -> Staffed | None:
    traffic = rules.traffic(demand)
    if traffic.load <= 0 or not demand.is_open:
        return Staffed(agents, None, None, None, 0.0 if agents else None)
    if traffic.load > LARGEST_LOAD or agents * rules.servers > 2 * MOST_AGENTS:
        return None
    found = service_between(traffic, agents * rules.servers, rules.target.within_seconds)
    return Staffed(
        agents=agents,
        in_time=found.in_time,
        average_wait=found.average_wait,
        abandoned=found.abandoned if traffic.patience_seconds is not None else None,
        occupancy=found.occupancy if agents else None,
    )


def deferred_outcomes(
    demands: Sequence[Demand], agents: Sequence[float | None], rules: Rules
) -> list[Staffed | None]:
    if any(each is None for each in agents):
        # Of a gap in the row nothing is known, and so nothing of what comes after it.
        return [None] * len(demands)
    counts = [each or 0.0 for each in agents]
    done = worked_off(
        [each.work for each in demands],
        [each.is_open for each in demands],
        counts,
        deadline=rules.deadline,
        seconds=rules.seconds,
        is_cycle=rules.is_cycle,
    )
    arrivals = sum(each.arrivals for each in demands)
    per_contact = sum(each.work for each in demands) / arrivals if arrivals else 0.0
    return [
        Staffed(
            agents=count,
            in_time=each.in_time,
            average_wait=None,
            abandoned=None,
            occupancy=each.occupancy if count and demand.is_open else None,
            backlog=each.left / per_contact if per_contact else 0.0,
        )
        for demand, count, each in zip(demands, counts, done, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Sums:
    """Whole of a period. Shares and waits are weighed by contacts, occupancy by time."""

    agent_seconds: float
    in_time: float | None
    average_wait: float | None
    abandoned: float | None
    occupancy: float | None
    is_whole: bool


def summed(demands: Sequence[Demand], found: Sequence[Staffed | None], rules: Rules) -> Sums:
    """is_whole: every interval is known."""
    pairs = [
        (contacts, each)
        for contacts, each in zip(counted(demands, rules), found, strict=True)
        if each is not None
    ]
    came = [(contacts, each) for contacts, each in pairs if contacts > 0]
    staffed = [each for _, each in pairs if each.occupancy is not None]
    answered = [(weight * (1 - (each.abandoned or 0)), each.average_wait) for weight, each in came]
    return Sums(
        agent_seconds=sum(each.agents for _, each in pairs) * rules.seconds,
        in_time=weighed([(weight, each.in_time) for weight, each in came]),
        average_wait=weighed([each for each in answered if each[0] > 0]),
        abandoned=weighed([(weight, each.abandoned) for weight, each in came]),
        occupancy=weighed([(each.agents, each.occupancy) for each in staffed]),
        is_whole=len(pairs) == len(demands),
    )


def counted(demands: Sequence[Demand], rules: Rules) -> list[float]:
    """The contacts that each interval answers for: none while nobody works; of work that may wait
    also those that came since the last interval that was open."""
    if rules.model is not StaffingModel.deferred:
        return [each.arrivals if each.is_open else 0.0 for each in demands]
    arrivals, is_open = [each.arrivals for each in demands], [each.is_open for each in demands]
    places, amounts = at_openings(arrivals, is_open, is_cycle=rules.is_cycle)
    found = [0.0] * len(demands)
    for place, amount in zip(places, amounts, strict=True):
        found[place] = amount
    return found


def weighed(pairs: Sequence[tuple[float, float | None]]) -> float | None:
    """The weighed mean; None where one of them is not known, or there is none."""
    known = [(weight, value) for weight, value in pairs if value is not None]
    total = sum(weight for weight, _ in known)
    if not total or len(known) < len(pairs):
        return None
    return sum(weight * value for weight, value in known) / total


def changed(
    demands: Sequence[Demand], arrivals: float = 0.0, handle_seconds: float = 0.0
) -> list[Demand]:
    """What if: a share more arrivals, and so many seconds more for each, none below zero."""
    return [
        replace(
            each,
            arrivals=max(each.arrivals * (1 + arrivals), 0.0),
            handle_seconds=max(each.handle_seconds + handle_seconds, 0.0),
        )
        for each in demands
    ]
