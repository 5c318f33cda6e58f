"""Sharing, pacing and ending of streams, without a server around it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from csapi.access.tickets import Opener
from csapi.kit.news import News
from csapi.kit.problems import Problem
from csapi.kit.streams import HEARTBEAT, EventStream
from csapi.reports.live import hub as hubs
from csapi.reports.live.board import RETRY, Listener, StreamEnd
from csapi.reports.live.hub import MOST_BOARDS, REFRESHES_PER_SECOND, Hub

TENANT, KEY = uuid4(), ("k", None)


class Asked:
    """Gives the number of times that it was asked, and takes a moment."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.times = 0
        self.seconds = seconds

    async def __call__(self) -> bytes:
        self.times += 1
        answer = b"%d" % self.times
        await asyncio.sleep(self.seconds)
        return answer


async def all_live(_: UUID, openers: Collection[Opener]) -> set[Opener]:
    return set(openers)


@asynccontextmanager
async def a_hub(url: str | None = None) -> AsyncIterator[Hub]:
    hub = Hub(News(url), all_live)
    try:
        yield hub
    finally:
        await hub.close()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def shown(listener: Listener, count: int) -> list[bytes]:
    pieces = listener.pieces()
    return [await anext(pieces) for _ in range(count)]


async def test_one_answer_serves_all_who_ask_the_same() -> None:
    async with a_hub() as hub:
        ask, other = Asked(0.05), Asked()
        joined = await asyncio.gather(*(hub.join(TENANT, "a", KEY, ask) for _ in range(50)))
        apart = await hub.join(TENANT, "b", KEY, other)
        assert (ask.times, other.times) == (1, 1)
        for each in joined:
            assert await shown(each, 2) == [RETRY, b"1"]
        hub.hear(uuid4())
        late = await hub.join(TENANT, "a", KEY, ask)
        assert await shown(late, 2) == [RETRY, b"1"]
        assert ask.times == 1
        apart.leave()


async def test_much_news_is_one_answer_and_none_is_lost() -> None:
    """News while an answer is worked out may not be in it: another one follows."""
    async with a_hub() as hub:
        ask = Asked(0.1)
        listener = await hub.join(TENANT, "a", KEY, ask)
        pieces = listener.pieces()
        assert [await anext(pieces) for _ in range(2)] == [RETRY, b"1"]
        for _ in range(100):
            hub.hear(TENANT)
        await until(lambda: ask.times == 2)
        hub.hear(TENANT)
        began = time.monotonic()
        assert await anext(pieces) == b"2"
        assert await anext(pieces) == b"3"
        assert time.monotonic() - began < 2
        await asyncio.sleep(0.6)
        assert ask.times == 3


async def test_a_tenant_with_many_boards_is_asked_so_often_and_in_turn() -> None:
    async with a_hub() as hub:
        asks = [Asked() for _ in range(6)]
        await asyncio.gather(
            *(hub.join(TENANT, number, KEY, ask) for number, ask in enumerate(asks))
        )
        before, began = sum(each.times for each in asks), time.monotonic()
        while time.monotonic() - began < 1:
            hub.hear(TENANT)
            await asyncio.sleep(0.02)
        asked = sum(each.times for each in asks) - before
        assert asked <= REFRESHES_PER_SECOND + 1
        assert max(each.times for each in asks) - min(each.times for each in asks) <= 1


async def test_who_reads_slowly_gets_the_latest_and_no_more() -> None:
    async with a_hub() as hub:
        listener = await hub.join(TENANT, "a", KEY, Asked())
        for number in range(1000):
            listener.board.show(b"%d" % number)
        assert await shown(listener, 2) == [RETRY, b"999"]


async def test_who_does_not_read_at_all_is_cut() -> None:
    left: list[bool] = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"

    async def never() -> dict[str, str]:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, object]) -> None:
        if message.get("more_body"):
            await asyncio.sleep(60)

    stream = EventStream(endless(), lambda: left.append(True), slow_seconds=0.05)  # type: ignore[arg-type]
    async with asyncio.timeout(2):
        await stream({"method": "GET"}, never, send)  # type: ignore[arg-type]
    assert left


async def test_signs_of_life_the_end_of_its_time_and_of_the_process() -> None:
    async with a_hub() as hub:
        listener = await hub.join(
            TENANT, "a", KEY, Asked(), lasts_seconds=0.25, heartbeat_seconds=0.1
        )
        pieces = [piece async for piece in listener.pieces()]
        assert pieces == [RETRY, b"1", HEARTBEAT, HEARTBEAT, pieces[-1]]
        assert pieces[-1] == b'event: end\ndata: {"reason":"expired"}\n\n'
        listener.leave()
        other = await hub.join(TENANT, "a", KEY, Asked())
        hub.drain()
        assert (await shown(other, 2))[1] == b'event: end\ndata: {"reason":"closing"}\n\n'
        with pytest.raises(Problem) as refusal:
            await hub.join(TENANT, "a", KEY, Asked())
        assert refusal.value.code == "not_ready"


async def test_too_many_are_refused_and_places_come_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MOST_KEY_STREAMS", 3)
    monkeypatch.setattr(hubs, "MOST_TENANT_STREAMS", 5)
    async with a_hub() as hub:
        ask = Asked()

        async def refused(key: object, opener: Opener) -> str:
            with pytest.raises(Problem) as refusal:
                await hub.join(TENANT, key, opener, ask)
            assert (refusal.value.code, refusal.value.status) == ("too_many_streams", 429)
            return refusal.value.detail

        of_key = [await hub.join(TENANT, "a", ("k", f"t{n}"), ask) for n in range(3)]
        assert "of this key" in await refused("a", KEY)
        for number in range(2):
            await hub.join(TENANT, "a", (f"other-{number}", None), ask)
        assert "of this tenant" in await refused("a", ("third", None))
        await hub.join(uuid4(), "a", KEY, ask)
        for each in of_key:
            each.leave()
            each.leave()
        await hub.join(TENANT, "a", KEY, ask)
    monkeypatch.undo()
    async with a_hub() as hub, asyncio.timeout(2):
        for number in range(MOST_BOARDS):
            await hub.join(TENANT, number, KEY, ask)
        await hub.join(TENANT, 0, KEY, ask)
        with pytest.raises(Problem) as refusal:
            await hub.join(TENANT, "one more", KEY, ask)
        assert "different questions" in refusal.value.detail


async def test_a_failure_is_told_to_who_comes_and_the_others_keep_what_they_have() -> None:
    async with a_hub() as hub:
        failing = Problem("query_timeout", "Too slow.")

        async def ask() -> bytes:
            raise failing

        with pytest.raises(Problem):
            await hub.join(TENANT, "a", KEY, ask)
        listener = await hub.join(TENANT, "a", KEY, Asked())
        listener.board.ask = ask
        hub.hear(TENANT)
        with pytest.raises(Problem):
            await hub.join(TENANT, "a", KEY, ask)
        assert await shown(listener, 2) == [RETRY, b"1"]


@pytest.mark.parametrize("has_answer", [True, False])
async def test_without_a_key_that_lives_a_stream_ends(
    monkeypatch: pytest.MonkeyPatch, *, has_answer: bool
) -> None:
    """Also where nobody can say for some time whether it does."""

    async def check(_: UUID, openers: Collection[Opener]) -> set[Opener]:
        if not has_answer:
            raise OSError
        return {each for each in openers if each[0] != "k"}

    monkeypatch.setattr(hubs, "CHECK_SECONDS", 0.02)
    monkeypatch.setattr(hubs, "UNKNOWN_SECONDS", 0.2)
    hub = Hub(News(None), check)
    listener = await hub.join(TENANT, "a", KEY, Asked())
    kept = await hub.join(TENANT, "a", ("kept", None), Asked())
    pieces = [piece async for piece in listener.pieces()]
    assert pieces[-1] == b'event: end\ndata: {"reason":"revoked"}\n\n'
    assert kept.end == (None if has_answer else StreamEnd.revoked)
    await hub.close()


async def test_news_reaches_other_processes_and_not_oneself(redis: object) -> None:
    url = str(redis.url)  # type: ignore[attr-defined]
    here, there = News(url), News(url)
    heard: dict[str, list[UUID | None]] = {"here": [], "there": []}
    here.listen(heard["here"].append)
    there.listen(heard["there"].append)
    await until(lambda: heard == {"here": [None], "there": [None]})
    await there._connected().publish("csapi:news", b"not a message")
    for _ in range(50):
        here.tell(TENANT)
    await until(lambda: len(heard["there"]) == 2)
    await asyncio.sleep(0.2)
    assert heard["there"] == [None, TENANT]
    assert set(heard["here"]) == {None, TENANT}
    assert len(heard["here"]) == 51
    await here.close()
    await there.close()


async def test_nothing_waits_where_redis_is_gone() -> None:
    news = News("redis://127.0.0.1:1")
    heard: list[UUID | None] = []
    news.listen(heard.append)
    news.tell(TENANT)
    assert heard == [TENANT]
    await asyncio.sleep(0.15)
    await news.close()
