"""The sample app on a real granian."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
# How many connections the server looks at once.
PLACES = 16


@dataclass(frozen=True)
class Server:
    port: int

    def talk(self, data: bytes, timeout: float = 15) -> bytes:
        """Send bytes on a new connection; everything that comes back until it is closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65_536):
                received += chunk
            return received


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving() -> Iterator[Server]:
    port = _free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "asgi", "--factory"),
            *("--http", "1", "--no-ws", "--host", "127.0.0.1", "--port", str(port)),
            *("--http1-header-read-timeout", "1000", "--http1-buffer-size", "65536"),
            *("--workers-kill-timeout", "5", "--backpressure", str(PLACES)),
            "tests.kit.sample:make_impatient_app",
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, process)
        yield Server(port)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("granian did not start")
