"""Start `csapi up` (or its stand-in) as a process and look at what runs."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import psutil

STAND_IN = Path(__file__).with_name("stand_in.py")
START_SECONDS = 60.0


def wait_for(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Up:
    """One `up` over `data_dir`. Use as a context manager: nothing outlives it."""

    def __init__(
        self,
        data_dir: Path,
        command: list[str] | None = None,
        *,
        port: int = 0,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir
        self._command = command or [sys.executable, str(STAND_IN), "up", str(data_dir), str(port)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}
        self.pid_file = data_dir.with_suffix(".pid")
        self._env = kept | {"CSAPI_TEST_PID_FILE": str(self.pid_file)} | dict(env or {})
        self._seen: set[psutil.Process] = set()
        self.process: subprocess.Popen[str] | None = None
        self.facts: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.stop()
        for process in self._seen:
            if process.is_running():
                process.kill()
        self._close()

    def launch(self) -> None:
        with self.errors_file().open("w") as errors:
            self.process = subprocess.Popen(
                self._command, env=self._env, stdout=subprocess.PIPE, stderr=errors, text=True
            )

    def start(self) -> "Up":
        self.launch()
        assert self.process
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.errors()
        self.facts = json.loads(line)
        self._seen |= self.tree()
        return self

    def fails(self) -> str:
        """Run to the end, which must be an error; returns what it said."""
        done = subprocess.run(
            self._command,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert done.returncode == 1, done
        return done.stderr

    def errors_file(self) -> Path:
        return self.data_dir.with_suffix(".stderr")

    def errors(self) -> str:
        return self.errors_file().read_text()

    def tree(self) -> set[psutil.Process]:
        assert self.process
        try:
            parent = psutil.Process(self.process.pid)
            return {parent, *parent.children(recursive=True)}
        except psutil.NoSuchProcess:
            return set()

    def pid(self, name: str) -> int:
        runtime = json.loads((self.data_dir / "runtime.json").read_bytes())
        return int(runtime["processes"][name]["pid"])

    def url(self, name: str) -> str:
        return str(json.loads((self.data_dir / "runtime.json").read_bytes())[f"{name}_url"])

    def kill(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGKILL)

    def kill_and_await_another(self, name: str) -> None:
        before = self.pid(name)
        self.kill(name)
        wait_for(lambda: self.pid(name) != before, f"a new {name}")

    def kill_supervisor(self) -> None:
        assert self.process
        self._seen |= self.tree()
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process
        self._seen |= self.tree()
        self.process.send_signal(number)
        code = self.process.wait(60)
        self._close()
        return code

    def living(self) -> list[str]:
        """What of all that has been seen still runs."""
        found = []
        for process in self._seen:
            try:
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {process.cmdline()}")
            except psutil.NoSuchProcess:
                continue
        return found

    def _close(self) -> None:
        if self.process and self.process.stdout:
            self.process.stdout.close()
