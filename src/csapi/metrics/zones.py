"""Local calendar days, as metrics use them; facts use the same (kit/zones.py)."""

from csapi.kit.zones import changes, day_start, known_zones, local_date, month_start, offset

__all__ = ["changes", "day_start", "known_zones", "local_date", "month_start", "offset"]
