"""Records as they are given back."""

from typing import Any

import msgspec


def stored(row: Any) -> bytes:
    """A record (id, received_at, item) as JSON, without decoding what is stored."""
    known = msgspec.json.encode({"id": str(row["id"]), "received_at": row["received_at"]})
    item: str = row["item"]
    return known[:-1] + b"," + item.encode()[1:]
