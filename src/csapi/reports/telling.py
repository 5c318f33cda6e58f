"""Values as an answer tells them: with intervals, and with what they are held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from csapi.metrics.question import Asked, Places, Question, TimeGroup
from csapi.metrics.sampling import MINIMUM_N, NoInterval, interval
from csapi.metrics.statistics import LEVEL, Interval
from csapi.reports.comparing import Beside
from csapi.reports.comparison import Correction, RowPresence, StatisticsInfo
from csapi.reports.fillings import Group
from csapi.reports.ranking import Rows
from csapi.reports.schemas import MetricValue, ResultRow
from csapi.reports.shape import dimension_value, metric_value
from csapi.reports.verdicts import (
    NOTHING,
    Judge,
    Side,
    comparison,
    corrected,
    no_counterpart,
    sample_of,
)


def add_interval(asked: Asked, places: Places, group: Group, cell: MetricValue) -> None:
    """Give a value its interval."""
    cell.ci95 = cell.ci95_reason = None
    if cell.value is None:
        cell.ci95_reason = NoInterval.no_observations
    elif asked.sampling is not None:
        found: Interval | NoInterval
        if asked.has_bounds:
            found = group.percentiles[asked.name].interval or NoInterval.too_few
        else:
            found = interval(asked.sampling, asked.formula, sample_of(places, group), asked.agg)
        if isinstance(found, NoInterval):
            cell.ci95_reason = found
        else:
            cell.ci95 = list(found)


@dataclass(frozen=True, slots=True)
class Teller:
    """Values as an answer tells them, with intervals and comparisons where they are asked for."""

    question: Question
    judge: Judge | None
    with_intervals: bool

    def value(self, place: int, group: Group) -> MetricValue:
        asked, places = self.question.metrics[place], self.question.places[place]
        cell = metric_value(asked, places, group)
        if self.with_intervals:
            add_interval(asked, places, group, cell)
        return cell

    def cells(self, groups: Sequence[tuple[Group, Group | None]]) -> list[dict[str, MetricValue]]:
        """The values of groups, each with that of the other side (None: it can have none). All are
        corrected for their number."""
        found: list[dict[str, MetricValue]] = [{} for _ in groups]
        for place, asked in enumerate(self.question.metrics):
            sides = [(own, self.value(place, own)) for own, _ in groups]
            for cells, (_, cell) in zip(found, sides, strict=True):
                cells[asked.name] = cell
            if self.judge is not None:
                others = [
                    None if each is None else (each, self.value(place, each)) for _, each in groups
                ]
                self.compare(self.judge, place, sides, others)
        return found

    def compare(
        self, judge: Judge, place: int, sides: Sequence[Side], others: Sequence[Side | None]
    ) -> None:
        """Give every value of a metric its comparison."""
        asked, places = self.question.metrics[place], self.question.places[place]
        assessed = [
            NOTHING if other is None else judge.pair(asked, places, own, other)
            for own, other in zip(sides, others, strict=True)
        ]
        adjusted = corrected(assessed)
        for (_, cell), other, each, p_value in zip(sides, others, assessed, adjusted, strict=True):
            if other is None:
                cell.compare = no_counterpart(asked, with_intervals=self.with_intervals)
            else:
                cell.compare = comparison(asked, other[1], each, p_value)

    def one(self, own: Group, other: Group | None) -> dict[str, MetricValue]:
        """The values of a group that stands alone, over the whole range: totals, other."""
        whole = replace(own, keys=()), None if other is None else replace(other, keys=())
        return self.cells([whole])[0]

    def paired(self, groups: Sequence[Group]) -> list[tuple[Group, Group | None]]:
        """Groups, each with the one that is held against it."""
        if self.judge is None:
            return [(group, None) for group in groups]
        beside = self.judge.beside
        found: list[tuple[Group, Group | None]] = []
        for group in groups:
            theirs = beside.paired.theirs(group.keys)
            other = None
            if theirs is not None:
                nothing = beside.reading.nothing(beside.target.question, theirs)
                other = beside.groups.get(group.keys) or nothing
            found.append((group, other))
        return found


def add_sides(
    rows: Rows, beside: Beside, groups: Sequence[Group], shown: Sequence[ResultRow]
) -> None:
    """Say of rows which sides have them, and which time buckets they are compared with."""
    own = {group.keys for group in rows.reading.groups}
    question, other = rows.question, beside.target.question
    times = [n for n, each in enumerate(question.groups) if isinstance(each, TimeGroup)]
    is_dense = len(times) == len(question.groups)
    for group, row in zip(groups, shown, strict=True):
        theirs = beside.paired.theirs(group.keys)
        row.compare_dimensions = {}
        if theirs is None:
            row.presence = RowPresence.unmatched
            continue
        row.presence = RowPresence.both
        if not is_dense and group.keys not in own:
            row.presence = RowPresence.gone
        elif not is_dense and group.keys not in beside.groups:
            row.presence = RowPresence.new
        row.compare_dimensions = {
            other.groups[n].id: dimension_value(other.groups[n], theirs[n], beside.reading)
            for n in times
        }


def statistics_info(question: Question) -> StatisticsInfo:
    """How the intervals and tests of an answer are made."""
    return StatisticsInfo(
        level=LEVEL,
        minimum_n=MINIMUM_N,
        correction=Correction.holm,
        samples={
            asked.name: None if asked.sampling is None else asked.sampling.kind
            for asked in question.metrics
        },
        tests={},
    )


def tests_in(rows: Sequence[Mapping[str, MetricValue]]) -> dict[str, int]:
    """Of each metric, in how many rows its difference is tested."""
    found: dict[str, int] = {}
    for row in rows:
        for name, cell in row.items():
            if cell.compare is not UNSET:
                found[name] = found.get(name, 0) + (cell.compare.p_value is not None)
    return found
