"""Findings as the answer has them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from csapi.reports.drivers.reading import CONTACTS, asked_of
from csapi.reports.drivers.scoring import id_of, share_of
from csapi.reports.layouts import DimensionValue
from csapi.reports.radar.emerging import Term
from csapi.reports.radar.judging import PEOPLE, Finding, Judged, surprise_of
from csapi.reports.radar.knowledge import TopicNames
from csapi.reports.radar.params import RadarParams
from csapi.reports.radar.schemas import (
    RadarKind,
    RadarTerm,
    RadarTopic,
    TermGap,
    TermTopic,
    TopicGap,
)
from csapi.reports.radar.texts import Texts
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.schemas import MetricRequest, QueryTime, RecordRef, TimeRange

TERM_TOPICS = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """What findings are told with. smallest: of so many customers a number must be."""

    wanted: RadarParams
    judged: Judged
    names: TopicNames
    texts: Texts
    first_seen: Mapping[str, datetime]
    examples: Mapping[str, Sequence[RecordRef]]
    gaps: Mapping[str, TopicGap]
    term_gaps: Mapping[str, TermGap]
    term_examples: Mapping[str, Sequence[RecordRef]]
    smallest: int


def told_topic(beside: Beside, finding: Finding) -> RadarTopic:
    key, found = finding.topic, beside.judged.found
    cells, verdict = found.cells(key), finding.verdict
    return RadarTopic(
        kind=finding.kind,
        driver_id=id_of(key),
        topic=key,
        label=found.labels.get(key, key),
        departments=list(found.departments.get(key, ())),
        contacts=cells[CONTACTS.id],
        share=share_of(cells[CONTACTS.id].value, found.totals[CONTACTS.id].value),
        customers=cells[PEOPLE],
        surprise=beside.judged.surprise(key),
        first_seen_at=beside.first_seen.get(key),
        silent_days=None if verdict is None else verdict.silent_days,
        knowledge_base=beside.gaps[key],
        examples=list(beside.examples.get(key, ())),
        records=records_of(beside, key),
    )


def records_of(beside: Beside, key: str) -> RecordsQuery:
    """The question for the contacts of a topic in the window."""
    window, name = beside.judged.found.window, beside.wanted.dimension
    range_ = TimeRange(from_=window.start.isoformat(), to=window.end.isoformat())
    return RecordsQuery(
        metrics=[MetricRequest(id=CONTACTS.id)],
        time=QueryTime(range=range_, timezone=window.timezone),
        dimensions=[name],
        filters=asked_of(beside.wanted, [CONTACTS], [name]).filters,
        cell={name: key},
    )


def told_term(beside: Beside, found: Term) -> RadarTerm:
    texts, read = found.texts, beside.texts
    subjects = sum(read.is_subject(each) for each in texts)
    topics = [
        TermTopic(topic=None if member is None else beside.names.keys.get(member), records=count)
        for member, count in found.topics(beside.smallest)[:TERM_TOPICS]
    ]
    is_hidden = 0 < found.people_before < beside.smallest
    return RadarTerm(
        kind=RadarKind.emerging_term,
        term=found.term,
        also=found.also,
        records=len(texts),
        subjects=subjects,
        comments=len(texts) - subjects,
        customers=len({each.person for each in texts}),
        surprise=None if is_hidden else surprise_of(found.verdict),
        first_seen_at=read.instants[found.first_place],
        topics=topics,
        departments=departments_of(beside, topics),
        knowledge_base=beside.term_gaps[found.term],
        examples=list(beside.term_examples[found.term]),
    )


def departments_of(beside: Beside, topics: Sequence[TermTopic]) -> list[DimensionValue]:
    """Those of the topic that most records with a term bear."""
    keys = [each.topic for each in topics if each.topic is not None]
    return list(beside.judged.found.departments.get(keys[0], ())) if keys else []
