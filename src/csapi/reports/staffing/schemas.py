"""What the reports of staffing have in common on the wire."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.reports.ordering import Name
from csapi.reports.schemas import MOST_VALUES, MetricValue

MOST_CHANNELS, MOST_CONCURRENCY = 5, 20
LONGEST_HISTORY_DAYS = 100
PHONE = "phone"
# Where several contacts at a time are usual; whatever is neither of these nor a call may wait.
AT_A_TIME = ("chat", "live_chat", "messenger", "whatsapp")

Values = Annotated[list[Name], Meta(max_length=MOST_VALUES)]
Share = Annotated[float, Meta(gt=0, le=1)]
WithinSeconds = Annotated[float, Meta(ge=0, le=2_592_000)]
Concurrency = Annotated[int, Meta(ge=1, le=MOST_CONCURRENCY)]
HandleSeconds = Annotated[float, Meta(ge=1, le=86_400)]
PatienceSeconds = Annotated[float, Meta(ge=1, le=3_600)]


class StaffingInterval(StrEnum):
    """How long an interval is."""

    quarter_hour = "15min"
    half_hour = "30min"
    hour = "hour"

    @property
    def length(self) -> timedelta:
        return timedelta(minutes={"15min": 15, "30min": 30, "hour": 60}[self.value])

    @property
    def seconds(self) -> float:
        return self.length.total_seconds()

    @property
    def slots(self) -> int:
        """How many a day has by the clock."""
        return timedelta(days=1) // self.length

    @property
    def dimension(self) -> str:
        """The time dimension that intervals are made of."""
        return "time:hour" if self is StaffingInterval.hour else "time:15min"


class InputSource(StrEnum):
    """Where a number comes from: the tenant's own records, the request, or nowhere else."""

    measured = "measured"
    given = "given"
    assumed = "assumed"


class StaffingInput(msgspec.Struct, kw_only=True):
    """A number that the model used. `n`: how many observations it was measured on; null of what was
    not. A null `value` is not known."""

    value: float | None
    n: int | None
    source: InputSource


class StaffingInputs(msgspec.Struct, kw_only=True):
    """What the model used, after all changes. `handle_seconds`: of all intervals together.
    Patience: all waiting time of calls over those abandoned, which is the maximum likelihood
    estimate of an exponential patience. `shrinkage`: the share of paid time that is not for
    contacts. `cost_per_hour`: staff cost over the paid hours that have a rate. `concurrency`:
    contacts at a time for each agent; `stretch`: by what share each further one makes each of them
    longer."""

    handle_seconds: StaffingInput
    patience_seconds: StaffingInput
    shrinkage: StaffingInput
    cost_per_hour: StaffingInput
    concurrency: StaffingInput
    stretch: StaffingInput


class StaffingTargets(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be kept. `service_level`: the least share of contacts answered within
    `within_seconds` (of work that may wait: done by then, all of it; the clock stands still while
    nobody works). Absent `within_seconds`: 20 for calls, 60 for several at a time, 14,400 for work
    that may wait. `max_occupancy`: of agents' time; `max_average_wait_seconds`: of answered
    contacts, which work that may wait has not."""

    service_level: Share = 0.8
    within_seconds: WithinSeconds | None = None
    max_occupancy: Share | None = 0.85
    max_average_wait_seconds: Annotated[float, Meta(gt=0, le=86_400)] | None = None


class StaffingResult(msgspec.Struct, kw_only=True):
    """A number of agents on the floor, and what the model makes of it. `paid_agents`: with
    shrinkage; `cost`: of the interval. `service_level`: of all contacts, those that give up
    included. `backlog`: of work that may wait, contacts that wait at the end. Null: not known, or
    nothing comes."""

    agents: float | None
    paid_agents: float | None
    service_level: float | None
    average_wait_seconds: float | None
    abandoned: float | None
    occupancy: float | None
    backlog: float | None
    cost: float | None


class StaffingTotal(msgspec.Struct, kw_only=True):
    """The same of a whole period. `hours`: of agents on the floor; `paid_hours`: with shrinkage.
    Service, wait and abandonment are weighed by contacts, occupancy by time."""

    hours: float | None
    paid_hours: float | None
    service_level: float | None
    average_wait_seconds: float | None
    abandoned: float | None
    occupancy: float | None
    cost: float | None


class MeasuredService(msgspec.Struct, kw_only=True):
    """What was, beside what the model says: of calls alone. `service_level` is of the variant
    `all_abandons_missed`, within the seconds of the target."""

    service_level: MetricValue | None
    average_speed_of_answer: MetricValue | None
    abandonment_rate: MetricValue | None


class StaffingMeta(msgspec.Struct, kw_only=True):
    """How the answer came about. `definitions`: the version of each metric that was asked."""

    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    definitions: dict[str, str]
    currency: str | None
    exact: bool
    pending_buckets: int
    pending_subjects: int
    data_through: UtcDatetime | None
    warnings: list[str]
