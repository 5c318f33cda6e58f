"""What if: a week of each channel as it was, and as it would be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from csapi.facts.schedule import WEEKDAYS
from csapi.kit.turns import aside
from csapi.metrics.periods import Period
from csapi.metrics.staffing import Demand, StaffingModel, changed
from csapi.reports.schemas import MetricValue
from csapi.reports.service import Desk, slowness_told, snapshot_of
from csapi.reports.staffing.asking import Asker, history_of, told_at, work_filter
from csapi.reports.staffing.measuring import (
    GIVEN_UP,
    SPEED,
    People,
    Slot,
    Work,
    patience_of,
    read_people,
    read_service,
    read_work,
    unknown,
    usual_model,
    week_of,
)
from csapi.reports.staffing.planning import (
    USUAL_CONCURRENCY,
    Money,
    Plan,
    assumed,
    closed,
    either,
    filled_targets,
    money_of,
    open_slots,
    plan_of,
    result_of,
    rules_of,
    total_of,
)
from csapi.reports.staffing.schemas import (
    PHONE,
    InputSource,
    MeasuredService,
    StaffingInput,
    StaffingInputs,
    StaffingInterval,
)
from csapi.reports.staffing.telling import ASSUMPTIONS, PART_OF_WEEK, cautions, disagreement
from csapi.reports.staffing.what_if_schemas import (
    WhatIf,
    WhatIfAnswer,
    WhatIfAnswered,
    WhatIfChange,
    WhatIfChannel,
    WhatIfGiven,
    WhatIfInterval,
    WhatIfTotals,
)

DAYS_PER_WEEK = 7
UNCHANGED = WhatIfChange()


@dataclass(frozen=True, slots=True)
class Measured:
    """What was read of a channel. `service`: of calls alone."""

    work: Work
    people: People
    service: Mapping[str, MetricValue]
    week: Sequence[Slot]
    interval: StaffingInterval

    @property
    def weeks(self) -> float:
        """How many the history has."""
        seconds = sum(each.seconds for each in self.work.buckets)
        return seconds / (DAYS_PER_WEEK * 86_400)


async def what_if(desk: Desk, wanted: WhatIf) -> WhatIfAnswer:
    """From one snapshot. Raises Problem for what cannot be asked."""
    period = await history_of(desk, wanted.time)
    measured = []
    async with snapshot_of(desk) as snapshot:
        asker = Asker(snapshot, period)
        with slowness_told():
            for number, channel in enumerate(wanted.channels):
                with told_at(f"/channels/{number}/filters"):
                    measured.append(await read_channel(asker, channel, wanted.interval))
        # Within the tenant's turn: long work of one must not keep others waiting.
        channels = [
            await aside(answered, channel, found)
            for channel, found in zip(wanted.channels, measured, strict=True)
        ]
    return WhatIfAnswer(
        interval=wanted.interval,
        channels=channels,
        required_hours=added([each.totals.required.hours for each in channels]),
        present_hours=added([each.totals.present.hours for each in channels]),
        required_cost=added([each.totals.required.cost for each in channels]),
        present_cost=added([each.totals.present.cost for each in channels]),
        meta=asker.meta(),
    )


def added(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) if len(known) == len(values) else None


async def read_channel(
    asker: Asker,
    wanted: WhatIfChannel,
    interval: StaffingInterval,
    there: Period | None = None,
) -> Measured:
    """there: of which period presence is read, if not of all."""
    filters = work_filter(wanted.channel, wanted.filters)
    targets = filled_targets(wanted.targets, model_of(wanted))
    service: Mapping[str, MetricValue] = {}
    work = await read_work(asker, wanted.channel, filters, interval)
    if wanted.channel == PHONE:
        service = await read_service(asker, filters, targets.within_seconds or 0)
    people = await read_people(asker, work, wanted.channel, wanted.team, interval, there)
    week = await aside(week_of, work, people, interval)
    return Measured(work, people, service, week, interval)


def model_of(wanted: WhatIfChannel) -> StaffingModel:
    return wanted.model or usual_model(wanted.channel)


def inputs_of(wanted: WhatIfChannel, found: Measured, given: WhatIfGiven) -> StaffingInputs:
    model, people = model_of(wanted), found.people
    is_left = model in (StaffingModel.erlang_a, StaffingModel.concurrency)
    patience = patience_of(found.service) if found.service and is_left else unknown()
    at_a_time = USUAL_CONCURRENCY if model is StaffingModel.concurrency else 1
    return StaffingInputs(
        handle_seconds=either(given.handle_seconds, found.work.handle),
        patience_seconds=either(given.patience_seconds if is_left else None, patience),
        shrinkage=either(given.shrinkage, people.shrinkage),
        cost_per_hour=either(given.cost_per_hour, people.cost_per_hour),
        concurrency=assumed(given.concurrency, at_a_time),
        stretch=assumed(given.stretch, 0.0),
    )


def demands_of(slots: Sequence[Slot], given: WhatIfGiven, change: WhatIfChange) -> list[Demand]:
    measured = [
        Demand(
            each.arrivals if given.arrivals is None else given.arrivals,
            (each.handle_seconds or 0.0) if given.handle_seconds is None else given.handle_seconds,
        )
        for each in slots
    ]
    return changed(measured, change.arrivals, change.handle_seconds)


def agents_of(
    slots: Sequence[Slot], given: WhatIfGiven, change: WhatIfChange, is_open: Sequence[bool]
) -> list[float | None]:
    """Those who were there, or are given; more or fewer where anybody is."""
    counts: list[float | None] = []
    for each, works in zip(slots, is_open, strict=True):
        count = each.present if given.agents is None else given.agents
        if count is not None:
            count = max(count + change.agents, 0.0) if count > 0 else count
        counts.append(count if works or count is None else 0.0)
    return counts


@dataclass(frozen=True, slots=True)
class Side:
    """The week under some numbers."""

    slots: Sequence[Slot]
    inputs: StaffingInputs
    plan: Plan

    @property
    def money(self) -> Money:
        return money_of(self.inputs)


def side_of(
    wanted: WhatIfChannel, found: Measured, given: WhatIfGiven, change: WhatIfChange
) -> Side:
    model, inputs = model_of(wanted), inputs_of(wanted, found, given)
    targets = filled_targets(wanted.targets, model)
    # Of what the history does not have nothing is known, unless it is given.
    slots = [each for each in found.week if each.occurrences or given.arrivals is not None]
    demands = demands_of(slots, given, change)
    arrivals = [each.arrivals for each in demands]
    is_open = open_slots(wanted.working_hours, slots, arrivals, model, found.interval)
    demands = closed(demands, is_open)
    rules = rules_of(model, targets, inputs, found.interval)
    handle = inputs.handle_seconds
    agents = agents_of(slots, given, change, is_open)
    plan = plan_of(demands, agents, rules, is_known=handle.value is not None)
    if handle.value is not None:
        handle = StaffingInput(
            value=max(handle.value + change.handle_seconds, 0.0), n=handle.n, source=handle.source
        )
    return Side(slots, msgspec.structs.replace(inputs, handle_seconds=handle), plan)


def answered(wanted: WhatIfChannel, found: Measured) -> WhatIfAnswered:
    given = wanted.given
    side = side_of(wanted, found, given, wanted.change)
    # What nobody measures stays as it is given.
    as_it_was = WhatIfGiven(concurrency=given.concurrency, stretch=given.stretch)
    is_changed = given != as_it_was or wanted.change != UNCHANGED
    before = side_of(wanted, found, as_it_was, UNCHANGED) if is_changed else side
    model, measured = model_of(wanted), measured_of(found)
    modelled = totals_of(before).present.service_level
    return WhatIfAnswered(
        channel=wanted.channel,
        model=model,
        targets=filled_targets(wanted.targets, model),
        inputs=side.inputs,
        measured=measured,
        totals=totals_of(side),
        baseline=totals_of(before) if is_changed else None,
        intervals=[interval_of(place, side, found, wanted) for place in range(len(side.slots))],
        assumptions=list(ASSUMPTIONS[model]),
        warnings=[
            *cautions(side.plan, found.work, found.people, side.inputs, found.weeks),
            *disagreement(modelled, measured),
            *([PART_OF_WEEK] if len(side.slots) < len(found.week) else []),
        ],
    )


def measured_of(found: Measured) -> MeasuredService:
    service = found.service
    return MeasuredService(
        service_level=service.get("service_level"),
        average_speed_of_answer=service.get(SPEED.id),
        abandonment_rate=service.get(GIVEN_UP.id),
    )


def totals_of(side: Side) -> WhatIfTotals:
    plan = side.plan
    is_known = side.inputs.handle_seconds.value is not None
    return WhatIfTotals(
        contacts=sum(each.arrivals for each in plan.demands),
        work_hours=plan.work_hours if is_known else None,
        required=total_of(plan, plan.required, side.money),
        present=total_of(plan, plan.present, side.money),
    )


def interval_of(place: int, side: Side, found: Measured, wanted: WhatIfChannel) -> WhatIfInterval:
    slot, plan, seconds = side.slots[place], side.plan, found.interval.seconds
    demand, agents = plan.demands[place], plan.agents[place]
    required = result_of(plan.required[place], side.money, seconds)
    present = result_of(plan.present[place], side.money, seconds)
    if present.agents is None:
        present.agents = agents
    is_known = slot.handle_seconds is not None or wanted.given.handle_seconds is not None
    missing = None
    if required.agents is not None and agents is not None:
        missing = max(required.agents - agents, 0.0)
    return WhatIfInterval(
        day=WEEKDAYS[slot.weekday],
        from_=shown(slot.slot, found.interval),
        to=shown(slot.slot + 1, found.interval),
        occurrences=slot.occurrences,
        arrivals=sourced(demand.arrivals, int(slot.contacts), wanted.given.arrivals),
        handle_seconds=sourced(
            demand.handle_seconds if is_known else None, slot.handled, wanted.given.handle_seconds
        ),
        offered_load=plan.loads[place] if is_known else None,
        required=required,
        present=present,
        missing=missing,
    )


def sourced(value: float | None, n: int, given: float | None) -> StaffingInput:
    if given is not None:
        return StaffingInput(value=value, n=None, source=InputSource.given)
    return StaffingInput(value=value, n=n, source=InputSource.measured)


def shown(slot: int, interval: StaffingInterval) -> str:
    """The start of an interval by the clock on the wall; the end of the last one is 24:00."""
    hours, minutes = divmod(slot * int(interval.seconds) // 60, 60)
    return f"{hours:02}:{minutes:02}"
