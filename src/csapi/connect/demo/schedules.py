"""Business hours: those of everybody, and shorter ones of a team."""

from collections.abc import Iterator

from csapi.connect.demo.people import DESK, Item
from csapi.connect.demo.span import ZONE_NAME, Span, midnight

WORKING_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday")
COUNTRY = "SA"


def schedule_items(span: Span) -> Iterator[Item]:
    everybody = [
        *(opening(day, "08:00", "22:00") for day in (*WORKING_DAYS, "saturday")),
        opening("friday", "14:00", "22:00"),
    ]
    yield schedule(span, "opening-hours", "Opening hours", everybody, is_default=True)
    office = [opening(day, "09:00", "17:00") for day in WORKING_DAYS]
    yield schedule(span, "billing-hours", "Billing office", office, teams=["billing"])


def opening(day: str, start: str, end: str) -> Item:
    return {"day": day, "from": start, "to": end}


def schedule(span: Span, key: str, name: str, weekly: list[Item], **more: object) -> Item:
    return {
        "source": DESK,
        "external_id": key,
        "source_updated_at": midnight(span.first),
        "name": name,
        "timezone": ZONE_NAME,
        "versions": [{"weekly": weekly, "holidays": {"country": COUNTRY}}],
        **more,
    }
