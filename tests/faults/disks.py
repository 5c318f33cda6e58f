"""F6, F7: full disks, slow disks, disks that fail. Each has a site of its own."""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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

from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress

DISK_MEGABYTES = 900
# With fsync, as in production; a short log, so that the disk of it can be small.
SETTINGS = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_connections": "60"}
FULL_SECONDS = 12


@asynccontextmanager
async def small_site(home: Path, seed: int, postgres: Postgres) -> AsyncIterator[Site]:
    async with open_site(home, seed=seed, tenants=3, days=60, postgres=postgres) as site:
        yield site


@asynccontextmanager
async def on_small_disk(
    home: Path, seed: int, *, of_log: bool
) -> AsyncIterator[tuple[Site, Ballast]]:
    """The database, or its log alone, on a disk of its own."""
    with public_folder() as folder, small_disk(folder / "disk", DISK_MEGABYTES) as disk:
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

    def __init__(self, ballast: Ballast, left_bytes: int) -> None:
        self._ballast, self._left = ballast, left_bytes

    async def __call__(self, stage: Stage) -> None:
        site = stage.site
        for _ in range(stage.size):
            self._ballast.fill(self._left)
            await asyncio.sleep(FULL_SECONDS)
            self._ballast.drop()
            # Without room for its log PostgreSQL ends: whoever keeps it starts it again.
            if not site.postgres.child.running():
                stage.row.notes.append("PostgreSQL ended and was started again")
                await asyncio.to_thread(site.postgres.run, Progress())
            await site.ready()
        refused = site.tallies.answers["503"] + site.tallies.answers["507"]
        stage.row.notes.append(f"{refused} requests were refused")


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
            self._control.write_text(f"0 {errno.EIO}")
            await asyncio.sleep(1)
            self._control.write_text("0 0")
            # It recovers by itself, unless recovery met the failure too.
            await asyncio.sleep(5)
            if not stage.site.postgres.child.running():
                await asyncio.to_thread(stage.site.postgres.run, Progress())
            await stage.site.ready()
            stage.killed("PostgreSQL by itself")
