"""Types that the wire structs of all resources share."""

import unicodedata
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

KEY_LENGTH = 255
Key = Annotated[str, Meta(min_length=1, max_length=KEY_LENGTH)]
Text = Annotated[str, Meta(max_length=65_536)]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Tags = Annotated[list[Key], Meta(max_length=100)]
Custom = Annotated[
    dict[str, Any],
    Meta(max_length=50, description="Attributes of your own: text, number, true, false or null"),
]


class Survey(StrEnum):
    """What was asked."""

    csat = "csat"
    ces = "ces"
    nps = "nps"
    # Was it settled by the first contact? 1 for yes, 0 for no.
    fcr = "fcr"


class Sentiment(StrEnum):
    """The tone that the source's own model heard."""

    positive = "positive"
    neutral = "neutral"
    negative = "negative"


SentimentScore = Annotated[
    float, Meta(ge=-1, le=1, description="From -1, negative, to 1, positive")
]


class Record(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An item that replaces the whole record of the same source and external id."""

    source: Key
    external_id: Key


def normalized(text: str) -> str:
    """Keys compare in NFC, so that one name has one spelling."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", text)
