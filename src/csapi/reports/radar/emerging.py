"""Words and phrases that came up in what people write, and that no topic covers. Pure.

A term is a word that says something, or two that follow each other, once a text. It is looked at
when enough texts of the window by enough people have it; it is covered where a topic is called by
these words, where nearly all texts with it bear one and the same topic, or where most bear one that
is a finding itself. Whether it came up is
the detector's word, over the texts by day. Terms of mostly the same texts are one finding.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from csapi.reports.radar.detector import LEAST_COUNT, Detector, Verdict, promising

LEAST_PEOPLE = 3
# So many terms are looked at day by day, the most surprising first.
MOST_TERMS = 100
COVERED, COVERED_BY_FINDING = 0.9, 0.5
# Terms that share this part of the texts of the rarer one are about the same.
SAME = 0.6
# A phrase that has nearly all texts of a word says more than the word.
PHRASE = 0.8
ALSO = 5
Names = Mapping[str, set[int]]
NOT_NAMED: Names = {}


@dataclass(frozen=True, slots=True)
class Text:
    """A subject or a comment. day: its place in the days that are looked at; place: its own."""

    place: int
    day: int
    person: str
    topic: int | None
    terms: frozenset[str]


@dataclass(frozen=True, slots=True)
class Days:
    """How many days there are, and how many at the end are the window."""

    total: int
    window: int

    @property
    def first(self) -> int:
        return self.total - self.window


@dataclass(frozen=True, slots=True)
class Term:
    """A finding. texts: those of the window; first_place: of the first one of all that were read;
    people_before: how many wrote of it before the window."""

    term: str
    verdict: Verdict
    texts: Sequence[Text]
    first_place: int
    people_before: int
    also: list[str] = field(default_factory=list)

    def topics(self, least_people: int) -> list[tuple[int | None, int]]:
        """What the texts of enough people bear, most often first."""
        people: dict[int | None, set[str]] = {}
        for each in self.texts:
            people.setdefault(each.topic, set()).add(each.person)
        told = {topic for topic, those in people.items() if len(those) >= least_people}
        counts = Counter(each.topic for each in self.texts if each.topic in told)
        return sorted(counts.items(), key=lambda each: (-each[1], each[0] is None, each[0] or 0))


@dataclass(frozen=True, slots=True)
class Emerging:
    """The findings, the most surprising first, and how many terms were looked at."""

    terms: Sequence[Term]
    tested: int


def terms_of(words: Sequence[str]) -> frozenset[str]:
    return frozenset((*words, *(f"{first} {second}" for first, second in pairwise(words))))


def named_by(names: Iterable[Sequence[str]]) -> Names:
    """Each word of what topics are called -> the numbers of the names that have it."""
    found: dict[str, set[int]] = {}
    for number, words in enumerate(names):
        for word in words:
            found.setdefault(word, set()).add(number)
    return found


def is_named(term: str, names: Names) -> bool:
    """Whether a topic is called by all of these words."""
    return bool(set.intersection(*(names.get(word, set()) for word in term.split())))


def is_borne(texts: Sequence[Text], told: frozenset[int]) -> bool:
    """Whether nearly all texts bear one topic, or most a topic that is told."""
    topics = Counter(each.topic for each in texts if each.topic is not None)
    return any(
        count >= (COVERED_BY_FINDING if topic in told else COVERED) * len(texts)
        for topic, count in topics.items()
    )


def eligible_terms(
    texts: Sequence[Text], least_people: int, names: Names, told: frozenset[int]
) -> dict[str, list[Text]]:
    """Terms of texts of the window that may be told, each with its texts."""
    found: dict[str, list[Text]] = {}
    for text in texts:
        for term in text.terms:
            found.setdefault(term, []).append(text)
    return {
        term: having
        for term, having in found.items()
        if len(having) >= LEAST_COUNT
        and len({each.person for each in having}) >= least_people
        and not is_borne(having, told)
        and not is_named(term, names)
    }


def daily(terms: Sequence[str], texts: Sequence[Text], days: Days) -> Mapping[str, list[int]]:
    wanted = frozenset(terms)
    counts = {term: [0] * days.total for term in terms}
    for text in texts:
        for term in text.terms & wanted:
            counts[term][text.day] += 1
    return counts


def emerging(
    texts: Sequence[Text],
    days: Days,
    names: Names = NOT_NAMED,
    least_people: int = LEAST_PEOPLE,
    told: frozenset[int] = frozenset(),
) -> Emerging:
    """names: what topics are called; told: topics that are findings."""
    of_window = [each for each in texts if each.day >= days.first]
    earlier = [each for each in texts if each.day < days.first]
    eligible = eligible_terms(of_window, max(least_people, LEAST_PEOPLE), names, told)
    before: Counter[str] = Counter()
    wanted = frozenset(eligible)
    for text in earlier:
        before.update(text.terms & wanted)
    counts = {term: float(len(having)) for term, having in eligible.items()}
    usual = {term: float(count) for term, count in before.items()}
    chosen = promising(counts, usual, len(of_window), len(earlier))[:MOST_TERMS]
    totals = [0] * days.total
    for text in texts:
        totals[text.day] += 1
    detector = Detector[str](totals, days.window)
    verdicts = detector.verdicts(daily(chosen, texts, days), len(eligible))
    alarms = {term: each for term, each in verdicts.items() if each.is_alarm}
    found = findings(alarms, eligible, earlier)
    return Emerging(list(together(found)), len(eligible))


def findings(
    alarms: Mapping[str, Verdict], having: Mapping[str, Sequence[Text]], earlier: Sequence[Text]
) -> Iterator[Term]:
    """Terms that came up, with who wrote of them earlier."""
    people: dict[str, set[str]] = {term: set() for term in alarms}
    first = {term: min(each.place for each in having[term]) for term in alarms}
    wanted = frozenset(alarms)
    for text in earlier if alarms else ():
        for term in text.terms & wanted:
            people[term].add(text.person)
            first[term] = min(first[term], text.place)
    for term, verdict in alarms.items():
        yield Term(term, verdict, having[term], first[term], len(people[term]))


def together(found: Iterable[Term]) -> Iterator[Term]:
    """One finding for all terms of mostly the same texts."""
    left = sorted(found, key=lambda each: (each.verdict.p_value, -len(each.texts), each.term))
    while left:
        lead, *others = left
        same = [each for each in others if overlap(lead, each) >= SAME]
        group = [lead, *same]
        shown = max(
            (each for each in group if len(each.texts) >= PHRASE * len(lead.texts)),
            key=lambda each: (" " in each.term, len(each.texts), each.term),
        )
        names = [each.term for each in group if each is not shown]
        yield replace(shown, also=names[:ALSO])
        left = [each for each in others if each not in same]


def overlap(first: Term, second: Term) -> float:
    """The part of the rarer one's texts that have both."""
    places = [{each.place for each in term.texts} for term in (first, second)]
    return len(places[0] & places[1]) / min(len(each) for each in places)
