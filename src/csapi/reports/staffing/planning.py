"""What a model needs, from what is measured and given; and what it makes of intervals. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from csapi.facts.schedule import WEEKDAYS, OpenHours, minute_of
from csapi.metrics.erlang import Target
from csapi.metrics.staffing import (
    Demand,
    Rules,
    Staffed,
    StaffingModel,
    Sums,
    load_of,
    needed,
    outcomes,
    summed,
)
from csapi.reports.staffing.measuring import SECONDS_PER_HOUR, Slot
from csapi.reports.staffing.schemas import (
    InputSource,
    StaffingInput,
    StaffingInputs,
    StaffingInterval,
    StaffingResult,
    StaffingTargets,
    StaffingTotal,
)

WITHIN = {
    StaffingModel.erlang_c: 20.0,
    StaffingModel.erlang_a: 20.0,
    StaffingModel.concurrency: 60.0,
    StaffingModel.deferred: 14_400.0,
}
USUAL_CONCURRENCY = 2
# Fewer agents than this at the mean are nobody at work; fewer contacts are none to be there for.
ANYBODY, RARE = 0.25, 0.1


def either(given: float | None, measured: StaffingInput) -> StaffingInput:
    if given is None:
        return measured
    return StaffingInput(value=given, n=None, source=InputSource.given)


def assumed(given: float | None, usual: float) -> StaffingInput:
    return either(given, StaffingInput(value=usual, n=None, source=InputSource.assumed))


def filled_targets(targets: StaffingTargets, model: StaffingModel) -> StaffingTargets:
    """With what the model takes where nothing is said."""
    within = targets.within_seconds
    return StaffingTargets(
        service_level=targets.service_level,
        within_seconds=WITHIN[model] if within is None else within,
        max_occupancy=targets.max_occupancy,
        max_average_wait_seconds=targets.max_average_wait_seconds,
    )


def rules_of(
    model: StaffingModel,
    targets: StaffingTargets,
    inputs: StaffingInputs,
    interval: StaffingInterval,
    *,
    is_cycle: bool = True,
) -> Rules:
    return Rules(
        model=model,
        seconds=interval.seconds,
        target=Target(
            in_time=targets.service_level,
            within_seconds=targets.within_seconds or 0.0,
            occupancy=targets.max_occupancy,
            average_wait=targets.max_average_wait_seconds,
        ),
        patience_seconds=inputs.patience_seconds.value,
        concurrency=int(inputs.concurrency.value or 1),
        stretch=inputs.stretch.value or 0.0,
        is_cycle=is_cycle,
    )


def open_slots(
    hours: Sequence[OpenHours] | None,
    week: Sequence[Slot],
    arrivals: Sequence[float],
    model: StaffingModel,
    interval: StaffingInterval,
) -> list[bool]:
    """When anybody works: as told; else where anybody was there or, of what does not wait, contacts
    come at all; of work that may wait always, if nobody knows who was there."""
    if hours is None:
        was_there = [(each.present or 0) >= ANYBODY for each in week]
        if model is StaffingModel.deferred:
            return was_there if any(was_there) else [True] * len(week)
        return [there or each >= RARE for there, each in zip(was_there, arrivals, strict=True)]
    spans: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for each in hours:
        spans[WEEKDAYS.index(each.day)].append((minute_of(each.from_), minute_of(each.to)))
    minutes = int(interval.seconds) // 60
    return [
        any(first <= each.slot * minutes < last for first, last in spans[each.weekday])
        for each in week
    ]


@dataclass(frozen=True, slots=True)
class Plan:
    """A row of intervals, and both numbers of agents with what comes of them."""

    rules: Rules
    demands: Sequence[Demand]
    loads: Sequence[float]
    required: Sequence[Staffed | None]
    present: Sequence[Staffed | None]
    agents: Sequence[float | None]

    @property
    def work_hours(self) -> float:
        return sum(each.work for each in self.demands) / SECONDS_PER_HOUR


def plan_of(
    demands: Sequence[Demand], agents: Sequence[float | None], rules: Rules, *, is_known: bool
) -> Plan:
    """is_known: the handle time is; else nothing can be said of anybody."""
    nobody = [None] * len(demands)
    return Plan(
        rules=rules,
        demands=demands,
        loads=[load_of(each, rules) for each in demands],
        required=outcomes(demands, needed(demands, rules), rules) if is_known else nobody,
        present=outcomes(demands, agents, rules) if is_known else nobody,
        agents=agents,
    )


@dataclass(frozen=True, slots=True)
class Money:
    """What an agent on the floor stands for: paid time and its cost."""

    shrinkage: float | None
    cost_per_hour: float | None

    def paid(self, agents: float) -> float | None:
        return None if self.shrinkage is None else agents / (1 - self.shrinkage)

    def cost(self, agents: float, seconds: float) -> float | None:
        paid = self.paid(agents)
        if paid is None or self.cost_per_hour is None:
            return None
        return paid * seconds / SECONDS_PER_HOUR * self.cost_per_hour


def money_of(inputs: StaffingInputs) -> Money:
    return Money(inputs.shrinkage.value, inputs.cost_per_hour.value)


def result_of(found: Staffed | None, money: Money, seconds: float) -> StaffingResult:
    if found is None:
        return nothing()
    return StaffingResult(
        agents=found.agents,
        paid_agents=money.paid(found.agents),
        service_level=found.in_time,
        average_wait_seconds=found.average_wait,
        abandoned=found.abandoned,
        occupancy=found.occupancy,
        backlog=found.backlog,
        cost=money.cost(found.agents, seconds),
    )


def nothing() -> StaffingResult:
    return StaffingResult(
        agents=None,
        paid_agents=None,
        service_level=None,
        average_wait_seconds=None,
        abandoned=None,
        occupancy=None,
        backlog=None,
        cost=None,
    )


def total_of(plan: Plan, found: Sequence[Staffed | None], money: Money) -> StaffingTotal:
    """Null where something of it is not known."""
    sums: Sums = summed(plan.demands, found, plan.rules)
    if not sums.is_whole or not plan.demands:
        return StaffingTotal(
            hours=None,
            paid_hours=None,
            service_level=None,
            average_wait_seconds=None,
            abandoned=None,
            occupancy=None,
            cost=None,
        )
    return StaffingTotal(
        hours=sums.agent_seconds / SECONDS_PER_HOUR,
        paid_hours=money.paid(sums.agent_seconds / SECONDS_PER_HOUR),
        service_level=sums.in_time,
        average_wait_seconds=sums.average_wait,
        abandoned=sums.abandoned,
        occupancy=sums.occupancy,
        cost=money.cost(sums.agent_seconds, 1.0),
    )


def closed(demands: Sequence[Demand], is_open: Sequence[bool]) -> list[Demand]:
    return [replace(each, is_open=shown) for each, shown in zip(demands, is_open, strict=True)]
