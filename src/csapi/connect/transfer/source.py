"""Opens an input file, gzip or not, and knows how far it has been read."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from csapi.connect.transfer.errors import ImportStoppedError

_GZIP = b"\x1f\x8b"
SHOWN_ROW_MAX = 65_536


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read as one. `text` is what is in the file."""

    code: str
    reason: str
    text: str


class Source(Protocol):
    """Rows as they are read, with the number of the line on which they start."""

    columns: list[str] | None
    line: int

    def rows(self) -> Iterator[tuple[int, Any]]: ...

    def original(self, raw: Any) -> Any:
        """The row for the rejects file."""


class InputFile:
    """A file on disk. `position` and `size` are in bytes as stored, for progress."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._raw: IO[bytes] = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise ImportStoppedError(f"{path}: {error.strerror or error}") from None
        try:
            start = self._raw.read(2)
            self._raw.seek(0)
        except OSError as error:
            self._raw.close()
            raise ImportStoppedError(f"{path}: {error.strerror or error}") from None
        self.binary: IO[bytes] = self._raw
        if start == _GZIP:
            self.binary = cast(IO[bytes], gzip.GzipFile(fileobj=self._raw))

    @property
    def position(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self.binary.close()
        self._raw.close()

    @contextmanager
    def guard(self, line: Callable[[], int]) -> Iterator[None]:
        """What the disk and gzip can raise, as one clear line. `line`: how far it was read."""
        try:
            yield
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            message = f"{self._path}: the gzip data is damaged after line {line():,}: {error}"
            raise ImportStoppedError(message) from None
        except OSError as error:
            message = f"{self._path}: {error.strerror or error}, after line {line():,}"
            raise ImportStoppedError(message) from None
