"""API keys on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.access.principals import Scope
from csapi.facts.wire import Key
from csapi.kit.quantities import UtcDatetime
from csapi.reports.pages import Cursor
from csapi.reports.schemas import QueryPage

MOST_NETWORKS = 100
MOST_LEAKED_TOKENS = 100
LONGEST_OVERLAP_SECONDS = 30 * 86_400

Networks = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(
        max_length=MOST_NETWORKS,
        description="Addresses and networks in CIDR form from which the key may be used, IPv4 and "
        "IPv6; empty: from everywhere",
    ),
]
ExpiresAt = Annotated[UtcDatetime | None, Meta(description="null: it does not expire")]


class NewApiKey(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A key may hold scopes that the key which makes it holds, too, and no other."""

    name: Annotated[Key, Meta(description="What the key is for")]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
    expires_at: ExpiresAt = None
    allowed_ips: Networks = []


class KeyRotation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The old key goes on for `overlap_seconds`, or until it expires if that is sooner."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=LONGEST_OVERLAP_SECONDS)] = 86_400
    expires_at: Annotated[
        UtcDatetime | None, Meta(description="Of the new key; null: it does not expire")
    ] = None


class KeyState(StrEnum):
    """`replaced`: works until it expires, and another stands in for it."""

    active = "active"
    replaced = "replaced"
    expired = "expired"
    revoked = "revoked"


class ApiKey(msgspec.Struct, kw_only=True):
    """A key without its secret. `created_by`: the id of the key that made it, null: an operator.
    `last_used_at` is to the minute."""

    id: Annotated[str, Meta(description="In the text of the key it follows `csk_live_`")]
    name: str
    state: KeyState
    scopes: list[str]
    allowed_ips: list[str]
    created_at: UtcDatetime
    created_by: str | None
    expires_at: UtcDatetime | None
    revoked_at: UtcDatetime | None
    last_used_at: UtcDatetime | None
    replaced_by: Annotated[str | None, Meta(description="Id of the key that stands in for it")]


class CreatedApiKey(ApiKey, kw_only=True):
    """`token`, the key itself, is shown this once."""

    token: str


class RotatedApiKey(CreatedApiKey, kw_only=True):
    """The new key, and how long the old one goes on."""

    replaces: Annotated[str, Meta(description="Id of the old key")]
    overlap_ends_at: UtcDatetime


class ApiKeyPage(msgspec.Struct, kw_only=True):
    """Keys, the newest first."""

    data: list[ApiKey]
    page: QueryPage


class ApiKeyParams(msgspec.Struct, kw_only=True):
    """Which keys to list."""

    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class ApiKeyPath(msgspec.Struct, kw_only=True):
    key_id: Annotated[
        str, Meta(max_length=64, description="Id of the key; in its text it follows `csk_live_`")
    ]


class LeakedTokens(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Keys and portal tokens that were found where they should not be."""

    tokens: Annotated[
        list[Annotated[str, Meta(max_length=512)]],
        Meta(min_length=1, max_length=MOST_LEAKED_TOKENS),
    ]


class LeakedReceipt(msgspec.Struct, kw_only=True):
    """How many texts came. Which of them were keys is not told."""

    received: int
