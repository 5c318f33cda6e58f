"""A mapping with a mistake does not start: one line names the place and what is allowed."""

import pytest
from tests.connect.mapped import HEAD, map_text

from csapi.connect.mapping.errors import MappingError
from csapi.connect.mapping.mapping import MappingFile
from csapi.connect.transfer.errors import ImportStoppedError

TEXT = "id,x\na,1\n"


def message(mapping: str, text: str = TEXT, *, main: str | None = None) -> str:
    with pytest.raises((MappingError, ImportStoppedError)) as caught:
        map_text(mapping, text, main=main)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "parts"),
    [
        ('agent = "Agent"', ["output[0].fields.agent", "unknown column 'Agent'", "Allowed: id, x"]),
        ('agnet = "x"', ["unknown field 'agnet'", "Did you mean 'agent'?", "queue_entered_at"]),
        ('"legs[0].talk" = "x"', ["unknown field 'legs[0].talk'", "legs[].talk_seconds"]),
        ('"legs[0]agent" = "x"', ["'legs[0]agent' is not a path"]),
        ('legs.agent = "x"', ["output[0].fields.legs", "unknown key 'agent'"]),
        ('agent = { colum = "x" }', ["unknown key 'colum'", "Did you mean 'column'?", "between"]),
        ('agent = { column = "x", const = 1 }', ["needs exactly one of", "column and const"]),
        ("agent = {}", ["needs exactly one of", "found nothing"]),
        ('agent = { column = "x", typ = "int" }', ["unknown key 'typ'", "Did you mean 'type'?"]),
        ('agent = { column = "x", type = "integer" }', ["unknown type 'integer'", "int, decimal"]),
        ('agent = { column = "x", separator = ";" }', ['goes with type = "list"']),
        ('agent = { column = "x", true = "y" }', ['goes with type = "bool"']),
        ('agent = { column = "x", unknown = "pass" }', ["goes with map"]),
        ('agent = { column = "x", map = { a = 1 }, type = "int" }', ["map.a", "with a type"]),
        ('agent = { column = "x", map = { a = "b" }, unknown = "keep" }', ["error, pass, null"]),
        ('agent = { column = "x", map = 3 }', ["needs a table"]),
        ('agent = { column = "x", extract = "(" }', ["not a regular expression"]),
        ('agent = { column = "x", extract = "a" }', ["exactly one group"]),
        ('agent = { column = "x", default = 3 }', ["kind text", "kind number"]),
        ('agent = { column = "x", required = "yes" }', ["needs true or false, not a text"]),
        ('agent = { column = ["x"] }', ["needs a text, not a list"]),
        ('agent = { value = "y" }', ["unknown value 'y'", "Allowed: none"]),
        ('agent = ["x"]', ["not a list"]),
        ("agent = 2026-01-01", ["not date"]),
        ("answered_at = 2026-01-05T10:00:00", ["needs an offset"]),
        ("agent = { const = 2026-01-01 }", ["cannot be a constant"]),
        ("wait_seconds = nan", ["cannot be a constant"]),
        ('agent = { key = ["x"], separator = "" }', ["must not be empty"]),
        ('agent = { key = "x" }', ["needs a list of at least 1"]),
        ("agent = { join = [true] }", ["needs a text, not a bool"]),
        ('wait_seconds = { between = ["x", "x"] }', ["between[0]", "needs an instant, not a text"]),
        ('wait_seconds = { between = ["x"] }', ["needs a list of at least 2"]),
        ("answered_at = { add = [1, 2026-01-05T10:00:00Z] }", ["add[1]", "number, not instant"]),
        ('answered_at = { column = "x", type = "instant", format = "%H:%M" }', ["no full date"]),
        ('answered_at = { column = "x", type = "instant", format = "%Y-%Q-%d" }', ["'%Q'", "%Y"]),
        ('answered_at = { column = "x", type = "instant", format = "%d.%m.%Y" }', ["set zone"]),
        ('answered_at = { column = "x", type = "instant", zone = "Mars/Base" }', ["IANA"]),
        ('answered_at = { column = "x", type = "instant", zone = "../etc" }', ["IANA"]),
        ('answered_at = { column = "x", type = "instant", ambiguous = "x", zone = "UTC" }',
         ["reject, earlier, later"]),
        ('answered_at = { column = "x", type = "instant", slack_seconds = 1, zone = "UTC" }',
         ["goes with after"]),
        ('answered_at = { date = "x" }', ["time is missing"]),
        ('answered_at = { date = "x", time = "x", time_format = "%M" }', ["not a time of day"]),
        ('answered_at = { date = "x", time = "x", date_format = "unix", zone = "UTC" }',
         ["more than a date"]),
        ('agent = { column = "x", type = "json" }', ["goes with a column of NDJSON"]),
        ('agent = { column = "x", when = {} }', ["needs column = NAME or value = NAME"]),
        ('agent = { column = "x", when = { column = "x" } }', ["a test is missing", "equals"]),
        ('agent = { column = "x", when = { column = "x", equals = 2 } }', ["write it in quotes"]),
        ('agent = { column = "x", when = { column = "x", in = "a" } }', ["needs a list"]),
        ('agent = { column = "x", when = { column = "x", matches = "(" } }', ["regular"]),
        ('agent = { column = "x", when = { column = "x", above = "2" } }', ["needs a number"]),
        ('agent = { column = "x", when = { column = "x", is_null = 1 } }', ["needs true or false"]),
        ('agent = { column = "x", when = { colunm = "x" } }', ["unknown key 'colunm'", "column"]),
        ('agent = { column = "x", when = { any = [], not = {} } }', ["stands alone"]),
        ('topic = "x"\n"topic" = "x"', ["Cannot overwrite a value"]),
        ('custom.a = "x"\n"custom.a" = "x"', ["custom.a is given twice"]),
    ],
)  # fmt: skip
def test_fields(field: str, parts: list[str]) -> None:
    said = message(HEAD + field)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize(
    ("mapping", "parts"),
    [
        ("", ["[[output]]"]),
        ("output = 3", ["[[output]]"]),
        ("x = = 3", ["map.toml", "line 1"]),
        ('sauce = "s"\n' + HEAD, ["map.toml, line 1", "unknown key 'sauce'", "source"]),
        ('[input]\nformat = "xls"\n' + HEAD, ["map.toml, line 2", "csv, tsv, ndjson"]),
        ('[input]\ndelimiter = ";;"\n' + HEAD, ["input.delimiter", "one character"]),
        ('[input]\nencoding = "utf-9"\n' + HEAD, ["not a known encoding"]),
        ('[input]\nencoding = "base64"\n' + HEAD, ["not a known encoding"]),
        ("[input]\nheader = false\n" + HEAD, ["needs the names of the columns"]),
        ('[input]\nformat = "ndjson"\nquote = "x"\n' + HEAD, ["does not go with"]),
        ('[input]\ncolumns = ["id"]\n' + HEAD, ["has 1 names, the header has 2"]),
        ("[[filter]]\n" + HEAD, ["filter[0]", "needs keep = CONDITION or drop"]),
        ('[[filter]]\nkeep = { column = "y", equals = "a" }\n' + HEAD, ["filter[0].keep", "id, x"]),
        ('[values]\nx = "id"\n' + HEAD, ["values.x", "also a column of the file"]),
        ('[values]\na = { value = "b" }\nb = { value = "a" }\n' + HEAD, ["a -> b -> a goes round"]),
        ('[values]\nunused = "nope"\n' + HEAD, ["unknown column 'nope'"]),
        ("[custom_attributes]\nplan = 3\n" + HEAD, ["custom_attributes.plan", "needs a text"]),
        ("[[output]]\nresource = 'call'\n", ["unknown resource 'call'", "Did you mean 'calls'?"]),
        ("[[output]]\nresource = 'calls'\n", ["needs a table of fields"]),
        (
            "[[output]]\nresource = 'calls'\n[output.fields]\nexternal_id = 'id'",
            ["source is required"],
        ),
        (
            "source = 's'\n[[output]]\nresource = 'calls'\n[output.fields]\nexternal_id = 'id'",
            ["queue_entered_at is required"],
        ),
        ("[[output]]\n[output.fields]\nexternal_id = 'id'", ["resource is missing", "--as"]),
    ],
)
def test_the_rest(mapping: str, parts: list[str]) -> None:
    said = message(mapping)
    assert [part for part in parts if part not in said] == [], said


def test_as_names_what_a_row_is() -> None:
    assert "--as tickets: the mapping writes calls" in message(HEAD, main="tickets")
    unnamed = HEAD.replace('resource = "calls"\n', "")
    assert len(map_text(unnamed, TEXT, main="calls").calls) == 1
    assert len(map_text(HEAD, TEXT, main="all").calls) == 1
    assert "unknown resource 'cals'" in message(unnamed, main="cals")
    assert "resource is missing" in message(unnamed, main="all")


def test_a_column_name_that_occurs_twice_is_only_wrong_where_it_is_used() -> None:
    assert len(map_text(HEAD, "id,x,x\na,1,2\n").calls) == 1
    assert "several columns named 'x'" in message(HEAD + 'agent = "x"', "id,x,x\na,1,2\n")


def test_the_line_is_named_where_it_is_certain() -> None:
    with pytest.raises(
        MappingError, match=r"^m\.toml, line 10: output\[0\]\.fields\.agent: unknown"
    ):
        MappingFile(HEAD + '# "nope"\n\nagent = "nope2"', "m.toml").bind(["id"], None)
    with pytest.raises(MappingError, match=r"^m\.toml: "):
        MappingFile(HEAD + 'agent = "nope"\ntopic = "nope"', "m.toml").bind(["id"], None)
