"""What the tenant's own records say of one channel: what came, how long it took, who was there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from csapi.metrics.periods import Period
from csapi.metrics.staffing import Demand, StaffingModel
from csapi.metrics.zones import day_start, local_date
from csapi.reports.schemas import FilterNode, MetricRequest, MetricValue
from csapi.reports.staffing.asking import Asker, Bucket, Column
from csapi.reports.staffing.schemas import (
    AT_A_TIME,
    PHONE,
    InputSource,
    StaffingInput,
    StaffingInterval,
)
from csapi.reports.work_params import filter_of

SECONDS_PER_HOUR = 3600
WEEKDAYS = 7
# An interval has a handle time of its own from so many on; patience is known from so many.
LEAST_HANDLED, LEAST_ABANDONED = 30, 10
# Patience that is longer is none that matters.
LONGEST_PATIENCE = 3_600.0
# More than this is no shrinkage: presence is not recorded.
LARGEST_SHRINKAGE = 0.95

CALLS, CONTACTS = MetricRequest(id="calls_offered"), MetricRequest(id="contacts")
HANDLE = MetricRequest(id="average_handle_time")
WORK = MetricRequest(id="work_time_per_solved_ticket")
SPEED = MetricRequest(id="average_speed_of_answer", params={"queued_only": False})
LEFT = MetricRequest(id="average_abandon_time")
GIVEN_UP = MetricRequest(id="abandonment_rate", params={"include_short": True})
HANDLING = MetricRequest(id="agent_handling_time")
AVAILABLE = MetricRequest(id="agent_available_time")
SHRINKAGE = MetricRequest(id="shrinkage")
COST, COVERAGE = MetricRequest(id="staff_cost"), MetricRequest(id="staff_cost_coverage_rate")


def service_level(within_seconds: float) -> MetricRequest:
    params = {"threshold_seconds": within_seconds, "variant": "all_abandons_missed"}
    return MetricRequest(id="service_level", params=params)


def usual_model(channel: str) -> StaffingModel:
    """Of calls the one with patience, which is the one without where nothing is known of it."""
    if channel == PHONE:
        return StaffingModel.erlang_a
    return StaffingModel.concurrency if channel in AT_A_TIME else StaffingModel.deferred


@dataclass(frozen=True, slots=True)
class Work:
    """The contacts of a channel by interval. `handled`: seconds and contacts of each, where that is
    known; `handle`: of all together."""

    buckets: Sequence[Bucket]
    arrivals: Sequence[float]
    handled: Column | None
    handle: StaffingInput

    @property
    def contacts(self) -> float:
        return sum(self.arrivals)


@dataclass(frozen=True, slots=True)
class People:
    """Who was there for it: agents available or handling, by interval; None: presence says nothing
    (of an interval: it was not recorded yet). `is_shared`: presence names no channel, so that it is
    of all of them."""

    present: Sequence[float | None] | None
    is_shared: bool
    shrinkage: StaffingInput
    cost_per_hour: StaffingInput


async def read_work(
    asker: Asker, channel: str, filters: FilterNode | None, interval: StaffingInterval
) -> Work:
    """From the first day with any contact on."""
    arrivals = CALLS if channel == PHONE else CONTACTS
    metrics = [arrivals, HANDLE] if channel == PHONE else [arrivals]
    buckets, columns = await asker.over_time(metrics, filters, interval)
    handle = HANDLE if channel == PHONE else WORK
    whole = (await asker.whole([handle], filters))[handle.id]
    start = begun(asker.period.timezone, buckets, columns[arrivals.id].values)
    handled = columns.get(HANDLE.id)
    return Work(
        buckets=buckets[start:],
        arrivals=[each or 0.0 for each in columns[arrivals.id].values[start:]],
        handled=handled and Column(handled.values[start:], handled.n[start:]),
        handle=StaffingInput(value=whole.value or None, n=whole.n, source=InputSource.measured),
    )


def begun(timezone: str, buckets: Sequence[Bucket], values: Sequence[float | None]) -> int:
    """Where the local day begins on which anything was recorded first: before that, nothing was
    because nobody wrote it down."""
    first = next((n for n, each in enumerate(values) if each), None)
    if first is None:
        return len(buckets)
    midnight = day_start(timezone, local_date(timezone, buckets[first].start))
    return next(n for n, each in enumerate(buckets) if each.start >= midnight)


async def read_people(
    asker: Asker,
    work: Work,
    channel: str,
    team: Sequence[str],
    interval: StaffingInterval,
    period: Period | None = None,
) -> People:
    """period: of which presence is read, if not of all."""
    own = filter_of({"team": team})
    on_channel = filter_of({"team": team, "channel": [channel]})
    named = (await asker.whole([HANDLING, AVAILABLE], on_channel)).values()
    is_shared = not any(each.n for each in named)
    buckets, columns = await asker.over_time(
        [HANDLING, AVAILABLE], own if is_shared else on_channel, interval, period
    )
    handling, available = columns[HANDLING.id].values, columns[AVAILABLE.id].values
    seconds = [(a or 0.0) + (b or 0.0) for a, b in zip(handling, available, strict=True)]
    start = begun(asker.period.timezone, buckets, seconds)
    # Before presence was recorded nobody knows who was there.
    present = {
        bucket.start: each / bucket.seconds
        for bucket, each in zip(buckets[start:], seconds[start:], strict=True)
    }
    whole = await asker.whole([SHRINKAGE, COST, COVERAGE], own)
    return People(
        present=[present.get(each.start) for each in work.buckets] if present else None,
        is_shared=is_shared,
        shrinkage=shrinkage_of(whole[SHRINKAGE.id]),
        cost_per_hour=cost_of(whole),
    )


def unknown(n: int = 0) -> StaffingInput:
    return StaffingInput(value=None, n=n, source=InputSource.measured)


def shrinkage_of(found: MetricValue) -> StaffingInput:
    if found.value is None or not 0 <= found.value <= LARGEST_SHRINKAGE:
        return unknown(found.n)
    return StaffingInput(value=found.value, n=found.n, source=InputSource.measured)


def cost_of(whole: Mapping[str, MetricValue]) -> StaffingInput:
    """Staff cost over the paid time that has a rate, which is a side of its coverage."""
    cost, rated = whole[COST.id], whole[COVERAGE.id].numerator
    if cost.value is None or not rated:
        return unknown(cost.n)
    hours = rated / SECONDS_PER_HOUR
    return StaffingInput(value=cost.value / hours, n=cost.n, source=InputSource.measured)


async def read_service(
    asker: Asker, filters: FilterNode | None, within_seconds: float
) -> Mapping[str, MetricValue]:
    """How calls waited."""
    return await asker.whole([service_level(within_seconds), SPEED, LEFT, GIVEN_UP], filters)


def patience_of(service: Mapping[str, MetricValue]) -> StaffingInput:
    """All time that anybody waited over those who gave up."""
    answered, left = service[SPEED.id], service[LEFT.id]
    waited = (answered.numerator or 0.0) + (left.numerator or 0.0)
    if left.n < LEAST_ABANDONED or waited < left.n:
        return unknown(left.n)
    patience = min(waited / left.n, LONGEST_PATIENCE)
    return StaffingInput(value=patience, n=left.n, source=InputSource.measured)


@dataclass(frozen=True, slots=True)
class Slot:
    """An interval of the week: what came in it on the mean, over how many such intervals; how long
    it took, measured on how many; how many agents were there, None: not known."""

    weekday: int
    slot: int
    occurrences: float
    arrivals: float
    contacts: float
    handle_seconds: float | None
    handled: int
    present: float | None

    def demand(self) -> Demand:
        return Demand(self.arrivals, self.handle_seconds or 0.0)


def week_of(work: Work, people: People | None, interval: StaffingInterval) -> list[Slot]:
    """The range as one week, from Monday on."""
    places: list[list[int]] = [[] for _ in range(WEEKDAYS * interval.slots)]
    for place, bucket in enumerate(work.buckets):
        places[bucket.weekday * interval.slots + bucket.slot].append(place)
    found = []
    for number, own in enumerate(places):
        weekday, slot = divmod(number, interval.slots)
        occurrences = sum(work.buckets[each].seconds for each in own) / interval.seconds
        contacts = sum(work.arrivals[each] for each in own)
        handle, handled = handle_of(work, own)
        found.append(
            Slot(
                weekday=weekday,
                slot=slot,
                occurrences=occurrences,
                arrivals=contacts / occurrences if occurrences else 0.0,
                contacts=contacts,
                handle_seconds=handle,
                handled=handled,
                present=present_of(work, people, own),
            )
        )
    return found


def handle_of(work: Work, places: Sequence[int]) -> tuple[float | None, int]:
    """Of these intervals, where they have handled enough, else of all; and measured on how many."""
    if work.handled is not None:
        seconds, n = work.handled.sum(places)
        if n >= LEAST_HANDLED:
            return seconds / n, n
    return work.handle.value, work.handle.n or 0


def present_of(work: Work, people: People | None, places: Sequence[int]) -> float | None:
    """The mean over the time in which presence was recorded."""
    if people is None or people.present is None:
        return None
    known = [
        (agents, work.buckets[each].seconds)
        for each in places
        if (agents := people.present[each]) is not None
    ]
    seconds = sum(length for _, length in known)
    return sum(agents * length for agents, length in known) / seconds if seconds else None
