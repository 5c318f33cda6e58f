"""What a file of words for papers has to say."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The words of one language. sentences: patterns by rule, in which pieces of a run stand for
    `{names}`. nouns: patterns over `{n}` by plural category (CLDR). choices: what values of closed
    vocabularies are called, by vocabulary. terms: headings and headers of columns."""

    sentences: Mapping[str, str]
    nouns: Mapping[str, Mapping[str, str]]
    choices: Mapping[str, Mapping[str, str]]
    terms: Mapping[str, str]
