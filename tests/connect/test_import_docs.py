"""The worked example of docs/import.md is run as it stands."""

import json
import re
from pathlib import Path

import pytest
from tests.connect.mapped import map_text

from csapi.connect.mapping.mapping import TOP_KEYS
from csapi.connect.mapping.shapes import RESOURCES
from csapi.connect.mapping.values import COMMON_KEYS, OPERATORS

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "import.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return str(found)


def test_the_worked_example() -> None:
    mapped = map_text(block("toml"), block("csv"), name="shifts.csv", main="calls")
    expected = [json.loads(line) for line in block("json").splitlines()]
    for resource in ("calls", "feedback"):
        shown = [each["item"] for each in expected if each["resource"] == resource]
        assert mapped.items[resource] == shown
    assert mapped.tally.skipped == {"test calls": 1}
    assert mapped.rejects == []


@pytest.mark.parametrize("word", sorted({*TOP_KEYS, *COMMON_KEYS, *RESOURCES}))
def test_everything_has_a_place_in_the_docs(word: str) -> None:
    assert re.search(rf"`\[*{word}\]*[` ]", DOCS), word


def test_every_operator_and_its_keys_are_in_the_docs() -> None:
    words = {key for keys, _ in OPERATORS.values() for key in keys}
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", DOCS)] == []
