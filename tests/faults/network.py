"""F8, F9, F12: processes that hang, networks that are cut, clients that crowd."""

import asyncio
import contextlib
import signal
import socket
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from tests.faults.processes import Kept
from tests.faults.proxy import Proxy, to_socket
from tests.faults.running import Stage
from tests.faults.site import over_tcp
from tests.faults.traffic import QUESTION
from tests.faults.waiting import until

# What transaction and idle timeouts of a rebuild and a derivation come to at most.
STOPPED_SECONDS = 26
STOPS_WITHIN_SECONDS = 300.0


def stops_in(log: Path) -> int:
    return log.read_bytes().count(b" stop ") if log.exists() else 0


def has_stopped(log: Path, before: int) -> bool:
    return stops_in(log) > before


async def stopped_worker(stage: Stage) -> None:
    """F8: a worker stands still with locks in its hands; its transaction is taken from it."""
    site = stage.site
    for point in ("rebuild.eaten", "rebuild.written", "derive.eaten", "derive.derived")[
        : stage.size
    ]:
        worker = site.workers[0]
        log = site.fault_log
        before = stops_in(log)
        await worker.again(CSAPI_FAULTPOINTS=f"{point}=stop:1")
        # The other worker may take all that is to be derived for a while.
        stopped = partial(has_stopped, log, before)
        await until(stopped, f"stopped at {point}", STOPS_WITHIN_SECONDS)
        await asyncio.sleep(STOPPED_SECONDS)
        stage.row.notes.append(f"stopped at {point} for {STOPPED_SECONDS} s")
        # Its plan would stop it again: it goes on for a moment with what it had, and ends.
        if worker.process is not None:
            worker.process.send(signal.SIGCONT)
        await asyncio.sleep(0.5)
        worker.environ.pop("CSAPI_FAULTPOINTS")
        if worker.process is not None:
            await worker.process.end(signal.SIGKILL)


async def stopped_api(stage: Stage) -> None:
    """F8: an API process stands still within a transaction; others do not wait for ever."""
    server = stage.site.servers[0]
    for _ in range(stage.size):
        for child in [] if server.process is None else server.process.children():
            child.suspend()
        await asyncio.sleep(12)
        for child in [] if server.process is None else server.process.children():
            child.resume()
        await asyncio.sleep(1)


def postgres_proxy(url: str) -> Proxy:
    folder = unquote(parse_qs(urlsplit(url).query)["host"][0])
    return Proxy(to_socket(f"{folder}/.s.PGSQL.5432"))


async def cut_network(stage: Stage) -> None:
    """F9: between the processes and both servers: slow, reset, half closed, silent."""
    site = stage.site
    database = postgres_proxy(site.postgres.admin_url)
    redis = Proxy(to_socket(urlsplit(site.redis.url).path))
    await database.open()
    await redis.open()
    parties: list[tuple[Kept, dict[str, str]]] = []
    for each in (*site.servers, *site.workers):
        parties.append((each, dict(each.environ)))
        await each.again(
            CSAPI_DATABASE_URL=over_tcp(each.environ["CSAPI_DATABASE_URL"], database.port),
            CSAPI_REDIS_URL=over_tcp(site.redis.url, redis.port),
        )
    await site.ready()
    try:
        for _ in range(stage.size):
            for proxy in (database, redis):
                await disturb(stage, proxy)
    finally:
        for each, environ in parties:
            await each.again(
                **{name: environ[name] for name in ("CSAPI_DATABASE_URL", "CSAPI_REDIS_URL")}
            )
        await site.ready()
        await database.close()
        await redis.close()


async def disturb(stage: Stage, proxy: Proxy) -> None:
    proxy.delay_seconds = 0.05
    await asyncio.sleep(2)
    proxy.delay_seconds = 0.0
    proxy.cut()
    await asyncio.sleep(stage.dice.uniform(0.5, 1.5))
    proxy.half_close()
    await asyncio.sleep(stage.dice.uniform(0.5, 1.5))
    proxy.passing.clear()
    await asyncio.sleep(8)
    proxy.passing.set()
    await asyncio.sleep(1)
    proxy.cut()


async def crowd(stage: Stage) -> None:
    """F12: more questions than connections, and sockets on which nothing comes."""
    site = stage.site
    base, client = site.bases[0], site.clients[0]
    port = int(base.rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(min(stage.size, 200))]
    for number, each in enumerate(silent):
        each.sendall(b"POST /v1/calls/batch HTTP/1.1\r\nHost: a\r\n"[: 1 + number % 40])
    headers = {"Authorization": f"Bearer {client.token}"}
    limits = httpx.Limits(max_connections=stage.size)
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as http:

        async def ask() -> None:
            with contextlib.suppress(httpx.TransportError):
                answer = await http.post(f"{base}/v1/query", json=QUESTION)
                site.tallies.note(answer, 0)

        await asyncio.gather(*(ask() for _ in range(stage.size)))
    for each in silent:
        each.close()
