"""Makes a file in a process of its own, which is given what is to stand in it and no more.

It starts without the server's environment, may open no file for writing, and has so much memory and
time: whatever a document does to the compiler, the server that asked for it goes on. What it takes
is given back when it ends. `python -m csapi.reports.papers.press` reads an order and writes a file.
"""

import os
import resource
import subprocess
import sys
from contextlib import suppress
from datetime import datetime

import msgspec

from csapi.reports.papers.blocks import Paper
from csapi.reports.papers.typesetting import as_pdf
from csapi.reports.papers.workbook import Sheet, workbook

LASTS_SECONDS = 30
MEMORY_BYTES = 4 * 1024**3
# What Python needs to find itself.
PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


class Order(msgspec.Struct, kw_only=True):
    """A paper to set, or else sheets to write. `made_at`: when the file says that it was made."""

    made_at: datetime
    paper: Paper | None = None
    sheets: list[Sheet] = []
    right_to_left: bool = False


class PressError(RuntimeError):
    """No file came out. `was_ended`: the process was ended, for its memory or its time."""

    def __init__(self, message: str, *, was_ended: bool) -> None:
        super().__init__(message)
        self.was_ended = was_ended


def made(order: Order) -> bytes:
    if order.paper is not None:
        return as_pdf(order.paper, order.made_at)
    return workbook(order.sheets, order.made_at, right_to_left=order.right_to_left)


def environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def pressed(order: bytes) -> bytes:
    """The file for an order in JSON, made by another process. Blocking; at most half a minute.

    Raises PressError.
    """
    command = [sys.executable, "-P", "-m", "csapi.reports.papers.press"]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command,
            input=order,
            capture_output=True,
            timeout=LASTS_SECONDS,
            check=False,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise PressError("it took too long", was_ended=True) from None
    if done.returncode != 0 or not done.stdout:
        told = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        message = f"exit {done.returncode}: {told[:200]}"
        raise PressError(message, was_ended=done.returncode < 0)
    return done.stdout


def be_bounded() -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, LASTS_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        # Not every system has every limit.
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def main() -> None:
    be_bounded()
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(made(order))


if __name__ == "__main__":
    main()
