"""A run in words, on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.language import Language
from csapi.kit.quantities import UtcDatetime

# So many sentences of a part; what else stands out is said to be there.
MOST_SENTENCES = 20

Place = Annotated[str, Meta(description="JSON pointer (RFC 6901) into the run")]


class SummaryFigure(msgspec.Struct, kw_only=True, gc=False):
    """A number or an instant of a sentence: how it stands there, and the stored value behind it.
    `is_length`: the value is the length of the list at the pointer."""

    text: str
    value: float | None
    at: UtcDatetime | None
    pointer: Place
    is_length: bool


class SummaryName(msgspec.Struct, kw_only=True, gc=False):
    """A name in a sentence: how it stands there, and what is stored. Words of the catalog stand in
    the language of the summary; one that the run does not name has its id as `value`, and no
    pointer."""

    text: str
    value: str | None
    pointer: Place | None


class SummarySentence(msgspec.Struct, kw_only=True):
    """A sentence and what it is made of. `rule`: why it is said; docs/papers.md lists all."""

    rule: str
    text: str
    figures: list[SummaryFigure]
    names: list[SummaryName]


class SummaryPart(msgspec.Struct, kw_only=True):
    """Sentences under a heading."""

    title: str
    sentences: list[SummarySentence]


class ReportSummary(msgspec.Struct, kw_only=True):
    """A run in words. Every number of it is in `figures` of its sentence, with a pointer to the
    stored value; names and numbers in right-to-left text are isolated (U+2066 to U+2069)."""

    report_id: str
    run_id: str
    language: Language
    as_of: UtcDatetime
    created_at: UtcDatetime
    challenges: SummaryPart
    overview: SummaryPart
    agents: SummaryPart
    findings: SummaryPart
    actions: SummaryPart
    not_covered: SummaryPart
