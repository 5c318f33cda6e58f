"""From the keys of a cell, as an answer shows them, to the question about that cell alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import asyncpg

from csapi.facts.wire import normalized
from csapi.kit.problems import pointer, shown
from csapi.metrics.dimensions import Dimension, Source, entity_names
from csapi.metrics.parts import Measure
from csapi.metrics.question import OTHER, Cell, Group, Kept, MemberGroup, Question, TimeGroup
from csapi.metrics.wholes import asks_for, whole_question
from csapi.reports.read import find_members
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.refusals import refuse
from csapi.reports.resolve import Members, Wanted, rating_of
from csapi.reports.service import Snapshot

Keys = Mapping[str, str | None]
UNKNOWN = "unknown:"
LARGEST_MEMBER = 2**63 - 1


async def cell_question(
    snapshot: Snapshot, asked: RecordsQuery, question: Question
) -> tuple[Question, list[str]]:
    """The question about the facts of one cell, and what to know of it."""
    check_names(asked, question)
    named = [("/cell", asked.cell)]
    named += [(f"/other_than/{n}", keys) for n, keys in enumerate(asked.other_than or ())]
    members, warnings = await cell_members(snapshot, question, named)
    resolver = Resolver(question, members)
    placed = resolver.keys("/cell", asked.cell)
    kept = None
    if asked.other_than is not None:
        kept = resolver.kept(asked.other_than)
        placed |= dict.fromkeys(kept.ids, (OTHER,))
    return narrowed(question, placed, kept), warnings


def check_names(asked: RecordsQuery, question: Question) -> None:
    ids = [group.id for group in question.groups]
    for name in asked.cell:
        if name not in ids:
            message = f"The question has no dimension {shown(name)}."
            refuse(pointer("cell", name), "unknown_dimension", message, ids)
    if asked.other_than is None:
        return
    if not asked.other_than:
        refuse("/other_than", "too_short", "Name at least one row, or leave it out.")
    open_ids = [name for name in ids if name not in asked.cell]
    expected = {name for keys in asked.other_than for name in keys}
    for number, keys in enumerate(asked.other_than):
        for name in keys:
            if name not in open_ids:
                message = "Not a dimension of the question that the cell leaves open."
                place = pointer("other_than", number, name)
                refuse(place, "unknown_dimension", message, open_ids)
        if not keys or keys.keys() != expected:
            message = "All rows name the same dimensions, at least one."
            refuse(f"/other_than/{number}", "invalid_value", message, sorted(expected))
    check_other(question, expected)


def check_other(question: Question, expected: set[str]) -> None:
    """Whether what the rows by these dimensions leave out can be told."""
    times = {group.id for group in question.groups if isinstance(group, TimeGroup)}
    is_held = asks_for(question, Measure.WHOLE_N) and len(times) < len(question.groups)
    if (question.is_at_instant or is_held) and times & expected:
        message = "What is of one time alone cannot be added up over time."
        refuse("/other_than", "not_supported", message)
    if set(question.overlapping) & expected:
        message = f"Records can be in several rows of {question.overlapping[0]}: there is no other."
        refuse("/other_than", "not_supported", message)


async def cell_members(
    snapshot: Snapshot, question: Question, named: Sequence[tuple[str, Keys]]
) -> tuple[Members, list[str]]:
    """The surrogates of all keys that are members' names, and which nobody bears."""
    keys: dict[Dimension, set[str]] = defaultdict(set)
    for group in question.groups:
        if isinstance(group, MemberGroup) and group.dimension.source is not Source.value:
            keys[group.dimension] |= {key for _, row in named if (key := row.get(group.id))}
    wanted = [Wanted(each, tuple(sorted(names))) for each, names in keys.items() if names]
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    found = dict(await find_members(connection, tenant_id, wanted))
    warnings = []
    for each in wanted:
        called = await names_of_doubles(snapshot, each, found)
        for key in each.keys:
            members = found.get((each.dimension.id, key)) or nameless(key)
            exact = [member for member in members if called.get(member) == normalized(key)]
            found[each.dimension.id, key] = exact or members
            if not members:
                warnings.append(f"no member of {each.dimension.id} is called {shown(key)!r}")
    return found, warnings


async def names_of_doubles(snapshot: Snapshot, wanted: Wanted, found: Members) -> dict[int, str]:
    """What an answer calls those members that share a key: two sources may use one external id,
    and then each is shown with its source."""
    if wanted.dimension.source is Source.members:
        return {}
    borne = [found.get((wanted.dimension.id, key), ()) for key in wanted.keys]
    doubles = [member for members in borne if len(members) > 1 for member in members]
    if not doubles:
        return {}
    sql = entity_names(wanted.dimension.source.value)
    arguments = snapshot.desk.tenant_id, wanted.dimension.id, doubles
    rows: Iterable[asyncpg.Record] = await snapshot.connection.fetch(sql, *arguments)
    return {row["member"]: row["key"] for row in rows}


def nameless(key: str) -> Sequence[int]:
    """A member whose record is gone is shown by its number."""
    number = key.removeprefix(UNKNOWN)
    if number == key or not (number.isascii() and number.isdigit()) or len(number) > 19:
        return ()
    return (int(number),) if int(number) <= LARGEST_MEMBER else ()


@dataclass(frozen=True)
class Resolver:
    """Keys on the wire to keys of groups."""

    question: Question
    members: Members

    @cached_property
    def buckets(self) -> dict[str, dict[str, int]]:
        """The places of buckets by their keys, of each time group."""
        return {
            group.id: {bucket.key: place for place, bucket in enumerate(group.buckets)}
            for group in self.question.groups
            if isinstance(group, TimeGroup)
        }

    def keys(self, where: str, keys: Keys) -> dict[str, tuple[int | None, ...]]:
        """For each group that is named its keys; of a name that nobody bears there is none."""
        return {
            group.id: self.key(where + pointer(group.id), group, keys[group.id])
            for group in self.question.groups
            if group.id in keys
        }

    def key(self, where: str, group: Group, key: str | None) -> tuple[int | None, ...]:
        if isinstance(group, TimeGroup):
            place = self.buckets[group.id].get(key or "")
            if place is None:
                refuse(where, "invalid_value", "No bucket of the range has that key.")
            return (place,)
        if key is None:
            return (None,)
        if group.dimension.source is Source.value:
            return (rating_of(key, where),)
        return tuple(self.members.get((group.dimension.id, key), ()))

    def kept(self, rows: Sequence[Keys]) -> Kept:
        ids = tuple(group.id for group in self.question.groups if group.id in rows[0])
        found: dict[tuple[int | None, ...], None] = {}
        for number, row in enumerate(rows):
            keys = self.keys(f"/other_than/{number}", row)
            found |= dict.fromkeys(product(*(keys[name] for name in ids)))
        return Kept(ids, tuple(found))


def narrowed(
    question: Question, placed: Mapping[str, tuple[int | None, ...]], kept: Kept | None
) -> Question:
    """The question about one cell, and with it what that is held against."""
    found = within(question, placed, kept)
    if found.cell is None or not asks_for(question, Measure.WHOLE_N):
        return found
    whole = within(whole_question(question), placed, None)
    return replace(found, cell=replace(found.cell, whole=whole))


def within(
    question: Question, placed: Mapping[str, tuple[int | None, ...]], kept: Kept | None
) -> Question:
    """The question without groups, about the facts that have those keys. A bucket of time narrows
    the range, so that nothing else is read."""
    period = question.period
    groups = []
    for group in question.groups:
        if group.id not in placed:
            continue
        if not isinstance(group, TimeGroup) or group.is_cycle or placed[group.id] == (OTHER,):
            groups.append(group)
            continue
        bucket = group.buckets[placed[group.id][0] or 0]
        start, end = bucket.start or period.start, bucket.end or period.end
        start = min(max(start, period.start), period.end)
        period = replace(period, start=start, end=max(start, min(end, period.end)))
    cell = Cell(tuple(groups), tuple(placed[group.id] for group in groups))
    return replace(question, period=period, groups=(), with_totals=False, kept=kept, cell=cell)
