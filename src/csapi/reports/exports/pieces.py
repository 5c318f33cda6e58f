"""Answers of more rows than one answer can have, read piece by piece in one snapshot.

A piece is the same question about some members or buckets of its first dimension. Rows come in the
order of an answer, and each is what a query about it alone would say.
"""

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from csapi.kit.problems import Problem
from csapi.metrics.dimensions import Dimension, Source, members_in_order
from csapi.metrics.parts import Measure
from csapi.metrics.question import Condition, MemberGroup, Question, Test, TimeGroup, time_group
from csapi.metrics.topics import NO_TOPICS, TopicTree
from csapi.metrics.wholes import asks_for
from csapi.reports.fillings import Group
from csapi.reports.narrowing import narrowed
from csapi.reports.read import Reading
from csapi.reports.service import Snapshot, slowness_told
from csapi.reports.shape import ordered

# A piece aims at so many rows.
ROWS = 20_000
FIRST_MEMBERS = 500


def not_divisible(detail: str) -> Problem:
    return Problem("range_too_long", f"More rows than an answer can have: {detail}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a question, and its groups in order."""

    question: Question
    reading: Reading
    groups: Sequence[Group]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A time dimension as something to cut."""

    group: TimeGroup
    first_step: int = 1

    @property
    def size(self) -> int:
        return len(self.group.buckets)

    def end(self, start: int, step: int) -> int:
        return min(start + step, self.size)

    def cut(self, question: Question, start: int, end: int) -> Question:
        """The question of some of the buckets."""
        first, last = self.group.buckets[start], self.group.buckets[end - 1]
        if first.start is None or last.end is None:
            raise AssertionError(first)
        period = replace(question.period, start=first.start, end=last.end)
        groups = tuple(
            time_group(each.grain, period) if isinstance(each, TimeGroup) else each
            for each in question.groups
        )
        return replace(question, period=period, groups=groups)

    def has(self, key: int | None, start: int, end: int) -> bool:
        """Whether a group of such a cut belongs to it."""
        del key, start, end
        return True


class Members:
    """The members of a dimension as something to cut; what comes last is (none), and what nobody
    knows."""

    first_step = FIRST_MEMBERS

    def __init__(self, dimension: Dimension, members: "array[int]", topics: TopicTree) -> None:
        self.dimension = dimension
        self.members = members
        self.topics = topics
        self.places = {member: place for place, member in enumerate(members)}

    @property
    def size(self) -> int:
        return len(self.members) + 1

    def end(self, start: int, step: int) -> int:
        """Known members are never cut together with the rest."""
        known = len(self.members)
        return min(start + step, known) if start < known else self.size

    def cut(self, question: Question, start: int, end: int) -> Question:
        if start == len(self.members):
            return narrowed(question, Condition(none=self._are(self.members)))
        return narrowed(question, self._are(self.members[start:end]))

    def has(self, key: int | None, start: int, end: int) -> bool:
        """A record can have members of several cuts."""
        place = len(self.members) if key is None else self.places.get(key, len(self.members))
        return start <= place < end

    def _are(self, members: Sequence[int]) -> Condition:
        chosen = tuple(members)
        if self.dimension.through is not None:
            chosen = self.topics.chosen(self.dimension.through, set(members))
        return Condition(test=Test(self.dimension, chosen))


Axis = Buckets | Members


class Walk:
    """Reads a question piece by piece. share: how much of it is behind."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.share = 0.0

    async def pieces(self, question: Question, depth: int = 0) -> AsyncIterator[Piece]:
        """All groups in their order. Raises Problem where they cannot be told apart."""
        axis = await self._axis(question, depth)
        start, step = 0, axis.first_step
        while start < axis.size:
            end = axis.end(start, step)
            part = axis.cut(question, start, end)
            try:
                with slowness_told():
                    reading = await self._snapshot.read(part)
            except Problem as problem:
                if problem.code != "range_too_long":
                    raise
                if end - start > 1:
                    step = max(1, (end - start) // 4)
                    continue
                async for piece in self.pieces(part, depth + 1):
                    yield replace(piece, groups=within(piece.groups, axis, depth, start, end))
            else:
                groups = within(ordered(part, reading), axis, depth, start, end)
                if depth == 0:
                    self.share = end / axis.size
                yield Piece(part, reading, groups)
                step = max(1, min(4 * step, (end - start) * ROWS // max(len(reading.groups), 1)))
            start = end
            if depth == 0:
                self.share = start / axis.size

    async def _axis(self, question: Question, depth: int) -> Axis:
        if depth == len(question.groups):
            raise not_divisible("one row alone is about more than can be counted at once.")
        group = question.groups[depth]
        if isinstance(group, TimeGroup):
            if group.is_cycle:
                raise not_divisible(f"name {group.id} after a dimension with more members.")
            if question.is_at_instant:
                # Who is told of at all follows from all instants together.
                raise not_divisible(f"name {group.id} last.")
            return Buckets(group)
        if group.dimension.source is Source.value:
            raise not_divisible(f"name {group.id} after a dimension with more members.")
        if asks_for(question, Measure.WHOLE_N):
            raise not_divisible(
                "a share of all rows needs all of them at once: name a time dimension first, of "
                "buckets with fewer rows."
            )
        return await self._members(group)

    async def _members(self, group: MemberGroup) -> Members:
        sql, more = members_in_order(group.dimension)
        snapshot, found = self._snapshot, array("q")
        async for row in snapshot.connection.cursor(
            sql, snapshot.desk.tenant_id, *more, prefetch=5_000
        ):
            found.append(row["member"])
        topics = NO_TOPICS
        if group.dimension.through is not None:
            topics = await snapshot.topics([group.dimension.id])
        return Members(group.dimension, found, topics)


def within(
    groups: Sequence[Group], axis: Axis, place: int, start: int, end: int
) -> Sequence[Group]:
    return [group for group in groups if axis.has(group.keys[place], start, end)]
