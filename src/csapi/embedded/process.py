"""Start, find and end processes; never one that is not ours."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from csapi.embedded.errors import EmbeddedError

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02
OWN_LINE = "csapi: "


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int


class Progress:
    """How a long step tells what it does and waits; `pause` may raise to end the wait."""

    def say(self, message: str) -> None:
        """Tell a person; silent unless overridden."""

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to be. `death_signal` reaches it when the process that started it is gone."""

    command: list[str]
    env: Mapping[str, str]
    account: Account | None = None
    fds: tuple[int, ...] = ()
    death_signal: signal.Signals = signal.SIGTERM
    cwd: str | None = None

    def spawn(
        self, log: Path, *, stdin: int | IO[bytes] = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        """Start in a session of its own, output appended to `log`.

        Call from a thread that lives as long as the child should: Linux sends the death
        signal when that thread ends.
        """
        order = {
            "parent": os.getpid(),
            "death_signal": int(self.death_signal),
            "uid": self.account.uid if self.account else None,
            "gid": self.account.gid if self.account else None,
        }
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(order), *self.command],
                env=dict(self.env) | _loader_env(),
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=self.fds,
                cwd=self.cwd,
                start_new_session=True,
            )
        finally:
            os.close(output)


def _loader_env() -> dict[str, str]:
    """What this Python itself may need to start."""
    name = "LD_LIBRARY_PATH"
    return {name: os.environ[name]} if name in os.environ else {}


def run_to_end(
    launch: Launch, log: Path, progress: Progress, *, seconds: float, stdin: bytes = b""
) -> int:
    """Run, feed `stdin`, wait; ends the process when the wait is ended. Returns its exit code."""
    process = launch.spawn(log, stdin=subprocess.PIPE)
    try:
        if process.stdin:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(stdin)
        deadline = time.monotonic() + seconds
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{launch.command[0]} did not end within {seconds:.0f} s; see {log}"
                )
            progress.pause(POLL_SECONDS)
        return process.returncode
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def log_tail(log: Path, lines: int = 12) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def failure(what: str, code: int | None, log: Path) -> EmbeddedError:
    """csapi's own programs end with one line that says it all; of others the log must tell."""
    last = log_tail(log, 1)
    if last.startswith(OWN_LINE):
        return EmbeddedError(last.removeprefix(OWN_LINE))
    return EmbeddedError(f"{what} (exit code {code}); see {log}", detail=log_tail(log))


@dataclass(frozen=True, slots=True)
class Identity:
    """A process, told apart from a later one with the same number."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        return cls(pid=pid, started=_start_mark(pid))

    def find(self) -> psutil.Process | None:
        process = live(self.pid)
        try:
            return process if process and _start_mark(self.pid) == self.started else None
        except (OSError, psutil.NoSuchProcess):
            return None


def _start_mark(pid: int) -> float:
    """Linux: ticks since boot, which setting the clock does not change; else a time."""
    if sys.platform != "linux":
        return psutil.Process(pid).create_time()
    return float(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def live(pid: int) -> psutil.Process | None:
    """The process, unless it is gone or a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def session_members(leader: int, marker: tuple[str, str]) -> list[psutil.Process]:
    """Live processes of the session `leader` whose environment holds `marker`."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) != leader or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get(marker[0]) == marker[1]:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@dataclass(slots=True)
class Ending:
    """Signals in order, each with the seconds it gets."""

    steps: tuple[tuple[signal.Signals, float], ...] = (
        (signal.SIGTERM, 10.0),
        (signal.SIGKILL, 5.0),
    )
    pause: Callable[[float], None] = field(default=time.sleep)

    def end(self, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
        """Signal and wait, step by step; returns those that outlived all steps."""
        left = list(processes)
        for step, seconds in self.steps:
            for process in left:
                try:
                    process.send_signal(step)
                except psutil.NoSuchProcess:
                    continue
            deadline = time.monotonic() + seconds
            while left := [process for process in left if live(process.pid)]:
                if time.monotonic() > deadline:
                    break
                self.pause(POLL_SECONDS)
        return left
