"""Processes of the product, kept running by us as a service manager would, and counted."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Process:
    """One child of the nursery."""

    pid: int
    command: str
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int | None = None

    @property
    def is_running(self) -> bool:
        return not self.ended.is_set()

    def send(self, number: signal.Signals) -> None:
        """To it alone, and only while it is ours: the nursery has not reaped it."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def children(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            found: list[psutil.Process] = psutil.Process(self.pid).children(recursive=True)
            return found
        return []

    async def end(self, number: signal.Signals = signal.SIGKILL, seconds: float = 20) -> None:
        self.send(number)
        try:
            async with asyncio.timeout(seconds):
                await self.ended.wait()
        except TimeoutError:
            self.send(signal.SIGCONT)
            self.send(signal.SIGKILL)
            await self.ended.wait()


class Nursery:
    """Talks to nursery.py."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._process: asyncio.subprocess.Process | None = None
        self._children: dict[int, Process] = {}
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self.kills: Counter[str] = Counter()

    async def open(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.nursery",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            env=clean_environment(),
        )
        assert self._process.stdout is not None
        await self._process.stdout.readline()
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        while line := await stdout.readline():
            told = json.loads(line)
            if "status" not in told:
                self._born.put_nowait(told["pid"])
                continue
            child = self._children.pop(told["pid"], None)
            if child is not None:
                child.status = told["status"]
                if child.status == -signal.SIGKILL:
                    self.kills[child.command] += 1
                child.ended.set()

    async def spawn(
        self, command: str, environ: dict[str, str], *, mutant: str | None = None
    ) -> Process:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        order = {
            "command": command,
            "environ": environ,
            "log": str(self._logs / f"{command.split(maxsplit=1)[0]}.log"),
            "mutant": mutant,
        }
        async with self._lock:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            await process.stdin.drain()
            pid = await self._born.get()
            child = self._children[pid] = Process(pid, command.split(maxsplit=1)[0])
        return child

    async def close(self) -> None:
        if self._process is None:
            return
        for child in list(self._children.values()):
            child.send(signal.SIGCONT)
            await child.end(signal.SIGTERM)
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        if self._reading is not None:
            await self._reading


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}


class Kept:
    """A process that is started again whenever it ends, with what `environ` then says."""

    def __init__(
        self, nursery: Nursery, command: str, environ: dict[str, str], mutant: str | None = None
    ) -> None:
        self.environ = environ
        self.restarts = 0
        self._nursery, self._command, self._mutant = nursery, command, mutant
        self._task: asyncio.Task[None] | None = None
        self.process: Process | None = None

    async def start(self) -> None:
        self.process = await self._spawned()
        self._task = asyncio.create_task(self._keep())

    async def _spawned(self) -> Process:
        return await self._nursery.spawn(self._command, self.environ, mutant=self._mutant)

    async def _keep(self) -> None:
        while self.process is not None:
            await self.process.ended.wait()
            await asyncio.sleep(0.05 if self.process.status == -signal.SIGKILL else 0.5)
            self.restarts += 1
            self.process = await self._spawned()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.process is not None:
            self.process.send(signal.SIGCONT)
            await self.process.end(number)

    async def again(self, **environ: Any) -> None:
        """Start it anew with other variables; None takes one away."""
        for name, value in environ.items():
            self.environ.pop(name, None)
            if value is not None:
                self.environ[name] = str(value)
        if self.process is not None:
            self.process.send(signal.SIGCONT)
            await self.process.end(signal.SIGTERM)
