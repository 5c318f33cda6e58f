"""The values of metrics over windows of whole local days, many of them in one snapshot.

Every value is an answer of the query engine. Windows of the same work and the same days are asked
for together, so that the statements grow with the windows and not with what is asked of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from csapi.kit.problems import Problem
from csapi.kit.quantities import UtcDatetime
from csapi.metrics.periods import TimeGrain, WeekStart
from csapi.reports.savepoints import problem_of, set_savepoint
from csapi.reports.schemas import (
    LARGEST_PAGE,
    MOST_METRICS,
    PAGE_SIZE,
    ColumnInfo,
    FilterNode,
    MetricRequest,
    MetricValue,
    Query,
    QueryAnswer,
    QueryTime,
    TimeRange,
)
from csapi.reports.service import Snapshot, answer_on

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A metric of some work from a local day, or an instant, until before another one; by time, if
    that is asked for."""

    metric: MetricRequest
    filters: FilterNode | None
    start: date
    end: date
    by: TimeGrain | None = None

    @property
    def query(self) -> Query:
        """The question that gives its value, as POST /v1/query takes it."""
        return msgspec.structs.replace(query_of([self]), metrics=[self.metric])

    @property
    def place(self) -> tuple[bytes, date, date, TimeGrain | None]:
        """The same of windows that are asked for together."""
        return msgspec.json.encode(self.filters), self.start, self.end, self.by


class WindowValue(msgspec.Struct, kw_only=True):
    """A value over whole local days, until before `to`, with its parts. `query`: the body with
    which POST /v1/query gives it."""

    from_: date = msgspec.field(name="from")
    to: date
    value: MetricValue
    query: dict[str, Any]


class WindowsMeta(msgspec.Struct, kw_only=True):
    """How the answers behind it came about, all of them from one snapshot."""

    as_of: UtcDatetime
    timezone: str
    exact: bool = True
    pending_buckets: int = 0
    pending_subjects: int = 0
    data_through: UtcDatetime | None = None
    warnings: list[str] = []


@dataclass(frozen=True, slots=True)
class Bucket:
    start: datetime | None
    value: MetricValue


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window has: one bucket, or those of its time. problem: why it cannot be asked."""

    buckets: Sequence[Bucket] = ()
    column: ColumnInfo | None = None
    problem: Problem | None = None

    @property
    def value(self) -> MetricValue | None:
        return self.buckets[0].value if self.buckets else None


@dataclass
class Seeing:
    """Reads windows in a snapshot, each once, and notes how their answers came about."""

    snapshot: Snapshot
    meta: WindowsMeta = field(init=False)
    _seen: dict[bytes, Seen] = field(default_factory=dict)
    _is_saved: bool = False

    def __post_init__(self) -> None:
        desk = self.snapshot.desk
        self.meta = WindowsMeta(as_of=desk.now, timezone=desk.timezone, warnings=[])

    async def read(self, windows: Iterable[Window]) -> None:
        """One that cannot be asked costs the others nothing."""
        places: dict[Any, dict[bytes, Window]] = {}
        for each in windows:
            if (key := key_of(each)) not in self._seen:
                places.setdefault(each.place, {})[key] = each
        if places and not self._is_saved:
            await set_savepoint(self.snapshot)
            self._is_saved = True
        for together in places.values():
            keys = list(together)
            for at in range(0, len(keys), MOST_METRICS):
                await self._ask({key: together[key] for key in keys[at : at + MOST_METRICS]})

    def of(self, window: Window) -> Seen:
        return self._seen[key_of(window)]

    def value_of(self, window: Window) -> WindowValue | None:
        value = self.of(window).value
        if value is None:
            return None
        return WindowValue(
            from_=window.start,
            to=window.end,
            value=value,
            query=msgspec.to_builtins(window.query),
        )

    async def _ask(self, together: Mapping[bytes, Window]) -> None:
        try:
            answer = await answer_on(self.snapshot, query_of(list(together.values())))
        except (Problem, asyncpg.PostgresError) as error:
            problem = await problem_of(self.snapshot, error)
            if len(together) == 1:
                (key,) = together
                self._seen[key] = Seen(problem=problem)
                return
            for key, window in together.items():
                await self._ask({key: window})
            return
        self._note(answer)
        for number, (key, window) in enumerate(together.items()):
            name = name_of(number)
            buckets = list(buckets_of(answer, name, window))
            self._seen[key] = Seen(buckets, answer.meta.columns[name])

    def _note(self, answer: QueryAnswer) -> None:
        meta, told = self.meta, answer.meta
        meta.exact = meta.exact and told.exact
        meta.pending_buckets = max(meta.pending_buckets, told.pending_buckets)
        meta.pending_subjects = max(meta.pending_subjects, told.pending_subjects)
        through = [each for each in (meta.data_through, told.data_through) if each is not None]
        meta.data_through = max(through, default=None)
        meta.warnings += [each for each in told.warnings if each not in meta.warnings]


def key_of(window: Window) -> bytes:
    return msgspec.json.encode((window.metric, *window.place[1:])) + window.place[0]


def name_of(number: int) -> str:
    return f"m{number}"


def query_of(windows: Sequence[Window]) -> Query:
    """The question of windows of the same place, each metric under a name of its own."""
    first = windows[0]
    metrics = [
        msgspec.structs.replace(each.metric, as_=name_of(number))
        for number, each in enumerate(windows)
    ]
    return Query(
        metrics=metrics,
        time=QueryTime(
            range=TimeRange(from_=first.start.isoformat(), to=first.end.isoformat()),
            week_starts_on=WeekStart.monday,
        ),
        dimensions=[] if first.by is None else [f"time:{first.by}"],
        filters=first.filters,
        limit=PAGE_SIZE if first.by is None else LARGEST_PAGE,
    )


def buckets_of(answer: QueryAnswer, name: str, window: Window) -> Iterator[Bucket]:
    for row in answer.data:
        start = None if window.by is None else row.dimensions[f"time:{window.by}"].start
        yield Bucket(start, row.metrics[name])
