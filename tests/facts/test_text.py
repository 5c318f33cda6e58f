"""One spelling for what means the same, words, and nothing that looks like a person."""
# ruff: noqa: RUF001  letters that look alike are what this is about

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from csapi.facts.text import (
    MOST_WORDS,
    folded,
    looks_personal,
    said_words,
    search_term,
    words,
)

# The dictionary is loaded with the first Chinese word, which takes longer than an example may.
words("\u53d1\u8d27")

# Letters, marks, digits and spaces of the scripts that people search in.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("aAéİß \t'’-@.+٠٩٣١7"),
        st.characters(min_codepoint=0x600, max_codepoint=0x6FF),
        st.characters(min_codepoint=0xFE70, max_codepoint=0xFEFF),
        st.sampled_from("退款银行卡ＡＢ１ﾃｽﾄ"),
    ),
    max_size=40,
)

SAME = [
    ("Refund", "  rEFUND \t"),
    ("reset my password", "Reset  my\u00a0password"),
    ("STRASSE", "straße"),
    ("caf\u00e9", "cafe\u0301"),
    ("don't", "don\u2019t"),
    # vowel signs, tatweel, alef forms, ta marbuta, alef maksura, presentation forms
    ("الحساب", "الحِسَاب"),
    ("الحساب", "الحســـاب"),
    ("استرجاع", "إسترجاع"),
    ("اموال", "أموال"),
    ("بطاقة", "بطاقه"),
    ("مستشفى", "مستشفي"),
    ("لا", "\ufefb"),
    ("طلب 15", "طلب ١٥"),
    ("کیف", "كيف"),
    ("الحساب", "\u200fالحساب\u200e"),
    # full and half width
    ("退款abc123", "退款ＡＢＣ１２３"),
    ("テスト", "ﾃｽﾄ"),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=range(len(SAME)))
def test_spellings_of_one_term_are_the_same(one: str, other: str) -> None:
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("refund", "refunds"), ("退款", "付款"), ("né", "ne")])
def test_other_terms_stay_apart(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(TEXTS)
def test_folding_again_changes_nothing(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert folded(f"  {text}\n") == once


def test_every_character_can_be_folded() -> None:
    """Databases of characters differ in age: one may know a digit that another does not."""
    for start in range(0, sys.maxunicode + 1, 256):
        numbers = (chr(number) for number in range(start, start + 256))
        once = folded(" ".join(each for each in numbers if unicodedata.category(each) != "Cs"))
        assert folded(once) == once, hex(start)


@given(st.lists(st.sampled_from(["Refund", "إسترجاع", "退款", "ＡＢＣ", "don't"]), max_size=6))
def test_words_do_not_depend_on_their_order(parts: list[str]) -> None:
    assert sorted(words(" ".join(parts))) == sorted(words(" ".join(reversed(parts))))


@given(TEXTS)
def test_words_are_those_of_the_folded_text(text: str) -> None:
    found = words(text)
    assert found == words(folded(text))
    assert all(word == word.strip() and word for word in found)


WORDS = [
    ("How do I return it? Don’t know!", ["how", "do", "i", "return", "it", "don't", "know"]),
    ("如何退款到银行卡", ["如何", "退款", "到", "银行卡"]),
    ("iPhone 退款", ["iphone", "退款"]),
    ("كيف أسترجع الأموال", ["كيف", "استرجع", "اموال"]),
    ("والدفع بالبطاقة للحساب", ["دفع", "بطاقه", "حساب"]),
    # what would leave less than three letters is no article
    ("الله والد", ["الله", "والد"]),
    ("… ?! ", []),
]


@pytest.mark.parametrize(("text", "expected"), WORDS, ids=range(len(WORDS)))
def test_words_in_three_scripts(text: str, expected: list[str]) -> None:
    assert words(text) == expected


PERSONAL = [
    "lina@example.org", "to: LINA@Example.org!", "ｌｉｎａ＠example．org",
    "+49 30 1234567", "(030) 123-4567", "call 0151/2345678", "٠١٢٣٤٥٦٧",
    "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "order 100200300",
]  # fmt: skip


@pytest.mark.parametrize("text", PERSONAL)
def test_what_looks_like_a_person_is_not_counted(text: str) -> None:
    assert looks_personal(folded(text))
    assert search_term(text) is None


@pytest.mark.parametrize(
    "text", ["error 404", "order 123456", "@home", "a@b", "windows 10 11", "50 %"]
)
def test_what_does_not_is(text: str) -> None:
    assert search_term(text) == text


@pytest.mark.parametrize("text", ["", "  ", "\u200f", "\u0640"])
def test_nothing_is_no_term(text: str) -> None:
    assert search_term(text) is None


SAID = [
    ("The agent was VERY slow, and it's late again", ["agent", "slow", "late"]),
    ("write to lina@example.org, or <Kim@Example.ORG>!", ["write"]),
    ("call 0151/2345678 about order 42", ["call", "order"]),
    ("انا لم استلم الطلب", ["استلم", "طلب"]),
    ("我们的物流太慢", ["物流", "太慢"]),
    ("Die Lieferung war nicht da", ["lieferung"]),
    ("a I 7 .", []),
]


@pytest.mark.parametrize(("text", "expected"), SAID, ids=range(len(SAID)))
def test_what_a_comment_says(text: str, expected: list[str]) -> None:
    assert said_words(text) == expected


@given(TEXTS)
def test_comments_keep_no_addresses_and_no_long_numbers(text: str) -> None:
    said = said_words(f"{text} lina@example.org +49 30 1234567")
    assert len(said) <= MOST_WORDS
    assert not {"lina", "1234567"} & set(said) - set(words(text))
