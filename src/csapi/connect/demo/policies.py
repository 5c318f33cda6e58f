"""How soon the desk promises to reply and to solve; half way it promises more."""

from collections.abc import Iterator
from datetime import date, timedelta

from csapi.connect.demo.people import DESK, Item
from csapi.connect.demo.span import Span, midnight

MINUTE, HOUR = 60, 3600
# By channel: first and next response, and whether they are measured in business hours.
REPLIES = {
    "chat": (2 * MINUTE, 2 * MINUTE, False),
    "whatsapp": (15 * MINUTE, 15 * MINUTE, False),
    "email": (2 * HOUR, 3 * HOUR, True),
    "social": (HOUR, HOUR, True),
}
URGENT = 0.5
TIGHTER = 0.8


def policy_items(span: Span) -> Iterator[Item]:
    half_way = span.first + timedelta(days=span.days // 2)
    for since, factor in ((span.first, 1.0), (half_way, TIGHTER)):
        for channel, (first, following, is_business) in REPLIES.items():
            hours = "business" if is_business else "calendar"
            name = f"SLA-{channel}-{since:%y%m%d}"
            targets = [
                *by_priority("first_response", first * factor, hours),
                *by_priority("next_response", following * factor, hours),
            ]
            yield policy(span, name, f"Replies: {channel}", since, targets, channels=[channel])
    solve = [
        *by_priority("resolution", 16 * HOUR, "business"),
        *by_priority("requester_wait", 12 * HOUR, "business"),
    ]
    yield policy(span, "SLA-solve", "Solutions", span.first, solve, position=1)


def by_priority(metric: str, seconds: float, hours: str) -> list[Item]:
    return [
        target(metric, seconds, hours, None),
        target(metric, seconds * URGENT, hours, "urgent"),
    ]


def target(metric: str, seconds: float, hours: str, priority: str | None) -> Item:
    return {"metric": metric, "seconds": round(seconds), "hours": hours, "priority": priority}


def policy(
    span: Span, key: str, name: str, since: date, targets: list[Item], **more: object
) -> Item:
    return {
        "source": DESK,
        "external_id": key,
        "valid_from": since,
        "source_updated_at": midnight(span.first),
        "name": name,
        "targets": targets,
        **more,
    }
