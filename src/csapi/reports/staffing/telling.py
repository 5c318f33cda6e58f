"""What to know of a plan, in words."""

from collections.abc import Iterator

from csapi.metrics.erlang import LARGEST_LOAD, MOST_AGENTS
from csapi.metrics.staffing import StaffingModel
from csapi.reports.staffing.measuring import LEAST_ABANDONED, LEAST_HANDLED, People, Work
from csapi.reports.staffing.planning import Plan
from csapi.reports.staffing.schemas import (
    InputSource,
    MeasuredService,
    StaffingInputs,
)

TIRING, FAR_OFF = 0.9, 0.1
LEAST_CONTACTS, LEAST_WEEKS = 100, 4

POISSON = "Within an interval contacts come at random and evenly (Poisson)."
STEADY = "Each interval is taken on its own, as if it lasted: what waits is not carried over."
EXPONENTIAL = (
    "Handling times are exponential; every agent can take every contact, first come first."
)
SERVICE = "The service level is of all contacts: those that give up were not answered in time."
PART_OF_WEEK = "the history does not have every interval of a week: totals are of those that it has"
AT_A_TIME = (
    "An agent is as many servers as contacts at a time; each contact takes (1 + stretch x "
    "(concurrency - 1)) times as long."
)
CARRIED = (
    "Work flows in evenly within an interval and is done first come first served; what is not done "
    "is carried over, also from Sunday to Monday."
)
SPREAD = (
    "It is spread evenly over the working intervals until it is due; what comes while nobody works "
    "comes at the next opening."
)
ASSUMPTIONS = {
    StaffingModel.erlang_c: (POISSON, EXPONENTIAL, "Nobody gives up (Erlang C).", STEADY),
    StaffingModel.erlang_a: (
        POISSON,
        EXPONENTIAL,
        "Who waits longer than their patience gives up; patience is exponential (Erlang A).",
        SERVICE,
        STEADY,
    ),
    StaffingModel.concurrency: (
        POISSON,
        EXPONENTIAL,
        AT_A_TIME,
        SERVICE,
        STEADY,
    ),
    StaffingModel.deferred: (CARRIED, SPREAD),
}


def cautions(
    plan: Plan, work: Work, people: People, inputs: StaffingInputs, weeks: float
) -> Iterator[str]:
    """What makes the numbers less sure than they look."""
    handle = inputs.handle_seconds
    if handle.value is None:
        yield "handle time is not known: give it; nothing can be said of who is required"
    elif handle.source is InputSource.measured and (handle.n or 0) < LEAST_HANDLED:
        yield f"handle time is measured on {handle.n} contacts alone"
    if work.contacts < LEAST_CONTACTS:
        yield f"arrivals are those of {work.contacts:.0f} contacts alone"
    if 0 < weeks < LEAST_WEEKS:
        yield f"the history has {weeks:.1f} weeks: each interval of the week was seen as often"
    yield from model_cautions(plan, inputs)
    if people.present is None:
        yield "presence says nothing about who was there"
    elif people.is_shared:
        yield "presence names no channel: everybody there counts as being there for this one"
    if inputs.shrinkage.value is None:
        yield "shrinkage is not known: paid time and cost are left out"
    if inputs.cost_per_hour.value is None:
        yield "the cost of an hour is not known: there is no cost book, or no paid time with a rate"


def model_cautions(plan: Plan, inputs: StaffingInputs) -> Iterator[str]:
    rules = plan.rules
    if rules.model is StaffingModel.erlang_a and inputs.patience_seconds.value is None:
        yield (
            f"fewer than {LEAST_ABANDONED} calls were abandoned: patience is not known, and nobody "
            "is taken to give up (Erlang C)"
        )
    if rules.model is StaffingModel.deferred and rules.target.within_seconds < rules.seconds:
        yield "the deadline is shorter than an interval, within which work is not followed"
    if any(each is None for each in plan.required):
        yield (
            f"some intervals have more than {LARGEST_LOAD:,} erlangs or {MOST_AGENTS:,} agents, or "
            "a target that no number of agents keeps: nothing is worked out for them"
        )
    tiring = sum((each.occupancy or 0) > TIRING for each in plan.required if each is not None)
    if tiring:
        yield (
            f"in {tiring} intervals those required are busy for more than {TIRING:.0%} of the "
            "time, which people do not keep up: set max_occupancy"
        )
    capacity = sum(each or 0 for each in plan.agents) * rules.seconds
    work = sum(each.work for each in plan.demands)
    if rules.model is StaffingModel.deferred and None not in plan.agents and capacity < work:
        hours = (work - capacity) / 3600
        yield f"those who are there do less than comes: the backlog grows by {hours:.1f} hours"


def disagreement(model: float | None, measured: MeasuredService) -> Iterator[str]:
    """Where the model says something else of those who were there than was measured."""
    found = None if measured.service_level is None else measured.service_level.value
    if model is not None and found is not None and abs(model - found) > FAR_OFF:
        yield (
            f"the model gives those who were there a service level of {model:.2f}, measured is "
            f"{found:.2f}: they had other work, or presence or handle time is not all recorded"
        )
