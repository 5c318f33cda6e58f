"""The days ahead: what is expected of their intervals, and who is required for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from csapi.metrics.backtesting import LEVELS, Band
from csapi.metrics.forecasting import Day
from csapi.metrics.staffing import Demand, StaffingModel, load_of, needed
from csapi.metrics.zones import clock, day_start
from csapi.reports.staffing.events import Calendar
from csapi.reports.staffing.forecast_schemas import (
    Forecast,
    ForecastDay,
    ForecastInterval,
    ForecastParams,
)
from csapi.reports.staffing.measuring import SECONDS_PER_HOUR
from csapi.reports.staffing.planning import open_slots, rules_of
from csapi.reports.staffing.schemas import StaffingInterval, StaffingMeta
from csapi.reports.staffing.what_if import Measured
from csapi.reports.staffing.what_if_schemas import WhatIfChannel


@dataclass(frozen=True, slots=True)
class Question:
    """Days that are asked about, and everything that was read for them."""

    wanted: ForecastParams
    channel: WhatIfChannel
    timezone: str
    first: date
    days: Sequence[Day]
    calendar: Calendar
    measured: Measured
    meta: StaffingMeta

    @property
    def interval(self) -> StaffingInterval:
        return self.wanted.interval


def staffed(
    question: Question,
    found: Forecast,
    ahead: Sequence[tuple[date, Sequence[float]]],
    band: Band | None,
) -> list[ForecastDay]:
    """The days with their intervals, and who is required for them."""
    measured, interval = question.measured, question.interval
    week, given = measured.week, question.channel.given.handle_seconds
    is_open = open_slots(None, week, [each.arrivals for each in week], found.model, interval)
    rows: list[tuple[date, datetime, datetime, float]] = []
    demands, high = [], []
    for day, expected in ahead:
        for start, end in intervals_of(question.timezone, day, interval):
            shown = clock(question.timezone, start)
            slot = timedelta(hours=shown.hour, minutes=shown.minute) // interval.length
            place = shown.weekday() * interval.slots + slot
            amount = expected[slot]
            handle = given or week[place].handle_seconds or 0.0
            rows.append((day, start, end, amount))
            demands.append(Demand(amount, handle, is_open[place]))
            most = band.around(amount, LEVELS[0])[1] if band is not None else 0.0
            high.append(Demand(most, handle, is_open[place]))
    rules = rules_of(found.model, found.targets, found.inputs, interval, is_cycle=False)
    is_known = found.inputs.handle_seconds.value is not None
    nobody: list[int | None] = [None] * len(rows)
    required = needed(demands, rules) if is_known else nobody
    # Not all of a row of intervals is at its upper end at once.
    has_high = is_known and band is not None and found.model is not StaffingModel.deferred
    required_high = needed(high, rules) if has_high else nobody
    days = {
        day: ForecastDay(
            date=day,
            events=sorted({question.calendar.events[e].kind for e in question.calendar.of(day)}),
            expected=sum(expected),
            required_hours=None,
            intervals=[],
        )
        for day, expected in ahead
    }
    for place, (day, start, end, amount) in enumerate(rows):
        days[day].intervals.append(
            ForecastInterval(
                start=start,
                end=end,
                expected=amount,
                band80=bounds(band, amount, LEVELS[0]),
                band95=bounds(band, amount, LEVELS[1]),
                offered_load=load_of(demands[place], rules) if is_known else None,
                required_agents=required[place],
                required_agents_high=required_high[place],
            )
        )
    for each in days.values():
        counts = [one.required_agents for one in each.intervals]
        if None not in counts:
            each.required_hours = sum(one or 0 for one in counts) * rules.seconds / SECONDS_PER_HOUR
    return list(days.values())


def bounds(band: Band | None, expected: float, level: float) -> list[float] | None:
    return None if band is None else [*band.around(expected, level)]


def intervals_of(
    timezone: str, day: date, interval: StaffingInterval
) -> list[tuple[datetime, datetime]]:
    """The intervals of a local day, which has an hour more or less where the clocks change."""
    start, end = day_start(timezone, day), day_start(timezone, day, 1)
    found = []
    while start < end:
        found.append((start, min(start + interval.length, end)))
        start += interval.length
    return found
