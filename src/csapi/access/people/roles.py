"""What people may do, and how their e-mail addresses and passwords must look."""

import hashlib
import unicodedata
from enum import StrEnum

from csapi.access.principals import Scope

LONGEST_EMAIL = 254
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256


class Role(StrEnum):
    """What a person is in a tenant."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    AGENT = "agent"


# Portal tokens end with the key that made them, so it takes a key to make one.
_ALL = frozenset(Scope) - {Scope.TOKENS_WRITE}
SCOPES_OF: dict[Role, frozenset[str]] = {
    Role.OWNER: _ALL,
    Role.ADMIN: _ALL,
    Role.ANALYST: frozenset({Scope.REPORTS_READ, Scope.RECORDS_READ, Scope.NAMES_READ}),
    Role.AGENT: frozenset({Scope.REPORTS_READ}),
}
# What whoever gives a role must hold. What agents write is personal, as with their portal tokens.
NEEDED_FOR: dict[Role, frozenset[str]] = {
    **SCOPES_OF,
    Role.AGENT: frozenset({Scope.REPORTS_READ, Scope.RECORDS_READ}),
}


def normalized_email(text: str) -> str | None:
    """The form in which an address is kept and found; None if it cannot be one."""
    email = unicodedata.normalize("NFKC", text).strip().casefold()
    name, at, domain = email.partition("@")
    if not (name and at and domain) or "@" in domain or len(email) > LONGEST_EMAIL:
        return None
    if any(each.isspace() or unicodedata.category(each)[0] == "C" for each in email):
        return None
    return email


def password_fault(password: str, email: str) -> str | None:
    """What is wrong with a new password; None if nothing is. Length is what counts."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
    if password.casefold() in {email, email.partition("@")[0]} or len(set(password)) < 4:
        return "The password is too easy to guess."
    return None


def digest_of(kind: str, text: str) -> bytes:
    """How attempts on an account or from an address are counted without keeping either."""
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "replace")).digest()
