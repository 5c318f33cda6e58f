"""Runs in words: every number is one of the run, in three languages."""

import copy
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.conftest import Tenant
from tests.reports.printed import (
    LANGUAGES,
    at,
    decoded,
    path_of,
    without_isolates,
)

from csapi.kit.language import Language
from csapi.metrics.metric import Unit
from csapi.reports.papers import figures
from csapi.reports.papers.isolation import isolated_name, plain
from csapi.reports.papers.schemas import MOST_SENTENCES, SummarySentence
from csapi.reports.papers.summary import summary
from csapi.reports.papers.words import ALL_PAPER_WORDS, CATALOGS, PLACE
from csapi.reports.runs.asking import CUT

PARTS = ("challenges", "overview", "agents", "findings", "actions", "not_covered")
NUMBER = re.compile(r"-?[\d,]*\.?\d+")
SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def told(printing: Tenant, run: dict[str, Any], language: str) -> Any:
    answer = printing.http.get(f"{path_of(run)}/summary", params={"language": language})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-language"] == language
    return answer.json()


def sentences(found: Any) -> Iterator[Any]:
    for part in PARTS:
        assert found[part]["title"]
        yield from found[part]["sentences"]


def rules(found: Any, part: str) -> list[str]:
    return [each["rule"] for each in found[part]["sentences"]]


def meant(text: str, language: str) -> float | None:
    """The number that a text says; durations in seconds."""
    words = ALL_PAPER_WORDS[Language(language)]
    text = without_isolates(text).lstrip("p=< +")
    numbers = [float(each.replace(",", "")) for each in NUMBER.findall(text)]
    units = re.sub(r"[-\d.,+]", " ", text).split()
    known = {words.term(name): size for name, size in SECONDS.items()}
    if units and all(each in known for each in units):
        sizes = [known[each] for each in units]
        total = sum(abs(n) * size for n, size in zip(numbers, sizes, strict=True))
        return -total if text.startswith("-") else total
    return numbers[0] if numbers else None


def check_figures(found: Any, run: dict[str, Any], language: str) -> int:
    """That each is as stored in the run, and said as it is; how many there are."""
    count = 0
    for sentence in sentences(found):
        for figure in sentence["figures"]:
            count += 1
            assert figure["text"] in sentence["text"]
            check_figure(figure, at(run, figure["pointer"]), language)
        for name in sentence["names"]:
            assert name["text"] in sentence["text"]
            if name["pointer"] is not None:
                assert at(run, name["pointer"]) == name["value"]
    return count


def check_figure(figure: Any, stored: Any, language: str) -> None:
    if figure["at"] is not None:
        instant = datetime.fromisoformat(stored)
        assert instant == datetime.fromisoformat(figure["at"])
        assert f"{instant.astimezone(ZoneInfo('Asia/Riyadh')):%Y-%m-%d}" in figure["text"]
        return
    value = len(stored) if figure["is_length"] else stored
    assert value == figure["value"], figure
    said = meant(figure["text"], language)
    if said is None:
        assert value in (0, 1, 2), figure
    elif "<" in figure["text"]:
        assert 0 <= value < said
    else:
        # Shares are said in percent, durations in two units of time.
        is_share = said == pytest.approx(value * 100, rel=0.02, abs=0.06)
        assert is_share or said == pytest.approx(value, rel=0.02, abs=0.006), figure


def check_digits(found: Any) -> None:
    """That nothing but figures and names has any."""
    for sentence in sentences(found):
        rest = sentence["text"]
        pieces = [each["text"] for each in (*sentence["names"], *sentence["figures"])]
        for piece in sorted(pieces, key=len, reverse=True):
            rest = rest.replace(piece, "")
        assert not re.search(r"\d", rest), sentence


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_a_value_of_the_run(
    printing: Tenant, run: dict[str, Any], language: str
) -> None:
    found = told(printing, run, language)
    assert check_figures(found, run, language) > 30
    check_digits(found)


def troubled(run: dict[str, Any]) -> dict[str, Any]:
    """The same run, with all that a summary must not keep to itself."""
    found: dict[str, Any] = copy.deepcopy(run)
    whole, by_agent, alone, days, _, _, few, speed, _ = found["sections"]
    meta = by_agent["answer"]["meta"]
    meta.update(exact=False, pending_buckets=3, pending_subjects=11)
    meta["warnings"].append(CUT)
    whole["unexplained"] = 2
    problem = {"code": "query_timeout", "detail": "", "errors": []}
    whole["explanations"].append(
        {"metric": "csat_score", "by": "topic", "answer": None, "problem": problem}
    )
    # Days that are agents, and agents that are topics.
    for row in by_agent["answer"]["data"]:
        row["dimensions"] = {"topic": row["dimensions"]["agent"]}
    by_agent["query"]["dimensions"] = ["topic"]
    good = by_agent["answer"]["data"][0]["metrics"]["csat_score"]["compare"]
    good.update(significant=True, verdict="improved", p_adjusted=0.004)
    cells = few["answer"]["data"][0]["metrics"]
    sample = {"value": 0.5, "n": 5, "numerator": 2, "denominator": 4, "null_reason": None}
    cells["nps"].update(sample)
    cells["nps"]["compare"].update(delta=0.1, verdict="unclear", verdict_reason="too_few", value=2)
    few["answer"]["meta"]["statistics"]["samples"]["nps"] = "mean"
    cells["response_time"].update(precision="approximate", relative_error=0.01, value=1.0)
    few["answer"]["meta"]["maturity"]["nps"] = {
        "state": "window", "window_seconds": 60, "mature_through": None, "immature_n": 100,
    }  # fmt: skip
    speed["answer"]["data"][0]["metrics"]["reopen_rate"]["null_reason"] = "not_sent"
    alone["answer"]["totals"] = {
        name: copy.deepcopy(value) for name, value in whole["answer"]["data"][0]["metrics"].items()
    }
    alone["answer"]["meta"]["query"]["filters"] = {"dimension": "x"}
    alone["query"]["compare"] = days["query"]["compare"] = {"to": "rest"}
    better = alone["answer"]["totals"]["csat_score"]["compare"]
    better.update(verdict="improved")
    days["answer"]["totals"] = copy.deepcopy(whole["answer"]["data"][0]["metrics"])
    days["answer"]["meta"]["query"]["filters"] = {"dimension": "y"}
    return found


def quiet(run: dict[str, Any]) -> dict[str, Any]:
    """A run in which nothing stands out."""
    found: dict[str, Any] = copy.deepcopy(run)
    found["sections"] = found["sections"][:1]
    (whole,) = found["sections"]
    whole["explanations"] = []
    for cell in whole["answer"]["data"][0]["metrics"].values():
        cell["compare"].update(significant=False, verdict="unclear")
    return found


def uncompared(run: dict[str, Any]) -> dict[str, Any]:
    """A run of which nothing is left but what has no value."""
    found: dict[str, Any] = copy.deepcopy(run)
    found["sections"] = [found["sections"][5]]
    return found


def standing_still(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(run)
    found["sections"] = [found["sections"][1]]
    for row in found["sections"][0]["answer"]["data"]:
        for cell in row["metrics"].values():
            cell["compare"].update(significant=False, verdict="unclear")
    return found


def long(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = copy.deepcopy(run)
    found["sections"] = found["sections"][-1:] * (MOST_SENTENCES + 1)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_says_what_is_stored(run: dict[str, Any], language: str) -> None:
    seen = set()
    for change in (troubled, quiet, uncompared, standing_still, long):
        changed = change(run)
        found = msgspec.to_builtins(summary(decoded(changed), Language(language)))
        check_figures(found, changed, language)
        check_digits(found)
        for part in PARTS:
            assert len(found[part]["sentences"]) <= MOST_SENTENCES
        seen |= {each["rule"] for each in sentences(found)}
    seen |= {each.rule for each in summary_sentences(run)}
    assert seen == set(CATALOGS[Language.en].sentences)


def summary_sentences(run: dict[str, Any]) -> Iterator[SummarySentence]:
    found = summary(decoded(run), Language.en)
    for part in PARTS:
        yield from getattr(found, part).sentences


def test_each_part_says_what_its_rules_say(printing: Tenant, run: dict[str, Any]) -> None:
    found = told(printing, run, "en")
    assert rules(found, "challenges")[:2] == ["worsened", "largest_part"]
    worse, part = found["challenges"]["sentences"][:2]
    assert worse["text"].startswith("CSAT")
    assert "Bob (Agent)" in part["text"]
    assert "row_worsened" in rules(found, "agents")
    assert "agents_range" in rules(found, "agents")
    assert "rate_and_mix" in rules(found, "findings")
    assert {"look_at_member", "ask_beside", "ask_otherwise"} <= set(rules(found, "actions"))
    expected = {"always", "failed", "no_value", "no_whole", "drawn", "not_tested"}
    assert expected <= set(rules(found, "not_covered"))
    assert found["run_id"] == run["id"]


def test_the_language_is_that_of_the_parameter_the_request_or_the_run(
    printing: Tenant, run: dict[str, Any]
) -> None:
    path = f"{path_of(run)}/summary"
    chinese = printing.http.get(path, headers={"accept-language": "zh-CN"})
    assert chinese.json()["language"] == "zh-Hans"
    assert printing.http.get(path).json()["language"] == "en"
    both = printing.http.get(path, params={"language": "ar"}, headers={"accept-language": "zh"})
    assert both.json()["language"] == "ar"
    refused = printing.http.get(path, params={"language": "xx"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/language")


def test_names_and_numbers_are_isolated_where_text_runs_to_the_left(
    printing: Tenant, run: dict[str, Any]
) -> None:
    for sentence in sentences(told(printing, run, "ar")):
        text = sentence["text"].replace("`explain`", "")
        depth = 0
        for each in text:
            depth += (each in "\u2066\u2067\u2068") - (each == "\u2069")
            assert depth in (0, 1, 2), text
            if each.isascii() and each.isalnum():
                assert depth > 0, text
        assert depth == 0


def test_text_of_a_tenant_reorders_nothing() -> None:
    name = "\u202eevil\u202c \u2067x\t\x01\u200f y"
    assert plain(name) == "evil x y"
    assert isolated_name("Ann", right_to_left=False) == "Ann"
    assert isolated_name("سارة", right_to_left=False) == "\u2068سارة\u2069"  # noqa: RUF001
    assert isolated_name("Ann", right_to_left=True) == "\u2068Ann\u2069"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "لا صفوف"), (1, "صف واحد"), (2, "صفان"), (3, "3 صفوف"), (11, "11 صفًا"),
        (100, "100 صف"),
    ],
)  # fmt: skip
def test_arabic_counts_in_six_ways(number: int, text: str) -> None:
    assert ALL_PAPER_WORDS[Language.ar].counted("rows", number, str(number)) == text


def test_english_and_chinese_count_in_theirs() -> None:
    english, chinese = ALL_PAPER_WORDS[Language.en], ALL_PAPER_WORDS[Language.zh_hans]
    assert [english.counted("rows", n, str(n)) for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert chinese.counted("rows", 1, "1") == "1 行"


def test_every_language_says_the_same_things() -> None:
    english = CATALOGS[Language.en]
    categories = {
        Language.en: {"one", "other"},
        Language.ar: {"zero", "one", "two", "few", "many", "other"},
        Language.zh_hans: {"other"},
    }
    for language, catalog in CATALOGS.items():
        assert catalog.sentences.keys() == english.sentences.keys()
        for rule, pattern in catalog.sentences.items():
            assert set(PLACE.findall(pattern)) == set(PLACE.findall(english.sentences[rule])), rule
            assert not re.search(r"\d", pattern)
        assert catalog.terms.keys() == english.terms.keys()
        assert {k: v.keys() for k, v in catalog.choices.items()} == {
            k: v.keys() for k, v in english.choices.items()
        }
        assert catalog.nouns.keys() == english.nouns.keys()
        for patterns in catalog.nouns.values():
            assert patterns.keys() == categories[language]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.07, Unit.SHARE, "7%"), (0.8833, Unit.SHARE, "88.3%"), (0.00042, Unit.SHARE, "0.042%"),
        (1, Unit.SHARE, "100%"), (0, Unit.SHARE, "0%"), (12.34, Unit.SECONDS, "12.3 s"),
        (59.99, Unit.SECONDS, "60 s"), (60, Unit.SECONDS, "1 min"),
        (3_599.7, Unit.SECONDS, "1 h"), (5_405, Unit.SECONDS, "1 h 30 min"),
        (300_000, Unit.SECONDS, "3 d 11 h"), (-90, Unit.SECONDS, "-1 min 30 s"),
        (1234567, Unit.COUNT, "1,234,567"), (2.5, Unit.COUNT, "2.5"), (-0.0001, Unit.MONEY, "0.00"),
        (-33.333, Unit.POINTS, "-33.3"), (4.567, Unit.SCORE, "4.57"),
    ],
)  # fmt: skip
def test_numbers_are_written_by_their_unit(value: float, unit: Unit, text: str) -> None:
    assert figures.number(value, unit, ALL_PAPER_WORDS[Language.en]) == text


def test_a_run_without_answers_is_told_as_such(run: dict[str, Any]) -> None:
    empty = {
        **run,
        "sections": [
            {**each, "answer": None, "explanations": [], "problem": run["sections"][-1]["problem"]}
            for each in run["sections"]
        ],
    }
    found = summary(decoded(empty), Language.ar)
    assert [each.rule for each in found.overview.sentences] == ["no_overview"]
    assert {each.rule for each in found.not_covered.sentences} == {"always", "failed"}
