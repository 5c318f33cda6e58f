import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import psutil
import pytest
from tests.embedded.running import Up, wait_for

from csapi.embedded.process import live

PARTS = ("api", "worker", "redis", "postgres")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    with Up(data_dir) as running:
        yield running.start()


def api_answers(up: Up) -> bool:
    address = urlsplit(up.facts["base_url"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_stops_clean(up: Up, number: int) -> None:
    assert up.stop(number) == 0
    assert up.living() == []
    assert not (up.data_dir / "runtime.json").exists()
    assert not list(up.data_dir.glob("**/*.sock"))
    log = (up.data_dir / "logs" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_starts_again_and_the_others_go_on(up: Up, name: str) -> None:
    before = {part: up.pid(part) for part in PARTS}
    up.kill_and_await_another(name)
    wait_for(lambda: "running again" in up.errors(), f"{name} running again")
    after = {part: up.pid(part) for part in PARTS}
    assert {part for part in PARTS if after[part] != before[part]} == {name}
    assert api_answers(up)


def test_what_a_killed_api_leaves_is_ended(up: Up) -> None:
    orphan = int(up.pid_file.read_text())
    up.kill("api")
    wait_for(lambda: live(orphan) is None, "the end of the API's own worker")


async def test_killed_supervisor(up: Up) -> None:
    connection = await asyncpg.connect(up.url("admin"))
    await connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS id")
    await connection.close()
    up.kill_supervisor()
    up.start()
    assert api_answers(up)
    connection = await asyncpg.connect(up.url("admin"))
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1
    await connection.close()


def test_all_killed_but_the_apis_own_worker(up: Up) -> None:
    # The file still names the last start's worker until this start's has written its own.
    wait_for(lambda: live(int(up.pid_file.read_text())) is not None, "the API's own worker")
    orphan = int(up.pid_file.read_text())
    # Held still, it neither restarts a part nor ends: its end would ask the API to stop, and a
    # stopping API takes its worker with it.
    assert up.process
    up.process.send_signal(signal.SIGSTOP)
    for pid in map(up.pid, PARTS):
        os.kill(pid, signal.SIGKILL)
    up.kill_supervisor()
    assert live(orphan) is not None
    up.start()
    assert live(orphan) is None
    assert up.stop() == 0
    assert up.living() == []


def test_a_stranger_with_a_recorded_number_is_left_alone(up: Up) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        runtime = up.data_dir / "runtime.json"
        up.kill_supervisor()
        wait_for(lambda: up.living() == [], "the end of all parts")
        text = runtime.read_text()
        runtime.write_text(text.replace(f'"pid":{up.pid("api")}', f'"pid":{stranger.pid}'))
        up.start()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_deaf_api_is_killed_after_its_time(data_dir: Path) -> None:
    with Up(data_dir, env={"CSAPI_TEST_DEAF": "1"}) as up:
        up.start()
        assert up.process
        up.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "Stopping" in up.errors(), "the start of the stop")
        assert up.stop(signal.SIGINT) == 0
        assert up.living() == []


def test_second_up_on_the_same_data(up: Up) -> None:
    message = Up(up.data_dir).fails()
    assert f"csapi is already running on {up.data_dir}" in message
    assert api_answers(up)


def test_migration_that_fails(data_dir: Path) -> None:
    message = Up(data_dir, env={"CSAPI_TEST_MIGRATE_ERROR": "no such column"}).fails()
    assert "no such column" in message
    assert "csapi: the database could not be brought up to date (exit code 1)" in message
    assert not (data_dir / "runtime.json").exists()


def test_parts_are_not_told_the_passwords_of_others(up: Up) -> None:
    api = psutil.Process(up.pid("api")).environ()
    worker = psutil.Process(up.pid("worker")).environ()
    assert "csapi_api:" in api["CSAPI_DATABASE_URL"]
    assert "csapi_worker:" in worker["CSAPI_DATABASE_URL"]
    assert not {"CSAPI_API_PASSWORD", "CSAPI_WORKER_PASSWORD"} & (api.keys() | worker.keys())


def test_busy_port(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = Up(data_dir, port=port).fails()
    assert message.strip() == (
        f"csapi: port {port} on 127.0.0.1 is in use; choose another with --port"
    )
