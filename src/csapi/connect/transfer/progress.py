"""How far an import is: a bar on a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

LINE_EVERY = 5.0
_BAR_EVERY = 0.1


class Reporter(Protocol):
    def update(self, position: int, rows: int) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class Bar:
    def __init__(self, name: str, size: int, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._started = time.monotonic()
        self._shown = 0.0
        self._task = self._progress.add_task(name, total=size, rows=0, rate=0.0)
        self._progress.start()

    def update(self, position: int, rows: int) -> None:
        moment = time.monotonic()
        if moment - self._shown < _BAR_EVERY:
            return
        self._shown = moment
        rate = rows / max(moment - self._started, 0.001)
        self._progress.update(self._task, completed=position, rows=rows, rate=rate)

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


class Lines:
    def __init__(
        self, name: str, size: int, echo: Callable[[str], None], every: float = LINE_EVERY
    ) -> None:
        self._name = name
        self._size = size
        self._echo = echo
        self._every = every
        self._started = self._shown = time.monotonic()

    def update(self, position: int, rows: int) -> None:
        moment = time.monotonic()
        if moment - self._shown < self._every:
            return
        self._shown = moment
        share = 100 * position / self._size if self._size else 100
        rate = rows / (moment - self._started)
        self._echo(f"{self._name}: {rows:,} rows, {share:.0f} % of the file, {rate:,.0f} rows/s")

    def note(self, text: str) -> None:
        self._echo(f"{self._name}: {text}")

    def close(self) -> None:
        pass
