"""F11, F14: servers that are replaced one after another, of another version, or of another time."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from tests.conftest import free_port
from tests.faults.machine import public_folder, shim
from tests.faults.processes import ROOT, clean_environment
from tests.faults.running import Stage
from tests.faults.site import Site, is_ready
from tests.faults.waiting import until

from csapi.embedded.process import Launch

DRAIN_SECONDS = 2.0
LOOK_SECONDS = 0.2
HOUR = 3_600


class Balancer:
    """Sends to whoever says that it is ready, as of the last look."""

    def __init__(self, bases: list[str]) -> None:
        self.ready: list[str] = []
        self.slowest_seconds = 0.0
        self._bases = bases

    async def watch(self) -> None:
        async with httpx.AsyncClient(timeout=2) as http:
            while True:
                began = time.monotonic()
                states = await asyncio.gather(*(is_ready(http, base) for base in self._bases))
                self.ready = [b for b, good in zip(self._bases, states, strict=True) if good]
                await asyncio.sleep(LOOK_SECONDS)
                self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)


def is_among(base: str, balancer: Balancer) -> bool:
    return base in balancer.ready


async def rolled(stage: Stage) -> None:
    """F14: each server is replaced in turn, under load: no request fails, none is cut."""
    site = stage.site
    balancer = Balancer(site.bases)
    watching = asyncio.create_task(balancer.watch())
    for server in site.servers:
        await server.again(CSAPI_DRAIN_SECONDS=DRAIN_SECONDS)
    await site.ready()
    await until(lambda: len(balancer.ready) == len(site.bases), "all servers are seen")
    for client in site.clients:
        client.bases = lambda: balancer.ready
    # From here on nothing may fail.
    await asyncio.sleep(2)
    before = Counter(site.tallies.answers)
    balancer.slowest_seconds = 0
    try:
        for _ in range(stage.size):
            for number, server in enumerate(site.servers):
                assert server.process is not None
                await server.process.end(signal.SIGTERM, 30)
                base = site.bases[number]
                await until(partial(is_among, base, balancer), f"{base} is ready again")
        met = site.tallies.answers - before
    finally:
        for client in site.clients:
            client.bases = lambda: site.bases
        watching.cancel()
    failed = {what: count for what, count in met.items() if not what.startswith("2")}
    stage.row.notes.append(f"{met.total()} requests while servers were replaced, failed: {failed}")
    slowest = balancer.slowest_seconds
    if failed and slowest < DRAIN_SECONDS / 2:
        stage.row.violations.append(f"F14 failed requests: {failed}")
    elif failed:
        # No server can wait for a balancer that the machine keeps from looking.
        stage.row.notes.append(f"not judged: the balancer took {slowest:.1f} s for a look")


@asynccontextmanager
async def server_beside(
    site: Site, environ: dict[str, str], source: Path | None = None
) -> AsyncIterator[str]:
    """One more API process, started whole; clients use it along with the others."""
    port = free_port()
    path = {"PYTHONPATH": str(source)} if source else {}
    log = site.home / "beside.log"
    environ = clean_environment() | site.environ(site.postgres.api_url, port=port) | path | environ
    # It dies with whoever runs the tests.
    launch = Launch([sys.executable, "-m", "csapi", "serve"], environ, cwd=str(site.home))
    process = launch.spawn(log)
    base = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(timeout=2) as http:
            deadline = time.monotonic() + 60
            while not await is_ready(http, base):
                assert process.poll() is None, log.read_text()[-3000:]
                assert time.monotonic() < deadline, "the server beside is not ready"
                await asyncio.sleep(0.1)
        site.bases.append(base)
        yield base
    finally:
        if base in site.bases:
            site.bases.remove(base)
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


async def other_times(stage: Stage) -> None:
    """F11: an API process an hour ahead, and one an hour behind."""
    with public_folder() as folder:
        library = shim("clock", folder)
        for seconds in (HOUR, -HOUR):
            skewed = {"LD_PRELOAD": str(library), "FAULT_SECONDS": str(seconds)}
            async with server_beside(stage.site, skewed) as base:
                async with httpx.AsyncClient() as http:
                    date = (await http.get(f"{base}/livez")).headers.get("date", "none")
                await asyncio.sleep(stage.size)
                stage.row.notes.append(f"{seconds:+d} s: its answers were of {date}")


def previous_version(folder: Path) -> Path:
    """The sources of the last commit before the newest migration; skips without a history."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    newest = ["git", "log", "-1", "--format=%H", "--diff-filter=A", "--", "migrations/versions"]
    done = subprocess.run(newest, cwd=ROOT, capture_output=True, text=True, check=False)
    if not (commit := done.stdout.strip()):
        pytest.skip("no history of migrations here")
    archive = ["git", "archive", f"{commit}^", "src"]
    content = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if content.returncode != 0:
        pytest.skip("the history here does not reach to the previous version")
    subprocess.run(["tar", "-x", "-C", str(folder)], input=content.stdout, check=True)
    return folder / "src"


async def two_versions(stage: Stage) -> None:
    """F14: the previous version answers beside the new one, on the new schema."""
    with public_folder() as folder:
        source = previous_version(folder)
        # The previous version knows nothing of points.
        async with server_beside(stage.site, {}, source):
            await asyncio.sleep(stage.size)
            stage.row.notes.append("the previous version answered beside the new one")
