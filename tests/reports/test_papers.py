"""Runs and evaluations as PDF: set from data, in three languages, whatever names look like."""

import json
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.conftest import Product, Tenant
from tests.isolation.keys import new_tenant_client
from tests.reports.evaluating import MARCH, id_of, one, push_agents
from tests.reports.printed import HOSTILE, LANGUAGES, decoded, path_of, without_isolates

from csapi.kit.clock import now
from csapi.kit.language import Language
from csapi.kit.problems import Problem
from csapi.reports.evaluations.schemas import AgentEvaluation
from csapi.reports.papers import blocks, figures, press
from csapi.reports.papers.encoders import file_of
from csapi.reports.papers.evaluation_paper import evaluation_paper
from csapi.reports.papers.isolation import plain
from csapi.reports.papers.making import run_order
from csapi.reports.papers.run_paper import run_paper
from csapi.reports.papers.typesetting import FONTS, TEMPLATE, as_pages, as_pdf, compiler, fonts
from csapi.reports.papers.words import ALL_PAPER_WORDS

PDF = {"accept": "application/pdf"}


def texts_of(paper: blocks.Paper) -> list[str]:
    """All strings of a paper, as they are handed to the template."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.append(without_isolates(value).replace(blocks.BREAK, ""))
        elif isinstance(value, dict):
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(json.loads(msgspec.json.encode(paper)))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_is_a_paper(printing: Tenant, run: dict[str, Any], language: str) -> None:
    answer = printing.http.get(path_of(run), params={"language": language}, headers=PDF)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-language"] == language
    assert answer.headers["content-disposition"] == f'attachment; filename="report-{run["id"]}.pdf"'
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")
    again = printing.http.get(path_of(run), params={"language": language}, headers=PDF)
    assert again.content == answer.content
    known = {**PDF, "if-none-match": answer.headers["etag"]}
    unchanged = printing.http.get(path_of(run), params={"language": language}, headers=known)
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_json_of_a_run_stays_as_it_was(printing: Tenant, run: dict[str, Any]) -> None:
    plain_answer = printing.http.get(path_of(run))
    assert plain_answer.json() == run
    for accept in ("*/*", "text/html, application/json", "image/png"):
        answer = printing.http.get(path_of(run), headers={"accept": accept})
        assert answer.content == plain_answer.content
    tags = {
        printing.http.get(
            path_of(run), headers={"accept": accept, "accept-language": language}
        ).headers["etag"]
        for accept in ("application/json", "application/pdf")
        for language in ("ar", "en")
    }
    assert len(tags) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_value_of_the_run_stands_in_the_paper(run: dict[str, Any], language: str) -> None:
    chosen = Language(language)
    paper = run_paper(decoded(run), chosen, "Acme")
    texts = set(texts_of(paper))
    words = ALL_PAPER_WORDS[chosen]
    count = 0
    for section in decoded(run).sections:
        answer = section.answer
        if answer is None:
            continue
        shown = [row.metrics for row in answer.data] + [answer.totals or {}]
        for metrics in shown:
            for name, cell in metrics.items():
                column = answer.meta.columns[name]
                if cell.value is not None:
                    number = figures.number(cell.value, column.unit, words, column.currency)
                    assert number in texts, (section.name, name)
                    count += 1
                assert f"{cell.n:,}" in texts
        for series in answer.series or []:
            for value in series.values:
                assert value is None or figures.number(value, series.unit, words) in texts
        for versions in answer.meta.definitions.items():
            assert any(" ".join(versions) in text for text in texts)
    assert count > 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_have_something_on_them(run: dict[str, Any], language: str) -> None:
    paper = run_paper(decoded(run), Language(language), HOSTILE[0])
    assert paper.direction == ("rtl" if language == "ar" else "ltr")
    pages = as_pages(paper, ppi=30)
    assert 3 <= len(pages) <= 20
    for page in pages:
        assert page.startswith(b"\x89PNG")
        width, height = struct.unpack(">II", page[16:24])
        assert width < height
        assert len(page) > 500


def test_names_are_shown_and_never_read(run: dict[str, Any]) -> None:
    """Headings come out of the compiler as the text that went in."""
    marked = decoded(run)
    for section, name in zip(marked.sections, HOSTILE, strict=False):
        section.title = name
    paper = run_paper(marked, Language.en, HOSTILE[0])
    found = json.loads(compiler(paper).query("heading"))
    seen = [
        without_isolates(each["body"]["text"]).replace(blocks.BREAK, "")
        for each in found
        if each["level"] == 1 and each["body"]["func"] == "text"
    ]
    for name in HOSTILE:
        assert plain(name) in seen
    joined = "\n".join(texts_of(paper))
    assert "\u202e" not in joined
    assert "\x01" not in joined


def test_a_paper_has_its_fonts_and_no_others() -> None:
    families = set(fonts().families())
    assert families == {"Noto Sans", "Noto Sans Arabic", "Droid Sans Fallback"}
    assert sum(each.stat().st_size for each in FONTS.iterdir()) < 6_000_000
    assert {"OFL.txt", "APACHE.txt"} <= {each.name for each in FONTS.iterdir()}


def test_a_long_table_is_cut_and_says_so(run: dict[str, Any]) -> None:
    long = decoded(run)
    answer = long.sections[2].answer
    assert answer is not None
    answer.data = answer.data * 60
    paper = run_paper(long, Language.en, "Acme")
    tables = [each for each in paper.blocks if isinstance(each, blocks.Table)]
    assert max(len(each.rows) for each in tables) == 200
    assert ALL_PAPER_WORDS[Language.en].term("more_rows") in texts_of(paper)
    assert as_pdf(paper, now()).startswith(b"%PDF")


@pytest.fixture(scope="module")
def staffed(product: Product) -> Iterator[Tenant]:
    made = new_tenant_client(product)
    push_agents(made)
    yield made
    made.http.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_evaluation_is_a_paper(staffed: Tenant, language: str) -> None:
    path = f"/v1/agents/{id_of(staffed, 'lee')}/evaluation"
    headers = {**PDF, "accept-language": language}
    answer = staffed.http.get(path, params=MARCH, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-language"] == language
    assert answer.headers["content-disposition"].endswith('.pdf"')


def test_an_evaluation_shows_its_numbers(staffed: Tenant) -> None:
    found = msgspec.convert(one(staffed, "lee"), AgentEvaluation)
    for language in Language:
        paper = evaluation_paper(found, language, "Acme")
        texts = set(texts_of(paper))
        words = ALL_PAPER_WORDS[language]
        for metric in found.metrics:
            for side in (metric.value, metric.past, metric.team, metric.peers):
                if side is not None and side.value is not None and metric.unit != "money":
                    assert figures.number(side.value, metric.unit, words) in texts
        assert words.choice("finding", "needs_training") in texts
        assert as_pages(paper, ppi=30)


def test_an_agent_reads_the_own_evaluation_as_a_paper(staffed: Tenant) -> None:
    bound = {"agent": {"id": id_of(staffed, "lee")}}
    token = staffed.http.post("/v1/portal-tokens", json=bound).json()["token"]
    headers = {**PDF, "authorization": f"Bearer {token}"}
    own = staffed.http.get("/v1/me/evaluation", params=MARCH, headers=headers)
    assert own.status_code == 200, own.text
    assert own.content.startswith(b"%PDF-")


def test_the_template_reads_nothing() -> None:
    """It shows data: it looks at no file, and takes no text for code."""
    words = r"\b(import|include|read|eval|plugin|image|csv|toml|xml|yaml|cbor|raw)\b"
    code = re.sub(r"//.*", "", TEMPLATE.read_text())
    assert not re.search(words, code)


def test_a_file_that_takes_too_long_is_given_up(
    run: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(press, "LASTS_SECONDS", 0.01)
    with pytest.raises(Problem) as refused:
        file_of(lambda: run_order(json.dumps(run), Language.en, "x", "application/pdf"))
    assert refused.value.code == "overloaded"


def test_the_press_ends_apart_from_who_asked() -> None:
    with pytest.raises(press.PressError, match="exit 1") as failed:
        press.pressed(b"no order")
    assert not failed.value.was_ended


def test_the_press_knows_nothing_of_the_server_and_writes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "file"
    code = (
        "import os; from csapi.reports.papers import press; press.be_bounded()\n"
        f"with open({str(place)!r}, 'w') as file: file.write('x')"
    )
    monkeypatch.setenv("CSAPI_DATABASE_URL", "postgresql://secret")
    assert "CSAPI_DATABASE_URL" not in press.environment()
    done = subprocess.run(
        [sys.executable, "-c", code], env=press.environment(), capture_output=True, check=False
    )
    assert done.returncode != 0
    assert not place.exists() or not place.read_text()
