"""Spans of time: joined, cut at slots, overlapped, measured."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tests.delivery.model import nearest_ms

Span = tuple[datetime, datetime]
SLOT = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time without seams."""
    found: list[Span] = []
    for low, high in sorted(spans):
        if low >= high:
            continue
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found


def cut(spans: Iterable[Span]) -> list[Span]:
    """The same time in pieces that each lie in one slot."""
    pieces = []
    for start, end in joined(spans):
        low = start
        while low < end:
            high = min(end, low - (low - EPOCH) % SLOT + SLOT)
            pieces.append((low, high))
            low = high
    return pieces


def overlap(spans: Iterable[Span], with_: Span) -> list[Span]:
    return [(max(low, with_[0]), min(high, with_[1])) for low, high in spans]


def length_ms(span: Span) -> int:
    return nearest_ms(span[1] - EPOCH) - nearest_ms(span[0] - EPOCH)
