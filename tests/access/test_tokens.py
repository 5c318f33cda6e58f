"""The text of API keys: csk_live_<id>_<secret><checksum>."""

import hashlib
import re
import zlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from csapi.access.tokens import ALPHABET, TOKEN_LENGTH, Token, checksum, new_token, parse_token

FORM = re.compile(r"csk_live_([0-9A-Za-z]{12})_([0-9A-Za-z]{30})([0-9A-Za-z]{6})\Z")

calm = settings(deadline=None)
words = st.text(ALPHABET, min_size=1)
tokens = st.builds(
    Token,
    st.text(ALPHABET, min_size=12, max_size=12),
    st.text(ALPHABET, min_size=30, max_size=30),
)


def test_a_new_key_has_the_documented_form_and_enough_chance() -> None:
    made = {new_token().text for _ in range(500)}
    assert len(made) == 500
    for text in made:
        match = FORM.match(text)
        assert match
        assert parse_token(text) == Token(match[1], match[2])
    for place in range(13):
        # 500 draws of 62 letters: every place must vary.
        assert len({text[-7 - place] for text in made}) > 40


@calm
@given(tokens)
def test_what_was_written_is_read(token: Token) -> None:
    assert parse_token(token.text) == token
    assert token.digest == hashlib.sha256(token.secret.encode()).digest()


@calm
@given(tokens)
def test_the_checksum_is_crc32_in_base_62(token: Token) -> None:
    body, given_sum = token.text[:-6], token.text[-6:]
    number = 0
    for letter in given_sum:
        number = number * 62 + ALPHABET.index(letter)
    assert number == zlib.crc32(body.encode())


@calm
@given(tokens, st.integers(0, TOKEN_LENGTH - 1), st.characters())
def test_one_wrong_character_is_noticed(token: Token, place: int, letter: str) -> None:
    assume(token.text[place] != letter)
    assert parse_token(token.text[:place] + letter + token.text[place + 1 :]) is None


@calm
@given(tokens, st.integers(0, TOKEN_LENGTH - 2))
def test_two_swapped_characters_are_noticed(token: Token, place: int) -> None:
    one, two = token.text[place], token.text[place + 1]
    assume(one != two)
    assert parse_token(token.text[:place] + two + one + token.text[place + 2 :]) is None


@calm
@given(st.text())
def test_any_other_text_is_no_key(text: str) -> None:
    assert parse_token(text) is None


@calm
@given(words, words)
def test_a_right_checksum_does_not_make_a_key(key_id: str, secret: str) -> None:
    assume((len(key_id), len(secret)) != (12, 30))
    body = f"csk_live_{key_id}_{secret}"
    assert parse_token(body + checksum(body)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("csk_live_", "csk_test_"),
        lambda text: text[:-6] + checksum("x" + text[:-6]),
        lambda text: text + text,
        lambda text: text[:-1],
        lambda text: text.replace("_", "\N{FULLWIDTH LOW LINE}"),
    ],
)
def test_near_misses_are_no_keys(change: object) -> None:
    assert parse_token(change(new_token().text)) is None  # type: ignore[operator]
