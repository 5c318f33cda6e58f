"""F6, F7: full disks, slow disks, disks that fail. Each has a site of its own."""

import asyncio
import contextlib
import errno
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
from tests.faults.machine import (
    Ballast,
    ShimmedPostgres,
    move_wal,
    public_folder,
    shim,
    small_disk,
)
from tests.faults.running import Stage
from tests.faults.site import Site, open_site
from tests.faults.waiting import AWAY, until

from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress

DATA_MEGABYTES, LOG_MEGABYTES = 900, 160
# With fsync, as in production; a short log, so that the disk of it can be small.
SETTINGS = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_connections": "60"}
FULL_SECONDS, FELT_SECONDS, RECOVERY_SECONDS = 6, 60, 30
# Its files are used again: what clients send would go into those for long.
BURST = "SELECT pg_logical_emit_message(false, 'faults', repeat('x', 4000000))"
MOST_BURSTS = 100


@asynccontextmanager
async def small_site(home: Path, seed: int, postgres: Postgres) -> AsyncIterator[Site]:
    async with open_site(home, seed=seed, tenants=3, days=60, postgres=postgres) as site:
        yield site


@asynccontextmanager
async def on_small_disk(
    home: Path, seed: int, *, of_log: bool
) -> AsyncIterator[tuple[Site, Ballast]]:
    """The database, or its log alone, on a disk of its own."""
    megabytes = LOG_MEGABYTES if of_log else DATA_MEGABYTES
    with public_folder() as folder, small_disk(folder / "disk", megabytes) as disk:
        if of_log:
            postgres = Postgres(home / "postgres", settings=SETTINGS)
            await asyncio.to_thread(postgres.prepare, Progress())
            move_wal(postgres.layout.cluster, disk)
        else:
            postgres = Postgres(disk / "postgres", settings=SETTINGS)
            await asyncio.to_thread(postgres.prepare, Progress())
            (folder / "wal").mkdir()
            move_wal(postgres.layout.cluster, folder / "wal")
        async with small_site(home, seed, postgres) as site:
            yield site, Ballast(disk)


class Filling:
    """A fault: the disk is full for some seconds, again and again."""

    def __init__(self, ballast: Ballast, *, of_log: bool) -> None:
        self._ballast, self._of_log = ballast, of_log

    async def __call__(self, stage: Stage) -> None:
        for _ in range(stage.size):
            before = refusals(stage.site)
            self._ballast.fill()
            if self._of_log:
                await fill_log(stage.site)
            await until(
                partial(are_refused, stage.site, before, self._ballast), "felt", FELT_SECONDS
            )
            await asyncio.sleep(FULL_SECONDS)
            self._ballast.drop()
            stage.row.notes.append(f"{refusals(stage.site) - before} requests were refused")
            await kept_running(stage)
            await stage.site.ready()


def refusals(site: Site) -> int:
    return site.tallies.answers["503"] + site.tallies.answers["507"]


def are_refused(site: Site, before: int, ballast: Ballast) -> bool:
    """What was given free meanwhile is taken, too."""
    ballast.fill()
    return refusals(site) > before


async def fill_log(site: Site) -> None:
    connection = await site.connect()
    with contextlib.suppress(*AWAY):
        for _ in range(MOST_BURSTS):
            await connection.execute(BURST)
    connection.terminate()


async def kept_running(stage: Stage) -> None:
    """What a service manager does: start PostgreSQL again whenever it has ended itself. What an
    operator does, too: end it where its recovery has failed and it stays."""
    postgres, began = stage.site.postgres, time.monotonic()
    while True:
        if time.monotonic() - began > RECOVERY_SECONDS:
            stage.row.notes.append(f"no recovery within {RECOVERY_SECONDS} s: ended and started")
            await asyncio.to_thread(postgres.child.stop, hard=True)
            began = time.monotonic()
        if not postgres.child.running():
            stage.killed("PostgreSQL by itself")
            await asyncio.to_thread(postgres.run, Progress())
        try:
            connection = await asyncpg.connect(stage.site.admin_url, timeout=5)
        except AWAY:
            await asyncio.sleep(0.2)
        else:
            connection.terminate()
            return


@asynccontextmanager
async def with_shim(home: Path, seed: int) -> AsyncIterator[tuple[Site, Path]]:
    """A site whose disk does what the file says."""
    with public_folder() as folder:
        control = folder / "control"
        control.write_text("0 0")
        control.chmod(0o644)
        postgres = ShimmedPostgres(home / "postgres", settings=SETTINGS)
        postgres.shimmed(shim("fsync", folder), control)
        async with small_site(home, seed, postgres) as site:
            yield site, control


class Slow:
    """F7: every sync takes its time."""

    def __init__(self, control: Path) -> None:
        self._control = control

    async def __call__(self, stage: Stage) -> None:
        for milliseconds in (50, 300):
            self._control.write_text(f"{milliseconds * 1000} 0")
            stage.site.tallies.slowest_seconds = 0
            await asyncio.sleep(stage.size)
            slowest = stage.site.tallies.slowest_seconds
            stage.row.notes.append(f"{milliseconds} ms a sync: slowest answer {slowest:.1f} s")
        self._control.write_text("0 0")


class Failing:
    """F7: a sync fails. PostgreSQL must end itself, and be right after it was started again."""

    def __init__(self, control: Path) -> None:
        self._control = control

    async def __call__(self, stage: Stage) -> None:
        for _ in range(stage.size):
            before = await started_at(stage.site)
            self._control.write_text(f"0 {errno.EIO}")
            await asyncio.sleep(1)
            self._control.write_text("0 0")
            # It recovers by itself, unless recovery met the failure too.
            await kept_running(stage)
            await stage.site.ready()
            if await started_at(stage.site) == before:
                stage.row.violations.append("F7 PostgreSQL went on after a sync that failed")
            await asyncio.sleep(3)


async def started_at(site: Site) -> object:
    """When PostgreSQL let somebody in for the first time: later after a crash, which its
    postmaster outlives."""
    connection = await site.connect()
    try:
        return await connection.fetchval(
            "SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        )
    finally:
        connection.terminate()
