"""What people write: subjects of the tickets that they open, and comments of their feedback.

Both are read from the records, for the window, the weeks before and the same days a year before;
facts say when, about what, and by whom. Of more than MOST_TEXTS an even part is read, chosen by the
last digits of their ids, which are random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from csapi.facts.kinds import Kind, Resource
from csapi.facts.outcomes import CommentOutcome
from csapi.facts.text import said_words
from csapi.metrics.compile import Compiler
from csapi.metrics.zones import day_start
from csapi.reports.radar.detector import SEASONS, base_days
from csapi.reports.radar.emerging import Days, Text, terms_of
from csapi.reports.radar.params import Window
from csapi.reports.radar.reading import Topics
from csapi.reports.radar.sightings import EXAMPLES, Subject
from csapi.reports.service import Snapshot

MOST_TEXTS = 10_000
# Of each text only its beginning: it bounds what one answer holds in memory.
CHARACTERS, WORDS = 500, 40
DIGITS = 65_536

KINDS = f"'{{{Kind.CONTACT:d},{Kind.FEEDBACK_COMMENT:d}}}'::smallint[]"
IS_TEXT = (
    f"((f.kind = {Kind.CONTACT} AND f.resource = {Resource.TICKET}) "
    f"OR (f.kind = {Kind.FEEDBACK_COMMENT} AND f.outcome = {CommentOutcome.GIVEN}))"
)
LAST_DIGITS = "('x' || right(f.subject::text, 4))::bit(16)::int"
_words = msgspec.json.Decoder(list[str])


@dataclass(frozen=True, slots=True)
class Texts:
    """What was read, each with the record that it is in and when that came; total: how many there
    are."""

    texts: Sequence[Text]
    records: Sequence[Subject]
    instants: Sequence[datetime]
    days: Days
    total: int

    def is_subject(self, text: Text) -> bool:
        return self.records[text.place][0] is Resource.TICKET

    def latest(self, texts: Sequence[Text]) -> list[Subject]:
        """A few records, the latest first."""
        return [self.records[each.place] for each in reversed(texts[-EXAMPLES:])]


@dataclass(frozen=True, slots=True)
class Rows:
    """Texts as they are stored, in the order of time; of how many."""

    rows: Sequence[Any]
    total: int


def spans_of(window: Window) -> list[tuple[date, date]]:
    """The days whose texts are read: the weeks before with the window, and those a year before."""
    first, *_, last = (timedelta(days=each) for each in SEASONS)
    weeks = window.start - timedelta(days=base_days(window.days))
    return [(weeks, window.end), (window.start - last, window.end - first)]


def chosen(compiler: Compiler, window: Window, columns: str, only: str) -> str:
    """Facts of texts, read by the index of a kind over time."""
    zone, add = window.timezone, compiler.arguments.add
    starts, ends = zip(*spans_of(window), strict=True)
    runs = [add([day_start(zone, day) for day in days], "timestamptz[]") for days in (starts, ends)]
    return f"""
SELECT {columns} FROM unnest({", ".join(runs)}) AS run (starts_at, ends_at)
CROSS JOIN LATERAL (
  SELECT f.subject, f.resource, f.kind, f.occurred_at, f.topic, f.customer FROM facts f
  WHERE f.tenant_id = {compiler.tenant} AND f.kind = ANY ({KINDS})
    AND f.occurred_at >= run.starts_at AND f.occurred_at < run.ends_at
    AND cardinality({compiler.kinds}) > 0 AND {IS_TEXT} AND {compiler.wanted()} AND {only}
  OFFSET 0) AS f"""


async def read_texts(snapshot: Snapshot, found: Topics) -> Rows:
    tenant_id, window = snapshot.desk.tenant_id, found.window
    compiler = Compiler(tenant_id, found.question)
    counting = chosen(compiler, window, "count(*)", "true")
    total = await snapshot.connection.fetchval(counting, *compiler.arguments.values)
    compiler = Compiler(tenant_id, found.question)
    part = DIGITS if total <= MOST_TEXTS else DIGITS * MOST_TEXTS // total
    only = f"{LAST_DIGITS} < {compiler.arguments.add(part, 'int')}"
    facts = chosen(compiler, window, "f.*", only)
    zone = compiler.arguments.add(window.timezone, "text")
    first = compiler.arguments.add(window.history, "date")
    sql = f"""
WITH chosen AS MATERIALIZED ({facts})
SELECT c.resource, c.subject, c.topic, c.customer, c.occurred_at,
  (c.occurred_at AT TIME ZONE {zone})::date - {first} AS day,
  left(t.item->>'subject', {CHARACTERS}) AS subject_text,
  jsonb_path_query_array(b.words, '$[0 to {WORDS - 1}]')::text AS words
FROM chosen c
LEFT JOIN tickets t ON t.tenant_id = {compiler.tenant} AND t.id = c.subject
  AND c.kind = {Kind.CONTACT}
LEFT JOIN feedback b ON b.tenant_id = {compiler.tenant} AND b.id = c.subject
  AND c.kind = {Kind.FEEDBACK_COMMENT}
ORDER BY c.occurred_at, c.subject"""
    return Rows(await snapshot.connection.fetch(sql, *compiler.arguments.values), total)


def texts_of(found: Rows, window: Window) -> Texts:
    """Takes a while: subjects are cut into words."""
    days = Days((window.end - window.history).days, window.days)

    @cache
    def said(text: str) -> frozenset[str]:
        return terms_of(said_words(text)[:WORDS])

    texts, records, instants = [], [], []
    for place, row in enumerate(found.rows):
        terms = frozenset[str]()
        if row["words"] is not None:
            terms = terms_of(_words.decode(row["words"]))
        elif row["subject_text"]:
            terms = said(row["subject_text"])
        customer, subject = row["customer"], row["subject"]
        person = str(subject) if customer is None else str(customer)
        texts.append(Text(place, row["day"], person, row["topic"], terms))
        records.append((Resource(row["resource"]), subject))
        instants.append(row["occurred_at"])
    return Texts(texts, records, instants, days, found.total)
