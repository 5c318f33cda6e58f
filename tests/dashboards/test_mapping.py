"""The code that turns answers into charts computes nothing: the answers have it all."""

import re
from pathlib import Path

import pytest

DASHBOARDS = Path(__file__).parents[2] / "examples/dashboards"
STRINGS = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`")
COMMENTS = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
ARITHMETIC = re.compile(
    r"[+\-*/%^]|<|(?<!=)>|\bMath\b|\bNumber\b|\bBigInt\b|\bDate\b|\bIntl\b"
    r"|\.(?:reduce|reduceRight|sort|toSorted|filter|reverse|toReversed|slice|splice|concat|push"
    r"|find|findLast|findIndex|indexOf|some|every|at|flat|flatMap|length|groupBy|toFixed|has|get"
    r"|set|add)\b|\bgroupBy\b|\bfor\b|\bwhile\b|\bMap\b|\bSet\b|\blet\b|\bvar\b"
)


def computing(text: str) -> list[str]:
    """What of a module computes, groups or sorts."""
    code = COMMENTS.sub("", STRINGS.sub('""', text)).replace("=>", " ")
    return ARITHMETIC.findall(code)


def test_the_mapping_computes_groups_and_sorts_nothing() -> None:
    assert computing((DASHBOARDS / "mapping.js").read_text()) == []


@pytest.mark.parametrize(
    "line",
    ["a + b", "n - 1", "x * 100", "sum / n", "list.sort()", "rows.filter((x) => x)", "a.length",
     "rows.reduce((s, x) => s, 0)", "Object.groupBy(rows, (x) => x.k)", "x > 0 ? a : b",
     "Math.max(...values)", "i++", "for (const x of y) z", "rows.at(0)", "new Map(rows)"],
)  # fmt: skip
def test_what_computes_is_found(line: str) -> None:
    assert computing(f'const a = "x"; // note\n{line}')


@pytest.mark.parametrize(
    "line",
    ["rows.map((each) => ({ ...each, a: each.b ?? null }))", "Object.entries(x.columns)",
     "const [[id, column]] = Object.entries(found)", "x?.values", 'a === "b-c" ? d : e'],
)  # fmt: skip
def test_what_only_names_is_not(line: str) -> None:
    assert computing(line) == []


def test_the_page_needs_no_other_host() -> None:
    for path in DASHBOARDS.iterdir():
        text = path.read_text()
        for address in re.findall(r"https?://[^\s\"'`)]+", text):
            host = address.split("/")[2]
            is_name = host == "www.w3.org" and path.suffix == ".js"
            assert is_name or host.startswith("127.0.0.1"), (path.name, address)
