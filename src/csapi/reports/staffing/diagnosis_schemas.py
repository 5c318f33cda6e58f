"""The diagnosis on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.schedule import Weekday
from csapi.metrics.periods import RangePreset
from csapi.metrics.staffing import StaffingModel
from csapi.reports.layouts import DimensionValue
from csapi.reports.schemas import MetricValue
from csapi.reports.staffing.forecast_schemas import StaffingParams
from csapi.reports.staffing.schemas import (
    MeasuredService,
    StaffingInputs,
    StaffingInterval,
    StaffingMeta,
    StaffingTargets,
    StaffingTotal,
)


class DiagnosisParams(StaffingParams, kw_only=True):
    """Which range, and how many of the busiest hours."""

    from_: Annotated[str | None, Meta(description="First local day or instant")] = msgspec.field(
        name="from", default=None
    )
    to: Annotated[str | None, Meta(description="Until before this day or instant")] = None
    preset: Annotated[RangePreset | None, Meta(description="Instead of from and to")] = None
    top: Annotated[int, Meta(ge=1, le=168, description="So many of the busiest hours")] = 10


class StaffingVerdict(StrEnum):
    """Too few people or bad distribution: the first of these that holds, in this order."""

    cannot_tell = "cannot_tell"
    too_few_people = "too_few_people"
    bad_distribution_in_time = "bad_distribution_in_time"
    bad_distribution_across_agents = "bad_distribution_across_agents"
    enough = "enough"


class CannotTell(StrEnum):
    """What is missing: presence, the handle time, contacts, or a requirement that can be met."""

    no_presence = "no_presence"
    no_handle_time = "no_handle_time"
    too_few_contacts = "too_few_contacts"
    no_requirement = "no_requirement"


class StaffingFinding(msgspec.Struct, kw_only=True):
    """A verdict, and the number that it hangs on: it holds if `value` is beyond `threshold`. Null:
    not known. too_few_people: present over required hours, below; bad_distribution_in_time: missing
    over required hours, above; bad_distribution_across_agents: `load.gini`, above."""

    verdict: StaffingVerdict
    holds: bool
    value: float | None
    threshold: float


class StaffedHours(msgspec.Struct, kw_only=True):
    """Hours of agents where presence is known. `missing`: required and not there, interval by
    interval; `spare`: there and not required. `under` and `over`: intervals that are off by half an
    agent or more, of `intervals`. Null: it cannot be said who is required."""

    required: float | None
    present: float
    missing: float | None
    spare: float | None
    intervals: int
    under: int
    over: int
    under_share: float | None
    over_share: float | None


class AgentLoad(msgspec.Struct, kw_only=True):
    """An agent: hours available or handling, the part of them that is handling (after-call work
    included), and contacts: calls answered, of other channels work sessions; null: hidden."""

    agent: DimensionValue
    present_hours: float
    handling_hours: float
    occupancy: float | None
    contacts: float | None
    contacts_per_hour: float | None


class LoadSpread(msgspec.Struct, kw_only=True):
    """How evenly handling is spread over those present for an hour at least, three at least: `gini`
    of handling time against time present, 0 if all are equally busy; `top_fifth_share`: what the
    busiest fifth of the time present has of the handling. `data`: the busiest first, 100 at most,
    of `agents`."""

    agents: int
    gini: float | None
    top_fifth_share: float | None
    data: list[AgentLoad]


class DiagnosedInterval(msgspec.Struct, kw_only=True):
    """An interval of the week, over all of the range: means of contacts, of agents required for
    what came each time, and of those present; and how often they were too few."""

    day: Weekday
    from_: str = msgspec.field(name="from")
    to: str
    occurrences: int
    contacts: float
    required_agents: float | None
    present_agents: float | None
    under_share: float | None


class BusyHour(msgspec.Struct, kw_only=True):
    """An hour of the week: how many contacts come in one, what load that is, how calls waited."""

    rank: int
    day: Weekday
    from_: str = msgspec.field(name="from")
    to: str
    occurrences: int
    contacts: MetricValue
    contacts_per_hour: float
    offered_load: float | None
    average_speed_of_answer: MetricValue | None
    service_level: MetricValue | None


class Diagnosis(msgspec.Struct, kw_only=True):
    """Too few people, or bad distribution. `modelled`: what the model makes of those who were
    there; `measured`: what was. `cannot_tell`: what is missing for a verdict."""

    channel: str
    model: StaffingModel
    interval: StaffingInterval
    verdict: StaffingVerdict
    cannot_tell: list[CannotTell]
    findings: list[StaffingFinding]
    hours: StaffedHours
    load: LoadSpread
    targets: StaffingTargets
    inputs: StaffingInputs
    modelled: StaffingTotal
    measured: MeasuredService
    busiest_hours: list[BusyHour]
    intervals: list[DiagnosedInterval]
    warnings: list[str]
    meta: StaffingMeta
