"""The servers of a run: PostgreSQL and Redis as `csapi up` starts them, and our own processes."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg

from bench.client import HOST, Key
from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.cli.serve import die_with_parent
from csapi.embedded.postgres import Postgres
from csapi.embedded.programs import Address
from csapi.embedded.redis import Redis
from csapi.kit.db import SERVER_SETTINGS, connect
from csapi.kit.migrate import migrate

READY_SECONDS = 60
ENDING_SECONDS = 15
TEMPLATE = "csapi_template"
MODULES = {
    "serve": ["csapi", "serve"],
    "worker": ["csapi", "worker"],
    "limit": ["bench.limit_app"],
}


@dataclass(frozen=True, slots=True)
class Tenant:
    tenant_id: UUID
    key: Key


@dataclass(frozen=True, slots=True)
class Database:
    """One migrated database, as each role sees it."""

    admin_url: str
    api_url: str
    worker_url: str

    async def admin(self) -> asyncpg.Connection:
        """A superuser's connection: for looking and seeding, never for what is measured."""
        return await asyncpg.connect(self.admin_url, server_settings=SERVER_SETTINGS)

    async def tenant(self) -> Tenant:
        connection = await connect(self.api_url)
        try:
            tenant_id = await create_tenant(connection, "bench", "UTC")
            scopes = [scope.value for scope in Scope]
            key = await create_key(connection, tenant_id, "bench", scopes)
        finally:
            await connection.close()
        return Tenant(tenant_id, Key(key.token))


@dataclass
class Servers:
    folder: Path
    postgres: Postgres
    redis: Redis
    plans: dict[str, str] = field(default_factory=dict)

    def database(self, name: str) -> Database:
        asyncio.run(self._create(name, TEMPLATE))
        return self._named(name)

    def _named(self, name: str) -> Database:
        server = self.postgres
        urls = (server.admin_url, server.api_url, server.worker_url)
        return Database(*(urlunsplit(urlsplit(url)._replace(path=f"/{name}")) for url in urls))

    async def _create(self, name: str, template: str) -> None:
        connection = await asyncpg.connect(self._named("postgres").admin_url)
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            await connection.close()

    def prepare(self) -> None:
        asyncio.run(self._create(TEMPLATE, "template0"))
        secrets = self.postgres.layout.credentials()
        asyncio.run(
            migrate(
                self._named(TEMPLATE).admin_url,
                api_password=secrets.api,
                worker_password=secrets.worker,
            )
        )

    @contextmanager
    def running(self, program: str, database: Database, **told: str) -> Iterator[int]:
        """A process of ours; gives the port on which it answers, where it serves."""
        address = Address(HOST, free_port())
        environment = os.environ | {
            "CSAPI_DATABASE_URL": database.worker_url if program == "worker" else database.api_url,
            "CSAPI_REDIS_URL": self.redis.url,
            "CSAPI_HOST": address.host,
            "CSAPI_PORT": str(address.port),
            "BENCH_FOLDER": str(self.folder),
            **told,
        }
        log = self.folder / f"{program}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *MODULES[program]],
                env=environment,
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent,  # noqa: PLW1509  one thread here, as in csapi serve
            )
        try:
            if program != "worker":
                wait_until(lambda: address.answers_ready(0), process, log)
            yield address.port
        finally:
            end(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(is_ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def started() -> Iterator[Servers]:
    """PostgreSQL with the settings of the product (fsync on) in a folder that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="csapi-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres, redis = Postgres(folder / "data"), Redis(folder / "data")
        postgres.start()
        stack.callback(postgres.stop)
        redis.start()
        stack.callback(redis.stop)
        servers = Servers(folder, postgres, redis)
        servers.prepare()
        yield servers
