"""Rows of CSV and TSV. A row that cannot be read is named by its line; the next one is read."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any, TypedDict

from csapi.connect.mapping.inputs import InputFormat
from csapi.connect.transfer.errors import ImportStoppedError
from csapi.connect.transfer.source import SHOWN_ROW_MAX, BadRow

FIELD_MAX = 1 << 20
_KEEP_BAD_BYTES = "csapi-keep-bad-bytes"
_SURROGATES = 0xDC00
_LIKE_ROWS = 0.9


def _keep_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no text become lone surrogates: the row is found and named later."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(_SURROGATES + byte) for byte in bad), error.end


codecs.register_error(_KEEP_BAD_BYTES, _keep_bad_bytes)


class _Dialect(TypedDict):
    delimiter: str
    quotechar: str | None
    quoting: Any
    escapechar: str | None
    strict: bool


class CsvRows:
    def __init__(self, binary: IO[bytes], spec: InputFormat, *, tabs: bool) -> None:
        csv.field_size_limit(FIELD_MAX)
        self._dialect = _Dialect(
            delimiter=spec.delimiter or ("\t" if tabs else ","),
            quotechar=spec.quote or None,
            quoting=csv.QUOTE_MINIMAL if spec.quote else csv.QUOTE_NONE,
            escapechar=spec.escape or None,
            # Not strict, the csv module reads `"a"b` as `ab` and drops what it cannot explain.
            strict=True,
        )
        # Only \n ends a line, so that a bare \r is found instead of splitting a row in silence.
        self._text = io.TextIOWrapper(
            binary, encoding=spec.encoding, errors=_KEEP_BAD_BYTES, newline="\n"
        )
        self._spaced = spec.spaced
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self.line = 0
        for _ in islice(self._text, spec.skip_lines):
            self.line += 1
        self._records = self._all_records()
        self.columns: list[str] | None = self._names(spec)

    def rows(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        return self._records

    def original(self, raw: Any) -> dict[str, str]:
        return dict(zip(self.columns or (), raw, strict=True))

    def _names(self, spec: InputFormat) -> list[str]:
        if not spec.header:
            self._width = len(spec.columns)
            return spec.columns
        self._width = 0
        line, first = next(self._records, (0, None))
        if first is None:
            raise ImportStoppedError("the file is empty: not even a header")
        if isinstance(first, BadRow):
            raise ImportStoppedError(f"line {line}, the header: {first.reason}")
        header = [name.strip() for name in first]
        if spec.columns and len(spec.columns) != len(header):
            message = f"input.columns has {len(spec.columns)} names, the header has {len(header)}"
            raise ImportStoppedError(message)
        self._width = len(header)
        return spec.columns or header

    def _feed(self) -> Iterator[str]:
        taken, again, text, spaced = self._taken, self._again, self._text, self._spaced
        while True:
            if again:
                line = again.popleft()
            else:
                line = text.readline()
                if not line:
                    return
            taken.append(line)
            yield _spaced(line) if spaced and "\r" in line else line

    def _all_records(self) -> Iterator[tuple[int, list[str] | BadRow]]:
        taken = self._taken
        while True:
            for cells in self._good_records():
                yield self.line + 1, cells
                self.line += len(taken)
                taken.clear()
            if not taken:
                return
            count = 1 if self._has_stray_quote() else len(taken)
            yield self.line + 1, self._refused(count)
            self.line += count
            self._again.extendleft(reversed(taken[count:]))
            taken.clear()

    def _has_stray_quote(self) -> bool:
        """Whether the lines after the first of a malformed record look like rows of their own.

        Then a quote in the first line was not meant to open anything, and must not eat them.
        """
        quote, delimiter = self._dialect["quotechar"], self._dialect["delimiter"]
        if self._why[0] != "malformed_row" or quote is None or len(self._taken) == 1:
            return False
        following = self._taken[1:]
        at = following[-1].find(quote)
        if at > 0 and following[-1][at - 1] != delimiter:
            return False
        whole = following[:-1] if at >= 0 else following
        fitting = sum(line.count(delimiter) == self._width - 1 for line in whole)
        return fitting >= len(whole) * _LIKE_ROWS

    def _good_records(self) -> Iterator[list[str] | BadRow]:
        """Records until one is malformed: then its lines, and nothing else, are in _taken."""
        taken = self._taken
        self._why = ("", "")
        reader = csv.reader(self._feed(), **self._dialect)
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self._why = self._reason(str(error))
                return
            if cells is None:
                return
            if not cells:
                self.line += len(taken)
                taken.clear()
                continue
            if len(cells) != self._width and self._width:
                names = "column" if len(cells) == 1 else "columns"
                reason = f"{len(cells)} {names} where the header has {self._width}"
                self._why = ("column_count", reason)
                return
            if bad := self._unclean():
                yield bad
            else:
                yield cells

    def _unclean(self) -> BadRow | None:
        for line in self._taken:
            if "\0" in line:
                reason = "the row contains the character U+0000"
                return BadRow("nul_character", reason, self._shown(self._taken))
            if not line.isascii() and (bad := _bad_bytes(line)):
                reason = f"the bytes {bad} are not {self._text.encoding} text"
                return BadRow("invalid_encoding", reason, self._shown(self._taken))
        return None

    def _refused(self, count: int) -> BadRow:
        code, reason = self._why
        if count == 1 and (bad := self._unclean()):
            return bad
        if count > 1:
            reason += f" (lines {self.line + 1:,} to {self.line + count:,})"
        return BadRow(code, reason, self._shown(self._taken[:count]))

    def _reason(self, error: str) -> tuple[str, str]:
        if "new-line character" in error:
            return "bare_carriage_return", "a carriage return stands alone inside the row"
        if "unexpected end" in error:
            return "malformed_row", "a quote is opened and never closed"
        if "field limit" in error:
            return (
                "malformed_row",
                f"a field of more than {FIELD_MAX:,} characters, or a stray quote",
            )
        if "expected after" in error:
            return (
                "malformed_row",
                "text after a closing quote; a quote inside a field is written twice",
            )
        return "malformed_row", error

    @staticmethod
    def _shown(lines: list[str]) -> str:
        text = "".join(lines).removesuffix("\n").removesuffix("\r")
        return text[:SHOWN_ROW_MAX].encode("utf-8", "backslashreplace").decode()


def _spaced(line: str) -> str:
    body = line.rstrip("\r\n")
    return body.replace("\r", " ") + line[len(body) :]


def _bad_bytes(line: str) -> str:
    try:
        line.encode()
    except UnicodeEncodeError:
        codes = [ord(char) - _SURROGATES for char in line if 0xDC00 <= ord(char) <= 0xDFFF]
        return " ".join(f"0x{code:02X}" for code in codes[:4])
    return ""
