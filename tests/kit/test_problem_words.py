"""Problems in the reader's language: the same for programs, other words for people."""

import re

import httpx
import pytest

from csapi.kit.language import Language
from csapi.kit.problem_answers import told
from csapi.kit.problem_types import PROBLEMS
from csapi.kit.problem_words import SENTENCES, said
from csapi.kit.problems import FieldError, invalid

SCRIPTS = {
    Language.ar: re.compile(r"[\u0600-\u06ff]"),
    Language.zh_hans: re.compile(r"[\u4e00-\u9fff]"),
}


@pytest.mark.parametrize("language", SENTENCES)
def test_every_problem_has_a_sentence_of_its_own(language: Language) -> None:
    sentences = SENTENCES[language]
    assert sentences.keys() == PROBLEMS.keys()
    assert len({*sentences.values()}) == len(sentences)
    for code, sentence in sentences.items():
        assert SCRIPTS[language].search(sentence), code
        assert sentence.strip() == sentence, code
        assert sentence.endswith((".", "。")), code


def test_every_language_but_english_has_sentences() -> None:
    assert {*SENTENCES, Language.en} == {*Language}


@pytest.mark.parametrize("accept", ["ar", "zh-CN", "ar-SA;q=0.9, en;q=0.1"])
async def test_detail_alone_is_translated(client: httpx.AsyncClient, accept: str) -> None:
    english = (await client.get("/v1/nothing")).json()
    answer = await client.get("/v1/nothing", headers={"Accept-Language": accept})
    assert answer.headers["Content-Type"] == "application/problem+json"
    language = Language.zh_hans if accept.startswith("zh") else Language.ar
    other = answer.json()
    changed = {name for name in english if english[name] != other[name]}
    assert changed == {"detail", "request_id"}
    sentence = SENTENCES[language]["not_found"]
    assert other["detail"] == f"{sentence} (\u2068{english['detail']}\u2069)"


@pytest.mark.parametrize("accept", [b"en", b"fr", b"*", b"\xff;;q=x"])
async def test_who_reads_nothing_else_reads_english(
    client: httpx.AsyncClient, accept: bytes
) -> None:
    english = (await client.get("/v1/nothing")).json()["detail"]
    answer = await client.get("/v1/nothing", headers={b"accept-language": accept})
    assert answer.json()["detail"] == english


def test_places_are_told_in_the_same_language_and_keep_pointer_and_code() -> None:
    error = FieldError("/limit", "out_of_range", "At most 1,000.", ["1", "2"])
    scope = {"path": "/v1/x", "headers": [(b"accept-language", b"ar")], "state": {}}
    (found,) = told(invalid(error), scope).errors
    assert (found.pointer, found.code, found.allowed) == ("/limit", "out_of_range", ["1", "2"])
    assert found.message == said(Language.ar, "out_of_range", "At most 1,000.")
    assert said(Language.en, "out_of_range", "At most 1,000.") == "At most 1,000."
