"""Download links: signed with a secret of the export, good for minutes, and for that file alone."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

TENANT_BYTES, EXPIRY_BYTES, DIGEST_BYTES = 16, 8, 32


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says; true only if it is signed."""

    tenant_id: UUID
    expires: int
    signature: bytes


def signature_of(secret: bytes, tenant_id: UUID, export: UUID, expires: int) -> bytes:
    content = tenant_id.bytes + export.bytes + expires.to_bytes(EXPIRY_BYTES, "big")
    return hmac.digest(secret, content, hashlib.sha256)


def write_link(secret: bytes, tenant_id: UUID, export: UUID, expires: int) -> str:
    signature = signature_of(secret, tenant_id, export, expires)
    content = tenant_id.bytes + expires.to_bytes(EXPIRY_BYTES, "big") + signature
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_link(token: str) -> Link | None:
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    if len(content) != TENANT_BYTES + EXPIRY_BYTES + DIGEST_BYTES:
        return None
    tenant, rest = content[:TENANT_BYTES], content[TENANT_BYTES:]
    expires = int.from_bytes(rest[:EXPIRY_BYTES], "big")
    return Link(UUID(bytes=tenant), expires, rest[EXPIRY_BYTES:])


def is_signed(link: Link, secret: bytes, export: UUID) -> bool:
    expected = signature_of(secret, link.tenant_id, export, link.expires)
    return hmac.compare_digest(expected, link.signature)
