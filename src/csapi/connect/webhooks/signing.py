"""Signatures by Standard Webhooks 1.0: HMAC-SHA256 over id, timestamp and body."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105  what secrets begin with, and none itself


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """As it is shown, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def signed_headers(
    secrets_in_force: Sequence[bytes], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """What is sent beside the body. While a secret is replaced, both sign."""
    signatures = [signature(each, message_id, timestamp, body) for each in secrets_in_force]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
