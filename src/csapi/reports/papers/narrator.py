"""Sentences over the values of a run: patterns in words, filled with pieces that say where they are
stored. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from csapi.kit.language import Language
from csapi.reports.papers import figures
from csapi.reports.papers.cells import Answered, Cell, Member, place
from csapi.reports.papers.isolation import isolated_figure, isolated_name
from csapi.reports.papers.labels import Labels
from csapi.reports.papers.schemas import SummaryFigure, SummaryName, SummarySentence
from csapi.reports.papers.words import ALL_PAPER_WORDS, filled
from csapi.reports.runs.schemas import ReportRun

Piece = SummaryFigure | SummaryName | str


class Narrator:
    """Says what is in a run, in one language."""

    def __init__(self, run: ReportRun, language: Language) -> None:
        self.run = run
        self.words = ALL_PAPER_WORDS[language]
        self.labels = Labels(run.language, language)

    def sentence(self, rule: str, **pieces: Piece | Sequence[Piece]) -> SummarySentence:
        """A list of pieces stands with slashes between them."""
        texts: dict[str, str] = {}
        used: list[Piece] = []
        for key, given in pieces.items():
            is_one = isinstance(given, str | SummaryFigure | SummaryName)
            parts = [cast("Piece", given)] if is_one else [*cast("Sequence[Piece]", given)]
            texts[key] = " / ".join(each if isinstance(each, str) else each.text for each in parts)
            used += parts
        return SummarySentence(
            rule=rule,
            text=filled(self.words.catalog.sentences[rule], texts),
            figures=[each for each in used if isinstance(each, SummaryFigure)],
            names=[each for each in used if isinstance(each, SummaryName)],
        )

    def figure(self, text: str, path: str, value: float, *, is_length: bool = False) -> Piece:
        shown = isolated_figure(text, right_to_left=self.words.is_right_to_left)
        return SummaryFigure(text=shown, value=value, at=None, pointer=path, is_length=is_length)

    def name(self, text: str, value: str | None, path: str) -> Piece:
        shown = isolated_name(text, right_to_left=self.words.is_right_to_left)
        return SummaryName(text=shown, value=value, pointer=path)

    def instant(self, value: datetime, timezone: str, path: str) -> Piece:
        text = figures.instant(value, timezone)
        shown = isolated_figure(text, right_to_left=self.words.is_right_to_left)
        return SummaryFigure(text=shown, value=None, at=value, pointer=path, is_length=False)

    def counted(self, noun: str, n: int, path: str, *, is_length: bool = False) -> Piece:
        """So many things, in the plural category of their number."""
        shown = isolated_figure(f"{n:,}", right_to_left=self.words.is_right_to_left)
        text = self.words.counted(noun, n, shown)
        return SummaryFigure(text=text, value=n, at=None, pointer=path, is_length=is_length)

    def section(self, of: Answered) -> Piece:
        return self.section_at(of.number)

    def section_at(self, number: int) -> Piece:
        section = self.run.sections[number]
        key = "name" if section.title is None else "title"
        label = section.title or section.name
        return self.name(label, label, place("sections", number, key))

    def metric(self, cell: Cell) -> Piece:
        return self.metric_of(cell.of, cell.name)

    def metric_of(self, of: Answered, name: str) -> Piece:
        column = of.answer.meta.columns[name]
        text = self.labels.metric(of.asked(name), column)
        return self.name(text, column.label, of.path + place("meta", "columns", name, "label"))

    def dimension(self, name: str, path: str) -> Piece:
        return self.name(self.labels.dimension(name), name, path)

    def word(self, text: str, value: str) -> Piece:
        """A name of the catalog that is not stored in the run."""
        shown = isolated_name(text, right_to_left=self.words.is_right_to_left)
        return SummaryName(text=shown, value=value, pointer=None)

    def problem(self, code: str, path: str) -> Piece:
        return self.name(code, code, path)

    def member(self, member: Member) -> Piece:
        label = self.labels.member(member.dimension, member.value)
        return self.name(label, member.value.label, member.path + place("label"))

    def value(self, cell: Cell) -> Piece:
        return self.number(cell, cell.value.value, "value")

    def number(self, cell: Cell, value: float | None, *rest: str) -> Piece:
        """A number in the unit of a cell, which is stored somewhere under it."""
        if value is None:
            raise AssertionError(cell.path)
        column = cell.column
        text = figures.number(value, column.unit, self.words, column.currency)
        return self.figure(text, cell.path + place(*rest), value)

    def change(self, cell: Cell, value: float, path: str) -> Piece:
        column = cell.column
        text = figures.difference(value, column.unit, self.words, column.currency)
        return self.figure(text, path, value)

    def sample(self, cell: Cell) -> Piece:
        return self.counted("sample", cell.value.n, cell.path + place("n"))

    def smaller_sample(self, cell: Cell) -> Piece:
        """The sample of the side that has fewer."""
        other = cell.compare
        if other is None or other.n >= cell.value.n:
            return self.sample(cell)
        return self.counted("sample", other.n, cell.path + place("compare", "n"))

    def minimum(self, cell: Cell) -> Piece:
        """How many observations a test takes."""
        path = cell.of.path + place("meta", "statistics", "minimum_n")
        least = cell.minimum_n
        if least is None:
            raise AssertionError(cell.path)
        return self.figure(f"{least:,}", path, least)

    def compared(self, cell: Cell) -> dict[str, Any]:
        """The pieces of a difference."""
        found = cell.compare
        if found is None or found.delta is None:
            raise AssertionError(cell.path)
        path = cell.path + place("compare")
        return {
            "against": self.words.choice("against", cell.of.against),
            "before": self.number(cell, found.value, "compare", "value"),
            "change": self.change(cell, found.delta, path + place("delta")),
        }

    def tested(self, cell: Cell) -> dict[str, Any]:
        """The pieces of a difference that is tested."""
        text = f"p {figures.probability(cell.p_value)}"
        path = cell.path + place("compare", "p_adjusted")
        return {
            "metric": self.metric(cell),
            "section": self.section(cell.of),
            "value": self.value(cell),
            "sample": self.sample(cell),
            "p": self.figure(text, path, cell.p_value),
            **self.compared(cell),
        }

    def members(self, cell: Cell) -> list[Piece]:
        return [self.member(each) for each in cell.members]

    def row(self, rule: str, cell: Cell) -> SummarySentence:
        """What is said of a row that differs."""
        return self.sentence(rule, member=self.members(cell), **self.tested(cell))
