"""Which stored rows answer a question: months, days, slots of summaries, and facts for the rest.

Pure: what is marked, and which days have which slots, come in as values.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from csapi.metrics.cuboids import Cuboid
from csapi.metrics.zones import day_start, local_date, month_start

SLOT = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Run = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Marked:
    """The slots and months that wait to be rebuilt, sorted, as one snapshot shows them."""

    slots: Sequence[datetime] = ()
    months: Sequence[datetime] = ()

    def has_slot(self, start: datetime, end: datetime) -> bool:
        return bisect_left(self.slots, start) < bisect_left(self.slots, end)


@dataclass(frozen=True)
class Cuts:
    """Where an answer cuts time: a stored bucket may not reach over a cut.

    whole_days, whole_months: whether such buckets can be used at all; an hour of the day, say, has
    no use for a day.
    """

    instants: Sequence[datetime] = ()
    whole_days: bool = True
    whole_months: bool = True

    @cached_property
    def odd_slots(self) -> list[datetime]:
        """The slots that are cut."""
        return [cut - past for cut in self.instants if (past := (cut - EPOCH) % SLOT)]

    def inside(self, start: datetime, end: datetime) -> bool:
        """Is there a cut strictly between?"""
        return bisect_right(self.instants, start) < bisect_left(self.instants, end)


@dataclass(slots=True)
class Pieces:
    """The runs of time that each kind of row answers for. Together they are the period."""

    months: list[Run] = field(default_factory=list)
    days: list[Run] = field(default_factory=list)
    slots: list[Run] = field(default_factory=list)
    facts: list[Run] = field(default_factory=list)

    @property
    def source(self) -> str:
        has_summaries = bool(self.months or self.days or self.slots)
        if has_summaries and self.facts:
            return "mixed"
        return "summary" if has_summaries else "facts"


def extend(runs: list[Run], start: datetime, end: datetime) -> None:
    """Add a run, joined to the last one where they meet."""
    if runs and runs[-1][1] == start:
        runs[-1] = (runs[-1][0], end)
    else:
        runs.append((start, end))


def from_facts(start: datetime, end: datetime) -> Pieces:
    return Pieces(facts=[(start, end)])


@dataclass(frozen=True, slots=True)
class Planner:
    """Splits a period for one cuboid of one tenant.

    slotted: the days whose slots have rows of every cuboid.
    """

    timezone: str
    cuboid: Cuboid
    marked: Marked
    cuts: Cuts
    slotted: Collection[datetime] = ()

    def split(self, start: datetime, end: datetime) -> Pieces:
        pieces = Pieces()
        month = month_start(self.timezone, local_date(self.timezone, start))
        while month < end:
            following = month_start(self.timezone, local_date(self.timezone, month), 1)
            if self._month_serves(month, following, start, end):
                extend(pieces.months, month, following)
            else:
                self._split_days(max(month, start), min(following, end), pieces)
            month = following
        return pieces

    def _month_serves(
        self, month: datetime, following: datetime, start: datetime, end: datetime
    ) -> bool:
        return (
            self.cuts.whole_months
            and start <= month
            and following <= end
            and month not in self.marked.months
            and not self.marked.has_slot(month, following)
            and not self.cuts.inside(month, following)
        )

    def _split_days(self, start: datetime, end: datetime, pieces: Pieces) -> None:
        day = day_start(self.timezone, local_date(self.timezone, start))
        while day < end:
            following = day_start(self.timezone, local_date(self.timezone, day), 1)
            first, last = max(day, start), min(following, end)
            if (
                self.cuts.whole_days
                and first == day
                and last == following
                and not self.marked.has_slot(day, following)
                and not self.cuts.inside(day, following)
            ):
                extend(pieces.days, day, following)
            elif self.cuboid.keeps_slots_forever or day in self.slotted:
                self._split_slots(first, last, pieces)
            else:
                extend(pieces.facts, first, last)
            day = following

    def _split_slots(self, start: datetime, end: datetime, pieces: Pieces) -> None:
        """Slots where they are whole, clean and uncut; facts for the rest."""
        position = min(start + (EPOCH - start) % SLOT, end)
        last = max(end - (end - EPOCH) % SLOT, position)
        if start < position:
            extend(pieces.facts, start, position)
        for hole in self._holes(position, last):
            if position < hole:
                extend(pieces.slots, position, hole)
            extend(pieces.facts, hole, hole + SLOT)
            position = hole + SLOT
        if position < last:
            extend(pieces.slots, position, last)
        if last < end:
            extend(pieces.facts, last, end)

    def _holes(self, start: datetime, end: datetime) -> list[datetime]:
        """The slots that are marked, or cut by an instant that is no slot's start."""
        slots = self.marked.slots
        holes = set(slots[bisect_left(slots, start) : bisect_left(slots, end)])
        holes.update(slot for slot in self.cuts.odd_slots if start <= slot < end)
        return sorted(holes)
