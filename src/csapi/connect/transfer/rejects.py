"""The rejects file: each row or item that did not land, with the reason, as NDJSON or CSV."""

import csv
import io
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from csapi.connect.transfer.errors import ImportStoppedError


class Reject(NamedTuple):
    """One reason. `pointer` is a JSON pointer into the item; `row` the row as it was read."""

    line: int
    resource: str
    external_id: str | None
    pointer: str
    code: str
    reason: str
    row: Any


class Rejects:
    """Writes as it goes, so that an import that is killed has named what it rejected.

    A default path belongs to us: an old file there goes, and a new one appears with the first
    reject. A path that was asked for is there in the end, even if empty.
    """

    def __init__(self, path: Path, *, asked_for: bool) -> None:
        self._path = path
        self._as_csv = path.suffix.lower() == ".csv"
        self._file: BinaryIO | None = None
        self.count = 0
        if asked_for:
            self._open()
        else:
            self._guard(lambda: path.unlink(missing_ok=True))

    @property
    def written_to(self) -> str | None:
        return str(self._path) if self._file is not None else None

    def write(self, reject: Reject) -> None:
        if self._file is None:
            self._open()
        self.count += 1
        line = _csv_line(reject) if self._as_csv else _ENCODER.encode(reject._asdict()) + b"\n"
        self._put(line)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        self._file = self._guard(lambda: self._path.open("wb"))
        if self._as_csv:
            self._put(_csv_bytes(Reject._fields))

    def _put(self, line: bytes) -> None:
        file = self._file
        if file is not None:
            self._guard(lambda: file.write(line))

    def _guard(self, action: Any) -> Any:
        try:
            return action()
        except OSError as error:
            reason = error.strerror or error
            message = f"rejects file {self._path}: {reason}; name another with --rejects"
            raise ImportStoppedError(message) from None


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _csv_line(reject: Reject) -> bytes:
    row = reject.row if isinstance(reject.row, str) else _ENCODER.encode(reject.row).decode()
    return _csv_bytes([*reject[:-1], row])


def _csv_bytes(cells: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()
