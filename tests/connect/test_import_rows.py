"""Reading files: every line of the input is a row, part of a row, or named as unreadable."""

import csv
import gzip
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.connect.mapped import HEAD, map_text

from csapi.connect.mapping.inputs import read_input_format
from csapi.connect.transfer.csv_rows import CsvRows
from csapi.connect.transfer.errors import ImportStoppedError
from csapi.connect.transfer.source import BadRow

Rows = list[tuple[int, Any]]


def read(data: bytes, *, tabs: bool = False, **settings: Any) -> tuple[list[str], Rows, CsvRows]:
    source = CsvRows(io.BytesIO(data), read_input_format(settings), tabs=tabs)
    return source.columns or [], list(source.rows()), source


def good(rows: Rows) -> list[list[str]]:
    return [cells for _, cells in rows if not isinstance(cells, BadRow)]


def bad(rows: Rows) -> list[tuple[int, str]]:
    return [(line, cells.code) for line, cells in rows if isinstance(cells, BadRow)]


def test_plain_csv() -> None:
    columns, rows, _ = read(b'a, b \n1,"x, ""y"""\n\n2,\r\n3,"two\nlines"\n4,end')
    assert columns == ["a", "b"]
    assert rows == [
        (2, ["1", 'x, "y"']),
        (4, ["2", ""]),
        (5, ["3", "two\nlines"]),
        (7, ["4", "end"]),
    ]


@pytest.mark.parametrize(
    ("data", "expected_bad", "expected_good"),
    [
        (b"a,b\n1\n2,3\n", [(2, "column_count")], [["2", "3"]]),
        (b"a,b\n1,2,3\n2,3\n", [(2, "column_count")], [["2", "3"]]),
        (b"a,b\n1,x\ry\n2,3\n", [(2, "bare_carriage_return")], [["2", "3"]]),
        (b'a,b\n1,"x\ry"\n2,3\n', [], [["1", "x\ry"], ["2", "3"]]),
        (b"a,b\n1,x\0y\n2,3\n", [(2, "nul_character")], [["2", "3"]]),
        (b"a,b\n1,\xff\n2,3\n", [(2, "invalid_encoding")], [["2", "3"]]),
        (b"a,b\n1,\xc3\n2,\xc3\xa4\n", [(2, "invalid_encoding")], [["2", "\u00e4"]]),
        (b'a,b\n1,"x"y\n2,3\n', [(2, "malformed_row")], [["2", "3"]]),
        (b'a,b\n1,"open\n2,3\n4,5\n', [(2, "malformed_row")], [["2", "3"], ["4", "5"]]),
        (b'a,b\n1,"open\n2,"x"\n4,5\n', [(2, "malformed_row")], [["2", "x"], ["4", "5"]]),
        (b'a,b\n1,"\n2,"\n4,5\n', [], [["1", "\n2,"], ["4", "5"]]),
        (b'a,b\n1,"p\nq",r\n2,3\n', [(2, "column_count")], [["2", "3"]]),
        (b'a,b\n1,"p\nq"x,r\n2,3\n', [(2, "malformed_row")], [["2", "3"]]),
        (b'a,b\n1,"p\nq\n', [(2, "malformed_row")], []),
        (b"\xef\xbb\xbfa,b\n1,2\n", [], [["1", "2"]]),
        (b'a,b\n1,12" screen\n', [], [["1", '12" screen']]),
    ],
)
def test_malformed_rows_are_named_and_the_next_one_is_read(
    data: bytes, expected_bad: list[tuple[int, str]], expected_good: list[list[str]]
) -> None:
    _, rows, _ = read(data)
    assert bad(rows) == expected_bad
    assert good(rows) == expected_good


def test_a_stray_quote_costs_one_row_even_in_a_long_file() -> None:
    lines = [f"{number},v{number}" for number in range(50_000)]
    lines[7] = '7,"stray'
    _, rows, _ = read(("a,b\n" + "\n".join(lines) + "\n").encode())
    assert bad(rows) == [(9, "malformed_row")]
    assert len(good(rows)) == 49_999
    assert rows[-1] == (50_001, ["49999", "v49999"])


def test_a_field_beyond_the_limit_is_one_bad_row() -> None:
    _, rows, _ = read(b"a,b\n1," + b"x" * 1_200_000 + b"\n2,3\n")
    assert bad(rows) == [(2, "malformed_row")]
    assert len(rows[0][1].text) == 65_536
    assert good(rows) == [["2", "3"]]


def test_other_dialects() -> None:
    assert good(read(b"a\tb\n1\t2\r\n", tabs=True)[1]) == [["1", "2"]]
    assert good(read(b"a;b\n1;'x;y'\n", delimiter=";", quote="'")[1]) == [["1", "x;y"]]
    assert good(read(b'a,b\n1,"x\n', quote="")[1]) == [["1", '"x']]
    assert good(read(b'a,b\n1,"x\\"y"\n', escape="\\")[1]) == [["1", 'x"y']]
    assert good(read("a,b\n1,€\n".encode("cp1252"), encoding="cp1252")[1]) == [["1", "€"]]
    assert good(read("a,b\n1,€\n".encode("utf-16"), encoding="utf-16")[1]) == [["1", "€"]]
    assert good(read(b"a,b\n1,x\r\ry\r\n", carriage_returns="space")[1]) == [["1", "x  y"]]
    assert bad(read(b"a,b\n1,\x81\n", encoding="cp1252")[1]) == [(2, "invalid_encoding")]


def test_names_from_the_mapping_and_lines_to_skip() -> None:
    columns, rows, _ = read(b"1,2\n", header=False, columns=["a", "b"])
    assert (columns, rows) == (["a", "b"], [(1, ["1", "2"])])
    columns, rows, _ = read(b"x,x\n1,2\n", columns=["a", "b"])
    assert (columns, rows) == (["a", "b"], [(2, ["1", "2"])])
    columns, rows, _ = read(b"Report of\nMay\na,b\n1,2\n", skip_lines=2)
    assert (columns, rows) == (["a", "b"], [(4, ["1", "2"])])


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "empty"), (b"\n\n", "empty"), (b'"a\n', "the header"), (b"a,b\rc,d\r", "the header")],
)
def test_no_header_no_import(data: bytes, said: str) -> None:
    with pytest.raises(ImportStoppedError, match=said):
        read(data)


# Before 3.13, csv.writer does not quote a carriage return where \n ends lines.
CELLS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_csv_writes_is_read_back(
    rows: list[list[str]], delimiter: str, line_end: str, quoting: Any
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerows([["a", "b", "c"], *rows])
    _, found, _ = read(text.getvalue().encode(), delimiter=delimiter)
    assert good(found) == rows
    assert bad(found) == []


@given(st.lists(st.sampled_from([b"1,2", b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"x", b"\n"])))
def test_whatever_the_bytes_each_line_is_accounted_for(parts: list[bytes]) -> None:
    data = b"".join(parts)
    _, rows, source = read(b"a,b\n" + data)
    lines = data.split(b"\n")
    assert source.line == 1 + len(lines) - (not lines[-1])
    starts = [line for line, _ in rows]
    assert starts == sorted(set(starts))
    covered = set()
    for index, (line, cells) in enumerate(rows):
        following = starts[index + 1] if index + 1 < len(rows) else source.line + 1
        covered |= set(range(line, following))
        assert isinstance(cells, BadRow) or len(cells) == 2
    skipped = {number for number in range(2, source.line + 1) if number not in covered}
    assert all(not lines[number - 2].strip(b"\r") for number in skipped)


NDJSON = (
    HEAD
    + 'topic = "t"\nagent = "who.names[1]"\ncustom.n = "n"\n'
    + 'tags = { column = "tags", type = "json" }\n'
)


def test_ndjson() -> None:
    rows = [
        {"id": "a", "t": "x", "who": {"names": ["q", "ann"]}, "n": 1.5, "tags": ["p", "q"]},
        {"id": 7, "t": None, "who": {"names": ["q"]}, "n": True},
        {"id": "c", "t": ["x"], "who": 3},
        {"id": "d", "t": " y ", "who": None, "tags": None},
    ]
    text = "\n".join(json.dumps(row) for row in rows)
    mapped = map_text(NDJSON, "\ufeff" + text + "\n\n", name="in.ndjson")
    assert [call["external_id"] for call in mapped.calls] == ["a", "7", "d"]
    assert mapped.calls[0] | {"topic": "x", "agent": "ann", "tags": ["p", "q"]} == mapped.calls[0]
    assert mapped.calls[0]["custom"] == {"n": "1.5"}
    assert mapped.calls[1]["custom"] == {"n": "true"}
    assert mapped.calls[2]["topic"] == "y"
    assert mapped.reasons == [(3, "/topic", "wrong_type")]
    assert mapped.rejects[0]["row"] == rows[2]
    assert mapped.warnings == []


def test_bad_ndjson_lines_are_named() -> None:
    data = b'{"id": "a"}\nnot json\n[1]\n{"id": "\xff"}\n{"id": "\\ud800"}\n{"id": "b"}\n{"id":'
    mapped = map_text(HEAD, data, name="in.jsonl")
    assert [call["external_id"] for call in mapped.calls] == ["a", "b"]
    assert [(line, code) for line, _, code in mapped.reasons] == [
        (2, "malformed_json"),
        (3, "malformed_row"),
        (4, "invalid_encoding"),
        (5, "malformed_json"),
        (7, "malformed_json"),
    ]
    assert mapped.rejects[0]["row"] == "not json"


def test_a_member_that_is_in_no_row_is_a_warning() -> None:
    mapped = map_text(HEAD + 'topic = "tpic"', '{"id": "a", "topic": "x"}\n', name="in.ndjson")
    assert mapped.warnings == ["warning: no row has a member 'tpic'"]


def test_the_format_comes_from_the_mapping_else_from_the_name() -> None:
    assert len(map_text(HEAD, b"id\tx\na\t1\n", name="in.tsv").calls) == 1
    assert len(map_text('[input]\nformat = "tsv"\n' + HEAD, b"id\tx\na\t1\n").calls) == 1
    packed = gzip.compress(b'{"id": "a"}\n')
    assert len(map_text(HEAD, packed, name="in.ndjson.gz").calls) == 1
    assert len(map_text(HEAD, packed, name="in.ndjson").calls) == 1


@pytest.mark.parametrize("cut", [12, -4])
def test_damaged_gzip_stops_with_one_line(cut: int) -> None:
    text = b"id,x\n" + b"".join(b"%d,%d\n" % (number, number * number) for number in range(9000))
    with pytest.raises(ImportStoppedError, match="gzip data is damaged"):
        map_text(HEAD, gzip.compress(text)[:cut])
