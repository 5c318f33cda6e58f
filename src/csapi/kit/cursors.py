"""Cursors of lists in the order of ids: the last id of the page before."""

import base64
import binascii
from uuid import UUID

from csapi.kit.problems import Problem


def encode_cursor(record_id: UUID) -> str:
    return base64.urlsafe_b64encode(record_id.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise Problem(
            "invalid_cursor", "The cursor is not one of ours: take next_cursor of a page as it is."
        ) from None
