"""Ranges as query parameters, for the reports that are lists."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.metrics.periods import (
    Period,
    PeriodError,
    RangePreset,
    WeekStart,
    check_timezone,
    explicit_period,
    preset_period,
)
from csapi.reports.refusals import refuse


class RangeParams(msgspec.Struct, kw_only=True):
    """A half-open range, or a preset."""

    from_: Annotated[str | None, Meta(description="First local day or instant")] = msgspec.field(
        name="from", default=None
    )
    to: Annotated[str | None, Meta(description="Until before this day or instant")] = None
    preset: Annotated[RangePreset | None, Meta(description="Instead of from and to")] = None
    timezone: Annotated[str | None, Meta(description="IANA zone; the tenant's if absent")] = None


def known_zone(timezone: str) -> str:
    """The zone of a parameter or a field `timezone`. Raises Problem."""
    try:
        return check_timezone(timezone)
    except PeriodError as error:
        refuse("/timezone", "unknown_timezone", error.message)


def period_of(wanted: RangeParams, timezone: str, now: datetime, week_start: WeekStart) -> Period:
    """The half-open range asked for; where none is, the last 30 days before `now`. Raises Problem.
    Callers: service.asked_period, which knows the tenant's weeks."""
    zone = wanted.timezone or timezone
    is_explicit = wanted.from_ is not None or wanted.to is not None
    if is_explicit and wanted.preset is not None:
        refuse("/preset", "invalid_value", "Give either `from` and `to` or a preset.")
    try:
        check_timezone(zone)
        if not is_explicit:
            preset = wanted.preset or RangePreset.last_30_days
            return preset_period(preset, zone, now, week_start)
        for name, value in (("from", wanted.from_), ("to", wanted.to)):
            if value is None:
                refuse(f"/{name}", "required", "A range needs both `from` and `to`.")
        return explicit_period(wanted.from_ or "", wanted.to or "", zone, week_start)
    except PeriodError as error:
        refuse(f"/{error.field}", "invalid_value", error.message)
