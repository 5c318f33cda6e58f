"""What the knowledge base has about findings, and what topics are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import msgspec

from csapi.facts.kb_event import StoredType
from csapi.facts.kinds import Dimension
from csapi.facts.text import said_words, words
from csapi.metrics.dimensions import label_of
from csapi.metrics.topics import Through
from csapi.reports.content_gaps import ContentGap, GapKind, gap_of, read_gaps
from csapi.reports.drivers.articles import read_articles
from csapi.reports.drivers.params import DriverLevel
from csapi.reports.radar.emerging import Names, named_by
from csapi.reports.radar.params import RadarParams, Window
from csapi.reports.radar.schemas import TermGap, TopicGap
from csapi.reports.schemas import LARGEST_PAGE
from csapi.reports.service import Snapshot

# As GET /v1/kb/content-gaps has it, where nothing else is asked.
WINDOW_HOURS, GAPS = 24, 1000
MOST_TITLES = 2_000

LABEL, LABEL_JOIN = label_of(Dimension.TOPIC)
TOPIC_NAMES = f"""
SELECT m.member, m.key, {LABEL} AS label FROM members m{LABEL_JOIN}
WHERE m.tenant_id = $1 AND m.dimension = {Dimension.TOPIC} ORDER BY m.member LIMIT {LARGEST_PAGE}"""

IN_VAIN = f"""
SELECT w.term, count(*) AS searches
FROM unnest($2::text[], $3::text[]) AS w (term, words)
JOIN kb_events e ON e.tenant_id = $1 AND e.type = {StoredType.SEARCH} AND NOT e.is_deleted
  AND e.results_count = 0 AND e.occurred_at >= $4 AND e.occurred_at < $5
  AND e.words @> w.words::jsonb
GROUP BY w.term"""

TITLES = f"""
SELECT item->>'title' AS title FROM kb_articles
WHERE tenant_id = $1 AND NOT is_stub AND NOT is_deleted AND item->>'title' IS NOT NULL
  AND coalesce((item->>'published')::boolean, true)
ORDER BY id DESC LIMIT {MOST_TITLES}"""


@dataclass(frozen=True)
class TopicNames:
    """Keys of topics by their members, and their labels by the same, where they have one."""

    keys: Mapping[int, str]
    labels: Mapping[int, str]

    @cached_property
    def covered(self) -> Names:
        """What topics are called, by its words. Takes a while."""
        names = [*(plain(key) for key in self.keys.values()), *self.labels.values()]
        return named_by(said_words(name) for name in names)


def plain(key: str) -> str:
    """A key as people would write it."""
    return key.replace("_", " ").replace("-", " ")


def called(name: str) -> str:
    """A key or a label in the spelling that all spellings share."""
    return " ".join(words(plain(name)))


async def topic_names(snapshot: Snapshot) -> TopicNames:
    rows = await snapshot.connection.fetch(TOPIC_NAMES, snapshot.desk.tenant_id)
    labels = {row["member"]: row["label"] for row in rows if row["label"] is not None}
    return TopicNames({row["member"]: row["key"] for row in rows}, labels)


async def topic_gaps(
    snapshot: Snapshot, wanted: RadarParams, window: Window, topics: Sequence[str]
) -> dict[str, TopicGap]:
    """Of each topic; of main topics with all that stand below."""
    connection, tenant_id = snapshot.connection, snapshot.desk.tenant_id
    gaps = {
        each.topic: each
        for each in await read_gaps(connection, tenant_id, window.period, WINDOW_HOURS, GAPS)
    }
    articles = await read_articles(snapshot)
    below: dict[str, list[str]] = {topic: [topic] for topic in topics}
    if wanted.level is DriverLevel.main_topic:
        tree = await snapshot.topics([wanted.dimension])
        for member, top in tree.mapping(Through.parent).items():
            above = tree.records.get(top)
            if above is not None and above.key in below:
                below[above.key].append(tree.records[member].key)
    return {topic: one_gap(keys, gaps, articles) for topic, keys in below.items()}


def one_gap(
    keys: Sequence[str], gaps: Mapping[str, ContentGap], articles: Mapping[str, int]
) -> TopicGap:
    found = [gaps[key] for key in keys if key in gaps]
    written = sum(articles.get(key, 0) for key in keys)
    after_view = sum(each.tickets_after_view for each in found)
    return TopicGap(
        gap=gap_of(written, after_view) if found or written else GapKind.no_article,
        articles=written,
        zero_result_searches=sum(each.zero_result_searches for each in found),
        tickets_after_view=after_view,
        score=sum(each.score for each in found),
    )


async def term_gaps(snapshot: Snapshot, window: Window, terms: Sequence[str]) -> dict[str, TermGap]:
    connection, tenant_id, period = snapshot.connection, snapshot.desk.tenant_id, window.period
    listed = [msgspec.json.encode(sorted(set(each.split()))).decode() for each in terms]
    rows = await connection.fetch(IN_VAIN, tenant_id, terms, listed, period.start, period.end)
    in_vain = {row["term"]: row["searches"] for row in rows}
    titles = [frozenset(words(row["title"])) for row in await connection.fetch(TITLES, tenant_id)]
    return {
        term: TermGap(
            articles=sum(title.issuperset(term.split()) for title in titles),
            zero_result_searches=in_vain.get(term, 0),
        )
        for term in terms
    }
