"""What holds from one instant until before another: periods as sources send them, and the steps
that derivations look values up in."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

SINCE_EVER = "-infinity"


class Period(Protocol):
    """From `from` until before `to`; null is open-ended."""

    @property
    def from_(self) -> datetime | None: ...
    @property
    def to(self) -> datetime | None: ...


P = TypeVar("P", bound=Period)


def in_order(periods: Sequence[P]) -> list[P]:
    return sorted(periods, key=lambda each: (each.from_ is not None, each.from_))


def check_periods(periods: Sequence[Period], field: str) -> tuple[str, str, str] | None:
    """Periods must not overlap: at any instant one holds at most."""
    end = None
    for index, period in enumerate(in_order(periods)):
        if period.from_ and period.to and period.to <= period.from_:
            return f"/{field}", "invalid_value", "A period must end after it starts."
        if index and (end is None or period.from_ is None or period.from_ < end):
            return f"/{field}", "invalid_value", "Periods overlap."
        end = period.to
    return None


def steps(periods: Sequence[P], value: Callable[[P], int | None]) -> tuple[str | None, str | None]:
    """Periods as two array literals: the instants at which a value starts to hold, and the values.
    Where no period holds, the value is null."""
    instants: list[str] = []
    values: list[str] = []
    end: datetime | None = None
    for period in in_order(periods):
        if end is not None and end != period.from_:
            instants.append(end.isoformat())
            values.append("NULL")
        instants.append(period.from_.isoformat() if period.from_ else SINCE_EVER)
        values.append(str(value(period)))
        end = period.to
    if end is not None:
        instants.append(end.isoformat())
        values.append("NULL")
    if not instants:
        return None, None
    return "{" + ",".join(instants) + "}", "{" + ",".join(values) + "}"


def holds_at(values: str, since: str, at: str) -> str:
    """The value that holds at an instant, of the columns that steps() fills."""
    return f"{values}[width_bucket({at}, {since})]"
