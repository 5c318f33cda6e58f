"""Runs and evaluations as spreadsheets, read back."""

import csv
import io
import json
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client
from tests.reports.evaluating import MARCH, id_of, one, push_agents
from tests.reports.printed import HOSTILE, path_of

from csapi.kit.language import Language
from csapi.kit.problems import Problem
from csapi.reports.papers import workbook
from csapi.reports.papers.encoders import XLSX
from csapi.reports.papers.making import run_order
from csapi.reports.papers.press import made

SPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
LETTERS = re.compile(r"([A-Z]+)(\d+)")


def place(reference: str) -> tuple[int, int]:
    letters, row = LETTERS.fullmatch(reference).groups()  # type: ignore[union-attr]
    column = 0
    for each in letters:
        column = column * 26 + ord(each) - 64
    return int(row) - 1, column - 1


class Book:
    """Sheets by name: lists of rows, numbers as floats; and what the file says besides."""

    def __init__(self, content: bytes) -> None:
        self.files = zipfile.ZipFile(io.BytesIO(content))
        assert self.files.testzip() is None
        strings = [
            "".join(node.itertext())
            for node in self.xml("xl/sharedStrings.xml").findall("m:si", SPACE)
        ]
        names = [
            each.attrib["name"]
            for each in self.xml("xl/workbook.xml").iterfind(".//m:sheet", SPACE)
        ]
        self.pages = {
            name: self.xml(f"xl/worksheets/sheet{number}.xml")
            for number, name in enumerate(names, start=1)
        }
        self.sheets = {name: rows_of(page, strings) for name, page in self.pages.items()}

    def xml(self, name: str) -> ET.Element:
        return ET.fromstring(self.files.read(name))  # noqa: S314 - we have written it

    def formats(self, name: str) -> list[str]:
        """The number format of each column, as its second row has it."""
        styles = self.xml("xl/styles.xml")
        codes = {
            each.attrib["numFmtId"]: each.attrib["formatCode"]
            for each in styles.iterfind(".//m:numFmt", SPACE)
        }
        shapes = [each.attrib["numFmtId"] for each in styles.findall("m:cellXfs/m:xf", SPACE)]
        rows = self.pages[name].findall(".//m:row", SPACE)
        return [
            codes.get(shapes[int(cell.attrib.get("s", "0"))], "General")
            for cell in rows[1].findall("m:c", SPACE)
        ]


def rows_of(page: ET.Element, strings: list[str]) -> list[list[Any]]:
    cells: dict[tuple[int, int], Any] = {}
    for cell in page.iterfind(".//m:c", SPACE):
        value = cell.find("m:v", SPACE)
        if value is None or value.text is None:
            continue
        text = value.text
        found: Any = float(text)
        if cell.attrib.get("t") == "s":
            found = strings[int(text)]
        elif cell.attrib.get("t") == "b":
            found = text == "1"
        cells[place(cell.attrib["r"])] = found
    height = max(row for row, _ in cells) + 1
    width = max(column for _, column in cells) + 1
    return [[cells.get((row, column)) for column in range(width)] for row in range(height)]


def book_of(printing: Tenant, path: str, **params: Any) -> Book:
    answer = printing.http.get(path, params=params, headers={"accept": XLSX})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == XLSX
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    return Book(answer.content)


def file_of(run: dict[str, Any], language: Language) -> bytes:
    return made(run_order(json.dumps(run), language, HOSTILE[3], XLSX))


def test_a_run_is_a_workbook(printing: Tenant, run: dict[str, Any]) -> None:
    book = book_of(printing, path_of(run))
    names = [each["name"] for each in run["sections"] if each["answer"] is not None]
    assert list(book.sheets) == [
        "meta", "summary", *(f"{n} {name}" for n, name in enumerate(names, start=1)),
    ]  # fmt: skip
    meta = {(row[0], row[1], row[2]): row[3] for row in book.sheets["meta"]}
    assert meta["run", None, "id"] == run["id"]
    assert meta["by_agent", "csat_score", "definition"]
    assert meta["gone", None, "problem"] == "unknown_metric"
    assert meta["by_agent", None, "exact"] is True or meta["by_agent", None, "exact"] is False


def test_sheets_have_the_columns_and_numbers_of_csv(printing: Tenant, run: dict[str, Any]) -> None:
    book = book_of(printing, path_of(run))
    for number, name in ((1, "whole"), (2, "by_agent"), (3, "agents_alone"), (4, "days")):
        table = printing.http.get(f"{path_of(run)}/sections/{name}", headers={"accept": "text/csv"})
        rows = list(csv.reader(io.StringIO(table.text)))
        sheet = book.sheets[f"{number} {name}"]
        assert sheet[0] == rows[0]
        assert len(sheet) == len(rows)
        for line, expected in zip(sheet[1:], rows[1:], strict=True):
            for header, cell, text in zip(rows[0], line, expected, strict=True):
                if isinstance(cell, float) and not header.endswith((".start", ".end")):
                    assert cell == pytest.approx(float(text))
                elif cell is None:
                    assert text in ("", "false") or header.endswith(("significant",))
                elif isinstance(cell, str) and header != "agent.label":
                    assert text.removeprefix("'") == cell.removeprefix("'")


def test_numbers_have_formats(printing: Tenant, run: dict[str, Any]) -> None:
    book = book_of(printing, path_of(run))
    whole, speed = book.sheets["1 whole"], book.sheets["8 speed"]
    assert book.formats("1 whole")[2] == "0.0%"
    assert 0 < whole[1][whole[0].index("csat_score")] < 1
    assert "[h]:mm:ss" in book.formats("8 speed")
    shown = speed[1][speed[0].index("first_response_time")] * 86_400
    stored = run["sections"][7]["answer"]["data"][0]["metrics"]["first_response_time"]["value"]
    assert shown == pytest.approx(stored)


def test_nothing_of_a_tenant_is_a_formula(printing: Tenant, run: dict[str, Any]) -> None:
    book = book_of(printing, path_of(run))
    for name, page in book.pages.items():
        assert not list(page.iterfind(".//m:f", SPACE)), name
        assert not list(page.iterfind(".//m:hyperlink", SPACE)), name
    labels = {row[3] for row in book.sheets["2 by_agent"]}
    assert HOSTILE[1] in labels
    assert HOSTILE[0] in labels


def test_sheets_of_arabic_run_from_the_right_and_bytes_are_the_same(run: dict[str, Any]) -> None:
    found = file_of(run, Language.ar)
    assert found == file_of(run, Language.ar)
    for page in Book(found).pages.values():
        (view,) = page.iterfind(".//m:sheetView", SPACE)
        assert view.attrib["rightToLeft"] == "1"
    english = Book(file_of(run, Language.en))
    for page in english.pages.values():
        (view,) = page.iterfind(".//m:sheetView", SPACE)
        assert "rightToLeft" not in view.attrib


def test_a_file_that_would_be_too_large_is_refused(
    run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 100)
    with pytest.raises(Problem) as refused:
        file_of(run, Language.en)
    assert refused.value.code == "range_too_long"


@pytest.mark.parametrize("name", ["a/b\\c[d]:*?", "x" * 60, "'quoted'", "\x01\n", "History"])
def test_any_name_names_a_sheet(name: str) -> None:
    found = workbook.sheet_name(7, name)
    assert 0 < len(found) <= 31
    assert found.startswith("7")
    assert not set(found) & set("[]:*?/\\'\n\x01")


def test_an_evaluation_is_a_workbook(product: Product) -> None:
    staffed = new_tenant_client(product)
    push_agents(staffed)
    book = book_of(staffed, f"/v1/agents/{id_of(staffed, 'lee')}/evaluation", **MARCH)
    found = one(staffed, "lee")
    lines = book.sheets["metrics"]
    by_metric = {row[0]: dict(zip(lines[0], row, strict=True)) for row in lines[1:]}
    for metric in found["metrics"]:
        row, value = by_metric[metric["id"]], metric["value"]["value"]
        size = 86_400 if metric["unit"] == "seconds" else 1
        shown = row["value"]
        assert (shown is None) == (value is None)
        assert value is None or shown * size == pytest.approx(value)
    kinds = [row[0] for row in book.sheets["findings"][1:]]
    assert kinds == [each["kind"] for each in found["findings"]]
    staffed.http.close()
