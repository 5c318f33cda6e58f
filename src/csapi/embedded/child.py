"""One server process with a log, a readiness test and an orderly end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import POLL_SECONDS, Identity, Launch, Progress, failure, log_tail

REPORT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """What to run and how to tell that it is up.

    `before` runs ahead of every start. Where `is_gentle` says no, the hard ending is used.
    """

    name: str
    title: str
    launch: Callable[[], Launch]
    ready: Callable[[int], bool]
    before: Callable[[Progress], None] | None = None
    ending: tuple[tuple[signal.Signals, float], ...] = (
        (signal.SIGTERM, 10.0),
        (signal.SIGKILL, 5.0),
    )
    hard_ending: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGKILL, 5.0),)
    is_gentle: Callable[[], bool] = lambda: True


class Child:
    def __init__(self, service: Service, log: Path) -> None:
        self.service = service
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.identity: Identity | None = None

    def running(self) -> bool:
        """False once it has exited; what it left in its process group is killed first.

        The group goes while the dead leader is not reaped: until then nobody else can get
        its number.
        """
        if self.process is None or self.process.returncode is not None:
            return False
        if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        return False

    def ready(self) -> bool:
        return self.running() and self.process is not None and self.service.ready(self.process.pid)

    def start(self, progress: Progress) -> None:
        if self.service.before:
            self.service.before(progress)
        self.process = self.service.launch().spawn(self.log)
        self.identity = Identity.of(self.process.pid)

    def wait_ready(self, progress: Progress) -> None:
        """Return when ready; EmbeddedError with the end of the log if it ends instead."""
        began = told = time.monotonic()
        while not self.ready():
            if not self.running():
                raise self.failure()
            now = time.monotonic()
            if now - told > REPORT_SECONDS:
                told = now
                last = log_tail(self.log, 1)
                progress.say(
                    f"{self.service.title} is still starting after {now - began:.0f} s: {last}"
                )
            progress.pause(POLL_SECONDS)

    def failure(self) -> EmbeddedError:
        code = self.process.returncode if self.process else None
        return failure(f"{self.service.title} did not start", code, self.log)

    def stop(self, *, hard: bool = False, pause: Callable[[float], None] = time.sleep) -> None:
        """End it, with a time limit for every signal."""
        process = self.process
        if process is None or not self.running():
            return
        is_gentle = not hard and self.service.is_gentle()
        for step, seconds in self.service.ending if is_gentle else self.service.hard_ending:
            if not self.running():
                return
            process.send_signal(step)
            deadline = time.monotonic() + seconds
            while self.running() and time.monotonic() < deadline:
                pause(POLL_SECONDS)
