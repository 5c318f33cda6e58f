"""A killed `csapi serve` leaves nobody behind who would go on answering on its port."""

import contextlib
import os
import subprocess
import sys
import time

import psutil
import pytest
from tests.conftest import Database, free_port

GONE_WITHIN_SECONDS = 15.0


def children_of(process: subprocess.Popen[bytes], deadline: float) -> list[psutil.Process]:
    while time.monotonic() < deadline:
        found: list[psutil.Process] = psutil.Process(process.pid).children()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("no server process was started")


@pytest.mark.parametrize("grace", [0.0, 0.2, 3.0], ids=["at once", "while it loads", "later"])
def test_server_processes_die_with_their_parent(database: Database, grace: float) -> None:
    environ = {
        **os.environ,
        "CSAPI_DATABASE_URL": database.api_url,
        "CSAPI_PORT": str(free_port()),
    }
    serving = subprocess.Popen(
        [sys.executable, "-m", "csapi", "serve"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    children: list[psutil.Process] = []
    try:
        children = children_of(serving, time.monotonic() + 20)
        time.sleep(grace)
        serving.kill()
        serving.wait()
        deadline = time.monotonic() + GONE_WITHIN_SECONDS
        while alive := [child for child in children if is_alive(child)]:
            assert time.monotonic() < deadline, alive
            time.sleep(0.05)
    finally:
        for process in (*children, serving):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        serving.wait()


def is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False
