"""A whole csapi of its own: servers, API, workers, clients and the auditor, as processes."""

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
from tests.conftest import FAST, free_port, with_database
from tests.faults.processes import ROOT, Kept, Nursery, clean_environment
from tests.faults.traffic import Client, Tallies
from tests.faults.waiting import AWAY, until

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress
from csapi.embedded.redis import Redis
from csapi.kit.db import SERVER_SETTINGS
from csapi.kit.migrate import migrate

DATABASE = "csapi_faults"
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York", "Europe/Berlin")
WAITING = " + ".join(
    f"(SELECT count(*) FROM {table})" for table in ("marks", "subject_marks", "reference_marks")
)
READY_SECONDS = 180.0


@dataclass
class Audits:
    """What the auditor has told so far."""

    counts: Counter[str] = field(default_factory=Counter)
    buckets: dict[str, int] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def note(self, told: Mapping[str, Any]) -> None:
        self.counts[told["audit"]] += 1
        self.found += told["found"]
        if told["audit"] == "snapshot":
            self.counts["ledger"] += told["ledger"]
            self.counts["with marks"] += bool(told["marks"] or told["derivations"])
            self.buckets[told["tenant"]] = told["buckets"]


@dataclass
class Site:
    """Everything that runs, by name. `seed` makes the schedule, if not the timing, repeatable."""

    home: Path
    postgres: Postgres
    redis: Redis
    seed: int
    days: int
    mutant: str | None = None
    ports: list[int] = field(default_factory=list)
    servers: list[Kept] = field(default_factory=list)
    workers: list[Kept] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    audits: Audits = field(default_factory=Audits)
    nursery: Nursery = field(init=False)
    # Which API processes clients may use: a balancer's view.
    bases: list[str] = field(default_factory=list)
    _auditor: asyncio.subprocess.Process | None = None
    _listening: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.nursery = Nursery(self.home)

    @property
    def admin_url(self) -> str:
        return with_database(self.postgres.admin_url, DATABASE)

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.tsv"

    @property
    def fault_log(self) -> Path:
        return self.home / "faults.log"

    def environ(self, role_url: str, **more: object) -> dict[str, str]:
        return {
            "CSAPI_DATABASE_URL": with_database(role_url, DATABASE),
            "CSAPI_REDIS_URL": self.redis.url,
            "CSAPI_FAULT_LOG": str(self.fault_log),
            "CSAPI_FAULT_SEED": str(self.seed),
            "CSAPI_POOL_SIZE": "6",
            **{f"CSAPI_{name.upper()}": str(value) for name, value in more.items()},
        }

    async def connect(self) -> asyncpg.Connection:
        """As the superuser, who sees all tenants; waits until the server is there."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                return await asyncpg.connect(
                    self.admin_url, server_settings=SERVER_SETTINGS, timeout=5
                )
            except AWAY:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def make_database(self) -> None:
        connection = await asyncpg.connect(with_database(self.postgres.admin_url, "postgres"))
        await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.close()
        secrets = self.postgres.layout.credentials()
        await migrate(self.admin_url, api_password=secrets.api, worker_password=secrets.worker)

    async def add_tenants(self, count: int) -> None:
        url = with_database(self.postgres.api_url, DATABASE)
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
        for number in range(count):
            zone = ZONES[number % len(ZONES)]
            canary = f"canary{self.seed}x{number}x"
            tenant_id = await create_tenant(connection, canary, zone)
            key = await create_key(connection, tenant_id, "faults", [each.value for each in Scope])
            self.clients.append(
                Client(
                    tenant_id,
                    zone,
                    key.token,
                    canary,
                    self.ledger,
                    lambda: self.bases,
                    self.tallies,
                )
            )
        await connection.close()
        for client in self.clients:
            client.others = [each.canary for each in self.clients if each is not client]
        self.ledger.touch()

    async def add_server(self, **more: object) -> Kept:
        port = free_port()
        environ = self.environ(self.postgres.api_url, port=port, **more)
        server = Kept(self.nursery, "serve", environ, self.mutant)
        self.ports.append(port)
        self.servers.append(server)
        self.bases.append(f"http://127.0.0.1:{port}")
        await server.start()
        return server

    async def add_worker(self, **more: object) -> Kept:
        environ = self.environ(self.postgres.worker_url, **more)
        worker = Kept(self.nursery, "worker", environ, self.mutant)
        self.workers.append(worker)
        await worker.start()
        return worker

    async def ready(self, seconds: float = READY_SECONDS) -> float:
        """Until every API process is; how long that took."""
        started = time.monotonic()
        async with httpx.AsyncClient(timeout=2) as http:
            for base in self.bases:
                while not await is_ready(http, base):
                    if time.monotonic() - started > seconds:
                        raise AssertionError(f"{base} is not ready after {seconds} s")
                    await asyncio.sleep(0.1)
        return time.monotonic() - started

    async def start_auditor(self) -> None:
        self._auditor = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.auditing",
            self.admin_url,
            str(self.ledger),
            *(f"{client.tenant_id}={client.zone}" for client in self.clients),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(),
        )
        assert self._auditor.stdout is not None
        self._listening = asyncio.create_task(self._listen(self._auditor.stdout))
        await until(lambda: bool(self.audits.counts["snapshot"]), "somebody looks", READY_SECONDS)

    async def _listen(self, stdout: asyncio.StreamReader) -> None:
        while line := await stdout.readline():
            self.audits.note(json.loads(line))
        if self._auditor is not None and await self._auditor.wait() > 0:
            self.audits.found.append("the auditor ended")

    async def waiting(self, connection: asyncpg.Connection) -> int:
        return int(await connection.fetchval(f"SELECT {WAITING}"))

    async def stop(self) -> None:
        if self._auditor is not None and self._listening is not None:
            with contextlib.suppress(ProcessLookupError):
                self._auditor.terminate()
            await self._listening
        await asyncio.gather(*(each.stop() for each in (*self.servers, *self.workers)))
        await self.nursery.close()
        for client in self.clients:
            await client.http.aclose()
        await asyncio.to_thread(self.redis.stop, hard=True)
        await asyncio.to_thread(self.postgres.stop, hard=True)


async def is_ready(http: httpx.AsyncClient, base: str) -> bool:
    try:
        return (await http.get(f"{base}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def over_tcp(url: str, port: int) -> str:
    """The URL of a server on a socket, by way of a port of this machine."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"redis://127.0.0.1:{port}/0"
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}", query=""))


@asynccontextmanager
async def open_site(
    home: Path,
    *,
    seed: int,
    tenants: int,
    days: int,
    settings: Mapping[str, str] = FAST,
    postgres: Postgres | None = None,
    servers: Sequence[Mapping[str, object]] = ({},),
    workers: int = 2,
    mutant: str | None = None,
) -> AsyncIterator[Site]:
    """A site that is ready, with tenants, traffic not yet; everything is ended with it."""
    database = postgres or Postgres(home / "postgres", settings=settings)
    site = Site(home, database, Redis(home / "redis"), seed, days, mutant)
    try:
        await asyncio.to_thread(database.start, Progress())
        await asyncio.to_thread(site.redis.start, Progress())
        await site.make_database()
        await site.nursery.open()
        await site.add_tenants(tenants)
        for each in servers:
            await site.add_server(**each)
        for _ in range(workers):
            await site.add_worker()
        await site.ready()
        await site.start_auditor()
        yield site
    finally:
        await site.stop()
