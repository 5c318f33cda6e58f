"""Rows of NDJSON: one object per line."""

from collections.abc import Iterator
from typing import IO, Any

import msgspec

from csapi.connect.transfer.source import SHOWN_ROW_MAX, BadRow

_BOM = b"\xef\xbb\xbf"


class NdjsonRows:
    columns: list[str] | None = None

    def __init__(self, binary: IO[bytes]) -> None:
        self._binary = binary
        self.line = 0

    def rows(self) -> Iterator[tuple[int, dict[str, Any] | BadRow]]:
        for line in self._binary:
            self.line += 1
            text = line.removeprefix(_BOM) if self.line == 1 else line
            if text and not text.isspace():
                yield self.line, _parsed(text)

    def original(self, raw: Any) -> Any:
        return raw


def _parsed(line: bytes) -> dict[str, Any] | BadRow:
    try:
        parsed = msgspec.json.decode(line)
    except UnicodeDecodeError:
        return BadRow("invalid_encoding", "the line is not UTF-8 text", _shown(line))
    except (msgspec.DecodeError, RecursionError) as error:
        return BadRow("malformed_json", str(error), _shown(line))
    if not isinstance(parsed, dict):
        return BadRow("malformed_row", "the line is not a JSON object", _shown(line))
    return parsed


def _shown(line: bytes) -> str:
    return line[:SHOWN_ROW_MAX].rstrip(b"\r\n").decode("utf-8", "backslashreplace")
