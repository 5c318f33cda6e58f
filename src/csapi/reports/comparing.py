"""Reading the other side of a comparison: the same path, the same snapshot, aligned rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from csapi.kit.problems import Problem
from csapi.metrics.counterparts import pairs
from csapi.metrics.question import OTHER, Kept, MemberGroup, Question, TimeGroup
from csapi.metrics.stocks import empty_parts
from csapi.reports.comparison import CompareInfo
from csapi.reports.fillings import Group
from csapi.reports.ranking import Keys, Read, Rows, in_order, ranks_members, rest_of
from csapi.reports.read import Reading
from csapi.reports.resolve_compare import Target
from csapi.reports.schemas import Query
from csapi.reports.shape import ordered

MOST_COMPARED = 5_000


@dataclass(frozen=True, slots=True)
class Beside:
    """The other side. groups, others: by the keys that they have on the side asked for."""

    target: Target
    reading: Reading
    paired: "Paired"
    groups: Mapping[Keys, Group]
    other: Group | None = None
    others: Mapping[Keys, Group] | None = None


@dataclass(frozen=True, slots=True)
class Paired:
    """Which time bucket of one side stands for which of the other, by the place of its group."""

    to_asked: Mapping[int, Sequence[int | None]]
    to_theirs: Mapping[int, Mapping[int, int]]

    def asked(self, keys: Keys) -> Keys | None:
        """The keys that a group of the other side has on the side asked for."""
        found = []
        for place, key in enumerate(keys):
            mapped = self.to_asked[place][key or 0] if place in self.to_asked else key
            if mapped is None and place in self.to_asked:
                return None
            found.append(mapped)
        return tuple(found)

    def theirs(self, keys: Keys) -> Keys | None:
        """The other way round."""
        found = list(keys)
        for place, numbers in self.to_theirs.items():
            if (number := numbers.get(keys[place] or 0)) is None:
                return None
            found[place] = number
        return tuple(found)

    @property
    def unmatched(self) -> int:
        """How many buckets of the other side have no counterpart."""
        return sum(number is None for numbers in self.to_asked.values() for number in numbers)


def paired(question: Question, target: Target) -> Paired:
    found: dict[int, list[int | None]] = {}
    both = zip(question.groups, target.question.groups, strict=True)
    for place, (own, other) in enumerate(both):
        if isinstance(own, TimeGroup) and isinstance(other, TimeGroup):
            sides = (question.period, own), (target.question.period, other)
            found[place] = pairs(*sides, target.alignment)
    back = {
        place: {own: n for n, own in enumerate(numbers) if own is not None}
        for place, numbers in found.items()
    }
    return Paired(found, back)


async def read_beside(read: Read, query: Query, rows: Rows, target: Target) -> Beside:
    """What the other side has for the rows of an answer, and for what they leave out."""
    question, pairing = target.question, paired(rows.question, target)

    def by_keys(groups: Sequence[Group]) -> dict[Keys, Group]:
        keyed = ((pairing.asked(group.keys), group) for group in groups)
        return {keys: group for keys, group in keyed if keys is not None}

    if rows.ranked is None or not ranks_members(question):
        reading = await read(question)
        groups = by_keys(reading.groups)
        if rows.ranked is None:
            return Beside(target, reading, pairing, groups)
        chosen = [groups[keys] for keys in rows.ranked if keys in groups]
        other = await rest_of(read, question, reading.groups, chosen, query.top)
        return Beside(target, reading, pairing, groups, other)
    members = tuple(group for group in question.groups if isinstance(group, MemberGroup))
    kept = Kept(tuple(group.id for group in members), tuple(rows.ranked))
    reading = await read(replace(question, kept=kept))
    groups = by_keys([group for group in reading.groups if OTHER not in group.keys])
    others = by_keys([group for group in reading.groups if OTHER in group.keys])
    rest = None
    if query.top is not None and query.top.other:
        over_all = replace(question, groups=members, with_totals=False, kept=kept)
        found = [group for group in (await read(over_all)).groups if OTHER in group.keys]
        rest = found[0] if found else Group((), empty_parts(question), {})
    return Beside(target, reading, pairing, groups, rest, others)


def joined(query: Query, rows: Rows, beside: Beside) -> Rows:
    """The rows with those that only the other side has, unless some were chosen among them."""
    question, groups = rows.question, rows.groups
    names = {**beside.reading.names, **rows.reading.names}
    reading = replace(rows.reading, names=names)
    known = {group.keys for group in groups}
    if rows.ranked is None and (gone := [keys for keys in beside.groups if keys not in known]):
        union = [*groups, *(Group(keys, empty_parts(question), {}) for keys in gone)]
        groups = ordered(question, replace(reading, groups=union))
        groups = in_order(question, reading, groups, query.order_by)
    return replace(rows, reading=reading, groups=groups)


def check_compared(size: int) -> None:
    """Tests take time: of more values they are refused before they are begun."""
    if size > MOST_COMPARED:
        raise Problem(
            "range_too_long",
            f"More than {MOST_COMPARED:,} values would be compared: ask for a shorter range, a "
            "coarser time dimension or fewer dimensions or metrics, or for a top.",
        )


def compare_info(beside: Beside) -> CompareInfo:
    period, reading = beside.target.question.period, beside.reading
    return CompareInfo(
        to=beside.target.to,
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        alignment=beside.target.alignment,
        unmatched_buckets=beside.paired.unmatched,
        exact=reading.is_exact,
        pending_buckets=reading.pending_buckets,
    )
