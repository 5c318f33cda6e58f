import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from tests.embedded.running import wait_for

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.leftovers import postgres_processes
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import live


def quick(data_dir: Path) -> Postgres:
    """Without fsync: these tests kill processes, not machines."""
    return Postgres(data_dir, settings={"fsync": "off"})


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("postgres") / "data"


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[Postgres]:
    server = quick(data_dir)
    server.start()
    yield server
    server.stop()
    assert postgres_processes(server.layout.cluster) == []


def server_pid(postgres: Postgres) -> int:
    assert postgres.child.process
    return postgres.child.process.pid


async def write(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    await connection.execute("DROP TABLE IF EXISTS kept")
    await connection.execute("CREATE TABLE kept (at timestamptz DEFAULT now())")
    await connection.execute("INSERT INTO kept DEFAULT VALUES")
    await connection.close()


async def count(postgres: Postgres) -> int:
    async with asyncio.timeout(30):
        while True:
            try:
                connection = await asyncpg.connect(postgres.admin_url)
                break
            except (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, OSError):
                await asyncio.sleep(0.05)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM kept"))
    finally:
        await connection.close()


async def test_is_18_with_checksums_and_unicode(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int / 10000 AS major,"
        " current_setting('data_checksums') AS checksums, current_setting('TimeZone') AS zone,"
        " current_user, pg_encoding_to_char(encoding) AS encoding, lower('ÄÉ') AS folded,"
        " 'a' > 'B' AS by_code_point FROM pg_database WHERE datname = current_database()"
    )
    await connection.close()
    assert dict(row) == {
        "major": 18,
        "checksums": "on",
        "zone": "UTC",
        "current_user": "csapi_admin",
        "encoding": "UTF8",
        "folded": "äé",
        "by_code_point": True,
    }


async def test_asks_for_a_password(postgres: Postgres) -> None:
    credentials = postgres.layout.credentials()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.admin_url.replace(credentials.admin, "wrong"))
    assert stat.S_IMODE(postgres.layout.credentials_file.stat().st_mode) == 0o600


async def test_has_no_tcp_port_and_is_not_root(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    assert await connection.fetchval("SHOW listen_addresses") == ""
    await connection.close()
    server = psutil.Process(server_pid(postgres))
    assert server.uids().effective != 0
    assert server.uids().effective == postgres.layout.cluster.stat().st_uid


def test_no_other_user_reaches_the_socket(postgres: Postgres) -> None:
    folder = Path(postgres.admin_url.split("host=")[1])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    if os.geteuid() == 0:
        listing = subprocess.run(
            ["ls", folder],
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
        assert b"Permission denied" in listing.stderr


async def test_killed_backend(postgres: Postgres) -> None:
    await write(postgres)
    connection = await asyncpg.connect(postgres.admin_url)
    os.kill(connection.get_server_pid(), signal.SIGKILL)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.fetchval("SELECT 1")
    assert await count(postgres) == 1


async def test_killed_server_and_its_stale_lock(postgres: Postgres) -> None:
    await write(postgres)
    os.kill(server_pid(postgres), signal.SIGKILL)
    wait_for(lambda: not postgres.child.running(), "the end of the server")
    assert (postgres.layout.cluster / "postmaster.pid").exists()
    postgres.start()
    assert await count(postgres) == 1


async def test_zombie_of_a_killed_server(postgres: Postgres) -> None:
    """As in a container whose first process reaps nobody."""
    await write(postgres)
    server = psutil.Process(server_pid(postgres))
    server.kill()
    wait_for(lambda: server.status() == psutil.STATUS_ZOMBIE, "the zombie")
    second = quick(postgres.layout.path)
    second.start()
    assert await count(second) == 1
    second.stop()


def sleeper(uid: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], user=uid if os.geteuid() == 0 else None)


async def test_lock_of_a_stranger_with_the_same_number(postgres: Postgres) -> None:
    await write(postgres)
    os.kill(server_pid(postgres), signal.SIGKILL)
    wait_for(lambda: not postgres.child.running(), "the end of the server")
    stranger = sleeper(postgres.layout.cluster.stat().st_uid)
    try:
        lock = postgres.layout.cluster / "postmaster.pid"
        lines = lock.read_text().splitlines(keepends=True)
        lock.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))
        postgres.start()
        assert await count(postgres) == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_ends_the_server_of_an_earlier_run(postgres: Postgres) -> None:
    await write(postgres)
    second = quick(postgres.layout.path)
    second.start()
    assert not postgres.child.running()
    assert await count(second) == 1
    second.stop()


def test_server_ends_with_the_process_that_started_it(data_dir: Path) -> None:
    code = (
        "import os, signal, sys, pathlib; from csapi.embedded.postgres import Postgres; "
        "server = Postgres(pathlib.Path(sys.argv[1]), settings={'fsync': 'off'}); "
        "server.start(); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(data_dir)], check=False)
    assert died.returncode == -signal.SIGKILL
    if sys.platform == "linux":
        wait_for(lambda: not postgres_processes(data_dir / "cluster"), "the end of the server")
    again = quick(data_dir)
    again.start()
    again.stop()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    (data_dir / "cluster.new" / "base").mkdir(parents=True)
    server = quick(data_dir)
    server.start()
    server.stop()
    assert not (data_dir / "cluster.new").exists()


async def test_stops_in_the_middle_of_crash_recovery(postgres: Postgres) -> None:
    connection = await asyncpg.connect(postgres.admin_url)
    os.kill(connection.get_server_pid(), signal.SIGKILL)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await connection.fetchval("SELECT 1")
    wait_for(lambda: not postgres.child.service.is_gentle(), "recovery")
    began = time.monotonic()
    postgres.stop()
    assert time.monotonic() - began < 10


async def test_long_path_with_odd_names(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long " * 40) / "ü & %20?" / ("x" * 200)
    server = quick(data_dir)
    server.start()
    await write(server)
    server.stop()
    server.start()
    assert await count(server) == 1
    server.stop()


def test_says_why_it_did_not_start(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "data", settings={"shared_buffers": "much"})
    with pytest.raises(EmbeddedError, match="PostgreSQL did not start") as caught:
        server.start()
    assert "shared_buffers" in caught.value.detail


def test_refuses_the_cluster_of_another_version(tmp_path: Path) -> None:
    server = quick(tmp_path / "data")
    server.layout.cluster.mkdir(parents=True)
    (server.layout.cluster / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 17"):
        server.start()


async def test_busy_orphan_of_a_killed_server_is_ended(postgres: Postgres) -> None:
    await write(postgres)
    connection = await asyncpg.connect(postgres.admin_url)
    orphan = connection.get_server_pid()
    os.kill(orphan, signal.SIGSTOP)
    os.kill(server_pid(postgres), signal.SIGKILL)
    wait_for(lambda: not postgres.child.running(), "the end of the server")
    began = time.monotonic()
    postgres.start()
    assert time.monotonic() - began < 20
    assert live(orphan) is None
    assert await count(postgres) == 1
    connection.terminate()
