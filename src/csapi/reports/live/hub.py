"""Who listens to now: one answer is worked out for all who ask the same, when something happened.

News wakes the boards of its tenant. Each tenant has one task, which works out one board after the
other: never more often than so many times a second, and never for more than half of the time.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from csapi.access.tickets import Opener
from csapi.kit.news import News
from csapi.kit.problems import Problem
from csapi.reports.live.board import (
    HEARTBEAT_SECONDS,
    LONGEST_STREAM_SECONDS,
    Ask,
    Board,
    Listener,
    StreamEnd,
)

log = logging.getLogger(__name__)

# Of a tenant in this process, all of its boards together.
REFRESHES_PER_SECOND = 4
# Between two answers of a board, and when nothing happens: waits grow, and days begin.
BOARD_SECONDS, OLDEST_SECONDS = 0.5, 10.0
# Of all tenants at once, so that requests find connections.
REFRESHES_AT_ONCE = 2
# How often it is looked whether keys and tokens still live, and for how long it may fail.
CHECK_SECONDS, UNKNOWN_SECONDS = 4.0, 10.0

# In each process. A process answers 1,024 requests at once, and a stream is one.
MOST_STREAMS, MOST_TENANT_STREAMS, MOST_KEY_STREAMS, MOST_BOARDS = 768, 300, 250, 20

Check = Callable[[UUID, Collection[Opener]], Awaitable[set[Opener]]]


@dataclass(eq=False, slots=True)
class Office:
    """The boards of a tenant. `rested`: when as long has passed as the last answer took; `paced`:
    when another one may follow."""

    boards: dict[Hashable, Board] = field(default_factory=dict)
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    checked: float = field(default_factory=time.monotonic)
    task: asyncio.Task[None] | None = None
    rested: float = 0.0
    paced: float = 0.0

    @property
    def listeners(self) -> Iterator[Listener]:
        return (each for board in self.boards.values() for each in board.listeners)

    def mark(self) -> None:
        for board in self.boards.values():
            board.is_stale = True
        self.happened.set()

    def next(self) -> tuple[Board, float]:
        """The board whose turn it is, and in how many seconds."""

        def due(board: Board) -> float:
            if board.frame is None:
                # Somebody sees nothing yet: to them it is a request.
                return max(board.began + BOARD_SECONDS, self.rested)
            later = BOARD_SECONDS if board.is_stale else OLDEST_SECONDS
            return max(board.began + later, self.paced)

        board = min(self.boards.values(), key=lambda each: (due(each), each.began))
        return board, due(board) - time.monotonic()


class Hub:
    """All streams of a process. `check` gives those of the keys and tokens that still live."""

    def __init__(self, news: News, check: Check) -> None:
        self._news = news
        self._check = check
        self._offices: dict[UUID, Office] = {}
        self._turns = asyncio.Semaphore(REFRESHES_AT_ONCE)
        self._checking: asyncio.Task[None] | None = None
        self._is_closing = False

    async def join(
        self,
        tenant_id: UUID,
        key: Hashable,
        opener: Opener,
        ask: Ask,
        *,
        lasts_seconds: float = LONGEST_STREAM_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> Listener:
        """A listener to whom the first answer is there. `key`: what is asked, with everything that
        decides on the answer. Raises Problem, or what `ask` raised."""
        office = self._offices.get(tenant_id) or Office()
        self._admit(office, key, opener)
        self._offices[tenant_id] = office
        board = office.boards.setdefault(key, Board(ask))

        def gone(left: Listener) -> None:
            self._forget(tenant_id, office, key, left)

        listener = Listener(board, opener, gone, lasts_seconds, heartbeat_seconds)
        board.listeners.add(listener)
        self._run(office)
        try:
            if board.frame is None or board.is_stale:
                await listener.first
        except BaseException:
            listener.leave()
            raise
        return listener

    def _admit(self, office: Office, key: Hashable, opener: Opener) -> None:
        if self._is_closing:
            raise Problem("not_ready", "This process is ending. Open the stream again.")
        mine = list(office.listeners)
        of_key = sum(each.opener[0] == opener[0] for each in mine)
        here = sum(len(list(each.listeners)) for each in self._offices.values())
        for count, most, what in (
            (here, MOST_STREAMS, "streams of this process"),
            (len(mine), MOST_TENANT_STREAMS, "streams of this tenant"),
            (of_key, MOST_KEY_STREAMS, "streams of this key, its tokens and tickets"),
            (len(office.boards.keys() - {key}), MOST_BOARDS, "different questions of this tenant"),
        ):
            if count >= most:
                raise Problem("too_many_streams", f"{most} {what} are open already.")

    def _forget(self, tenant_id: UUID, office: Office, key: Hashable, left: Listener) -> None:
        left.first.cancel()
        left.board.listeners.discard(left)
        if not left.board.listeners and office.boards.get(key) is left.board:
            del office.boards[key]
        if office.boards:
            return
        if self._offices.get(tenant_id) is office:
            del self._offices[tenant_id]
        if office.task is not None:
            office.task.cancel()
        if not self._offices:
            self._rest()

    def _run(self, office: Office) -> None:
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_always())
            self._news.listen(self.hear)
        if office.task is None:
            office.task = asyncio.create_task(self._work(office))
        office.happened.set()

    def _rest(self) -> None:
        """Nobody listens."""
        self._news.stop()
        if self._checking is not None:
            self._checking.cancel()
            self._checking = None

    def hear(self, tenant_id: UUID | None) -> None:
        """Something of the tenant was committed; None: perhaps of any."""
        for office in self._offices.values() if tenant_id is None else self._of(tenant_id):
            office.mark()

    def _of(self, tenant_id: UUID) -> list[Office]:
        office = self._offices.get(tenant_id)
        return [] if office is None else [office]

    async def _work(self, office: Office) -> None:
        while True:
            board, wait = office.next()
            if wait > 0:
                office.happened.clear()
                try:
                    async with asyncio.timeout(wait):
                        await office.happened.wait()
                except TimeoutError:
                    pass
                continue
            began = time.monotonic()
            await self._refresh(board)
            ended = time.monotonic()
            office.paced = max(began + 1 / REFRESHES_PER_SECOND, 2 * ended - began)
            office.rested = 2 * ended - began

    async def _refresh(self, board: Board) -> None:
        async with self._turns:
            # What happens from here on may not be in the answer.
            board.is_stale, board.began = False, time.monotonic()
            try:
                board.show(await board.ask())
            except Problem as error:
                board.fail(error)
            except Exception as error:
                log.exception("what is going on now could not be worked out")
                board.fail(error)

    async def _check_always(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for tenant_id, office in list(self._offices.items()):
                await self._check_office(tenant_id, office)

    async def _check_office(self, tenant_id: UUID, office: Office) -> None:
        openers = {each.opener for each in office.listeners}
        try:
            living = await self._check(tenant_id, openers)
            office.checked = time.monotonic()
        except Exception as error:  # noqa: BLE001  whatever it was: nobody knows who may listen
            log.warning("keys of streams not checked: %s", type(error).__name__)
            if time.monotonic() - office.checked < UNKNOWN_SECONDS:
                return
            living = set()
        for each in list(office.listeners):
            if each.opener in openers - living:
                each.stop(StreamEnd.revoked)

    def drain(self) -> None:
        """Let no one in any more, and end what there is."""
        self._is_closing = True
        for office in self._offices.values():
            for each in office.listeners:
                each.stop(StreamEnd.closing)

    async def close(self) -> None:
        self.drain()
        for office in list(self._offices.values()):
            for each in list(office.listeners):
                each.leave()
        await self._news.close()
