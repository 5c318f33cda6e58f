"""The table of threats names tests that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = [
    line.split("|")
    for line in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| S-\d\d \|", line)
]


@cache
def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = ast.FunctionDef, ast.AsyncFunctionDef
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_no_threat_is_left_out() -> None:
    assert [line[1].strip() for line in LINES] == [f"S-{n:02}" for n in range(1, 38)]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[1].strip())
def test_a_threat_has_proof(line: list[str]) -> None:
    proofs = re.findall(r"`(tests/[a-z_/]+\.py)::(test_[a-z_0-9]+)`", line[4])
    assert proofs
    for path, name in proofs:
        assert name in names_in(ROOT / path), f"{path} has no {name}"
