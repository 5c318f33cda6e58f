"""What a file is written from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """Bytes of the file. A header and what is said at the end are no rows."""

    content: bytes
    is_row: bool = True


async def nothing() -> AsyncIterator[Line]:
    """No lines."""
    empty: tuple[Line, ...] = ()
    for line in empty:
        yield line


@dataclass(slots=True)
class Source:
    """The lines, and how many of them are rows: None where nobody knows yet, and an estimate while
    an answer is read in pieces. most_bytes: how large the file may be, if not as large as any."""

    rows: int | None
    lines: AsyncIterator[Line] = field(default_factory=nothing)
    most_bytes: int | None = None
