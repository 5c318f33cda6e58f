"""Whether what is new is an old topic under another name. Pure.

A topic that fell silent on the day on which another one began, or began to rise, has become that
one, alone or with others: if what was expected of those that fell silent is about what came.
"""

import math
from collections.abc import Mapping, Sequence

from csapi.reports.radar.detector import LEAST_COUNT, base_days

# Between a half and twice as many, a topic goes on under the other name.
LEAST_PART, LARGEST_PART = 0.5, 2.0
# From the last day of the old one on; when one began to rise is less sure than when one began.
DAYS_AFTER, UNSURE_DAYS = 1, 2


def first_day(counts: Sequence[int]) -> int | None:
    return next((day for day, count in enumerate(counts) if count), None)


def last_day(counts: Sequence[int]) -> int | None:
    return next((day for day in range(len(counts) - 1, -1, -1) if counts[day]), None)


def per_day(counts: Sequence[int], until: int, window: int) -> float:
    """The usual count of a day before that one."""
    days = min(base_days(window), until)
    return sum(counts[until - days : until]) / days if days else 0.0


def rose_on(counts: Sequence[int], window: int) -> int:
    """The day of the weeks before or of the window from which on the counts are most likely others
    than before."""
    first, size = max(0, len(counts) - base_days(window) - window), len(counts)

    def fit(start: int, end: int) -> float:
        count = sum(counts[start:end])
        return count * math.log(count / (end - start)) if count else 0.0

    return max(range(first + 1, size), key=lambda day: fit(first, day) + fit(day, size))


def predecessors(
    counts: Sequence[int],
    more: float,
    silent: Mapping[str, Sequence[int]],
    window: int,
    *,
    is_new: bool,
) -> list[str]:
    """The topics that went on as this one. `more`: what came in the window beyond what was
    expected; `silent`: topics that may have ended, by day."""
    began = first_day(counts) if is_new else rose_on(counts, window)
    unsure = 0 if is_new else UNSURE_DAYS
    ended: dict[str, float] = {}
    for key, each in silent.items():
        last = last_day(each)
        if last is None or began is None:
            continue
        missing = min(window, len(counts) - 1 - last)
        expected = per_day(each, last + 1, window) * missing
        if expected >= LEAST_COUNT and -unsure <= began - last <= DAYS_AFTER + unsure:
            ended[key] = expected
    together = sum(ended.values())
    if not ended or not LEAST_PART * together <= more <= LARGEST_PART * together:
        return []
    return sorted(ended)
