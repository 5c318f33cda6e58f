"""Groups on a grid, and as series: dense, every list as long as its axis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from csapi.kit.problems import Problem
from csapi.metrics.compile import MOST_GROUPS
from csapi.metrics.question import OTHER, Asked, Places, Question, TimeGroup
from csapi.metrics.words import Words
from csapi.reports.fillings import Group
from csapi.reports.layouts import DimensionValue, Precision, Series
from csapi.reports.ranking import Rows
from csapi.reports.schemas import ColumnInfo, MetricValue, Query
from csapi.reports.shape import dimension_value, rank_of
from csapi.reports.telling import Teller
from csapi.reports.verdicts import Side, delta_of

Keys = tuple[int | None, ...]
JOINT = " / "


@dataclass(frozen=True)
class Grid:
    """The groups of an answer by their keys, with the places where nothing happened."""

    rows: Rows
    query: Query
    columns: Mapping[str, ColumnInfo]
    teller: Teller

    @property
    def question(self) -> Question:
        return self.rows.question

    @property
    def words(self) -> Words:
        return self.rows.reading.words

    def axis(self, place: int) -> list[int | None]:
        """The keys of one dimension in their order: by time, by key, or as the rows are ordered."""
        group = self.question.groups[place]
        seen = dict.fromkeys(each.keys[place] for each in self.rows.groups)
        if isinstance(group, TimeGroup):
            is_chosen = all(is_time(each) for each in self.question.groups)
            return list(seen) if is_chosen else list(range(len(group.buckets)))
        if self.query.order_by:
            return list(seen)
        if ranked := self.ranked(place):
            return [key for key in ranked if key in seen]
        return sorted(seen, key=rank_of(group, self.rows.reading))

    def ranked(self, place: int) -> list[int | None]:
        """The keys of a dimension as top has ranked them."""
        if self.rows.ranked is None or self.query.top is None:
            return []
        ids = [group.id for group in self.question.groups]
        size = {len(keys) for keys in self.rows.ranked}
        if size == {len(ids)}:
            return list(dict.fromkeys(keys[place] for keys in self.rows.ranked))
        members = [n for n, group in enumerate(self.question.groups) if not is_time(group)]
        if place not in members:
            return []
        return list(dict.fromkeys(keys[members.index(place)] for keys in self.rows.ranked))

    @cached_property
    def _groups(self) -> Mapping[Keys, Group]:
        return {group.keys: group for group in (*self.rows.groups, *self.rows.others)}

    def group(self, keys: Keys) -> Group:
        """The group with these keys, be it one in which nothing happened."""
        return self._groups.get(keys) or self.rows.reading.nothing(self.question, keys)

    def cell(self) -> Callable[[int, Keys], MetricValue]:
        """The value of a metric, by its place, of a group, by its keys."""
        group = cache(self.group)

        def value(metric: int, keys: Keys) -> MetricValue:
            return self.teller.value(metric, group(keys))

        return value

    def other_side(self) -> Callable[[int, Keys], Side | None] | None:
        """Groups of the other side with the value of a metric, by its place, None where it has no
        such bucket; None without another side."""
        if self.teller.judge is None:
            return None
        beside = self.teller.judge.beside
        found = {**beside.groups, **(beside.others or {})}

        def value(metric: int, keys: Keys) -> Side | None:
            theirs = beside.paired.theirs(keys)
            if theirs is None:
                return None
            group = found.get(keys) or beside.reading.nothing(beside.target.question, theirs)
            return group, self.teller.value(metric, group)

        return value

    def named(self, place: int) -> Callable[[int | None], DimensionValue]:
        return cache(lambda key: self._name(place, key))

    def _name(self, place: int, key: int | None) -> DimensionValue:
        if key == OTHER:
            return nameless(self.words.catalog.other)
        return dimension_value(self.question.groups[place], key, self.rows.reading)


def nameless(label: str) -> DimensionValue:
    """What stands for no one member."""
    return DimensionValue(key=None, label=label, start=None, end=None)


def is_time(group: object) -> bool:
    return isinstance(group, TimeGroup)


def check_size(size: int) -> None:
    if size > MOST_GROUPS:
        raise Problem(
            "range_too_long",
            f"The answer has more than {MOST_GROUPS:,} values: ask for a shorter range, a coarser "
            "time dimension or fewer dimensions, or for a top.",
        )


def axis_place(question: Question) -> int | None:
    """The dimension of the categories: the first that is time, else the first."""
    times = [n for n, group in enumerate(question.groups) if is_time(group)]
    return (times or [0])[0] if question.groups else None


def splits(grid: Grid, place: int | None) -> list[Keys]:
    """The combinations of the other dimensions that there are, in their order."""
    others = [n for n in range(len(grid.question.groups)) if n != place]
    if not others:
        return [()]
    seen = {tuple(group.keys[n] for n in others) for group in grid.rows.groups}
    axes = [{key: n for n, key in enumerate(grid.axis(n))} for n in others]
    if len(others) == 1 and is_time(grid.question.groups[others[0]]):
        seen |= {(key,) for key in axes[0]}
    order = sorted(seen, key=lambda keys: [axis[k] for axis, k in zip(axes, keys, strict=True)])
    rest = dict.fromkeys(tuple(group.keys[n] for n in others) for group in grid.rows.others)
    return [*order, *rest]


def series_of(grid: Grid) -> tuple[list[DimensionValue], list[Series]]:
    """The categories, and a series for each metric and combination of the other dimensions."""
    question = grid.question
    place = axis_place(question)
    axis: list[int | None] = [None] if place is None else grid.axis(place)
    combinations = splits(grid, place)
    check_size(len(axis) * len(combinations) * len(question.metrics))
    others = [n for n in range(len(question.groups)) if n != place]
    names = {n: grid.named(n) for n in others}
    cell, theirs, found = grid.cell(), grid.other_side(), []
    for metric, asked in enumerate(question.metrics):
        for split in combinations:
            keys = [keys_of(place, key, split) for key in axis]
            values = [cell(metric, each) for each in keys]
            members = {n: names[n](key) for n, key in zip(others, split, strict=True)}
            column = grid.columns[asked.name]
            series = Series(
                key=joined([each.key for each in members.values()]) if others else asked.name,
                label=joined([each.label for each in members.values()]) or column.label,
                metric=asked.name,
                unit=column.unit,
                dimensions={question.groups[n].id: each for n, each in members.items()},
                is_other=OTHER in split,
                precision=precision_of(values),
                values=[each.value for each in values],
                n=[each.n for each in values],
            )
            if theirs is not None:
                sides = [theirs(metric, each) for each in keys]
                own = [(grid.group(each), value) for each, value in zip(keys, values, strict=True)]
                add_other_side(series, asked, question.places[metric], own, sides)
            if grid.teller.with_intervals:
                series.ci95_low, series.ci95_high = bounds_of(values)
            found.append(series)
    if place is None:
        return [nameless(grid.words.catalog.all)], found
    return [grid.named(place)(key) for key in axis], found


def add_other_side(
    series: Series,
    asked: Asked,
    places: Places,
    own: Sequence[Side],
    sides: Sequence[Side | None],
) -> None:
    """What each value is held against, and the difference."""
    series.compare_values = [None if side is None else side[1].value for side in sides]
    series.compare_n = [0 if side is None else side[1].n for side in sides]
    series.deltas = [
        None if side is None else delta_of(asked, places, mine, side)
        for mine, side in zip(own, sides, strict=True)
    ]


def joined(parts: Sequence[str | None]) -> str | None:
    """Null where there is nothing to join."""
    known = [part for part in parts if part is not None]
    return JOINT.join(known) if known else None


def keys_of(place: int | None, key: int | None, split: Keys) -> Keys:
    return () if place is None else (*split[:place], key, *split[place:])


def bounds_of(values: Sequence[MetricValue]) -> tuple[list[float | None], list[float | None]]:
    """The low and the high ends of intervals."""
    ends = [each.ci95 or None for each in values]
    return [each and each[0] for each in ends], [each and each[1] for each in ends]


def precision_of(values: Sequence[MetricValue]) -> Precision:
    is_near = any(each.precision is Precision.approximate for each in values)
    return Precision.approximate if is_near else Precision.exact
