"""Every acknowledged record is counted exactly once, whatever fails: faults F1 to F20.

One site and one auditor go through all cases. `CSAPI_FAULT_SEED=n` repeats the schedule of a run,
`CSAPI_FAULT_SIZE=n` multiplies its size, and `CSAPI_FAULT_TABLE=file` keeps what was measured.
"""

import contextlib
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.delivery.mutants import UNIQUE_MARKS
from tests.faults import data, disks, keeping, kills, network, restoring, rolling, servers_away
from tests.faults.running import Fault, Row, run_fault, traffic
from tests.faults.site import Site, open_site
from tests.faults.table import line, table
from tests.faults.waiting import until

SEED = int(os.environ.get("CSAPI_FAULT_SEED") or random.randrange(1_000_000))
SIZE = float(os.environ.get("CSAPI_FAULT_SIZE") or 1)

# Name, what it does, how often or how long. Those that need a site of their own are below.
CASES: dict[str, tuple[Fault, int]] = {
    "F1 API killed at points": (kills.api_killed, 60),
    "F2 worker killed at points": (kills.workers_killed, 650),
    "F2 worker killed anywhere": (kills.workers_shot, 200),
    "F3 PostgreSQL backend killed": (kills.backends_killed, 200),
    "F3 postmaster killed": (kills.postmaster_killed, 20),
    "F4 long recovery": (servers_away.long_recovery, 600),
    "F5 Redis killed": (kills.redis_killed, 20),
    "F5 Redis emptied": (servers_away.redis_emptied, 30),
    "F5 Redis of wrong types": (servers_away.redis_of_wrong_types, 10),
    "F5 Redis full": (servers_away.redis_full, 10),
    "F5 Redis away": (servers_away.redis_away, 15),
    "F8 worker stopped": (network.stopped_worker, 4),
    "F8 API stopped": (network.stopped_api, 2),
    "F9 network cut": (network.cut_network, 2),
    "F10 replays": (data.replays, 3),
    "F11 clocks": (rolling.other_times, 8),
    "F12 crowd": (network.crowd, 400),
    "F13 migration": (data.migrated, 3),
    "F14 rolling restart": (rolling.rolled, 2),
    "F14 two versions": (rolling.two_versions, 15),
    "F15 poison": (data.poisoned, 20),
    "F16 long transaction": (servers_away.long_transaction, 30),
    "F17 restored": (restoring.restored_again, 2),
    "F19 forged jobs": (servers_away.forged_jobs, 40),
    "F20 definitions": (data.redefined, 20),
}
SHORT_SECONDS = 30
SHORT: tuple[tuple[str, Fault, int], ...] = (
    ("F2 worker killed at points", kills.workers_killed, 6),
    ("F3 PostgreSQL backend killed", kills.backends_killed, 2),
    ("F5 Redis killed", kills.redis_killed, 1),
    ("F1 API killed at points", kills.api_killed, 2),
    ("F14 rolling restart", rolling.rolled, 1),
)


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    found: list[Row] = []
    yield found
    report = f"seed {SEED}\n\n{table(found)}\n"
    print("\n" + report)
    if path := os.environ.get("CSAPI_FAULT_TABLE"):
        with Path(path).open("a") as file:
            file.write(report)


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    home = tmp_path_factory.mktemp("faults")
    async with open_site(home, seed=SEED, tenants=6, days=200, servers=({}, {})) as opened:
        yield opened


@pytest.mark.harden
@pytest.mark.parametrize("name", CASES)
async def test_fault(site: Site, rows: list[Row], name: str) -> None:
    await measured(rows, site, name, *CASES[name])


async def measured(rows: list[Row], site: Site, name: str, fault: Fault, size: int) -> None:
    row = await run_fault(site, name, fault, max(1, round(size * SIZE)))
    rows.append(row)
    told = [line(row), *(f"  {each[:400]}" for each in row.violations[:10]), *row.notes]
    print("\n" + "\n".join(told), flush=True)
    assert not row.violations, row.violations[:10]


@pytest.mark.harden
@pytest.mark.parametrize("of_log", [False, True], ids=["data", "log"])
async def test_full_disk(tmp_path: Path, rows: list[Row], of_log: bool) -> None:  # noqa: FBT001
    async with disks.on_small_disk(tmp_path, SEED, of_log=of_log) as (site, ballast):
        name = f"F6 disk of the {'log' if of_log else 'data'} full"
        await measured(rows, site, name, disks.Filling(ballast, of_log=of_log), 2)


@pytest.mark.harden
async def test_slow_disk(tmp_path: Path, rows: list[Row]) -> None:
    async with disks.with_shim(tmp_path, SEED) as (site, control):
        await measured(rows, site, "F7 slow disk", disks.Slow(control), 10)


@pytest.mark.harden
async def test_failing_disk(tmp_path: Path, rows: list[Row]) -> None:
    async with disks.with_shim(tmp_path, SEED) as (site, control):
        await measured(rows, site, "F7 failing disk", disks.Failing(control), 3)


async def test_a_minute_of_faults(tmp_path: Path) -> None:
    async with open_site(tmp_path, seed=SEED, tenants=3, days=60, servers=({}, {})) as site:
        found: list[Row] = []
        started = time.monotonic()
        for each in SHORT:
            # Where others take the processors, as many as fit.
            if found and time.monotonic() - started > SHORT_SECONDS:
                break
            found.append(await run_fault(site, *each))
    print(f"seed {SEED}\n\n{table(found)}")
    assert not [each for row in found for each in row.violations[:3]], f"seed {SEED}"
    assert sum(row.audits for row in found) > 20


@pytest.mark.harden
async def test_late_after_retention(tmp_path: Path, rows: list[Row]) -> None:
    async with open_site(tmp_path, seed=SEED, tenants=3, days=200, servers=({}, {})) as site:
        keeping.add_horizons(site)
        await measured(rows, site, "F18 late after retention", keeping.late, 10)


# Mutants of the protocol, with what makes their moment come: (server processes, workers). The rest
# needs two clients with the same record, or moments too rare for lots: the explorer finds those.
MUTANTS = {
    "NEWONLY": ("", ""),
    "READFIRST": ("", "rebuild.written=wait0.3:0.5"),
    "DONOTHING": ("commit.before=wait0.3:0.3", ""),
    "AFTERCOMMIT": ("commit.after=kill:0.05", ""),
}


@pytest.mark.harden
@pytest.mark.parametrize("mutant", MUTANTS)
async def test_the_auditor_sees_a_broken_protocol(tmp_path: Path, mutant: str) -> None:
    """Without that, no violation found would mean nothing."""
    server, worker = MUTANTS[mutant]
    name = f"tests.delivery.mutants:{mutant}"
    async with open_site(tmp_path, seed=SEED, tenants=3, days=30, mutant=name) as site:
        if mutant == "DONOTHING":
            connection = await site.connect()
            await connection.execute(UNIQUE_MARKS)
            connection.terminate()
        started = time.monotonic()
        async with traffic(site, 0.1):
            for plan, parties in ((server, site.servers), (worker, site.workers)):
                for each in parties if plan else ():
                    await each.again(CSAPI_FAULTPOINTS=plan)
            with contextlib.suppress(AssertionError):
                await until(lambda: bool(site.audits.found), "a violation is seen", 90)
        seconds = time.monotonic() - started
        seen = site.audits.found[:1]
        note = f"{mutant}: {site.audits.counts['snapshot']} audits, {seconds:.0f} s: {seen}"
        print(note, flush=True)
        assert seen, note
