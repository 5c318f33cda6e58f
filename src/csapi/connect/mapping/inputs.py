"""The [input] table: how to read the file before any value is looked at."""

import codecs
from dataclasses import dataclass

from csapi.connect.mapping.errors import MappingError
from csapi.connect.mapping.table import Table

FORMATS = ("csv", "tsv", "ndjson")
_CSV_KEYS = (
    "delimiter",
    "quote",
    "escape",
    "header",
    "columns",
    "skip_lines",
    "carriage_returns",
)
_SUFFIXES = {
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "jsonlines": "ndjson",
}


@dataclass(frozen=True, slots=True)
class InputFormat:
    """`format` is None where the file name has to tell. `spaced`: a bare \\r is read as a space."""

    format: str | None
    encoding: str
    delimiter: str | None
    quote: str
    escape: str
    header: bool
    columns: list[str]
    skip_lines: int
    spaced: bool

    def format_for(self, file_name: str) -> str:
        if self.format is not None:
            return self.format
        return _SUFFIXES.get(file_name.lower().removesuffix(".gz").rpartition(".")[2], "csv")


def read_input_format(data: object) -> InputFormat:
    table = Table(data, "input", ("format", "encoding", *_CSV_KEYS))
    given = table.choice("format", FORMATS, "csv") if "format" in table else None
    if given == "ndjson":
        for key in _CSV_KEYS:
            if key in table:
                raise table.error(key, "does not go with format = 'ndjson'")
    columns = table.texts("columns")
    header = table.flag("header", default=True)
    if not header and not columns:
        raise table.error("header", "header = false needs the names of the columns in columns")
    skip_lines = table.whole("skip_lines", 0)
    if skip_lines < 0:
        raise table.error("skip_lines", "needs 0 or more")
    if "delimiter" in table and table.data["delimiter"] in (table.data.get("quote"), ""):
        raise table.error("delimiter", "must differ from quote")
    return InputFormat(
        format=given,
        encoding=_encoding(table, given),
        delimiter=_character(table, "delimiter") if "delimiter" in table else None,
        quote=_character(table, "quote", '"'),
        escape=_character(table, "escape"),
        header=header,
        columns=columns,
        skip_lines=skip_lines,
        spaced=table.choice("carriage_returns", ("reject", "space"), "reject") == "space",
    )


def _encoding(table: Table, given: str | None) -> str:
    name = table.text("encoding", "utf-8")
    try:
        "".encode(name)
        codec = codecs.lookup(name).name
    except LookupError:
        message = f"{name!r} is not a known encoding such as utf-8, utf-16, cp1252 or latin-1"
        raise MappingError(table.at("encoding"), message, name) from None
    if given == "ndjson" and codec != "utf-8":
        raise table.error("encoding", "NDJSON is always utf-8")
    return "utf-8-sig" if codec == "utf-8" else codec


def _character(table: Table, key: str, default: str = "") -> str:
    value = table.text(key, default)
    if len(value) > 1 or (key == "delimiter" and not value):
        raise table.error(key, f"needs one character, not {value!r}")
    if value in ("\n", "\r"):
        raise table.error(key, "cannot be a line end")
    return value
