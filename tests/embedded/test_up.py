"""The whole product through `csapi up`, with csapi's own programs."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import Database
from tests.embedded.running import Up, wait_for

from csapi.embedded.leftovers import postgres_processes
from csapi.embedded.redis import Redis


def command(data_dir: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "csapi",
        "up",
        "--data-dir",
        str(data_dir),
        "--port",
        "0",
        *options,
    ]


def csapi(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "csapi", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ready(up: Up) -> dict[str, Any] | None:
    try:
        answer = httpx.get(f"{up.facts['base_url']}/readyz")
    except httpx.TransportError:
        return None
    return dict(answer.json()) if answer.status_code == 200 else None


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("up") / ("long " * 20) / ("path-" * 20) / "data"
    assert len(str(path)) > 200
    return path


@pytest.fixture
def up(data_dir: Path) -> Iterator[Up]:
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with Up(data_dir, command(data_dir, "--json")) as running:
        yield running.start()


def test_facts(up: Up) -> None:
    base_url = up.facts["base_url"]
    assert up.process
    assert up.facts == {
        "base_url": base_url,
        "docs_url": f"{base_url}/docs",
        "data_dir": str(up.data_dir),
        "pid": up.process.pid,
    }
    assert ready(up) == {"status": "ok", "degraded": []}


def test_keeps_data_through_kills_and_stops(up: Up) -> None:
    made = csapi("tenants", "create", "Kept", "--data-dir", str(up.data_dir), "--json")
    for name in ("api", "worker", "redis", "postgres"):
        up.kill_and_await_another(name)
        wait_for(lambda: ready(up) == {"status": "ok", "degraded": []}, f"ready after {name}")
    up.kill_supervisor()
    up.start()
    assert ready(up)
    assert up.stop() == 0
    assert up.living() == []
    tenants = csapi("tenants", "list", "--data-dir", str(up.data_dir), "--json")
    assert json.loads(made)["tenant_id"] in tenants
    assert postgres_processes(up.data_dir / "cluster") == []


def test_stop_while_the_api_starts(data_dir: Path) -> None:
    with Up(data_dir, command(data_dir, "--json")) as up:
        up.launch()
        wait_for(lambda: "Starting the API" in up.errors(), "the start of the API", 60)
        wait_for(lambda: "api" in (data_dir / "runtime.json").read_text(), "the API", 60)
        assert up.stop(signal.SIGINT) == 0
        assert up.living() == []


def test_speaks_to_people(data_dir: Path) -> None:
    with Up(data_dir, command(data_dir)) as up:
        up.launch()
        assert up.process
        assert up.process.stdout
        lines = [up.process.stdout.readline().strip() for _ in range(7)]
        assert up.stop() == 0
    assert lines[0] == "csapi is running."
    assert lines[1].startswith("API         http://127.0.0.1:")
    assert lines[2].endswith("/docs")
    assert "csapi tenants create NAME --timezone Europe/Berlin --data-dir" in lines[4]
    assert lines[5:] == ["Stop        Ctrl-C", f"Remove      rm -r '{data_dir}'"]


def test_busy_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = Up(tmp_path / "data", [*command(tmp_path / "data"), "--port", port]).fails()
    assert message == f"csapi: port {port} on 127.0.0.1 is in use; choose another with --port\n"
    assert not (tmp_path / "data" / "cluster").exists()


def test_second_up_on_the_same_data(up: Up) -> None:
    message = Up(up.data_dir, command(up.data_dir)).fails()
    assert message.startswith(f"csapi: csapi is already running on {up.data_dir}")
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"CSAPI_PORT": "many"}, "the environment cannot be used"),
        ({"CSAPI_DATABASE_URL": "postgresql:///x"}, "--demo fills an embedded database only"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, environ: dict[str, str], said: str) -> None:
    message = Up(tmp_path / "data", command(tmp_path / "data", "--demo"), env=environ).fails()
    assert said in message
    assert message.count("\n") == 1


def test_with_servers_of_ones_own(tmp_path: Path, database: Database, redis: Redis) -> None:
    environ = {
        "CSAPI_DATABASE_URL": database.api_url,
        "CSAPI_WORKER_DATABASE_URL": database.worker_url,
        "CSAPI_REDIS_URL": redis.url,
    }
    with Up(tmp_path / "data", command(tmp_path / "data", "--json"), env=environ) as up:
        up.start()
        assert ready(up) == {"status": "ok", "degraded": []}
        runtime = json.loads((up.data_dir / "runtime.json").read_bytes())
        assert runtime["processes"].keys() == {"api", "worker"}
        assert up.stop() == 0
        assert up.living() == []


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    url = "postgresql://csapi_api:x@127.0.0.1:1/csapi"
    message = Up(
        tmp_path / "data", command(tmp_path / "data"), env={"CSAPI_DATABASE_URL": url}
    ).fails()
    assert message.splitlines()[-1].startswith("csapi: Cannot reach PostgreSQL at 127.0.0.1:1")
    assert message.count("\n") == 2


@pytest.fixture
def nobodys_folder() -> Iterator[Path]:
    """A folder that another user can reach, which is not true of pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="csapi-test-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    yield folder
    shutil.rmtree(folder)


def run_as(uid: int) -> list[str]:
    """Becomes `uid`, able to read this checkout and its Python even where only root may."""
    caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *caps]
    if os.geteuid() != 0:
        pytest.skip("all other tests run without root here")
    if not shutil.which("setpriv") or subprocess.run([*become, "true"], check=False).returncode:
        pytest.skip("this root cannot run a program as somebody else")
    return become


def test_without_root(nobodys_folder: Path) -> None:
    nobody = nobodys_folder.stat().st_uid
    data_dir = nobodys_folder / "data"
    with Up(data_dir, [*run_as(nobody), *command(data_dir, "--json")]) as up:
        up.start()
        assert ready(up)
        assert {process.uids().effective for process in up.tree()} == {nobody}
        assert up.stop() == 0
        assert up.living() == []


def test_a_user_without_a_name(nobodys_folder: Path) -> None:
    data_dir = nobodys_folder / "data"
    become = run_as(65531)
    os.chown(nobodys_folder, 65531, 65531)
    message = Up(data_dir, [*become, *command(data_dir)]).fails()
    assert "user id 65531 has no name here" in message
