"""Search terms so that they can be counted: one spelling for what means the same, and words.

Arabic loses what is written or left out at will, Chinese its widths, Latin its case.
"""

import unicodedata

import regex

from csapi.facts.small_words import SMALL_WORDS

# Arabic vowel signs and Koranic marks, the tatweel, and characters that only steer the layout.
MOST_WORDS = 300

UNWRITTEN = regex.compile(
    "[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]|\\p{Cf}"
)
LETTERS = str.maketrans(
    {
        **dict.fromkeys("\u0622\u0623\u0625\u0671", "\u0627"),  # alef with madda, hamza or wasla
        **dict.fromkeys("\u0649\u06cc", "\u064a"),  # alef maksura and Persian ya
        "\u0629": "\u0647",  # ta marbuta
        "\u06a9": "\u0643",  # Persian kaf
        "\u2019": "'",
    }
)
DIGIT = regex.compile(r"(?![0-9])\d")

E_MAIL = regex.compile(r"[^\s@]@[^\s@]+\.[^\s@]")
# Seven digits or more, written in one or in groups: a phone, card, account or order number.
NUMBER = regex.compile(r"(?:\d[\s().+/\u2010-\u2015-]*){7}")

ADDRESS = regex.compile(r"[^\s@<>]+@[^\s@<>]+")

TOKEN = regex.compile(r"(?V1)\p{Han}+|[\w--\p{Han}]+(?:'[\w--\p{Han}]+)*")
HAN = regex.compile(r"\p{Han}")
# "and", "so", "with", "like" and "for" are written together with the article and the word.
ARABIC_ARTICLE = regex.compile(
    "^[\u0648\u0641]?(?:[\u0628\u0643]?\u0627\u0644|\u0644\u0644)(?=\\p{Arabic}{3,}$)"
)


def folded(text: str) -> str:
    """The spelling that all spellings of a text share. Folding again changes nothing."""
    if text.isascii():
        return " ".join(text.lower().split())
    while (again := _folded_once(text)) != text:
        text = again
    return text


def _folded_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", text.casefold())
    text = UNWRITTEN.sub("", text).translate(LETTERS)
    text = DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0], digit[0])), text)
    return " ".join(text.split())


def looks_personal(text: str) -> bool:
    """Whether a folded text looks like it names a person: an e-mail address or a long number."""
    return bool(E_MAIL.search(text) or NUMBER.search(text))


def search_term(text: str) -> str | None:
    """A search term as it is counted; None where there is nothing to count, or nothing we may."""
    term = folded(text)
    return None if not term or looks_personal(term) else term


SMALL = frozenset(folded(SMALL_WORDS).split())


def said_words(text: str) -> list[str]:
    """The words of a comment that say something: without personal data, numbers, single letters
    and the small words that every text is full of. At most MOST_WORDS. (Names are not known as
    such: whoever shows words shows those that several comments have.)"""
    known = NUMBER.sub(" ", ADDRESS.sub(" ", folded(text)))
    found = [
        word
        for word in words_of_folded(known)
        if word not in SMALL and (len(word) > 1 or HAN.match(word)) and not word.isdecimal()
    ]
    return found[:MOST_WORDS]


def words(text: str) -> list[str]:
    """The words of a text, folded, in their order; Arabic ones without an article."""
    return words_of_folded(folded(text))


def words_of_folded(text: str) -> list[str]:
    found: list[str] = []
    for token in TOKEN.findall(text):
        if HAN.match(token):
            import rjieba  # noqa: PLC0415  its dictionary takes a third of a second to load

            found += rjieba.cut(token)
        else:
            found.append(ARABIC_ARTICLE.sub("", token))
    return found
