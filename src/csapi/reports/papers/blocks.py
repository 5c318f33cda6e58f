"""What a paper is made of, before it is set: text, tables and charts, as data and never as markup.

The template draws and measures nothing itself: charts come as shares of their width and height.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

# Words that are longer may break anywhere, so that none leaves its column.
UNBROKEN, PIECE = 24, 12
BREAK = "\u200b"
# So many cells of tables take about a second to set. Beyond it tables have a few rows each.
CELLS_SET, FEW_ROWS = 40_000, 10


class Heading(msgspec.Struct, kw_only=True, tag="heading"):
    """The title of what follows; `level` 1 is that of a question."""

    level: int
    text: str


class Paragraph(msgspec.Struct, kw_only=True, tag="paragraph"):
    """A line of text. `muted`: a note."""

    text: str
    muted: bool = False


class Bullets(msgspec.Struct, kw_only=True, tag="bullets"):
    """Lines of text."""

    items: list[str]


class Column(msgspec.Struct, kw_only=True):
    """A column of a table; numbers stand at its end. `weight`: its part of the width; 0: as wide as
    what is in it."""

    label: str
    is_number: bool
    weight: int = 0


class Cell(msgspec.Struct, kw_only=True, gc=False):
    """What stands in a table. `mark`: better or worse."""

    text: str
    mark: Literal["", "better", "worse"] = ""


class Table(msgspec.Struct, kw_only=True, tag="table"):
    """`strong`: rows at the end that are of all others together."""

    columns: list[Column]
    rows: list[list[Cell]]
    strong: int = 0


class Bar(msgspec.Struct, kw_only=True, gc=False):
    """From 0 to `length`, as a share of the width; with the ends of its interval, if it has one."""

    label: str
    text: str
    length: float
    low: float | None
    high: float | None
    negative: bool


class Bars(msgspec.Struct, kw_only=True, tag="bars"):
    """A bar for each member."""

    title: str
    bars: list[Bar]


class Tick(msgspec.Struct, kw_only=True, gc=False):
    """A label at a share of an axis."""

    at: float
    text: str


class Point(msgspec.Struct, kw_only=True, gc=False):
    """A point of a line; `y` is null where there is no value."""

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None


class Line(msgspec.Struct, kw_only=True):
    """A line over time."""

    label: str
    points: list[Point]


class Lines(msgspec.Struct, kw_only=True, tag="lines"):
    """Lines with their axes."""

    title: str
    lines: list[Line]
    across: list[Tick]
    up: list[Tick]


Block = Heading | Paragraph | Bullets | Table | Bars | Lines


class Fact(msgspec.Struct, kw_only=True, gc=False):
    """What to know of the paper itself."""

    label: str
    text: str


class Paper(msgspec.Struct, kw_only=True):
    """A paper. `lang` and `direction` are those of its words. `page`: what stands before, between
    and after the numbers of a page and of the last one."""

    lang: str
    direction: Literal["ltr", "rtl"]
    title: str
    subtitle: str
    running: str
    page: list[str]
    facts: list[Fact]
    blocks: list[Block]


def breakable(text: str) -> str:
    """The text with places to break in words that are too long for a column."""
    if len(text) <= UNBROKEN:
        return text
    return " ".join(
        BREAK.join(word[at : at + PIECE] for at in range(0, len(word), PIECE))
        if len(word) > UNBROKEN
        else word
        for word in text.split(" ")
    )


def within(found: Sequence[Block], more: str) -> Iterator[Block]:
    """Blocks of a size that can be set at once; a table that is cut short is followed by `more`."""
    left = CELLS_SET
    for each in found:
        yield each
        if isinstance(each, Table):
            across, down = len(each.columns), len(each.rows)
            room = max(left // across, FEW_ROWS)
            if down > room:
                last = down - each.strong
                each.rows = [*each.rows[: room - each.strong], *each.rows[last:]]
                yield Paragraph(text=more, muted=True)
            left = max(0, left - across * len(each.rows))
