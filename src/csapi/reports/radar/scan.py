"""The radar: what is new in a window, from one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from csapi.kit.turns import aside
from csapi.reports.drivers.reading import CONTACTS
from csapi.reports.drivers.scoring import coverage_of, share_of
from csapi.reports.radar.detector import LEAST_COUNT, LEAST_RATIO, SIGNIFICANT
from csapi.reports.radar.emerging import LEAST_PEOPLE, Emerging, emerging
from csapi.reports.radar.judging import PEOPLE, Finding, Judged
from csapi.reports.radar.knowledge import TopicNames, term_gaps, topic_gaps, topic_names
from csapi.reports.radar.params import RadarParams, Window, window_of
from csapi.reports.radar.reading import read_daily, read_topics
from csapi.reports.radar.schemas import (
    Radar,
    RadarReading,
    RadarRule,
    RenamedTopic,
    TermGap,
    TopicGap,
    Untagged,
)
from csapi.reports.radar.sightings import (
    Subject,
    first_seen,
    first_spans,
    members_of,
    named,
    topic_examples,
)
from csapi.reports.radar.telling import Beside, told_term, told_topic
from csapi.reports.radar.texts import Rows, Texts, read_texts, texts_of
from csapi.reports.schemas import RecordRef
from csapi.reports.service import Desk, Snapshot, slowness_told, snapshot_of, week_start_of
from csapi.reports.work_params import told_by_parameter

FORMULA = (
    "count >= least_count and count / expected >= least_ratio and p_adjusted < p_adjusted_below; "
    "expected = max(others x (before + 0.5) / others_before, (before + 0.5) / blocks_before, "
    "seasons); p = P(X >= count), X negative binomial with mean expected and variance dispersion x "
    "expected x (1 + others / others_before); p_adjusted by Holm over all that was tested"
)


@dataclass(frozen=True, slots=True)
class Read:
    """Terms with the texts that they are of."""

    texts: Texts
    found: Emerging


def judged_texts(
    rows: Rows,
    window: Window,
    names: TopicNames,
    least_people: int,
    findings: Sequence[Finding],
) -> Read:
    """Takes a while."""
    texts, keys = texts_of(rows, window), {each.topic for each in findings}
    told = frozenset(member for member, key in names.keys.items() if key in keys)
    return Read(texts, emerging(texts.texts, texts.days, names.covered, least_people, told))


def findings_of(judged: Judged, top: int) -> list[Finding]:
    """Takes a moment, too."""
    return [*judged.new()[:top], *judged.risen()[:top]]


async def radar(desk: Desk, wanted: RadarParams) -> Radar:
    """What is new. Raises Problem for what cannot be asked."""
    window = window_of(wanted, desk.timezone, desk.now, await week_start_of(desk, wanted.preset))
    async with snapshot_of(desk) as snapshot:
        with slowness_told(), told_by_parameter("/from"):
            found = await read_topics(snapshot, wanted, window)
            judged = Judged(found, await read_daily(snapshot, wanted, found))
            names = await topic_names(snapshot)
            rows = await read_texts(snapshot, found)
            smallest = await snapshot.smallest_group()
            least = max(LEAST_PEOPLE, smallest or 0)
            findings = await aside(findings_of, judged, wanted.top)
            read = await aside(judged_texts, rows, window, names, least, findings)
            beside = await read_beside(snapshot, wanted, judged, findings, read, names)
    return answer_of(wanted, judged, findings, read, beside)


async def read_beside(
    snapshot: Snapshot,
    wanted: RadarParams,
    judged: Judged,
    findings: Sequence[Finding],
    read: Read,
    names: TopicNames,
) -> Beside:
    """What findings come with."""
    window, keys = judged.found.window, [each.topic for each in findings]
    first: dict[str, datetime] = {}
    examples: dict[str, list[Subject]] = {}
    of_topics: Mapping[str, TopicGap] = {}
    of_terms: Mapping[str, TermGap] = {}
    if keys:
        members = await members_of(snapshot, wanted, keys)
        spans = await first_spans(snapshot, wanted, window, judged.daily, keys)
        first = await first_seen(snapshot, members, spans)
        examples = await topic_examples(snapshot, judged.found, members)
        of_topics = await topic_gaps(snapshot, wanted, window, keys)
    terms = read.found.terms[: wanted.top]
    if terms:
        of_terms = await term_gaps(snapshot, window, [each.term for each in terms])
    of_records = {each.term: read.texts.latest(each.texts) for each in terms}
    subjects = [each for some in (*examples.values(), *of_records.values()) for each in some]
    records: Mapping[Subject, RecordRef] = await named(snapshot, subjects) if subjects else {}
    return Beside(
        wanted=wanted,
        judged=judged,
        names=names,
        texts=read.texts,
        first_seen=first,
        examples={key: [records[each] for each in some] for key, some in examples.items()},
        gaps=of_topics,
        term_gaps=of_terms,
        term_examples={term: [records[each] for each in some] for term, some in of_records.items()},
        smallest=await snapshot.smallest_group() or 0,
    )


def answer_of(
    wanted: RadarParams,
    judged: Judged,
    findings: Sequence[Finding],
    read: Read,
    beside: Beside,
) -> Radar:
    found, period = judged.found, judged.found.window.period
    topics = [(each.verdict, told_topic(beside, each)) for each in findings]
    contacts = found.totals[CONTACTS.id]
    return Radar(
        new_topics=[each for verdict, each in topics if verdict is None],
        risen_topics=[each for verdict, each in topics if verdict is not None],
        emerging_terms=[told_term(beside, each) for each in read.found.terms[: wanted.top]],
        renamed_topics=[
            RenamedTopic(
                topic=key, label=found.labels.get(key, key), contacts=judged.count(key), was=was
            )
            for key, was in sorted(judged.renamed.items())
        ],
        untagged=untagged_of(judged),
        contacts=contacts,
        customers=found.totals[PEOPLE],
        tag_coverage=coverage_of(contacts.value, found.cells(None)[CONTACTS.id].value),
        reading=RadarReading(
            history_days=judged.detector.known_days,
            is_long_enough=judged.is_long_enough,
            topics_tested=judged.daily.tested,
            topics_hidden=len(found.hidden),
            texts=read.texts.total,
            texts_read=len(read.texts.texts),
            terms_tested=read.found.tested,
        ),
        rule=RadarRule(
            least_count=LEAST_COUNT,
            least_ratio=LEAST_RATIO,
            p_adjusted_below=SIGNIFICANT,
            formula=FORMULA,
        ),
        start=period.start,
        end=period.end,
        timezone=period.timezone,
        meta=found.meta,
    )


def untagged_of(judged: Judged) -> Untagged:
    cells, contacts = judged.found.cells(None), judged.found.totals[CONTACTS.id]
    return Untagged(
        contacts=cells[CONTACTS.id],
        share=share_of(cells[CONTACTS.id].value, contacts.value),
        customers=cells[PEOPLE],
        surprise=judged.surprise(None),
        is_risen=judged.is_told(None),
    )
