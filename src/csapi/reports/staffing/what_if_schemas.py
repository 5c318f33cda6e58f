"""What if, on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.schedule import OpenHours, Weekday
from csapi.metrics.periods import RangePreset
from csapi.metrics.staffing import StaffingModel
from csapi.reports.ordering import Name
from csapi.reports.schemas import FilterNode, QueryTime, TimeRange
from csapi.reports.staffing.schemas import (
    MOST_CHANNELS,
    PHONE,
    Concurrency,
    HandleSeconds,
    MeasuredService,
    PatienceSeconds,
    StaffingInput,
    StaffingInputs,
    StaffingInterval,
    StaffingMeta,
    StaffingResult,
    StaffingTargets,
    StaffingTotal,
    Values,
)


def last_days() -> QueryTime:
    return QueryTime(range=TimeRange(preset=RangePreset.last_30_days))


class WhatIfGiven(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Numbers in place of the measured ones; null is measured. `arrivals` and `agents`: of every
    interval. `stretch`: by what share each further contact at a time makes each of them longer; 0
    unless given, since handling time is measured as it was."""

    arrivals: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    handle_seconds: HandleSeconds | None = None
    patience_seconds: PatienceSeconds | None = None
    shrinkage: Annotated[float, Meta(ge=0, le=0.95)] | None = None
    cost_per_hour: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None
    agents: Annotated[float, Meta(ge=0, le=2_000)] | None = None
    concurrency: Concurrency | None = None
    stretch: Annotated[float, Meta(ge=0, le=1)] | None = None


class WhatIfChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is different, on top of what is measured or given: `arrivals` as a share (0.2 is a fifth
    more), `handle_seconds` and `agents` (of every interval with anybody there) as what is added."""

    arrivals: Annotated[float, Meta(ge=-1, le=10)] = 0
    handle_seconds: Annotated[float, Meta(ge=-86_400, le=86_400)] = 0
    agents: Annotated[float, Meta(ge=-2_000, le=2_000)] = 0


class WhatIfChannel(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A channel. `filters`: of its contacts, as in a query; `team`: whose presence, shrinkage and
    cost count. `model`, if absent, follows from the channel. `working_hours`: when anybody works;
    if absent always, of work that may wait when anybody was there."""

    channel: Name = PHONE
    model: StaffingModel | None = None
    filters: FilterNode | None = None
    team: Values = []
    targets: StaffingTargets = msgspec.field(default_factory=StaffingTargets)
    given: WhatIfGiven = msgspec.field(default_factory=WhatIfGiven)
    change: WhatIfChange = msgspec.field(default_factory=WhatIfChange)
    working_hours: Annotated[list[OpenHours], Meta(min_length=1, max_length=70)] | None = None


class WhatIf(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which history is taken as the week to plan, in intervals of which length; the last 30 days if
    `time` is absent. What of it is not over, or lies before the first contact, is left out."""

    channels: Annotated[list[WhatIfChannel], Meta(min_length=1, max_length=MOST_CHANNELS)]
    time: QueryTime = msgspec.field(default_factory=last_days)
    interval: StaffingInterval = StaffingInterval.half_hour


class WhatIfInterval(msgspec.Struct, kw_only=True):
    """An interval of the week by the local clock, and how often the history has it. `required`: the
    fewest agents that keep the targets; `present`: those who were there, or are given; `missing`:
    how many more are required."""

    day: Weekday
    from_: str = msgspec.field(name="from")
    to: str
    occurrences: float
    arrivals: StaffingInput
    handle_seconds: StaffingInput
    offered_load: float | None
    required: StaffingResult
    present: StaffingResult
    missing: float | None


class WhatIfTotals(msgspec.Struct, kw_only=True):
    """A week, or as much of one as the history has. `work_hours`: contacts times handling time."""

    contacts: float
    work_hours: float | None
    required: StaffingTotal
    present: StaffingTotal


class WhatIfAnswered(msgspec.Struct, kw_only=True):
    """A channel. `baseline`: the week as it was measured, if anything is given or changed.
    `assumptions` are those of the model, `warnings` what to know of this answer."""

    channel: str
    model: StaffingModel
    targets: StaffingTargets
    inputs: StaffingInputs
    measured: MeasuredService
    totals: WhatIfTotals
    baseline: WhatIfTotals | None
    intervals: list[WhatIfInterval]
    assumptions: list[str]
    warnings: list[str]


class WhatIfAnswer(msgspec.Struct, kw_only=True):
    """One week of each channel, interval by interval, and all channels together."""

    interval: StaffingInterval
    channels: list[WhatIfAnswered]
    required_hours: float | None
    present_hours: float | None
    required_cost: float | None
    present_cost: float | None
    meta: StaffingMeta
