"""How soon an accepted record is on the screens of all who watch.

So many clients follow `GET /v1/live/stream` of one tenant, each with a ticket of its own. A call is
sent at fixed times, and for every client it is measured how long after the acknowledgement an event
arrives that counts the call: first with nothing else going on, then while other connections push
batches for the same tenant. One thread reads all sockets.
"""

import asyncio
import json
import re
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.client import HEAD_END, HOST, Connection, ask
from bench.items import Item, Source, array, encoded
from bench.measure import Line, Progress, at_most, quantile
from bench.servers import Servers, Tenant

CLIENTS, QUICK_CLIENTS = 200, 50
GOAL_SECONDS = 2
PAUSE_SECONDS, PATIENCE_SECONDS = 1.3, 30
BATCH, BATCHES_PER_SECOND = 20, 5
OFFERED = re.compile(rb'"calls_offered":\{"value":(\d+)')
END_OF_EVENT = b"\n\n"
TODAY = {"range": {"preset": "today"}}


@dataclass(slots=True)
class Screen:
    """One client: the socket, what has come of an event, and the count that it shows."""

    socket: socket.socket
    pending: bytearray = field(default_factory=bytearray)
    shown: int = -1
    seen_at: float = 0.0
    last: bytes = b""

    def read(self) -> bool:
        """Take what is there; whether it was an event with another count."""
        data = self.socket.recv(262_144)
        if not data:
            raise AssertionError("the server ended a stream")
        self.pending += data
        end = self.pending.rfind(END_OF_EVENT)
        if end < 0:
            return False
        events, self.pending = bytes(self.pending[:end]), self.pending[end:]
        at = events.rfind(b"event: live")
        if at < 0:
            return False
        found = OFFERED.search(events, at)
        if found is None:
            raise AssertionError(f"no count in {events[at : at + 300]!r}")
        self.last = events[at:]
        before, self.shown = self.shown, int(found[1])
        if self.shown == before:
            return False
        self.seen_at = time.perf_counter()
        return True


def screens(port: int, tenant: Tenant, count: int) -> list[Screen]:
    opened = []
    for _ in range(count):
        ticket = ask(port, tenant.key.post("/v1/live/tickets", b""))["ticket"]
        connection = socket.create_connection((HOST, port))
        head = f"GET /v1/live/stream?ticket={ticket} HTTP/1.1\r\nHost: {HOST}"
        connection.sendall(head.encode() + HEAD_END)
        opened.append(Screen(connection))
    return opened


def wait_for(all_: Sequence[Screen], count: int) -> None:
    """Read until every screen shows at least that many calls."""
    waiting = {each.socket.fileno(): each for each in all_}
    behind = {each.socket.fileno() for each in all_ if each.shown < count}
    deadline = time.monotonic() + PATIENCE_SECONDS
    with selectors.DefaultSelector() as selector:
        for number, each in waiting.items():
            selector.register(number, selectors.EVENT_READ, each)
        while behind:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(behind)} screens never showed {count} calls")
            for key, _ in selector.select(1):
                if key.data.read() and key.data.shown >= count:
                    behind.discard(key.fd)


def call(number: int) -> bytes:
    item = {
        "source": "live",
        "external_id": f"c{number}",
        "queue_entered_at": datetime.now(UTC).isoformat(),
        "outcome": "answered",
        "wait_seconds": 5,
        "queue": "care",
    }
    return json.dumps(item).encode()


def watched(
    port: int, tenant: Tenant, all_: Sequence[Screen], first: int, times: int
) -> list[float]:
    """Seconds from each acknowledgement until each screen counts the call."""
    connection, seconds = Connection(port), []
    for number in range(first, first + times):
        base = max(each.shown for each in all_)
        connection.exchange(tenant.key.post("/v1/calls", call(number)))
        accepted = time.perf_counter()
        wait_for(all_, base + 1)
        seconds += [each.seen_at - accepted for each in all_]
        settle(all_, PAUSE_SECONDS)
    connection.close()
    return seconds


def settle(all_: Sequence[Screen], seconds: float) -> None:
    """Read what comes for so long."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for each in all_:
            selector.register(each.socket, selectors.EVENT_READ, each)
        while (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                key.data.read()


def push(port: int, tenant: Tenant, is_over: threading.Event) -> None:
    """Messages of tickets of the same tenant, in batches at fixed times."""
    source, connection = Source("beside", 2), Connection(port)
    now = datetime.now(UTC)
    while not is_over.is_set():
        items = [
            source.ticket(has_milestones=False) | {"created_at": now - timedelta(minutes=5)}
            for _ in range(BATCH)
        ]
        connection.exchange(tenant.key.post("/v1/tickets/batch", array(encoded(items))))
        is_over.wait(1 / BATCHES_PER_SECOND)
    connection.close()


def differing(port: int, tenant: Tenant, screen: Screen) -> list[str]:
    """Which values of the last event are not those of the query now. Ages grow between both."""
    report = json.loads(screen.last.partition(b"data: ")[2])
    found = []
    for part in ("today", "now"):
        names = [name for name in report[part] if name != "current_longest_wait"]
        body = json.dumps({"metrics": [{"id": name} for name in names], "time": TODAY})
        asked = ask(port, tenant.key.post("/v1/query", body.encode()))["data"][0]["metrics"]
        found += [name for name in names if asked[name]["value"] != report[part][name]["value"]]
    return found


def line(what: str, seconds: Sequence[float], note: str) -> Line:
    p95 = quantile(seconds, 0.95)
    shown = ", ".join(f"{quantile(seconds, each):.2f}" for each in (0.5, 0.99))
    return Line(
        what=what,
        unit="s",
        csapi=p95,
        goal=at_most(GOAL_SECONDS, p95, " s"),
        note=f"p50, p99 {shown} s; the slowest {max(seconds):.2f} s; {note}",
    )


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    count, times = (QUICK_CLIENTS, 5) if is_quick else (CLIENTS, 30)
    database = servers.database("live")
    tenant = asyncio.run(database.tenant())
    with servers.running("serve", database) as port, servers.running("worker", database):
        seed(port, tenant, 1_000 if is_quick else 10_000)
        progress.say(f"live: {count} screens")
        all_ = screens(port, tenant, count)
        wait_for(all_, 0)
        quiet = watched(port, tenant, all_, 0, times)
        is_over = threading.Event()
        pushing = threading.Thread(target=push, args=(port, tenant, is_over))
        pushing.start()
        try:
            loud = watched(port, tenant, all_, times, times)
        finally:
            is_over.set()
            pushing.join()
        settle(all_, 2 * PAUSE_SECONDS)
        wrong = differing(port, tenant, all_[0])
        for each in all_:
            each.socket.close()
    size = f"an event is {len(all_[0].last) / 1000:.0f} kB"
    rate = f"{BATCH * BATCHES_PER_SECOND} tickets/s beside it"
    what = f"accepted call to {count} screens, p95"
    return [
        line(what, quiet, f"{len(quiet):,} arrivals; {size}"),
        line(f"{what}, while others push", loud, f"{len(loud):,} arrivals; {rate}"),
        Line(
            what="live values that are not those of the query at that moment",
            unit="values",
            csapi=len(wrong),
            goal=at_most(0, len(wrong)),
            note=", ".join(wrong),
        ),
    ]


def seed(port: int, tenant: Tenant, count: int) -> None:
    """Work of today, so that there is something to count."""
    source, connection = Source("today", 1), Connection(port)
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    step = (now - midnight) / count

    def at_today(number: int, item: Item, name: str) -> Item:
        later = midnight + number * step - item[name]
        return {
            key: value + later if isinstance(value, datetime) else value
            for key, value in item.items()
        }

    for name, field_, made in (
        ("calls", "queue_entered_at", source.call),
        ("tickets", "created_at", lambda: source.ticket(has_milestones=False)),
    ):
        items = [at_today(number, made(), field_) for number in range(count)]
        for start in range(0, count, 1_000):
            body = array(encoded(items[start : start + 1_000]))
            connection.exchange(tenant.key.post(f"/v1/{name}/batch", body))
    connection.close()
