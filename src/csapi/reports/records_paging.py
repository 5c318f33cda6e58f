"""Pages of the records behind a cell: each costs about itself, and knows what the first one saw.

The first page reads the value and a digest of the whole list; the cursor carries both. While the
sequences of the range's buckets stand still (etags.py), a further page trusts them, and reads its
own stretch of time. Where marks wait, or more than the range's facts decide, it works out the
digest again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from csapi.kit.cursors import decode_cursor, encode_cursor
from csapi.kit.db import run
from csapi.kit.problems import Problem
from csapi.metrics.listing import ORDER, Listing, Place
from csapi.metrics.percentiles import Percentile
from csapi.metrics.plan import EPOCH
from csapi.metrics.question import Question
from csapi.metrics.words import ALL_WORDS
from csapi.reports.etags import digest, is_of_its_range, sequences_of
from csapi.reports.fillings import Group
from csapi.reports.pages import MOVED, fingerprint_of
from csapi.reports.read import Reading, reading_of
from csapi.reports.records_schemas import RecordsQuery
from csapi.reports.service import Snapshot
from csapi.reports.shape import total
from csapi.reports.state import State

MICROSECOND = timedelta(microseconds=1)
LEAST_SPAN = timedelta(seconds=1)
# A stretch aims at so many times the entries that a page needs; each further one is so much wider.
AMPLE, WIDER = 2, 8
# A list of fewer pages is read at once.
FEW_PAGES = 10
# Until the year 2200.
Micros = Annotated[int, Meta(ge=0, le=7_258_118_400_000_000)]
Whole = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Stored = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Seen(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What the first page saw: how many entries, their digest, what their range was like, and if
    they tell the value: its parts and percentile. Whoever makes one up deceives nobody else."""

    entries: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    digest: Stored
    state: Annotated[str, Meta(max_length=64)] | None
    parts: list[Stored | None] | None
    percentile: tuple[float, bool] | None


class Cursor(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """The question and when it was asked, what its first page saw, and the last entry of the page
    before."""

    fingerprint: str
    asked_micros: Micros
    seen: Seen
    micros: Micros
    subject: UUID
    kind: Annotated[int, Meta(ge=0, le=2**15 - 1)]
    ordinal: Whole
    customer: Annotated[int, Meta(ge=0, le=2**63 - 1)]

    @property
    def asked_at(self) -> datetime:
        return EPOCH + self.asked_micros * MICROSECOND

    @property
    def place(self) -> Place:
        at = EPOCH + self.micros * MICROSECOND
        return Place(at, self.subject, self.kind, self.ordinal, self.customer)


def cursor_of(asked: RecordsQuery) -> Cursor | None:
    if asked.cursor is None:
        return None
    cursor = decode_cursor(asked.cursor, Cursor)
    if cursor.fingerprint != fingerprint_of(asked):
        raise Problem("invalid_cursor", "The cursor belongs to another question.")
    return cursor


@dataclass(frozen=True, slots=True)
class ListState:
    """How the range is now. token: while it is the same, so is the list; None: nobody knows."""

    state: State
    token: str | None


async def list_state(snapshot: Snapshot, question: Question) -> ListState:
    state, sequences = await sequences_of(snapshot.connection, snapshot.desk.tenant_id, question)
    if sequences is None or not is_of_its_range(question):
        return ListState(state, None)
    (asked,), cell = question.metrics, question.cell
    content = [
        *(sequences, state.outdated, question.period, question.condition, question.kept),
        *(asked.formula, asked.agg, asked.unsettled),
        None if cell is None else ([group.id for group in cell.groups], cell.keys),
    ]
    return ListState(state, digest(repr(content).encode()))


async def value_of(
    snapshot: Snapshot, question: Question, now: ListState | None, cursor: Cursor | None
) -> Reading:
    """The total of a cell: as the first page read it, if the cursor has it."""
    if cursor is None or now is None or cursor.seen.parts is None:
        return await snapshot.read(question)
    seen, (asked,) = cursor.seen, question.metrics
    is_hidden = await snapshot.smallest_group() is not None
    if is_hidden or len(cursor.seen.parts) != len(question.parts):
        return await snapshot.read(question)
    percentiles = {} if seen.percentile is None else {asked.name: Percentile(*seen.percentile)}
    total = Group((), cursor.seen.parts, percentiles)
    words = ALL_WORDS[snapshot.desk.language]
    return reading_of(now.state, [total], total, "facts", words)


@dataclass(frozen=True, slots=True)
class Pager:
    """Cuts pages from a listing whose total is known. now: how its range is, of further pages."""

    snapshot: Snapshot
    asked: RecordsQuery
    listing: Listing
    total: Group
    now: ListState | None

    async def page(self, cursor: Cursor | None) -> tuple[Sequence[Any], str | None]:
        """The rows of one page, and the cursor of the next. A cursor belongs to its question and to
        the list that its page was cut from: where that is another by now, it is refused."""
        if cursor is not None:
            await self._check(cursor.seen)
            rows = await self._rows(cursor.place, cursor.seen.entries)
        else:
            (places,) = self.listing.question.places
            rows = await self._rows(None, total(places.n, self.total.parts))
        page = rows[: self.asked.limit]
        if len(rows) <= self.asked.limit:
            return page, None
        seen = await self._seen() if cursor is None else cursor.seen
        at, *place = (page[-1][name] for name in ORDER)
        first, now = (micros_of(each) for each in (at, self.snapshot.desk.now))
        known = fingerprint_of(self.asked)
        return page, encode_cursor(known, now, seen, first, *place)

    async def _rows(self, after: Place | None, entries: int) -> Sequence[Any]:
        """The entries of a page and one more, if there is one. Those in the order of time are read
        from a stretch of it that should have enough, and then from further ones."""
        connection, tenant_id = self.snapshot.connection, self.snapshot.desk.tenant_id
        listing, wanted, found = self.listing, self.asked.limit + 1, list[Any]()
        if not listing.is_by_time or entries <= FEW_PAGES * wanted:
            return await run(connection, listing.page(tenant_id, after, wanted))
        period = listing.question.period
        start = period.start if after is None else max(period.start, after.at)
        width = (period.end - period.start) * (AMPLE * wanted) / max(entries, 1)
        while start < period.end and len(found) < wanted:
            width = max(width, LEAST_SPAN)
            end = period.end if width >= period.end - start else start + width
            statement = listing.page(tenant_id, after, wanted - len(found), (start, end))
            found += await run(connection, statement)
            start, width = end, width * WIDER
        return found

    async def _digest(self) -> tuple[int, int]:
        statement = self.listing.digest(self.snapshot.desk.tenant_id)
        (found,) = await run(self.snapshot.connection, statement)
        return found["entries"], found["digest"]

    async def _seen(self) -> Seen:
        group = self.total
        told = group.percentiles.get(self.listing.asked.name)
        is_simple = not (group.records or group.customers or group.hidden)
        is_simple = is_simple and all(-(2**63) <= (part or 0) < 2**63 for part in group.parts)
        now = await list_state(self.snapshot, self.listing.question)
        return Seen(
            *await self._digest(),
            now.token,
            list(group.parts) if is_simple else None,
            None if told is None else (told.seconds, told.is_exact),
        )

    async def _check(self, seen: Seen) -> None:
        token = None if self.now is None else self.now.token
        if token is not None and token == seen.state:
            return
        if await self._digest() != (seen.entries, seen.digest):
            raise Problem("snapshot_moved", MOVED)


def micros_of(instant: datetime) -> int:
    return (instant - EPOCH) // MICROSECOND
