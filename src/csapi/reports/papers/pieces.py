"""Pieces of papers: numbers, names, tables of values and charts, in one language. Pure."""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import UNSET

from csapi.kit.language import Language
from csapi.metrics.metric import Unit
from csapi.reports.comparison import Comparison, Verdict
from csapi.reports.papers import blocks, figures
from csapi.reports.papers.isolation import isolated_figure, isolated_name, plain
from csapi.reports.papers.words import ALL_PAPER_WORDS
from csapi.reports.schemas import ColumnInfo, MetricValue

DASH = "\u2013"
MARKS: dict[Verdict, Literal["better", "worse"]] = {
    Verdict.improved: "better",
    Verdict.worsened: "worse",
}
# So many bars and lines of a chart; labels along an axis.
BARS_SHOWN, LINES_SHOWN, LABELS_SHOWN = 15, 4, 6
# A line of more points would be a smear: there is none.
POINTS_SHOWN = 400
NAME_SHOWN = 40
Numbers = Sequence[float | None]


class Setter:
    """Writes what stands in a paper."""

    def __init__(self, language: Language) -> None:
        self.words = ALL_PAPER_WORDS[language]
        self.is_right_to_left = self.words.is_right_to_left

    def name(self, text: str) -> str:
        return blocks.breakable(isolated_name(text, right_to_left=self.is_right_to_left))

    def short_name(self, text: str) -> str:
        """The same beside a chart, where a long name has no room."""
        name = plain(text)
        return self.name(name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}\u2026")

    def figure(self, text: str) -> str:
        return isolated_figure(text, right_to_left=self.is_right_to_left)

    def number(self, value: float | None, column: ColumnInfo) -> str:
        if value is None:
            return DASH
        return self.figure(figures.number(value, column.unit, self.words, column.currency))

    def difference(self, value: float | None, column: ColumnInfo) -> str:
        if value is None:
            return DASH
        return self.figure(figures.difference(value, column.unit, self.words, column.currency))

    def interval(self, value: MetricValue, column: ColumnInfo) -> str:
        if not value.ci95:
            return ""
        low, high = (
            figures.number(each, column.unit, self.words, column.currency) for each in value.ci95
        )
        return self.figure(f"{low} {DASH} {high}")

    def count(self, value: int | None) -> str:
        return DASH if value is None else self.figure(f"{value:,}")

    def probability(self, value: float | None) -> str:
        text = "" if value is None else figures.probability(value).removeprefix("= ")
        return self.figure(text) if text else text

    def instant(self, value: datetime, timezone: str) -> str:
        return self.figure(figures.instant(value, timezone))

    def range(self, start: datetime, end: datetime, timezone: str) -> str:
        ends = figures.instant(start, timezone), figures.instant(end, timezone)
        return self.figure(f"{ends[0]} {DASH} {ends[1]}")

    def verdict(self, compare: Comparison | None) -> blocks.Cell:
        if compare is None or compare.delta is None:
            return blocks.Cell(text="")
        known = "none" if compare.verdict is None else compare.verdict.value
        return marked(self.words.choice("verdict", known), compare)

    def text(self, term: str) -> str:
        return self.words.term(term)


def compare_of(value: MetricValue) -> Comparison | None:
    return None if value.compare is UNSET else value.compare


def marked(text: str, compare: Comparison | None) -> blocks.Cell:
    """A text that says by its color what the difference means."""
    verdict = None if compare is None else compare.verdict
    return blocks.Cell(text=text, mark="" if verdict is None else MARKS.get(verdict, ""))


def plain_cells(*texts: str) -> list[blocks.Cell]:
    return [blocks.Cell(text=each) for each in texts]


def nice_top(largest: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return next((step * power for step in (1, 2, 2.5, 5, 10) if step * power >= largest), largest)


def scale_of(values: Iterable[float | None], unit: Unit) -> tuple[float, float]:
    """The ends of an axis: with 0 in it, and shares up to 1 where they come near."""
    known = [each for each in values if each is not None]
    high, low = max([0.0, *known]), min([0.0, *known])
    if unit is Unit.SHARE and 0.5 < high <= 1 and low == 0:
        return 0.0, 1.0
    return (-nice_top(-low) if low < 0 else 0.0), (nice_top(high) if high > 0 or low == 0 else 0.0)


def bars(
    setter: Setter,
    title: str,
    labels: Sequence[str],
    values: Sequence[MetricValue],
    column: ColumnInfo,
) -> blocks.Bars | None:
    """The first members with a value as bars; None where fewer than two have one."""
    pairs = [
        (label, each)
        for label, each in zip(labels, values, strict=True)
        if each.value is not None and math.isfinite(each.value)
    ][:BARS_SHOWN]
    sizes = [abs(each.value or 0) for _, each in pairs]
    if len(pairs) < 2 or max(sizes) == 0:
        return None
    tops = [abs(end) for _, each in pairs for end in (each.ci95 or ())]
    widest = max([*sizes, *tops])
    drawn = []
    for label, each in pairs:
        value = each.value or 0.0
        low = high = None
        if each.ci95 and value >= 0 <= each.ci95[0]:
            low, high = each.ci95[0] / widest, each.ci95[1] / widest
        drawn.append(
            blocks.Bar(
                label=label,
                text=setter.number(value, column),
                length=abs(value) / widest,
                low=low,
                high=high,
                negative=value < 0,
            )
        )
    return blocks.Bars(title=title, bars=drawn)


class Drawn:
    """What one line of a chart is drawn from."""

    def __init__(
        self, label: str, values: Numbers, low: Numbers | None = None, high: Numbers | None = None
    ) -> None:
        self.label, self.values = label, values
        none: Numbers = [None] * len(values)
        self.low, self.high = low or none, high or none


def lines(
    setter: Setter, title: str, labels: Sequence[str], drawn: Sequence[Drawn], column: ColumnInfo
) -> blocks.Lines | None:
    """Values over time; None where fewer than two are known, or more than can be seen."""
    drawn = drawn[:LINES_SHOWN]
    size = len(labels)
    known = [each for line in drawn for each in (*line.values, *line.low, *line.high)]
    if (
        not 2 <= size <= POINTS_SHOWN
        or sum(each is not None for line in drawn for each in line.values) < 2
    ):
        return None
    low, high = scale_of(known, column.unit)
    span = high - low

    def share(value: float | None) -> float | None:
        return None if value is None else (value - low) / span

    step = max(1, math.ceil(size / LABELS_SHOWN))
    middle = (low + high) / 2
    return blocks.Lines(
        title=title,
        lines=[
            blocks.Line(
                label=each.label,
                points=[
                    blocks.Point(
                        x=place / (size - 1),
                        y=share(each.values[place]),
                        low=share(each.low[place]),
                        high=share(each.high[place]),
                    )
                    for place in range(size)
                ],
            )
            for each in drawn
        ],
        across=[
            blocks.Tick(at=place / (size - 1), text=labels[place]) for place in range(0, size, step)
        ],
        up=[
            blocks.Tick(at=(at - low) / span, text=setter.number(at, column))
            for at in (low, middle, high)
        ],
    )
