"""Every acknowledged record is counted exactly once, whatever fails: faults F1 to F20.

One site and one auditor go through all cases. `CSAPI_FAULT_SEED=n` repeats the schedule of a run,
`CSAPI_FAULT_SIZE=n` multiplies its size, and `CSAPI_FAULT_TABLE=file` keeps what was measured.
"""

import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.faults import kills
from tests.faults.running import Fault, Row, run_fault
from tests.faults.site import Site, open_site
from tests.faults.table import table

SEED = int(os.environ.get("CSAPI_FAULT_SEED") or random.randrange(1_000_000))
SIZE = float(os.environ.get("CSAPI_FAULT_SIZE") or 1)

# Name, what it does, how often.
CASES: dict[str, tuple[Fault, int]] = {
    "F1 API killed at points": (kills.api_killed, 60),
    "F2 worker killed at points": (kills.workers_killed, 500),
    "F2 worker killed anywhere": (kills.workers_shot, 200),
    "F3 PostgreSQL backend killed": (kills.backends_killed, 200),
    "F3 postmaster killed": (kills.postmaster_killed, 20),
    "F5 Redis killed": (kills.redis_killed, 20),
}
SHORT: tuple[tuple[str, Fault, int], ...] = (
    ("F2 worker killed at points", kills.workers_killed, 8),
    ("F3 PostgreSQL backend killed", kills.backends_killed, 2),
    ("F5 Redis killed", kills.redis_killed, 1),
    ("F1 API killed at points", kills.api_killed, 2),
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
    async with open_site(home, seed=SEED, tenants=8, days=200, servers=({}, {})) as opened:
        yield opened


@pytest.mark.harden
@pytest.mark.parametrize("name", CASES)
async def test_fault(site: Site, rows: list[Row], name: str) -> None:
    fault, size = CASES[name]
    row = await run_fault(site, name, fault, max(1, round(size * SIZE)))
    rows.append(row)
    assert not row.violations, row.violations[:10]


async def test_a_minute_of_faults(tmp_path: Path) -> None:
    async with open_site(tmp_path, seed=SEED, tenants=4, days=60) as site:
        found = [await run_fault(site, *each) for each in SHORT]
    print(f"seed {SEED}\n\n{table(found)}")
    assert not [each for row in found for each in row.violations[:3]], f"seed {SEED}"
    assert sum(row.audits for row in found) > 20
