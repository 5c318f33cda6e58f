"""What a process has done, as Prometheus reads it, on a port of this machine alone.

The text format is a few lines, and needs no library. Labels are ids of operations, classes of
status and codes of ours: never what a client sent, and no tenants.
"""

import asyncio
import logging
import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from csapi import __version__
from csapi.kit.db import StartupError

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
PYTHON = platform.python_version()
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REFUSED_STATUSES = (429, 503)
HEAD_SECONDS = 5.0
COLLECT_SECONDS = 5.0


class Sample(NamedTuple):
    """A value that is read when it is asked for. `kind`: gauge or counter."""

    name: str
    help: str
    value: float
    labels: str = ""
    kind: str = "gauge"


Collect = Callable[[], Awaitable[Iterable[Sample]]]


class Telemetry:
    """Counts requests. What else a process knows is collected when it is asked."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._requests: Counter[tuple[str, str]] = Counter()
        self._refused: Counter[str] = Counter()
        self._buckets: dict[str, list[int]] = {}
        self._seconds: Counter[str] = Counter()
        self.collectors: list[Collect] = []

    def ended(self, operation: str, status: int, seconds: float, code: str) -> None:
        """`code`: of the problem that was answered."""
        self._requests[operation, f"{status // 100}xx" if status else "none"] += 1
        if status in REFUSED_STATUSES:
            self._refused[code] += 1
        buckets = self._buckets.get(operation)
        if buckets is None:
            buckets = self._buckets[operation] = [0] * (len(BOUNDS) + 1)
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[operation] += seconds  # type: ignore[assignment]  # a sum of fractions

    async def text(self) -> str:
        lines = [
            *_head("csapi_requests_total", "Requests that ended.", "counter"),
            *(
                f'csapi_requests_total{{operation="{operation}",status="{status}"}} {count}'
                for (operation, status), count in sorted(self._requests.items())
            ),
            *_head("csapi_refused_total", "Answers 429 and 503, by code.", "counter"),
            *(
                f'csapi_refused_total{{code="{code}"}} {count}'
                for code, count in sorted(self._refused.items())
            ),
            *_head("csapi_request_seconds", "How long requests took.", "histogram"),
            *(line for operation in sorted(self._buckets) for line in self._histogram(operation)),
            *_head("csapi_requests_in_flight", "Requests at work.", "gauge"),
            f"csapi_requests_in_flight {self.in_flight}",
            *_head("csapi_build_info", "Which csapi this is; always 1.", "gauge"),
            f'csapi_build_info{{version="{__version__}",python="{PYTHON}"}} 1',
        ]
        for collect in self.collectors:
            lines += await _collected(collect)
        return "\n".join(lines) + "\n"

    def _histogram(self, operation: str) -> Iterable[str]:
        total = 0
        for bound, count in zip((*BOUNDS, "+Inf"), self._buckets[operation], strict=True):
            total += count
            yield f'csapi_request_seconds_bucket{{operation="{operation}",le="{bound}"}} {total}'
        seconds = self._seconds[operation]
        yield f'csapi_request_seconds_sum{{operation="{operation}"}} {seconds:.6f}'
        yield f'csapi_request_seconds_count{{operation="{operation}"}} {total}'


def _head(name: str, text: str, kind: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


async def _collected(collect: Collect) -> list[str]:
    """Empty where it fails or takes too long: the rest is still told."""
    try:
        async with asyncio.timeout(COLLECT_SECONDS):
            samples = list(await collect())
    except Exception as error:  # noqa: BLE001  whatever it is, it must not hide the counters
        log.warning("metrics not collected: %s", type(error).__name__)
        return []
    lines: list[str] = []
    named: set[str] = set()
    for each in samples:
        if each.name not in named:
            named.add(each.name)
            lines += _head(each.name, each.help, each.kind)
        lines.append(f"{each.name}{each.labels} {each.value:g}")
    return lines


async def _answer(
    telemetry: Telemetry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        async with asyncio.timeout(HEAD_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        is_asked = head.startswith(b"GET /metrics ")
        body = (await telemetry.text()).encode() if is_asked else b"Only GET /metrics is here.\n"
        status = "200 OK" if is_asked else "404 Not Found"
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        async with asyncio.timeout(HEAD_SECONDS):
            await writer.drain()
    writer.close()


@asynccontextmanager
async def telling(telemetry: Telemetry, port: int, processes: int) -> AsyncIterator[int]:
    """Answer GET /metrics on the first free port from `port` on, of as many as there are
    processes; `port` 0: nowhere. Gives the port."""
    if not port:
        yield 0
        return

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _answer(telemetry, reader, writer)

    for each in range(port, port + processes):
        with suppress(OSError):
            server = await asyncio.start_server(answer, HOST, each)
            break
    else:
        raise StartupError(
            f"Cannot listen for /metrics on {HOST}:{port}: it is taken. Set CSAPI_METRICS_PORT to "
            "a free port, another one for each of `csapi serve` and `csapi worker`."
        )
    log.info("metrics on %s:%d", HOST, each)
    try:
        yield each
    finally:
        server.close()
