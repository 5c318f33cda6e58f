"""The forecast on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.metrics.staffing import StaffingModel
from csapi.reports.comparison import Bounds
from csapi.reports.ordering import Name
from csapi.reports.staffing.schemas import (
    PHONE,
    Concurrency,
    HandleSeconds,
    Share,
    StaffingInputs,
    StaffingInterval,
    StaffingMeta,
    StaffingTargets,
    Values,
    WithinSeconds,
)

LONGEST_FORECAST_DAYS = 28


class StaffingParams(msgspec.Struct, kw_only=True):
    """Which contacts, in which intervals, and what is to be kept."""

    channel: Annotated[Name, Meta(description="Contacts of this channel")] = PHONE
    queue: Annotated[Values, Meta(description="Calls of these queues alone")] = msgspec.field(
        default_factory=list
    )
    inbox: Annotated[Values, Meta(description="Work in these inboxes alone")] = msgspec.field(
        default_factory=list
    )
    team: Annotated[
        Values, Meta(description="Presence, shrinkage and cost of these teams alone")
    ] = msgspec.field(default_factory=list)
    timezone: Annotated[str | None, Meta(description="IANA zone; the tenant's if absent")] = None
    interval: Annotated[StaffingInterval, Meta(description="How long an interval is")] = (
        StaffingInterval.half_hour
    )
    model: Annotated[
        StaffingModel | None, Meta(description="How contacts wait; if absent by the channel")
    ] = None
    service_level: Annotated[Share, Meta(description="The least share of contacts in time")] = 0.8
    within_seconds: Annotated[
        WithinSeconds | None,
        Meta(
            description="What is in time; if absent 20 for calls, 60 for several at a time, 14400 "
            "for work that may wait"
        ),
    ] = None
    max_occupancy: Annotated[Share, Meta(description="Of agents' time")] = 0.85
    handle_seconds: Annotated[
        HandleSeconds | None, Meta(description="In place of the measured handle time")
    ] = None
    concurrency: Annotated[
        Concurrency | None, Meta(description="Contacts at a time for each agent")
    ] = None


class ForecastParams(StaffingParams, kw_only=True):
    """Which days."""

    from_: Annotated[
        date | None,
        Meta(description="First local day; today if absent. Only what came before it is used"),
    ] = msgspec.field(name="from", default=None)
    days: Annotated[int, Meta(ge=1, le=LONGEST_FORECAST_DAYS, description="How many days")] = 14


class ForecastMethod(StrEnum):
    """The model, or the same weekday of the last week again where the model is no better."""

    level_and_profile = "level_and_profile"
    seasonal_naive = "seasonal_naive"


class ForecastReason(StrEnum):
    """Why it is this method: it was better on past days; it was not; there are too few days to
    tell; or there are no contacts before the first day at all."""

    better_in_backtest = "better_in_backtest"
    not_better_in_backtest = "not_better_in_backtest"
    too_little_history = "too_little_history"
    no_contacts = "no_contacts"


class ForecastErrors(msgspec.Struct, kw_only=True):
    """How far off a method was. `wape`: all absolute differences of intervals over all contacts;
    `wape_of_days`: of whole days; `mase`: the mean absolute difference over that of seasonal naive
    in the history. `coverage`: how much of what came lay within the band of 80 and of 95 percent,
    that earlier folds gave, of `covered_n` intervals in which a contact at least was expected."""

    wape: float | None
    wape_of_days: float | None
    mase: float | None
    coverage80: float | None
    coverage95: float | None
    covered_n: int


class ForecastBacktest(msgspec.Struct, kw_only=True):
    """Both methods on the same past days: from each of `origins` on, `horizon_days` days, knowing
    only what came before."""

    origins: list[date]
    horizon_days: int
    level_and_profile: ForecastErrors
    seasonal_naive: ForecastErrors


class EventKind(StrEnum):
    """A closed day or one with other hours, of the default schedule; or an annotation."""

    holiday = "holiday"
    short_hours = "short_hours"
    season = "season"
    campaign = "campaign"
    bug = "bug"


class ForecastEvent(msgspec.Struct, kw_only=True):
    """What makes days unlike others. They are left out of the usual days. `factor`: what such days
    had over what was expected of them, of `days_seen` without another event; null: fewer than two
    were seen, and nothing is done about it. `days`: those in the forecast. A bug is nothing to
    expect: it has no factor."""

    kind: EventKind
    text: str | None
    factor: float | None
    days_seen: int
    days: list[date]


class ForecastInterval(msgspec.Struct, kw_only=True):
    """What is expected of an interval, with the bands in which 80 and 95 percent of what comes
    should lie. `required_agents`: for what is expected; `required_agents_high`: for the upper end
    of the band of 80 percent."""

    start: UtcDatetime
    end: UtcDatetime
    expected: float
    band80: Bounds | None
    band95: Bounds | None
    offered_load: float | None
    required_agents: int | None
    required_agents_high: int | None


class ForecastDay(msgspec.Struct, kw_only=True):
    """A local day. `required_hours`: of agents on the floor."""

    date: date
    events: list[EventKind]
    expected: float
    required_hours: float | None
    intervals: list[ForecastInterval]


class Forecast(msgspec.Struct, kw_only=True):
    """How many contacts are expected. `level`: of a mean day; `history_days`: how many were used.
    A null method: there is nothing to go by."""

    channel: str
    model: StaffingModel
    interval: StaffingInterval
    targets: StaffingTargets
    inputs: StaffingInputs
    method: ForecastMethod | None
    reason: ForecastReason
    level: float | None
    history_days: int
    backtest: ForecastBacktest | None
    events: list[ForecastEvent]
    data: list[ForecastDay]
    warnings: list[str]
    meta: StaffingMeta
