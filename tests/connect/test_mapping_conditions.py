"""Row filters, `when`, and several resources from one row."""

import pytest
from tests.connect.mapped import HEAD, map_text

ROWS = "id,x,n\na,red,1\nb,blue,20\nc,,3\nd,Red,\n"


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ('{ column = "x", equals = "red" }', "a"),
        ('{ column = "x", not_equals = "red" }', "bcd"),
        ('{ column = "x", in = ["red", "blue"] }', "ab"),
        ('{ column = "x", not_in = ["red", "blue"] }', "cd"),
        ('{ column = "x", is_null = true }', "c"),
        ('{ column = "x", is_null = false }', "abd"),
        ('{ column = "x", matches = "^(?i:red)$" }', "ad"),
        ('{ column = "n", at_least = 3 }', "bc"),
        ('{ column = "n", above = 3 }', "b"),
        ('{ column = "n", at_most = 3 }', "ac"),
        ('{ column = "n", below = 2.5 }', "a"),
        ('{ column = "n", above = 1, below = 20 }', "c"),
        ('{ column = "n", at_least = { column = "n" } }', "abc"),
        ('{ any = [{ column = "x", equals = "red" }, { column = "n", equals = "3" }] }', "ac"),
        ('{ all = [{ column = "x", is_null = false }, { column = "n", above = 1 }] }', "b"),
        ('{ not = { column = "x", equals = "red" } }', "bcd"),
    ],
)
def test_conditions(condition: str, kept: str) -> None:
    mapped = map_text(f'[[filter]]\nname = "rule"\nkeep = {condition}\n{HEAD}', ROWS)
    assert "".join(call["external_id"] for call in mapped.calls) == kept
    assert mapped.rejects == []
    assert mapped.tally.skipped == {"rule": 4 - len(kept)}
    dropped = map_text(f"[[filter]]\ndrop = {condition}\n{HEAD}", ROWS)
    assert dropped.tally.skipped == {"filter 1": len(kept)}


def test_the_first_rule_that_drops_a_row_counts_it() -> None:
    mapped = map_text(
        '[[filter]]\nname = "one"\ndrop = { column = "x", equals = "red" }\n'
        '[[filter]]\nname = "two"\ndrop = { column = "n", below = 5 }\n' + HEAD,
        ROWS,
    )
    summary = mapped.tally.summary()
    assert summary["skipped_by_rule"] == {"one": 1, "two": 1}
    assert (summary["rows_read"], summary["rows_skipped"]) == (4, 2)


def test_a_filter_that_cannot_decide_rejects_the_row() -> None:
    mapped = map_text(
        '[[filter]]\ndrop = { column = "x", above = 3 }\n' + HEAD, "id,x\na,4\nb,many\nc,2\n"
    )
    assert [call["external_id"] for call in mapped.calls] == ["c"]
    assert mapped.reasons == [(3, "", "wrong_type")]
    assert mapped.tally.rows_rejected == 1


def test_several_resources_from_one_row() -> None:
    mapped = map_text(
        HEAD
        + """
        agent = "agent"
        [[output]]
        resource = "feedback"
        when = { column = "stars", is_null = false }
        [output.fields]
        source = { const = "s" }
        external_id = "id"
        survey = { const = "csat" }
        rating = { column = "stars", type = "int" }
        responded_at = 2026-01-05T10:00:00Z
        call = "id"
        [[output]]
        resource = "agents"
        once = true
        [output.fields]
        source = { const = "s" }
        external_id = "agent"
        name = "agent"
        """,
        "id,agent,stars\na,Ann,5\nb,Bob,\nc,Ann,1\n",
        main="calls",
    )
    assert mapped.tally.mapped == {"calls": 3, "feedback": 2, "agents": 2}
    assert [item["call"] for item in mapped.items["feedback"]] == ["a", "c"]


def test_when_may_compare_instants() -> None:
    mapped = map_text(
        """
        [values]
        called = { column = "a", type = "instant" }
        begun = { column = "b", type = "instant" }
        """
        + HEAD
        + """
        [output.fields.answered_at]
        value = "begun"
        when = { value = "begun", at_least = { value = "called" } }
        """,
        "id,a,b\n"
        "x,2026-01-05T10:00:00Z,2026-01-05T10:00:01Z\n"
        "y,2026-01-05T10:00:00Z,2026-01-05T09:59:59Z\n",
    )
    assert [call.get("answered_at") for call in mapped.calls] == ["2026-01-05T10:00:01Z", None]
