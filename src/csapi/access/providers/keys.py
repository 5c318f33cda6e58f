"""The keys of an identity provider: those that are safe and cheap to check with, and no others."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

MOST_KEYS = 50
# Bits. Larger ones take long to check with, smaller ones are broken.
SMALLEST_RSA, LARGEST_RSA, LARGEST_EXPONENT = 2_048, 4_096, 32
LONGEST_NUMBER, LONGEST_KID = 700, 500
ALGORITHMS = ("RS256", "ES256", "EdDSA")

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    kid: str | None
    # Follows from the kind of key, and never from what a token says.
    algorithm: str
    key: PublicKey


def keys_of(found: Any) -> tuple[VerifyingKey, ...]:
    """The usable keys of a JSON Web Key Set; others are passed over."""
    listed = found.get("keys") if isinstance(found, dict) else None
    given = listed if isinstance(listed, list) else []
    keys = (key_of(each) for each in given[:MOST_KEYS] if isinstance(each, dict))
    return tuple(each for each in keys if each is not None)


def key_of(jwk: dict[str, Any]) -> VerifyingKey | None:
    """The key, if it verifies signatures by an algorithm that we take."""
    kid, uses = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(uses, list) or "verify" not in uses:
        return None
    if kid is not None and (not isinstance(kid, str) or len(kid) > LONGEST_KID):
        return None
    try:
        read = {"RSA": rsa_key, "EC": ec_key, "OKP": okp_key}[jwk["kty"]]
        algorithm, key = read(jwk)
    # Whatever is wrong with it.
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    return VerifyingKey(kid, algorithm, key) if jwk.get("alg", algorithm) == algorithm else None


def octets(jwk: dict[str, Any], name: str) -> bytes:
    text = jwk[name]
    if not isinstance(text, str) or not text.isascii() or len(text) > LONGEST_NUMBER:
        raise ValueError(name)
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def number(jwk: dict[str, Any], name: str) -> int:
    return int.from_bytes(octets(jwk, name), "big")


def rsa_key(jwk: dict[str, Any]) -> tuple[str, PublicKey]:
    modulus, exponent = number(jwk, "n"), number(jwk, "e")
    if not SMALLEST_RSA <= modulus.bit_length() <= LARGEST_RSA:
        raise ValueError("n")
    if exponent.bit_length() > LARGEST_EXPONENT:
        raise ValueError("e")
    return "RS256", rsa.RSAPublicNumbers(exponent, modulus).public_key()


def ec_key(jwk: dict[str, Any]) -> tuple[str, PublicKey]:
    if jwk["crv"] != "P-256":
        raise ValueError("crv")
    # A point that is not on the curve raises.
    numbers = ec.EllipticCurvePublicNumbers(number(jwk, "x"), number(jwk, "y"), ec.SECP256R1())
    return "ES256", numbers.public_key()


def okp_key(jwk: dict[str, Any]) -> tuple[str, PublicKey]:
    if jwk["crv"] != "Ed25519":
        raise ValueError("crv")
    return "EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(octets(jwk, "x"))
