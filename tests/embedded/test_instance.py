import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tests.embedded.running import STAND_IN, Up

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.instance import Instance, open_instance
from csapi.embedded.layout import DataDir
from csapi.embedded.leftovers import postgres_processes
from csapi.embedded.programs import Programs

PROGRAMS = Programs(migrate=[sys.executable, str(STAND_IN), "migrate"])


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("instance") / "data"
    with Up(path) as up:
        up.start().stop()
    return path


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    with Up(data_dir) as running:
        yield running.start()


async def user_at(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def socket_folder_is_gone(instance: Instance) -> bool:
    return not Path(instance.admin_url.split("host=")[1]).exists()


async def test_starts_postgres_alone_and_stops_it(data_dir: Path) -> None:
    with open_instance(data_dir, programs=PROGRAMS) as instance:
        assert await user_at(instance.admin_url) == "csapi_admin"
        assert (instance.base_url, instance.redis_url) == (None, None)
        assert instance.api_url.startswith("postgresql://csapi_api:")
    assert postgres_processes(data_dir / "cluster") == []


async def test_uses_what_runs(up: Up) -> None:
    server = up.pid("postgres")
    with open_instance(up.data_dir, programs=PROGRAMS) as instance:
        assert instance.base_url == up.facts["base_url"]
        assert await user_at(instance.admin_url) == "csapi_admin"
    assert up.pid("postgres") == server
    assert up.stop() == 0


async def test_after_kill_9_of_everything(up: Up) -> None:
    for name in ("redis", "api", "worker", "postgres"):
        up.kill(name)
    up.kill_supervisor()
    with open_instance(up.data_dir, programs=PROGRAMS) as instance:
        assert await user_at(instance.admin_url) == "csapi_admin"
    assert up.living() == []
    assert socket_folder_is_gone(instance)


def test_waits_for_another_command(data_dir: Path) -> None:
    is_open = threading.Event()
    layout = DataDir(data_dir)
    order: list[str] = []

    def other() -> None:
        with layout.locked():
            is_open.set()
            time.sleep(0.5)
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    is_open.wait()
    with open_instance(data_dir, programs=PROGRAMS):
        order.append("mine")
    thread.join()
    assert order == ["other", "mine"]


def test_says_that_there_is_no_data(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="no csapi data in"), open_instance(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


def test_a_migration_that_fails_leaves_nothing_running(data_dir: Path) -> None:
    failing = Programs(migrate=[sys.executable, "-c", "raise SystemExit('no such column')"])
    with (
        pytest.raises(EmbeddedError, match="brought up to date") as caught,
        open_instance(data_dir, programs=failing),
    ):
        pass
    assert "no such column" in caught.value.detail
    assert postgres_processes(data_dir / "cluster") == []
