"""Which of our languages a reader wants, by Accept-Language (RFC 9110 12.5.4, RFC 4647 3.4)."""

from enum import StrEnum
from functools import lru_cache
from typing import Any

from csapi.kit.body import header_of

MOST_RANGES = 50
# Where the state of a request has the language of the tenant, if it has settled one.
TENANT_LANGUAGE = "tenant_language"


class Language(StrEnum):
    """The languages that labels are in, as Content-Language names them."""

    en = "en"
    ar = "ar"
    zh_hans = "zh-Hans"


# What a wish may be cut down to, last part first: zh-CN is zh, and zh is zh-Hans.
NAMES = {**{each.value.lower(): each for each in Language}, "zh": Language.zh_hans}


@lru_cache(maxsize=1_000)
def language_of(accept: str | None) -> Language:
    """The language that is wanted most; English where no wish can be met or read."""
    wishes = [wish for each in (accept or "").split(",")[:MOST_RANGES] if (wish := wish_of(each))]
    named = {found for tag, _ in wishes if (found := known(tag)) is not None}
    for tag, weight in sorted(wishes, key=lambda wish: -wish[1]):
        if weight == 0:
            break
        if tag == "*":
            return next((each for each in Language if each not in named), Language.en)
        if (found := known(tag)) is not None:
            return found
    return Language.en


def wish_of(text: str) -> tuple[str, float] | None:
    """A language range and its weight; None for what is neither."""
    tag, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = 1.0
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() != "q":
            return None
        try:
            weight = float(value)
        except ValueError:
            return None
    return (tag, weight) if tag and 0 <= weight <= 1 else None


def known(tag: str) -> Language | None:
    """The language of a range, or of what is left of it without its last parts."""
    while tag:
        if (found := NAMES.get(tag)) is not None:
            return found
        tag = tag.rpartition("-")[0]
    return None


def asked_language(scope: Any) -> Language:
    """The language of the answer to a request: the tenant's where it wishes for none."""
    accept = header_of(scope, b"accept-language")
    if accept is None or accept.strip() == "*":
        settled = scope.get("state", {}).get(TENANT_LANGUAGE)
        if settled is not None:
            return Language(settled)
    return language_of(accept)


def spoken(language: Language, *varies: str) -> dict[str, str]:
    """The headers of an answer with labels in that language. varies: what else it depends on."""
    return {
        "content-language": language.value,
        "vary": ", ".join([*varies, "Accept-Language"]),
    }
