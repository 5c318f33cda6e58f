"""The radar on the wire."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.reports.comparison import Bounds
from csapi.reports.content_gaps import GapKind
from csapi.reports.drivers.schemas import ShareValue
from csapi.reports.layouts import DimensionValue
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import MetricValue, QueryMeta, RecordRef


class RadarKind(StrEnum):
    """first_seen: never before. risen: more than its own history explains. resurging: the same,
    after at least 56 days without any. emerging_term: words that came up and that no topic covers.
    untagged: what has no topic."""

    first_seen = "first_seen"
    risen = "risen"
    resurging = "resurging"
    emerging_term = "emerging_term"
    untagged = "untagged"


class Surprise(msgspec.Struct, kw_only=True):
    """What a count is held against. Null: nothing is known before, or too few customers are behind
    it. `p_adjusted`: corrected for all that was looked at, by Holm's method. `dispersion`: the
    variance of such a count over its mean. `is_seasonal`: the same days of a year before let expect
    more than the weeks before."""

    expected: float
    ratio: float
    ratio_ci95: Bounds
    p_value: float
    p_adjusted: float
    dispersion: float
    is_seasonal: bool


class TopicGap(msgspec.Struct, kw_only=True):
    """What the knowledge base has about a topic, as GET /v1/kb/content-gaps counts it. `score`:
    tickets that better content might have spared."""

    gap: GapKind
    articles: Annotated[int, Meta(description="Published articles about the topic now")]
    zero_result_searches: Annotated[
        int, Meta(description="Searches in vain within 24 hours before its tickets")
    ]
    tickets_after_view: Annotated[
        int, Meta(description="Tickets whose customer had read one of the articles")
    ]
    score: int


class RadarTopic(msgspec.Struct, kw_only=True):
    """A topic that is new, or came more often than its history explains. `contacts`, `customers`:
    of the window. `surprise`: null of what was never there before. `silent_days`: days without any
    before the window. `driver_id`: as in /v1/drivers. `records`: the body with which POST
    /v1/query/records lists all of its contacts; `examples`: the latest of them."""

    kind: RadarKind
    driver_id: str
    topic: str
    label: str
    departments: list[DimensionValue]
    contacts: MetricValue
    share: float | None
    customers: MetricValue
    surprise: Surprise | None
    first_seen_at: UtcDatetime | None
    silent_days: int | None
    knowledge_base: TopicGap
    examples: list[RecordRef]
    records: RecordsQuery


class RenamedTopic(msgspec.Struct, kw_only=True):
    """A topic that goes on what others were: it began, or rose, as they ended, or is called the
    same. Not new."""

    topic: str
    label: str
    contacts: float
    was: list[str]


class TermTopic(msgspec.Struct, kw_only=True):
    """A topic of records with a term; null: none."""

    topic: str | None
    records: int


class TermGap(msgspec.Struct, kw_only=True):
    """What the knowledge base has about a term."""

    articles: Annotated[int, Meta(description="Published articles with these words in the title")]
    zero_result_searches: Annotated[
        int, Meta(description="Searches in the window with these words that found nothing")
    ]


class RadarTerm(msgspec.Struct, kw_only=True):
    """A word, or two that follow each other, of subjects and comments, in the one spelling that all
    spellings share. `also`: other terms of mostly the same records. `records`: those with it that
    were read; `customers`: who wrote them. `first_seen_at`: the first of the records that were
    read. `topics`: what the records with it bear, most often first."""

    kind: RadarKind
    term: str
    also: list[str]
    records: int
    subjects: int
    comments: int
    customers: int
    surprise: Surprise | None
    first_seen_at: UtcDatetime
    topics: list[TermTopic]
    departments: list[DimensionValue]
    knowledge_base: TermGap
    examples: list[RecordRef]


class Untagged(msgspec.Struct, kw_only=True):
    """What has no topic, which is in no topic's numbers, judged like one."""

    contacts: MetricValue
    share: float | None
    customers: MetricValue
    surprise: Surprise | None
    is_risen: bool


class RadarReading(msgspec.Struct, kw_only=True):
    """What was looked at. `history_days`: days before the window from the first contact that is
    known; fewer than 28 are too few to call anything new. `topics_tested`: those with enough
    contacts; `topics_hidden`: those with too few customers to be shown. `texts`: subjects and
    comments of the window, the weeks before and the same days a year before; of more than
    `texts_read` an even part was read. `terms_tested`: terms that enough people wrote."""

    history_days: int
    is_long_enough: bool
    topics_tested: int
    topics_hidden: int
    texts: int
    texts_read: int
    terms_tested: int


class RadarRule(msgspec.Struct, kw_only=True):
    """When a count is told: all three must hold."""

    least_count: int
    least_ratio: float
    p_adjusted_below: float
    formula: str


class Radar(msgspec.Struct, kw_only=True):
    """What is new. `new_topics` by number of contacts, the others by how surprising they are."""

    new_topics: list[RadarTopic]
    risen_topics: list[RadarTopic]
    emerging_terms: list[RadarTerm]
    renamed_topics: list[RenamedTopic]
    untagged: Untagged
    contacts: MetricValue
    customers: MetricValue
    tag_coverage: ShareValue
    reading: RadarReading
    rule: RadarRule
    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    meta: QueryMeta
