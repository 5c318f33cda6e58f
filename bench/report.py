"""The table of a run: for a terminal, for docs/performance.md, for programs."""

import os
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.measure import Line

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
HEADS = ("what", "csapi", "held against", "ratio", "goal", "")


class Machine(msgspec.Struct):
    """What the figures depend on besides the code."""

    cores: int
    python: str
    load_before: float
    load_after: float
    fsync_ms: float
    seconds: float
    measured_at: datetime
    is_quick: bool

    def told(self) -> str:
        return (
            f"{self.cores} cores, Python {self.python}, fsync {self.fsync_ms:.1f} ms, load average "
            f"{self.load_before:.1f} before and {self.load_after:.1f} after, "
            f"{self.seconds:.0f} s in all, {self.measured_at:%Y-%m-%d}"
            + (", --quick" if self.is_quick else "")
        )


def fsync_milliseconds() -> float:
    """The median of some writes of one page that wait for the disk: every commit pays it."""
    times = []
    with tempfile.NamedTemporaryFile(prefix="csapi-bench-") as file:
        for _ in range(25):
            file.write(b"x" * 8192)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * sorted(times)[len(times) // 2]


def machine(load_before: float, seconds: float, *, is_quick: bool) -> Machine:
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        load_before=load_before,
        load_after=os.getloadavg()[0],
        fsync_ms=fsync_milliseconds(),
        seconds=seconds,
        measured_at=datetime.now(UTC),
        is_quick=is_quick,
    )


def figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    shown = f"{value:,.0f}" if value == int(value) or abs(value) >= 100 else f"{value:,.1f}"
    return f"{shown} {unit}"


def cells(line: Line) -> tuple[str, ...]:
    goal = line.goal
    return (
        line.what,
        figure(line.csapi, line.unit),
        figure(line.limit, line.unit),
        "" if line.ratio is None else f"{line.ratio:.2f}",
        "" if goal is None else f"{goal.text}: {'met' if goal.is_met else 'missed'}",
        line.note,
    )


def show(lines: Sequence[Line], where: Machine) -> None:
    table = Table(*HEADS, show_lines=False)
    for line in lines:
        is_missed = line.goal is not None and not line.goal.is_met
        table.add_row(*cells(line), style="red" if is_missed else None)
    console = Console(width=None if os.isatty(1) else 200)
    console.print(table)
    console.print(where.told())


def markdown(lines: Sequence[Line], where: Machine) -> str:
    rows = [HEADS, ("---",) * len(HEADS), *(cells(line) for line in lines)]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{where.told()}.\n\n{table}\n"


def write_markdown(path: Path, lines: Sequence[Line], where: Machine) -> None:
    """Replace what stands between the two marks of the page."""
    before, begin, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{markdown(lines, where)}{END}{after}")


def write_json(path: Path, lines: Sequence[Line], where: Machine) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": where, "lines": lines})))
