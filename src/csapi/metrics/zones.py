"""Local calendar days, as metrics use them; facts use the same (kit/zones.py)."""

from csapi.kit.zones import (
    at_clock,
    changes,
    clock,
    day_start,
    known_zones,
    local_date,
    month_start,
    offset,
)

__all__ = [
    "at_clock",
    "changes",
    "clock",
    "day_start",
    "known_zones",
    "local_date",
    "month_start",
    "offset",
]
