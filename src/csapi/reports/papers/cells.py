"""The values of a run, each with the place where it is stored. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET

from csapi.metrics.catalog import METRICS
from csapi.reports.comparison import Comparison, Verdict, VerdictReason
from csapi.reports.layouts import DimensionValue
from csapi.reports.runs.schemas import ReportRun, RunSection
from csapi.reports.schemas import ColumnInfo, MetricRequest, MetricValue, QueryAnswer

BY_PEOPLE = {"agent", "team", "owner_agent", "owner_team"}


def place(*parts: str | int) -> str:
    """A JSON pointer, however long its parts are."""
    return "".join("/" + str(each).replace("~", "~0").replace("/", "~1") for each in parts)


@dataclass(frozen=True, slots=True)
class Answered:
    """A section with its answer, and where that is."""

    number: int
    section: RunSection
    answer: QueryAnswer

    @property
    def path(self) -> str:
        return place("sections", self.number, "answer")

    def asked(self, name: str) -> MetricRequest:
        """The metric of that name, as it was asked for."""
        metrics = self.section.query.metrics
        return next(each for each in metrics if name == (each.as_ or each.id))

    @property
    def against(self) -> str:
        """What its values are held against."""
        compare = self.section.query.compare
        if compare is None:
            raise AssertionError(self.section.name)
        return compare.to.value

    @property
    def is_by_people(self) -> bool:
        return not BY_PEOPLE.isdisjoint(self.section.query.dimensions)


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a dimension, and where it is."""

    dimension: str
    value: DimensionValue
    path: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A value. members: of which row; none: of the whole range."""

    of: Answered
    asked: MetricRequest
    value: MetricValue
    path: str
    members: tuple[Member, ...] = ()

    @property
    def name(self) -> str:
        return self.asked.as_ or self.asked.id

    @property
    def column(self) -> ColumnInfo:
        return self.of.answer.meta.columns[self.name]

    @property
    def compare(self) -> Comparison | None:
        return None if self.value.compare is UNSET else self.value.compare

    @property
    def verdict(self) -> Verdict | None:
        """What is beyond chance; None where nothing is."""
        found = self.compare
        return found.verdict if found is not None and found.significant else None

    @property
    def p_value(self) -> float:
        found = self.compare
        return 1.0 if found is None or found.p_adjusted is None else found.p_adjusted

    @property
    def is_count(self) -> bool:
        """Whether the value says itself how many it is made of."""
        metric = METRICS.get(self.asked.id)
        is_sum = metric is not None and self.value.denominator is None
        return self.asked.agg == "count" or is_sum

    @property
    def minimum_n(self) -> int | None:
        """The smallest sample that is tested; None where the value is no sample."""
        found = self.of.answer.meta.statistics
        if found is UNSET or found.samples.get(self.name) is None or self.is_count:
            return None
        return found.minimum_n

    @property
    def has_few_on_a_side(self) -> bool:
        """Whether a side of its comparison has too few for a test."""
        minimum, other = self.minimum_n, self.compare
        if minimum is None or other is None or other.verdict_reason is not VerdictReason.too_few:
            return False
        return min(self.value.n, other.n) < minimum

    @property
    def is_few(self) -> bool:
        minimum = self.minimum_n
        return minimum is not None and self.value.value is not None and self.value.n < minimum


def answered(run: ReportRun) -> Iterator[Answered]:
    for number, section in enumerate(run.sections):
        if section.answer is not None:
            yield Answered(number, section, section.answer)


def cells_of(
    of: Answered, metrics: dict[str, MetricValue], path: str, members: tuple[Member, ...] = ()
) -> Iterator[Cell]:
    for asked in of.section.query.metrics:
        name = asked.as_ or asked.id
        value = metrics.get(name)
        if value is not None:
            yield Cell(of, asked, value, path + place(name), members)


def wholes(of: Answered) -> Iterator[Cell]:
    """The values over the whole range, if the answer has them."""
    answer = of.answer
    if answer.totals is not None:
        yield from cells_of(of, answer.totals, of.path + place("totals"))
    elif not of.section.query.dimensions and answer.data:
        path = of.path + place("data", 0, "metrics")
        yield from cells_of(of, answer.data[0].metrics, path)


def row_cells(of: Answered) -> Iterator[Cell]:
    """The values of rows."""
    if not of.section.query.dimensions:
        return
    for number, row in enumerate(of.answer.data):
        path = of.path + place("data", number)
        members = tuple(
            Member(name, value, path + place("dimensions", name))
            for name, value in row.dimensions.items()
        )
        yield from cells_of(of, row.metrics, path + place("metrics"), members)
