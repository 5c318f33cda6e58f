"""API keys: csk_live_<id>_<secret><checksum>, and portal tokens: csp_live_ with the same rest.

The checksum lets a scanner tell a key from noise offline, and lets us refuse a mistyped one
without a look-up. Only the SHA-256 of the secret is stored: it has 178 random bits, so a slow
hash would add nothing but load.
"""

import hashlib
import secrets
import string
import zlib
from dataclasses import dataclass

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX, PORTAL_PREFIX = "csk_live_", "csp_live_"
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 12, 30, 6
TOKEN_LENGTH = len(PREFIX) + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH


@dataclass(frozen=True, slots=True)
class Token:
    key_id: str
    secret: str
    prefix: str = PREFIX

    @property
    def text(self) -> str:
        body = f"{self.prefix}{self.key_id}_{self.secret}"
        return body + checksum(body)

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.secret.encode()).digest()


def checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def random_text(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def new_token(prefix: str = PREFIX) -> Token:
    return Token(random_text(ID_LENGTH), random_text(SECRET_LENGTH), prefix)


def parse_token(text: str) -> Token | None:
    """The parts of a well-formed key with a right checksum, else None."""
    prefix = text[: len(PREFIX)]
    if len(text) != TOKEN_LENGTH or prefix not in (PREFIX, PORTAL_PREFIX) or not text.isascii():
        return None
    body, given = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    key_id, separator, secret = body[len(prefix) :].partition("_")
    if separator != "_" or len(key_id) != ID_LENGTH or checksum(body) != given:
        return None
    return Token(key_id, secret, prefix)
