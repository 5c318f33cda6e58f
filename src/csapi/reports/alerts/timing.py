"""The buckets that alerts look at, by the clock of a zone. Pure."""

from datetime import date, datetime, timedelta

from csapi.metrics.periods import HOUR
from csapi.metrics.zones import day_start, local_date, offset
from csapi.reports.alerts.schemas import AlertGrain, AlertKind, AlertRequest
from csapi.reports.watching import Next

DAY = timedelta(days=1)
# So that what comes late is in, as a rule.
LAGS = {
    AlertGrain.hour: timedelta(minutes=5),
    AlertGrain.day: timedelta(minutes=30),
    AlertGrain.week: timedelta(minutes=30),
}


def grain_of(alert: AlertRequest) -> AlertGrain:
    if alert.kind is AlertKind.drift:
        return AlertGrain.week
    return alert.grain or AlertGrain.day


def hour_start(zone: str, instant: datetime) -> datetime:
    """The start of the local hour."""
    shift = offset(zone, instant)
    local = (instant + shift).replace(minute=0, second=0, microsecond=0)
    return local - shift


def first_day(grain: AlertGrain, day: date) -> date:
    return day - timedelta(days=day.weekday()) if grain is AlertGrain.week else day


def last_end(grain: AlertGrain, zone: str, instant: datetime) -> datetime:
    """The end of the latest bucket that is over, which is the start of the present one."""
    if grain is AlertGrain.hour:
        return hour_start(zone, instant)
    return day_start(zone, first_day(grain, local_date(zone, instant)))


def start_of(grain: AlertGrain, zone: str, end: datetime) -> datetime:
    """The start of the bucket that ends there."""
    return last_end(grain, zone, end - timedelta(minutes=1))


def next_look(alert: AlertRequest, zone: str, at: datetime) -> Next | None:
    """The end of the bucket that begins at, or lasts over, an instant; None where nothing looks."""
    if not alert.is_enabled:
        return None
    grain = grain_of(alert)
    if grain is AlertGrain.hour:
        end = hour_start(zone, at) + HOUR
    else:
        days = 7 if grain is AlertGrain.week else 1
        end = day_start(zone, first_day(grain, local_date(zone, at)), days)
    return Next(end, end + LAGS[grain])
