"""What the rows of an answer are held against: calendar days, and all members together. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from csapi.metrics.parts import COMMON, Measure, Part
from csapi.metrics.periods import TimeGrain
from csapi.metrics.question import OTHER, MemberGroup, Question, TimeGroup
from csapi.metrics.zones import local_date

INSTANT = timedelta(microseconds=1)
Keys = tuple[int | None, ...]
Parts = Sequence[int | None]


def asks_for(question: Question, measure: Measure) -> bool:
    return any(part.measure is measure for part in question.parts)


def whole_question(question: Question) -> Question:
    """All members together: of each time bucket where there are members, else of the range."""
    if question.cell is not None and question.cell.whole is not None:
        return question.cell.whole
    has_members = any(isinstance(group, MemberGroup) for group in question.groups)
    times = tuple(group for group in question.groups if isinstance(group, TimeGroup))
    return replace(
        question,
        metrics=tuple(
            asked
            for asked in question.metrics
            if any(part.measure is Measure.WHOLE_N for part in asked.formula.parts)
        ),
        groups=times if has_members else (),
        with_totals=False,
        kept=None,
    )


def dates_between(zone: str, start: datetime, end: datetime) -> tuple[date, date]:
    """The first and the last local day that a half-open span touches."""
    return local_date(zone, start), local_date(zone, end - INSTANT)


def days_of(question: Question, keys: Keys) -> int:
    """How many calendar days of the range a row is about; a cycle's day counts each time."""
    period, zone = question.period, question.period.timezone
    first, last = dates_between(zone, period.start, period.end)
    weekday = None
    placed = list(zip(question.groups, keys, strict=False))
    if (cell := question.cell) is not None:
        pairs = zip(cell.groups, cell.keys, strict=True)
        placed += [(group, own[0]) for group, own in pairs if own]
    for group, key in placed:
        if not isinstance(group, TimeGroup) or key is None or key == OTHER:
            continue
        bucket = group.buckets[key]
        if bucket.start is not None and bucket.end is not None:
            one, other = dates_between(zone, bucket.start, bucket.end)
            first, last = max(first, one), min(last, other)
        elif group.grain is TimeGrain.day_of_week:
            weekday = key
    count = max((last - first).days + 1, 0)
    if weekday is None:
        return count
    return (count - (weekday - first.weekday()) % 7 + 6) // 7


@dataclass(frozen=True)
class Common:
    """Fills in what rows are held against. wholes: the parts of whole_question by its keys."""

    question: Question
    wholes: Mapping[Keys, Parts]

    @cached_property
    def _whole(self) -> Question:
        return whole_question(self.question)

    def _total(self, keys: Keys, part: Part) -> int:
        place = self._whole.parts.index(replace(part, measure=Measure.N))
        own: Keys = ()
        if self._whole.groups and keys:
            pairs = zip(self.question.groups, keys, strict=True)
            own = tuple(key for group, key in pairs if isinstance(group, TimeGroup))
        if self._whole.groups and not own:
            return sum(parts[place] or 0 for parts in self.wholes.values())
        return (self.wholes.get(own) or {place: 0})[place] or 0

    def filled(self, keys: Keys, parts: Parts) -> list[int | None]:
        found = list(parts)
        for place, part in enumerate(self.question.parts):
            if part.measure is Measure.DAYS:
                found[place] = days_of(self.question, keys)
            elif part.measure is Measure.WHOLE_N:
                found[place] = self._total(keys, part)
        return found


def has_common(question: Question) -> bool:
    return any(part.measure in COMMON for part in question.parts)
