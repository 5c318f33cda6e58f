"""The questions behind the radar: contacts of topics in the window, before it, and day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as copied
from datetime import date, timedelta

from msgspec.structs import replace

from csapi.metrics.periods import EARLIEST, LONGEST_DAYS
from csapi.metrics.question import Question
from csapi.reports.drivers.reading import (
    CONTACTS,
    CUSTOMERS,
    DEPARTMENT,
    Cells,
    answered,
    asked_of,
    departments_of,
    joined,
    nothing,
    whole,
)
from csapi.reports.layouts import DimensionValue
from csapi.reports.ordering import Shape
from csapi.reports.radar.detector import LEAST_COUNT, base_days, promising
from csapi.reports.radar.params import RadarParams, Window
from csapi.reports.schemas import (
    FilterNode,
    FilterOp,
    Query,
    QueryAnswer,
    QueryMeta,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Snapshot, read_answer, resolved

# So many topics are looked at day by day, the most surprising first, and so many that fell silent.
MOST_TOPICS, MOST_ENDED = 50, 20
# A topic that came less than this part of what is usual may have ended.
ENDED = 0.75


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of the window. before: their contacts of the weeks before, None where too few
    customers are behind them; ever: the labels of those with any contact before the window."""

    window: Window
    question: Question
    meta: QueryMeta
    rows: Mapping[str | None, Cells]
    totals: Cells
    labels: Mapping[str, str]
    departments: Mapping[str, Sequence[DimensionValue]]
    before: Mapping[str | None, float | None]
    ever: Mapping[str, str]

    def cells(self, key: str | None) -> Cells:
        nowhere = {name: nothing(name) for name in self.totals}
        return self.rows.get(key, nowhere)

    @property
    def hidden(self) -> frozenset[str]:
        """Those with too few customers in the window to be shown."""
        contacts = {key: cells[CONTACTS.id] for key, cells in self.rows.items() if key is not None}
        return frozenset(key for key, each in contacts.items() if each.value is None)


@dataclass(frozen=True, slots=True)
class Daily:
    """Contacts by day, the window at the end: of all, of what has no topic, and of topics: of those
    that are chosen to be judged, and of those that may have ended. tested: how many have enough
    contacts to be judged."""

    totals: Sequence[int]
    untagged: Sequence[int]
    topics: Mapping[str, Sequence[int]]
    chosen: Sequence[str]
    ended: Sequence[str]
    tested: int


def over(query: Query, start: date, window: Window, end: date | None = None) -> Query:
    """The query over these days."""
    until = (end or window.end).isoformat()
    range_ = TimeRange(from_=start.isoformat(), to=until)
    return replace(query, time=QueryTime(range=range_, timezone=window.timezone))


async def read_topics(snapshot: Snapshot, wanted: RadarParams, window: Window) -> Topics:
    """What topics have in the window, and what they had before."""
    name, start = wanted.dimension, window.start
    query = over(asked_of(wanted, [CONTACTS], [name]), start, window)
    asked = await resolved(snapshot, query)
    contacts = whole(await read_answer(snapshot, query, asked))
    people = await answered(snapshot, over(asked_of(wanted, [CUSTOMERS], [name]), start, window))
    responsible = await answered(
        snapshot, over(asked_of(wanted, [CONTACTS], [name, DEPARTMENT]), start, window)
    )
    weeks = start - timedelta(days=base_days(window.days))
    before = await answered(
        snapshot, over(asked_of(wanted, [CONTACTS], [name]), weeks, window, start)
    )
    # Whether a topic is new does not depend on the channel on which it comes.
    anywhere = RadarParams(level=wanted.level)
    first = max(start - timedelta(days=LONGEST_DAYS - 1), date(EARLIEST, 1, 2))
    ever = await answered(
        snapshot, over(asked_of(anywhere, [CONTACTS], [name]), first, window, start)
    )
    return Topics(
        window=window,
        question=asked.question,
        meta=contacts.meta,
        rows=joined(name, contacts, people),
        totals={**(contacts.totals or {}), **(people.totals or {})},
        labels=labels_of(before, name) | labels_of(contacts, name),
        departments=departments_of(responsible, name),
        before=counts_of(before, name),
        ever=labels_of(ever, name),
    )


def labels_of(answer: QueryAnswer, name: str) -> dict[str, str]:
    members = [row.dimensions[name] for row in answer.data]
    return {each.key: each.label for each in members if each.key is not None}


def counts_of(answer: QueryAnswer, name: str) -> dict[str | None, float | None]:
    return {row.dimensions[name].key: row.metrics[CONTACTS.id].value for row in answer.data}


def all_seeing(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with nothing hidden: what is judged is shown later, or not."""
    return Snapshot(snapshot.connection, copied(snapshot.desk, sees_everything=True))


def tagged(counts: Mapping[str | None, float | None]) -> dict[str, float]:
    return {key: each or 0.0 for key, each in counts.items() if key is not None}


async def read_daily(snapshot: Snapshot, wanted: RadarParams, found: Topics) -> Daily:
    """Day by day what is surprising in the window, and what may have ended."""
    window, name = found.window, wanted.dimension
    counts = tagged({key: cells[CONTACTS.id].value for key, cells in found.rows.items()})
    before = tagged(found.before)
    total = found.totals[CONTACTS.id].value or 0.0
    eligible = promising(counts, before, total, sum(each or 0 for each in found.before.values()))
    chosen = eligible[:MOST_TOPICS]
    usual = {key: each * window.days / base_days(window.days) for key, each in before.items()}
    ended = sorted(
        (key for key, each in usual.items() if ended_as(each, counts.get(key, 0.0))),
        key=lambda key: (-usual[key], key),
    )[:MOST_ENDED]

    def by_day(dimensions: Sequence[str], topics: Sequence[str] = ()) -> Query:
        query = asked_of(wanted, [CONTACTS], ["time:day", *dimensions], None, topics)
        return replace(over(query, window.history, window), shape=Shape.series, include=[])

    seeing, everything = all_seeing(snapshot), by_day(())
    totals = await answered(seeing, everything)
    no_topic = FilterNode(dimension=name, op=FilterOp.is_null)
    tests = [no_topic, *([everything.filters] if everything.filters else [])]
    untagged = await answered(seeing, replace(everything, filters=FilterNode(and_=tests)))
    topics = {}
    if listed := list(dict.fromkeys([*chosen, *ended])):
        answer = await answered(seeing, by_day([name], listed))
        topics = {each.dimensions[name].key: each.values for each in answer.series or ()}
    days = len(totals.categories or ())
    return Daily(
        totals=one_series(totals, days),
        untagged=one_series(untagged, days),
        topics={key: numbers(topics.get(key, ()), days) for key in listed},
        chosen=chosen,
        ended=ended,
        tested=len(eligible),
    )


def ended_as(usual: float, count: float) -> bool:
    return usual >= LEAST_COUNT and count < ENDED * usual


def one_series(answer: QueryAnswer, days: int) -> list[int]:
    return numbers(next((each.values for each in answer.series or ()), ()), days)


def numbers(values: Sequence[float | None], days: int) -> list[int]:
    """Counts of all days; of a thing that never came none."""
    return [int(each or 0) for each in values] or [0] * days
