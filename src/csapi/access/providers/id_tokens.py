"""ID tokens: nothing of one is believed before its signature and all around it is checked."""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import jwt
import msgspec
from jwt.types import Options

from csapi.access.people.roles import normalized_email
from csapi.access.providers.issuers import Issuers
from csapi.access.providers.keys import ALGORITHMS, LONGEST_KID

LONGEST_ID_TOKEN, LONGEST_SUBJECT = 16_384, 255
LEEWAY_SECONDS = 60
JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
# Checked here, by our clock and to the letter.
UNCHECKED: Options = {
    "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False,
    "verify_iss": False, "verify_sub": False, "verify_jti": False,
}  # fmt: skip


class IdTokenError(Exception):
    """It is not believed; `reason` in a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class IdClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a token."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: int | float
    iat: int | float
    nonce: str
    nbf: int | float | None = None
    azp: str | None = None
    email: str | None = None
    email_verified: bool | str | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be for: began_at, when the sign-in was begun that it is the answer to."""

    tenant_id: UUID
    issuer: str
    client_id: str
    nonce: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the provider vouches for. `email`: as it says, null where it says that it has not seen
    to it; `is_verified`: it says that it has."""

    subject: str
    email: str | None
    is_verified: bool


def unverified_header(text: str) -> tuple[str, str | None]:
    """The algorithm and the name of the key, of which nothing is true yet. Raises IdTokenError."""
    if len(text) > LONGEST_ID_TOKEN or JWT.fullmatch(text) is None:
        raise IdTokenError("malformed")
    try:
        header = jwt.get_unverified_header(text)
    except Exception:  # noqa: BLE001  a token can make its reader raise nearly everything
        raise IdTokenError("malformed") from None
    algorithm, kid, type_ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS:
        raise IdTokenError("algorithm")
    if not isinstance(type_, str) or type_.casefold() != "jwt" or {"crit", "b64"} & header.keys():
        raise IdTokenError("type")
    if kid is not None and (not isinstance(kid, str) or len(kid) > LONGEST_KID):
        raise IdTokenError("malformed")
    return algorithm, kid


async def verified(issuers: Issuers, text: str, expected: Expected, at: datetime) -> Vouched:
    """Whom the token vouches for. Raises IdTokenError, and IssuerError where the keys cannot be
    had."""
    algorithm, kid = unverified_header(text)
    key = await issuers.key_for(expected.tenant_id, expected.issuer, algorithm, kid)
    if key is None:
        raise IdTokenError("unknown_key")
    try:
        decoded = jwt.decode(text, key.key, algorithms=[key.algorithm], options=UNCHECKED)
    except Exception:  # noqa: BLE001  as above
        raise IdTokenError("signature") from None
    try:
        claims = msgspec.convert(decoded, IdClaims)
    except (msgspec.ValidationError, RecursionError):
        raise IdTokenError("claims") from None
    if fault := fault_of(claims, expected, at.timestamp()):
        raise IdTokenError(fault)
    return vouched(claims)


def fault_of(claims: IdClaims, expected: Expected, second: float) -> str | None:
    """What is wrong with claims of a token whose signature is right. All comparisons are such that
    what is no number fails them."""
    audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    is_ours = expected.client_id in audience and (len(audience) == 1 or claims.azp is not None)
    early, late = expected.began_at.timestamp() - LEEWAY_SECONDS, second + LEEWAY_SECONDS
    nonce = claims.nonce.encode("utf-8", "replace")
    checks = {
        "issuer": claims.iss == expected.issuer,
        "audience": is_ours and claims.azp in (None, expected.client_id),
        "expired": second - LEEWAY_SECONDS < claims.exp,
        "issued_at": early <= claims.iat <= late,
        "not_yet": claims.nbf is None or claims.nbf <= late,
        "nonce": hmac.compare_digest(nonce, expected.nonce.encode()),
        "subject": 0 < len(claims.sub) <= LONGEST_SUBJECT and claims.sub.isprintable(),
    }
    return next((name for name, holds in checks.items() if not holds), None)


def vouched(claims: IdClaims) -> Vouched:
    is_verified = claims.email_verified in (True, "true")
    is_denied = claims.email_verified is not None and not is_verified
    email = None if claims.email is None or is_denied else normalized_email(claims.email)
    return Vouched(claims.sub, email, is_verified and email is not None)
