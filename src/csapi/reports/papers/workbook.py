"""Spreadsheets: sheets of cells as a file that spreadsheets open. Blocking.

Texts are written as texts: nothing of a tenant becomes a formula, whatever it starts with.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from csapi.kit.problems import Problem

# Of one file: a few seconds of work.
MOST_CELLS = 200_000
NAME_LENGTH, TEXT_LENGTH = 31, 32_767
FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
DAY_SECONDS = 86_400
# What spreadsheets count days from.
FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - the clock of the wall


class Form(StrEnum):
    """How a number is shown."""

    plain = "plain"
    whole = "whole"
    share = "share"
    duration = "duration"
    seconds = "seconds"
    money = "money"
    instant = "instant"


FORMS = {
    Form.plain: "General",
    Form.whole: "#,##0",
    Form.share: "0.0%",
    Form.duration: "[h]:mm:ss",
    Form.seconds: '#,##0.0 "s"',
    Form.money: "#,##0.00",
    Form.instant: "yyyy-mm-dd hh:mm:ss",
}


class Number(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A number as a spreadsheet has it, and how it is shown."""

    value: float
    form: Form


Cell = Number | str | bool | int | float | None


class Sheet(msgspec.Struct, frozen=True):
    """A sheet: a header, and rows of cells."""

    name: str
    header: Sequence[str]
    rows: list[list[Cell]]


def numbered(value: Any, form: Form) -> Any:
    """A number in its form; spreadsheets count times in days. What is no number stays."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    return Number(value / DAY_SECONDS if form is Form.duration else value, form)


def sheet(name: str, header: Sequence[str], rows: Iterable[Iterable[Any]], timezone: str) -> Sheet:
    """A sheet of numbers, flags, texts and instants, those by the clock of a zone."""
    zone = ZoneInfo(timezone)
    return Sheet(name, header, [[celled(each, zone) for each in row] for row in rows])


def celled(value: Any, zone: ZoneInfo) -> Cell:
    if isinstance(value, datetime):
        local = value.astimezone(zone).replace(tzinfo=None) - FIRST_DAY
        return Number(local.total_seconds() / DAY_SECONDS, Form.instant)
    if value is None or isinstance(value, Number | bool | int | float):
        return value
    return str(value)[:TEXT_LENGTH]


def checked(sheets: list[Sheet]) -> list[Sheet]:
    """Raises Problem where the file would be too large."""
    cells = sum(len(each.header) * (len(each.rows) + 1) for each in sheets)
    if cells > MOST_CELLS:
        message = f"The file would have more than {MOST_CELLS:,} cells: read the sections as CSV."
        raise Problem("range_too_long", message)
    return sheets


def sheet_name(number: int, name: str) -> str:
    """A name that spreadsheets take, and that is unique through its number."""
    clean = " ".join("".join(each for each in name if each.isprintable()).split())
    return f"{number} {clean.translate(FORBIDDEN)}"[:NAME_LENGTH].rstrip()


def workbook(sheets: Sequence[Sheet], made_at: datetime, *, right_to_left: bool) -> bytes:
    """The file; the same bytes for the same sheets and time."""
    import xlsxwriter  # noqa: PLC0415 - it takes a tenth of a second to import

    content = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(content, options)
    book.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
    forms = {form: book.add_format({"num_format": text}) for form, text in FORMS.items()}
    strong = book.add_format({"bold": True})
    for each in sheets:
        page = book.add_worksheet(each.name)
        if right_to_left:
            page.right_to_left()
        page.freeze_panes(1, 0)
        page.set_column(0, max(len(each.header) - 1, 0), 16)
        for across, text in enumerate(each.header):
            page.write_string(0, across, text, strong)
        for down, row in enumerate(each.rows, start=1):
            for across, value in enumerate(row):
                write(page, down, across, value, forms)
    book.close()
    return content.getvalue()


def write(page: Any, down: int, across: int, value: Cell, forms: Any) -> None:
    if isinstance(value, Number):
        page.write_number(down, across, value.value, forms[value.form])
    elif isinstance(value, bool):
        page.write_boolean(down, across, value)
    elif isinstance(value, int | float):
        page.write_number(down, across, value)
    elif value is not None:
        page.write_string(down, across, value)
