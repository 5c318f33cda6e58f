"""What a measurement gives: lines of a table, and the arithmetic behind them."""

import statistics
import sys
import time
from collections.abc import Sequence

import msgspec


class Goal(msgspec.Struct):
    """What was to be reached, and whether it was."""

    text: str
    is_met: bool


class Line(msgspec.Struct, kw_only=True):
    """One line of the table. `limit` and `csapi` are medians over rounds, `ratio` is the median of
    the ratios of the rounds."""

    what: str
    unit: str
    csapi: float
    limit: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    note: str = ""


def at_least(goal: float, value: float, unit: str = "") -> Goal:
    return Goal(f"at least {goal:,g}{unit}", value >= goal)


def at_most(goal: float, value: float, unit: str = "") -> Goal:
    return Goal(f"at most {goal:,g}{unit}", value <= goal)


def paired(csapi: Sequence[float], limit: Sequence[float]) -> float:
    """The median of the rounds' ratios: noise that lasts longer than a round hits both sides."""
    return statistics.median(a / b for a, b in zip(csapi, limit, strict=True))


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def in_ms(latencies: Sequence[float], *shares: float) -> str:
    """Quantiles of seconds as text in milliseconds, with slashes between them."""
    return "/".join(f"{1000 * quantile(latencies, share):.1f}" for share in shares)


class Progress:
    """Lines on stderr with the seconds since the start."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def say(self, message: str) -> None:
        sys.stderr.write(f"[{self.seconds:4.0f} s] {message}\n")
        sys.stderr.flush()
