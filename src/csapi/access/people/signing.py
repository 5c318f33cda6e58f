"""Access tokens: JWTs signed by Ed25519 with keys of the database, and the keys' rotation.

A token says who somebody is; what they may do is read from the membership (access/people/
sessions.py). Nothing of a token is believed before its signature is checked with a key of ours.
"""

import base64
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from csapi.access.people.roles import Role
from csapi.kit.db import acquire

ALGORITHM, TYPE, AUDIENCE = "EdDSA", "at+jwt", "csapi"
LONGEST_TOKEN = 4_096
ACCESS_SECONDS, LONGEST_SECONDS = 600, 900
CLOCK_SKEW_SECONDS = 5
# A new key is shown for a minute before it signs; what older ones signed lives on until its end.
SHOWN_BEFORE = timedelta(seconds=60)
OLD_KEYS_LIVE = SHOWN_BEFORE + timedelta(seconds=LONGEST_SECONDS)
KEY_LIVES = timedelta(days=30)
TRUSTED_SECONDS, ASK_AGAIN_SECONDS = 30.0, 2.0
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
REQUIRED = ["exp", "iat", "nbf", "iss", "aud", "sub", "jti", "sid", "tenant", "role"]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token of ours says, with its types: other types are another's."""

    iss: str
    aud: str
    sub: UUID
    sid: UUID
    tenant: UUID
    role: Role
    jti: UUID
    iat: int
    nbf: int
    exp: int


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    private: bytes
    public: bytes
    signs_from: datetime

    @property
    def jwk(self) -> dict[str, str]:
        x = base64.urlsafe_b64encode(self.public).decode().rstrip("=")
        return {"kty": "OKP", "crv": "Ed25519", "alg": ALGORITHM, "use": "sig"} | {
            "kid": self.kid,
            "x": x,
        }


async def living_keys(connection: asyncpg.Connection, at: datetime) -> list[SigningKey]:
    """In the order in which they begin to sign."""
    rows = await connection.fetch("SELECT * FROM find_signing_keys($1)", at)
    return [SigningKey(*row.values()) for row in rows]


async def add_key(
    connection: asyncpg.Connection,
    keys: Sequence[SigningKey],
    at: datetime,
    *,
    at_once: bool = False,
) -> bool:
    """A new key beside `keys`, those that are known; False if another process was faster.
    `at_once`: it signs now and the others end now, and with them all access tokens."""
    private = Ed25519PrivateKey.generate()
    begins = at if at_once or not keys else at + SHOWN_BEFORE
    added: bool = await connection.fetchval(
        "SELECT add_signing_key($1, $2, $3, $4, $5, $6)",
        secrets.token_urlsafe(12),
        private.private_bytes_raw(),
        private.public_key().public_bytes_raw(),
        begins,
        at if at_once else at + OLD_KEYS_LIVE,
        keys[-1].kid if keys else None,
    )
    return added


def is_due(keys: Sequence[SigningKey], at: datetime) -> bool:
    """Whether it is time for a new key."""
    return not keys or keys[-1].signs_from + KEY_LIVES <= at


class Signer:
    """Signs and recognizes tokens. What it knows of keys is asked for again after half a minute."""

    def __init__(self, pool: asyncpg.Pool, issuer: str) -> None:
        self._pool = pool
        self._issuer = issuer
        self._keys: list[SigningKey] = []
        self._asked = -TRUSTED_SECONDS

    async def keys(self, at: datetime, *, older_than: float = TRUSTED_SECONDS) -> list[SigningKey]:
        """Those in force, asked for anew if what is known is older than so many seconds."""
        if time.monotonic() - self._asked >= older_than:
            async with acquire(self._pool) as connection:
                self._keys = await living_keys(connection, at)
            self._asked = time.monotonic()
        return self._keys

    async def sign(
        self, *, person: UUID, session: UUID, tenant: UUID, role: Role, at: datetime
    ) -> str:
        key = await self._current(at)
        issued = int(at.timestamp())
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(person),
            "sid": str(session),
            "tenant": str(tenant),
            "role": role.value,
            "jti": str(uuid4()),
            "iat": issued,
            "nbf": issued,
            "exp": issued + ACCESS_SECONDS,
        }
        headers = {"typ": TYPE, "kid": key.kid}
        private = Ed25519PrivateKey.from_private_bytes(key.private)
        return jwt.encode(claims, private, algorithm=ALGORITHM, headers=headers)

    async def _current(self, at: datetime) -> SigningKey:
        """The key that signs now; where the newest is old or there is none, one more is made."""
        keys = await self.keys(at)
        if is_due(keys, at):
            async with acquire(self._pool) as connection:
                # Another process may have made one meanwhile.
                if is_due(keys := await living_keys(connection, at), at):
                    await add_key(connection, keys, at)
            keys = await self.keys(at, older_than=0)
        # Clocks of processes differ by a little: the only key serves from the start.
        return next((key for key in reversed(keys) if key.signs_from <= at), keys[0])

    async def recognize(self, text: str, at: datetime) -> Claims | None:
        """What a valid access token of ours says; None for everything else, whatever is wrong."""
        header = unverified_header(text)
        if header is None:
            return None
        key = await self._find(header["kid"], at)
        if key is None:
            return None
        try:
            decoded = jwt.decode(
                text,
                Ed25519PublicKey.from_public_bytes(key.public),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=AUDIENCE,
                # The clock is ours, see below.
                options={
                    "require": REQUIRED,
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
            claims = msgspec.convert(decoded, Claims)
        except Exception:  # noqa: BLE001  a token can make its reader raise nearly everything
            return None
        return claims if is_in_time(claims, at) else None

    async def _find(self, kid: str, at: datetime) -> SigningKey | None:
        """Another process may have made a key a moment ago; strange names are asked for rarely."""
        for older_than in (TRUSTED_SECONDS, ASK_AGAIN_SECONDS):
            for key in await self.keys(at, older_than=older_than):
                if key.kid == kid:
                    return key
        return None


def unverified_header(text: str) -> dict[str, Any] | None:
    """The header, if it is exactly such as ours; None for every other."""
    if len(text) > LONGEST_TOKEN or JWT.fullmatch(text) is None:
        return None
    try:
        header = jwt.get_unverified_header(text)
    except Exception:  # noqa: BLE001  as above
        return None
    if set(header) != {"alg", "typ", "kid"} or not isinstance(header["kid"], str):
        return None
    return header if (header["alg"], header["typ"]) == (ALGORITHM, TYPE) else None


def is_in_time(claims: Claims, at: datetime) -> bool:
    second = at.timestamp()
    return (
        max(claims.nbf, claims.iat) <= second + CLOCK_SKEW_SECONDS
        and second < claims.exp <= claims.iat + LONGEST_SECONDS
    )
