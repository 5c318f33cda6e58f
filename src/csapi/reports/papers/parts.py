"""What a significant change of a whole is made of, as the run has it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from csapi.reports.change_schemas import ChangeAnswer, ChangeRow
from csapi.reports.papers.cells import Cell, Member, place
from csapi.reports.papers.narrator import Narrator
from csapi.reports.papers.schemas import SummarySentence

# From this share of a change on, one member is where to look first.
MOST_OF_IT = 0.5


@dataclass(frozen=True, slots=True)
class Part:
    """A change that is split by a dimension, and its largest contribution."""

    cell: Cell
    by: str
    change: float
    answer: ChangeAnswer
    row: ChangeRow
    explanation: str

    @property
    def path(self) -> str:
        return self.explanation + place("answer")

    @property
    def is_most(self) -> bool:
        return self.row.contribution / self.change >= MOST_OF_IT

    @property
    def has_mix(self) -> bool:
        parts = self.answer.parts
        return parts is not None and parts.rate is not None and parts.mix is not None

    def largest(self, told: Narrator, rule: str = "largest_part") -> SummarySentence:
        path = self.path + place("data", 0)
        member = Member(self.by, self.row.dimensions[self.by], path + place("dimensions", self.by))
        return told.sentence(
            rule,
            metric=told.metric(self.cell),
            change=told.change(self.cell, self.change, self.path + place("change")),
            part=told.change(self.cell, self.row.contribution, path + place("contribution")),
            member=told.member(member),
            dimension=told.dimension(self.by, self.explanation + place("by")),
        )

    def rate_and_mix(self, told: Narrator) -> SummarySentence:
        parts, path = self.answer.parts, self.path + place("parts")
        if parts is None or parts.rate is None or parts.mix is None:
            raise AssertionError(self.path)
        return told.sentence(
            "rate_and_mix",
            metric=told.metric(self.cell),
            change=told.change(self.cell, self.change, self.path + place("change")),
            dimension=told.dimension(self.by, self.explanation + place("by")),
            rate=told.change(self.cell, parts.rate, path + place("rate")),
            mix=told.change(self.cell, parts.mix, path + place("mix")),
        )


def parts_of(cell: Cell) -> Iterator[Part]:
    """The splits of a whole whose largest contribution goes the way of the change."""
    for number, each in enumerate(cell.of.section.explanations):
        answer = each.answer
        if each.metric != cell.name or answer is None or not answer.change or not answer.data:
            continue
        row = answer.data[0]
        if row.contribution / answer.change > 0:
            path = place("sections", cell.of.number, "explanations", number)
            yield Part(cell, each.by, answer.change, answer, row, path)
