"""E-mail addresses, passwords, and the texts that carry secrets; no server is needed."""

import asyncio
from uuid import uuid4

import pytest

from csapi.access.people.hashing import MOST_WAITING, Hasher
from csapi.access.people.roles import normalized_email, password_fault
from csapi.access.sealed import INVITATION, REFRESH, new_sealed, parse_sealed
from csapi.kit.log import without_credentials
from csapi.kit.problems import Problem


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (" Ana@Example.COM ", "ana@example.com"),
        ("\uff21na@example.com", "ana@example.com"),
        ("", None),
        ("ana", None),
        ("@example.com", None),
        ("ana@", None),
        ("a@b@c", None),
        ("a b@c.example", None),
        ("a\0@c.example", None),
        ("a\ud800@c.example", None),
        ("a" * 250 + "@c.example", None),
    ],
)
def test_addresses_have_one_form(text: str, found: str | None) -> None:
    assert normalized_email(text) == found


def test_passwords_are_long_and_not_the_address() -> None:
    email = "ana.person@example.com"
    for weak in ("", "short", "x" * 20, "ab" * 10, "ANA.person@example.com", "x" * 300):
        assert password_fault(weak, email) is not None
    assert password_fault("twelve chars", email) is None


async def test_a_password_matches_itself_in_any_form_and_nothing_else() -> None:
    hasher = Hasher()
    try:
        stored = await hasher.hash("caf\u00e9 au lait, two")
        assert await hasher.verify(stored, "cafe\u0301 au lait, two")
        assert not await hasher.verify(stored, "cafe au lait, two")
        assert not await hasher.verify(None, "cafe au lait, two")
        assert not await hasher.verify("no hash", "\ud800")
    finally:
        hasher.close()


async def test_more_than_a_few_that_wait_are_refused() -> None:
    hasher = Hasher()
    hasher._waiting = MOST_WAITING
    try:
        with pytest.raises(Problem) as problem:
            await asyncio.wait_for(hasher.verify(None, "x"), 1)
        assert (problem.value.code, problem.value.status) == ("overloaded", 503)
    finally:
        hasher.close()


def test_sealed_texts_are_of_one_kind() -> None:
    token = new_sealed(REFRESH, uuid4())
    assert parse_sealed(REFRESH, token.text) == token
    assert parse_sealed(INVITATION, token.text) is None
    assert parse_sealed(INVITATION, "csi" + token.text[3:]) is None
    assert parse_sealed(REFRESH, token.text[:-1] + "-") is None
    assert new_sealed(REFRESH, token.owner, token.id).text[:50] == token.text[:50]
    for prefix in ("csr", "csi", "csw", "cst", "csf"):
        text = new_sealed(prefix, uuid4()).text
        assert without_credentials(f"a {text} b") == "a [redacted] b"
