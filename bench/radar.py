"""How soon the radar sees an issue, and how often it sees one where there is none.

Both are measured on made-up tenants (bench/simulated.py) by the detector that the endpoint uses, at
the end of each day (of words, of each week where nothing is the matter), over the last seven days.
An alarm about the same thing within two weeks is the same alarm.
"""

import gc
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bench.measure import Line, Progress, at_most
from bench.servers import Servers
from bench.simulated import LANGUAGES, TOPICS, Tenant, Writers, in_ramadan
from csapi.cli.serve import COLLECT_AFTER
from csapi.facts.text import said_words
from csapi.reports.radar.detector import Detector, history_days, promising
from csapi.reports.radar.emerging import emerging
from csapi.reports.radar.reading import MOST_TOPICS

WINDOW, YEAR, MONTHS = 7, 365, 12
SEEDS, QUICK_SEEDS = 50, 3
GROWTHS = (2, 3, 5)
PATIENCE_DAYS, SAME_ALARM_DAYS = 14, 14
START = date(2023, 10, 1)
# The year that is watched: two years are known before it, or nothing.
WATCHED = date(2025, 10, 1)
# Contacts a week of the topics that get an issue.
LEAST_WEEKLY, MOST_WEEKLY = 5, 100
FALSE_ALARMS = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """After how many days each issue was seen; None: not in four weeks."""

    delays: Sequence[int | None]

    @property
    def rate(self) -> float:
        return sum(each is not None for each in self.delays) / max(len(self.delays), 1)

    @property
    def delay(self) -> float | None:
        """The median of those that were seen."""
        found = [each for each in self.delays if each is not None]
        return statistics.median(found) if found else None


def alarms_of(totals: Sequence[int], topics: Sequence[Sequence[int]], end: int) -> set[int]:
    """The topics that rose, as they are told once a day is over."""
    first = max(0, end - WINDOW - history_days(WINDOW))
    all_days = totals[first:end]
    series = {number: each[first:end] for number, each in enumerate(topics)}
    counts = {number: float(sum(each[-WINDOW:])) for number, each in series.items()}
    before = {number: float(sum(each[-WINDOW - 56 : -WINDOW])) for number, each in series.items()}
    eligible = promising(counts, before, sum(counts.values()), sum(before.values()))
    chosen = {number: series[number] for number in eligible[:MOST_TOPICS]}
    verdicts = Detector[int](all_days, WINDOW).verdicts(chosen, len(eligible))
    return {number for number, verdict in verdicts.items() if verdict.is_alarm}


def false_alarms(tenant: Tenant, first: int) -> Iterator[tuple[int, int]]:
    """Day and topic of each alarm of a year in which nothing new happens."""
    last: dict[int, int] = {}
    for end in range(first + 1, first + YEAR + 1):
        for topic in alarms_of(tenant.totals, tenant.topics, end):
            if end - last.get(topic, -YEAR) > SAME_ALARM_DAYS:
                yield end - 1, topic
            last[topic] = end


def topic_delay(tenant: Tenant, first: int, growth: float) -> int | None:
    """After how many days an issue of a random topic is seen."""
    rng = random.Random(f"onset/{tenant.seed}")
    onset = first + rng.randrange(YEAR - PATIENCE_DAYS)
    usual = {topic: sum(tenant.means[topic][onset - 56 : onset]) / 8 for topic in range(TOPICS)}
    fitting = [topic for topic in usual if LEAST_WEEKLY <= usual[topic] <= MOST_WEEKLY]
    topic = rng.choice(fitting)
    grown = tenant.grown(topic, onset, growth)
    more = [new - old for new, old in zip(grown, tenant.topics[topic], strict=True)]
    totals = [count + each for count, each in zip(tenant.totals, more, strict=True)]
    topics = [grown if number == topic else each for number, each in enumerate(tenant.topics)]
    for end in range(onset + 1, onset + PATIENCE_DAYS + 1):
        if topic in alarms_of(totals, topics, end):
            return end - onset
    return None


def term_delay(seed: int, language: str, growth: float) -> int | None:
    """After how many days words about an issue are seen."""
    onset = YEAR + 70 + seed % 20
    writers = Writers(seed, language, date(2024, 10, 1), YEAR + 120, onset, growth)
    issue = set(said_words(writers.issue))
    for end in range(onset + 1, onset + PATIENCE_DAYS + 1):
        terms = emerging(*writers.seen_at(end, WINDOW)).terms
        said = {word for each in terms for term in (each.term, *each.also) for word in term.split()}
        if said & issue:
            return end - onset
    return None


def false_terms(seed: int, language: str) -> Iterator[tuple[int, str]]:
    """Day and term of each alarm, week by week, in a year in which nothing new is written."""
    days = 2 * YEAR + 60
    writers = Writers(seed, language, date(2024, 8, 1), days)
    last: dict[str, int] = {}
    for end in range(days - YEAR, days, WINDOW):
        for each in emerging(*writers.seen_at(end, WINDOW)).terms:
            if end - last.get(each.term, -YEAR) > SAME_ALARM_DAYS:
                yield end, each.term
            last[each.term] = end


def detected(what: str, found: Seen) -> Line:
    delay = "" if found.delay is None else f"; median delay {found.delay:.0f} days"
    return Line(
        what=what,
        unit="%",
        csapi=100 * found.rate,
        note=f"of {len(found.delays)} within {PATIENCE_DAYS} days{delay}",
    )


def quiet(what: str, alarms: Sequence[int], tenants: int, note: str = "") -> Line:
    monthly = sum(alarms) / (tenants * MONTHS)
    return Line(
        what=what,
        unit="a tenant-month",
        csapi=monthly,
        goal=at_most(FALSE_ALARMS, monthly),
        note=f"{sum(alarms)} in {tenants} tenant-years, at most {max(alarms)} in one{note}",
    )


def topic_lines(seeds: Sequence[int], progress: Progress) -> Iterator[Line]:
    first = (WATCHED - START).days
    known = [Tenant(seed, START, first + YEAR) for seed in seeds]
    for growth in GROWTHS:
        progress.say(f"radar: topics that grow {growth} times")
        yield detected(
            f"radar: a topic comes {growth} times as often",
            Seen([topic_delay(each, first, growth) for each in known]),
        )
    progress.say("radar: topics, years without anything new")
    found = [list(false_alarms(each, first)) for each in known]
    fasting = sum(in_ramadan(tenant.day(day)) for tenant, each in zip(known, found, strict=True)
                  for day, _ in each)  # fmt: skip
    yield quiet(
        "radar: alarms about topics, nothing new, history of two years",
        [len(each) for each in found],
        len(known),
        f"; {fasting} in Ramadan",
    )
    fresh = [Tenant(seed, WATCHED, YEAR) for seed in seeds]
    yield quiet(
        "radar: the same in a tenant's first year",
        [sum(1 for _ in false_alarms(each, 0)) for each in fresh],
        len(fresh),
    )


def term_lines(seeds: Sequence[int], progress: Progress) -> Iterator[Line]:
    for language in LANGUAGES:
        for growth in GROWTHS:
            progress.say(f"radar: words in {language} that grow {growth} times")
            yield detected(
                f"radar: words in {language} come {growth} times as often",
                Seen([term_delay(seed, language, growth) for seed in seeds]),
            )
    progress.say("radar: words, years without anything new")
    for language in LANGUAGES:
        mine = [seed for seed in seeds if LANGUAGES[seed % len(LANGUAGES)] == language]
        found = [sum(1 for _ in false_terms(seed, language)) for seed in mine]
        yield quiet(f"radar: alarms about words in {language}, nothing new", found, len(mine))


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    del servers
    gc.set_threshold(*COLLECT_AFTER)
    seeds = range(QUICK_SEEDS if is_quick else SEEDS)
    return [*topic_lines(seeds, progress), *term_lines(seeds, progress)]
