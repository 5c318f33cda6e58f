"""Real servers for all tests: one PostgreSQL and one Redis for each pytest process.

`database` is one migrated database that in-process tests share, each with a tenant of its own.
`product` is the API and the worker as processes on a database of their own, over real HTTP.
"""

import asyncio
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import httpx
import httpx._transports.default as _transports
import pytest

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.embedded.postgres import Postgres
from csapi.embedded.redis import Redis
from csapi.ingest.directory import Directory
from csapi.ingest.service import Intake
from csapi.kit.db import SERVER_SETTINGS, acquire, connect, open_pool
from csapi.kit.migrate import migrate

# httpx reads the authorities of the web anew for each client, which takes longer than most tests.
_transports.create_ssl_context = cache(  # type: ignore[attr-defined]
    _transports.create_ssl_context  # type: ignore[attr-defined]
)

T = TypeVar("T")
# What is marked `deep` has a large size in `make harden`.
IS_LARGE = bool(os.environ.get("CSAPI_HARDEN"))
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "120"}
READY_SECONDS = 60


# Files that take long start first, so that no process is left with one of them at the end.
LONG_FILES = (
    "data/test_reference.py",
    "delivery/test_explorer.py",
    "delivery/test_laws.py",
    "embedded/test_up.py",
    "metrics/test_metric_laws.py",
    "embedded/test_supervisor.py",
    "delivery/test_mutants.py",
    "faults/test_faults.py",
    "data/test_twitter.py",
    "connect/test_demo_metrics.py",
    "connect/test_demo_seed.py",
    "rollup/test_verify.py",
)


def turn_of(item: pytest.Item) -> int:
    path = item.path.as_posix()
    found = (place for place, name in enumerate(LONG_FILES) if path.endswith(name))
    return next(found, len(LONG_FILES))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of files; and tests that need the real data say so where it is absent."""
    items.sort(key=turn_of)
    if SHARED_DATA.is_dir():
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason="the real data sets are not on this machine"))


def with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@dataclass(frozen=True)
class Database:
    """One migrated database, as each role sees it."""

    name: str
    admin_url: str
    api_url: str
    worker_url: str


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres"), settings=FAST)
    server.start()
    yield server
    server.stop(hard=True)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def make_database(postgres: Postgres) -> Callable[[], Database]:
    """Makes databases from a template that the real migrations built."""
    numbers = itertools.count(1)

    def named(name: str) -> Database:
        urls = (postgres.admin_url, postgres.api_url, postgres.worker_url)
        return Database(name, *(with_database(url, name) for url in urls))

    async def create(name: str, template: str) -> None:
        connection = await asyncpg.connect(with_database(postgres.admin_url, "postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            await connection.close()

    template = named("csapi_template")
    secrets = postgres.layout.credentials()
    asyncio.run(create(template.name, "template0"))
    asyncio.run(
        migrate(template.admin_url, api_password=secrets.api, worker_password=secrets.worker)
    )

    def make() -> Database:
        database = named(f"csapi_test_{next(numbers)}")
        with_loop(lambda: create(database.name, template.name))
        return database

    return make


def with_loop(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function where a loop may already be running."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


@pytest.fixture(scope="session")
def database(make_database: Callable[[], Database]) -> Database:
    return make_database()


@pytest.fixture(scope="module")
async def api_pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database.api_url, size=8, statement_timeout_ms=60_000)
    yield pool
    await pool.close()


@pytest.fixture(scope="module")
async def worker_pool(database: Database) -> AsyncIterator[asyncpg.Pool]:
    pool = await open_pool(database.worker_url, size=8, statement_timeout_ms=60_000)
    yield pool
    await pool.close()


Listen = Callable[[], list[str]]


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Listen:
    """Gives the list of all statements that are sent from now on."""

    def begin() -> list[str]:
        sent: list[str] = []
        execute = asyncpg.Connection._execute

        async def noted(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
            sent.append(query)
            return await execute(self, query, *args, **kwargs)

        monkeypatch.setattr(asyncpg.Connection, "_execute", noted)
        return sent

    return begin


@pytest.fixture
async def admin(database: Database) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection: sees all tenants."""
    connection = await asyncpg.connect(database.admin_url, server_settings=SERVER_SETTINGS)
    yield connection
    await connection.close()


@pytest.fixture
def intake(api_pool: asyncpg.Pool) -> Intake:
    return Intake(api_pool, Directory(api_pool))


@pytest.fixture
def new_tenant(api_pool: asyncpg.Pool) -> Callable[..., Awaitable[UUID]]:
    """An async function that makes a tenant in `database`: await new_tenant(timezone="UTC")."""

    async def make(timezone: str = "UTC") -> UUID:
        async with acquire(api_pool) as connection:
            return await create_tenant(connection, "test", timezone)

    return make


@pytest.fixture
async def tenant_id(new_tenant: Callable[..., Awaitable[UUID]]) -> UUID:
    return await new_tenant()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Office:
    """A connection of the API's role, and a loop of its own to use it in, for as long as a product
    lives: to open one for each tenant takes longer than most tests."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Callable[[asyncpg.Connection], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            if self._connection is None:
                self._connection = await connect(self._url)
            return await work(self._connection)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(60)

    def close(self) -> None:
        """Again does nothing."""
        if self._loop.is_closed():
            return

        async def end() -> None:
            if self._connection is not None:
                await self._connection.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Product:
    """The API and the worker as processes. `start` and `kill` work on one of them by name."""

    database: Database
    redis_url: str
    port: int
    logs: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @cached_property
    def office(self) -> Office:
        return Office(self.database.api_url)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, command: str) -> None:
        url = self.database.api_url if command == "serve" else self.database.worker_url
        environment = {
            **os.environ,
            "CSAPI_DATABASE_URL": url,
            "CSAPI_REDIS_URL": self.redis_url,
            "CSAPI_PORT": str(self.port),
            # Receivers of tests are on this machine.
            "CSAPI_WEBHOOKS_INSECURE": "true",
            # Tests send wrong keys by the hundred.
            "CSAPI_REFUSALS_PER_MINUTE": "1000000",
        }
        log = (self.logs / f"{command}.log").open("ab")
        self.processes[command] = subprocess.Popen(
            [sys.executable, "-m", "csapi", command], env=environment, stdout=log, stderr=log
        )
        log.close()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.base_url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.processes["serve"].poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError((self.logs / "serve.log").read_text()[-4000:])

    def kill(self, command: str) -> None:
        process = self.processes.pop(command)
        process.kill()
        process.wait()

    def stop(self) -> None:
        self.office.close()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def make_product(
    make_database: Callable[[], Database], redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Product]]:
    made: list[Product] = []

    def make() -> Product:
        product = Product(
            make_database(), redis.url, free_port(), tmp_path_factory.mktemp("product")
        )
        made.append(product)
        product.start("serve")
        product.start("worker")
        product.wait_ready()
        return product

    yield make
    for product in made:
        product.stop()


@pytest.fixture(scope="session")
def product(make_product: Callable[[], Product]) -> Product:
    return make_product()


@dataclass
class Tenant:
    """A tenant of the product, with a client that holds a key with all scopes."""

    tenant_id: UUID
    key: str
    http: httpx.Client


@contextmanager
def tenants_of(product: Product) -> Iterator[Callable[..., Tenant]]:
    """Makes tenants, for fixtures that outlive a test."""
    clients: list[httpx.Client] = []

    def make(timezone: str = "UTC", scopes: list[str] | None = None) -> Tenant:
        async def create(connection: asyncpg.Connection) -> tuple[UUID, str]:
            tenant_id = await create_tenant(connection, "test", timezone)
            chosen = scopes or [scope.value for scope in Scope]
            key = await create_key(connection, tenant_id, "test", chosen)
            return tenant_id, key.token

        tenant_id, key = product.office.do(create)
        client = httpx.Client(
            base_url=product.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        clients.append(client)
        return Tenant(tenant_id, key, client)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def make_tenant(product: Product) -> Iterator[Callable[..., Tenant]]:
    with tenants_of(product) as make:
        yield make


@pytest.fixture
def tenant(make_tenant: Callable[..., Tenant]) -> Tenant:
    return make_tenant()
