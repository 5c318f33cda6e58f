"""Columns, constants, conversions and composed values of the mapping language."""

import pytest
from tests.connect.mapped import HEAD, map_field, map_text, topics


def test_a_text_is_a_column_and_a_number_or_flag_is_itself() -> None:
    mapped = map_text(
        HEAD + 'topic = "x"\nwait_seconds = 7\nresolved = true\ntype = { const = "x" }\n',
        "id,x\na,billing\n",
    )
    (call,) = mapped.calls
    assert call == {
        "source": "s",
        "external_id": "a",
        "queue_entered_at": "2026-01-05T10:00:00Z",
        "topic": "billing",
        "wait_seconds": 7,
        "resolved": True,
        "type": "x",
    }


def test_null_fields_are_left_out_and_with_them_what_only_held_them() -> None:
    mapped = map_text(HEAD + "legs = { const = [] }\n", "id,x\na,1\n")
    assert mapped.calls[0]["legs"] == []
    mapped = map_text(
        HEAD + '"legs[0].agent" = "x"\n"legs[1].agent" = "y"\ncustom.z = "x"\n',
        "id,x,y\na,,\nb,,bob\n",
    )
    assert "legs" not in mapped.calls[0]
    assert "custom" not in mapped.calls[0]
    assert mapped.calls[1]["legs"] == [{"agent": "bob"}]


def test_dotted_paths_quoted_or_not() -> None:
    mapped = map_text(
        """
        source = "s"
        [[output]]
        resource = "tickets"
        [output.fields]
        external_id = "id"
        created_at = 2026-01-05T10:00:00Z
        milestones.first_reply_by = "x"
        "milestones.reopen_count" = 2
        custom.manager = "x"
        "custom.plan" = { column = "x", case = "upper" }
        "tags[0]" = "x"
        """,
        "id,x\na,kim\n",
    )
    (ticket,) = mapped.items["tickets"]
    assert ticket["milestones"] == {"first_reply_by": "kim", "reopen_count": 2}
    assert ticket["custom"] == {"manager": "kim", "plan": "KIM"}
    assert ticket["tags"] == ["kim"]


def test_cells_are_trimmed_and_null_tokens_are_null() -> None:
    assert topics('"x"', "  a ", "", "   ", "NA", "n/a", top='null = ["NA"]') == [
        "a", None, None, None, "n/a",
    ]  # fmt: skip
    spec = '{ column = "x", null = ["n/a"] }'
    assert topics(spec, "NA", "n/a", "b", top='null = ["NA"]') == [None, None, "b"]


def test_trim_can_be_switched_for_the_file_and_for_a_column() -> None:
    assert topics('"x"', " a ", " ", top="trim = false") == [" a ", " "]
    assert topics('{ column = "x", trim = false }', " a ", "") == [" a ", None]
    assert topics('{ column = "x", trim = true }', " a ", " ", top="trim = false") == ["a", None]
    assert topics('{ column = "x", trim = false, type = "int" }', "4") == [4]


def test_value_maps_and_what_they_do_not_know() -> None:
    known = '{ column = "x", map = { Y = "yes", N = "no" }%s }'
    assert topics(known % "", "Y", "N", "") == ["yes", "no", None]
    assert topics(known % ', unknown = "pass"', "Y", "Z") == ["yes", "Z"]
    assert topics(known % ', unknown = "null"', "Y", "Z") == ["yes", None]
    assert topics(known % ', unknown_as = "?"', "Y", "Z", "") == ["yes", "?", None]
    mapped = map_field(known % "", "Y", "Z")
    assert len(mapped.calls) == 1
    (reject,) = mapped.rejects
    assert (reject["line"], reject["pointer"], reject["code"]) == (3, "/topic", "invalid_value")
    assert "'Z' is not in the map: Y, N" in reject["reason"]


def test_a_map_may_give_flags_and_numbers_or_go_before_a_type() -> None:
    assert topics('{ column = "x", map = { Y = true, N = false } }', "Y", "N") == [True, False]
    assert topics('{ column = "x", map = { low = 1 } }', "low") == [1]
    spec = '{ column = "x", map = { none = "0" }, unknown = "pass", type = "int" }'
    assert topics(spec, "none", "7") == [0, 7]


def test_default_required_and_when() -> None:
    assert topics('{ column = "x", default = "other" }', "a", "") == ["a", "other"]
    assert map_field('{ column = "x", required = true }', "a", "").reasons == [
        (3, "/topic", "required")
    ]
    spec = '{ const = "vip", when = { column = "x", equals = "2" } }'
    assert topics(spec, "1", "2") == [None, "vip"]
    spec = '{ column = "x", default = "d", when = { column = "x", not_equals = "no" } }'
    assert topics(spec, "no", "") == [None, "d"]


def test_numbers_are_strict() -> None:
    assert topics('{ column = "x", type = "int" }', "7", "-3", "+4", "007") == [7, -3, 4, 7]
    assert topics('{ column = "x", type = "decimal" }', "7", "1.50", "-0.25", "2.0") == [
        7, 1.5, -0.25, 2,
    ]  # fmt: skip
    bad = ["1.0", "1e3", "1_000", "x", "٣", "1,5", "0x1", "--1"]
    mapped = map_field('{ column = "x", type = "int" }', *[f'"{cell}"' for cell in bad])
    assert mapped.calls == []
    assert {reject["code"] for reject in mapped.rejects} == {"wrong_type"}
    assert map_field('{ column = "x", type = "int" }', "9" * 19).reasons[0][2] == "out_of_range"


def test_numbers_with_other_marks() -> None:
    spec = '{ column = "x", type = "decimal", decimal_mark = ",", thousands = "." }'
    assert topics(spec, '"1.234,5"', '"12,25"', "1.234", "12") == [1234.5, 12.25, 1234, 12]
    assert map_field(spec, '"1.23,5"', "1.5").calls == []
    assert topics('{ column = "x", type = "int", thousands = "," }', '"1,234,567"', "12") == [
        1_234_567, 12,
    ]  # fmt: skip


def test_booleans_and_lists() -> None:
    assert topics('{ column = "x", type = "bool" }', "yes", "No", "1", "f") == [
        True, False, True, False,
    ]  # fmt: skip
    spec = '{ column = "x", type = "bool", true = "ja", false = ["nein", "ne"] }'
    assert topics(spec, "JA", "ne") == [True, False]
    assert map_field(spec, "yes").reasons == [(2, "/topic", "wrong_type")]
    mapped = map_text(
        HEAD + 'tags = { column = "x", type = "list", separator = ";" }', "id,x\na,b; c;;d\n"
    )
    assert mapped.calls[0]["tags"] == ["b", "c", "d"]


def test_extract_and_case() -> None:
    spec = r"""{ column = "x", extract = '^(\d+)(?:\.0)?$' }"""
    assert topics(spec, "3.0", "12") == ["3", "12"]
    assert map_field(spec, "3.5").reasons == [(2, "/topic", "invalid_value")]
    assert topics('{ column = "x", case = "lower" }', "ÄB") == ["äb"]


def test_durations() -> None:
    assert topics('{ column = "x", type = "duration" }', "0:02:23", "100:00:00", "-0:00:01.5") == [
        143, 360_000, -1.5,
    ]  # fmt: skip
    assert topics('{ column = "x", type = "duration", format = "m:s" }', "90:05") == [5405]
    assert topics('{ column = "x", type = "duration", format = "h:m" }', "1:30") == [5400]
    assert topics('{ column = "x", type = "duration", format = "minutes" }', "1.5") == [90]
    assert topics('{ column = "x", type = "duration", format = "milliseconds" }', "1250") == [1.25]
    bad = ["0:60:00", "0:00:60", "5:00", "1:2:3:4", "x", "1:-2:03"]
    mapped = map_field('{ column = "x", type = "duration" }', *bad)
    assert [reject["code"] for reject in mapped.rejects] == ["wrong_type"] * len(bad)


def test_natural_keys_never_collide() -> None:
    mapping = HEAD.replace('"id"', '{ key = ["id", "x"], separator = "-" }')
    mapped = map_text(mapping, "id,x\na,b\na-b,c\na,\n")
    assert [call["external_id"] for call in mapped.calls] == ["a-b"]
    assert mapped.reasons == [
        (3, "/external_id", "invalid_value"),
        (4, "/external_id", "required"),
    ]


def test_join_and_first() -> None:
    text = "id,x,y\na,b,c\nb,,c\nc,,\n"
    mapped = map_text(HEAD + 'topic = { join = ["x", "y"], separator = "+" }', text)
    assert [call.get("topic") for call in mapped.calls] == ["b+c", "c", None]
    mapped = map_text(HEAD + 'topic = { first = ["x", "y", { const = "-" }] }', text)
    assert [call.get("topic") for call in mapped.calls] == ["b", "c", "-"]


def test_named_values_are_used_like_columns() -> None:
    mapped = map_text(
        '[values]\nboth = { join = ["x", "y"] }\nloud = { value = "both", case = "upper" }\n'
        + HEAD
        + 'topic = "both"\ntype = { value = "loud" }\n',
        "id,x,y\na,b,c\n",
    )
    assert (mapped.calls[0]["topic"], mapped.calls[0]["type"]) == ("b c", "B C")


def test_arithmetic() -> None:
    mapped = map_text(
        HEAD
        + """
        answered_at = { add = [2026-01-05T10:00:00Z, "wait"] }
        ended_at = { subtract = [2026-01-05T11:00:00Z, "wait", 0.5] }
        wait_seconds = { between = [2026-01-05T10:00:00Z, 2026-01-05T10:00:12.25Z] }
        "legs[0].talk_seconds" = { add = ["wait", "hold"] }
        "legs[0].hold_seconds" = { subtract = ["wait", "hold"] }
        """,
        "id,wait,hold\na,90,1.5\nb,90,\n",
    )
    first, second = mapped.calls
    assert first["answered_at"] == "2026-01-05T10:01:30Z"
    assert first["ended_at"] == "2026-01-05T10:58:29.500000Z"
    assert first["wait_seconds"] == 12.25
    assert first["legs"] == [{"talk_seconds": 91.5, "hold_seconds": 88.5}]
    assert "legs" not in second


def test_arithmetic_with_a_text_that_is_no_number() -> None:
    mapped = map_text(
        HEAD + 'answered_at = { add = [2026-01-05T10:00:00Z, "wait"] }', "id,wait\na,soon\n"
    )
    assert mapped.reasons == [(2, "/answered_at", "wrong_type")]


@pytest.mark.parametrize("seconds", ["999999999999999", "-99999999999"])
def test_instants_out_of_range(seconds: str) -> None:
    mapped = map_text(
        HEAD + 'answered_at = { add = [2026-01-05T10:00:00Z, "wait"] }', f"id,wait\na,{seconds}\n"
    )
    assert mapped.reasons == [(2, "/answered_at", "out_of_range")]


def test_every_problem_of_an_item_is_named_and_its_siblings_still_go() -> None:
    mapped = map_text(
        HEAD
        + """
        wait_seconds = { column = "x", type = "int" }
        "legs[0].talk_seconds" = { column = "y", type = "int" }
        [[output]]
        resource = "agents"
        [output.fields]
        source = { const = "s" }
        external_id = "id"
        """,
        "id,x,y\na,one,two\n",
    )
    assert mapped.calls == []
    assert mapped.items["agents"] == [{"source": "s", "external_id": "a"}]
    assert mapped.reasons == [
        (2, "/wait_seconds", "wrong_type"),
        (2, "/legs/0/talk_seconds", "wrong_type"),
    ]
    assert mapped.rejects[0]["external_id"] == "a"
    assert mapped.rejects[0]["row"] == {"id": "a", "x": "one", "y": "two"}
    assert mapped.tally.rows_rejected == 1
    assert mapped.tally.summary()["items"]["calls"]["rejected"] == 1


def test_a_required_field_that_is_null_rejects_the_item() -> None:
    mapped = map_text(HEAD, "id,x\n,1\n")
    assert mapped.reasons == [(2, "/external_id", "required")]
    assert mapped.rejects[0]["external_id"] is None


def test_equal_items_of_an_output_are_sent_once() -> None:
    mapping = """
    source = "s"
    [[output]]
    resource = "agents"
    once = true
    [output.fields]
    external_id = "id"
    name = "x"
    """
    mapped = map_text(mapping, "id,x\na,Ann\nb,Bob\na,Ann\na,Anne\na,Ann\n")
    sent = [(agent["external_id"], agent["name"]) for agent in mapped.items["agents"]]
    assert sent == [("a", "Ann"), ("b", "Bob"), ("a", "Anne"), ("a", "Ann")]
