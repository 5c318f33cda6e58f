"""How far off the staffing forecast is, and how often what comes lies in its band.

On real calls, where they lie beside the checkout: those of a bank, and a training file in which
calls are evenly random. By the backtest that the endpoint answers with (csapi.metrics.forecasting),
against seasonal naive on the same days.
"""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from bench.measure import Line, Progress, at_most
from bench.servers import Servers
from csapi.metrics.backtesting import backtest
from csapi.metrics.forecasting import Day

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BANK = ("anonymousbank_1999_01.txt.gz", "anonymousbank_1999_02.txt.gz")
TRAINING = "pwc_calls.csv.gz"
MINUTES, HORIZONS = (15, 30, 60), (7, 14)


def bank_calls() -> Iterator[datetime]:
    """When calls entered, as examples/mappings/anonymousbank.toml reads them."""
    for name in BANK:
        with gzip.open(DATA / name, "rt", encoding="latin-1", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                if row["outcome"] != "PHANTOM":
                    at = f"{row['date']} {row['vru_entry']}"
                    yield datetime.strptime(at, "%y%m%d %H:%M:%S")  # noqa: DTZ007


def training_calls() -> Iterator[datetime]:
    with gzip.open(DATA / TRAINING, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield datetime.fromisoformat(f"{row['Date']}T{row['Time']}")


def days_of(calls: list[datetime], minutes: int) -> list[Day]:
    slots = 24 * 60 // minutes
    counts = Counter((each.date(), (each.hour * 60 + each.minute) // minutes) for each in calls)
    day, last = min(calls).date(), max(calls).date()
    found = []
    while day <= last:
        own = [float(counts[day, slot]) for slot in range(slots)]
        found.append(Day(day, sum(own), own))
        day += timedelta(days=1)
    return found


def lines_of(name: str, calls: list[datetime]) -> Iterator[Line]:
    for minutes in MINUTES:
        days = days_of(calls, minutes)
        for horizon in HORIZONS:
            tested = backtest(days, horizon, 24 * 60 // minutes)
            if tested is None:
                continue
            own, other = tested.model.errors, tested.naive.errors
            if own.wape is None or other.wape is None or own.mase is None or other.mase is None:
                continue
            ratio = own.wape / other.wape
            covered = " and ".join(
                f"{100 * share:.0f} % in the band of {100 * level:.0f}"
                for level, share in own.coverage.items()
            )
            yield Line(
                what=f"forecast: {name}, {minutes} min, {horizon} days ahead, WAPE",
                unit="%",
                csapi=100 * own.wape,
                limit=100 * other.wape,
                ratio=ratio,
                goal=at_most(1, ratio),
                note=f"MASE {own.mase:.2f} against {other.mase:.2f}; whole days "
                f"{100 * (own.of_days or 0):.1f} % against {100 * (other.of_days or 0):.1f} %; "
                f"{covered}, of {own.covered_n}; {len(tested.origins)} origins",
            )


def run(servers: Servers, progress: Progress, *, is_quick: bool) -> list[Line]:
    del servers, is_quick
    if not DATA.is_dir():
        progress.say("forecast: the real data sets are not on this machine")
        return []
    lines: list[Line] = []
    for name, calls in (("a bank", [*bank_calls()]), ("evenly random calls", [*training_calls()])):
        progress.say(f"forecast: {name}")
        lines += lines_of(name, calls)
    return lines
