"""F1 to F3, and the mix of the short run: who is killed, where, and how often."""

import asyncio
import contextlib
import os
import signal

import asyncpg
from tests.faults.running import Stage
from tests.faults.waiting import until

from csapi.embedded.process import Progress

# Chances at which about every second process dies within a second or two of work.
API_POINTS = "ingest.*=kill:0.02,commit.*=kill:0.01"
WORKER_POINTS = (
    "rebuild.*=kill:0.03,derive.*=kill:0.2,spread.*=kill:0.3,attribute.*=kill:0.3,"
    "redefine.*=kill:0.3,commit.*=kill:0.01"
)
MOST_SECONDS_PER_KILL = 6.0


def killed_so_far(stage: Stage) -> int:
    log = stage.site.fault_log
    return log.read_bytes().count(b" kill ") if log.exists() else 0


async def until_killed(stage: Stage, count: int) -> None:
    """Wait until points have killed so many; bounded in time."""
    before = killed_so_far(stage)
    with contextlib.suppress(AssertionError):
        await until(
            lambda: killed_so_far(stage) - before >= count,
            "killed",
            10 + MOST_SECONDS_PER_KILL * count,
        )


async def api_killed(stage: Stage) -> None:
    """F1: server processes end themselves before, in and after the transaction of a request."""
    site, before = stage.site, killed_so_far(stage)
    for server in site.servers:
        await server.again(CSAPI_FAULTPOINTS=API_POINTS)
    await until_killed(stage, stage.size)
    for server in site.servers:
        await server.again(CSAPI_FAULTPOINTS=None)
    # The server's children end themselves: its own end, if it follows, is not counted twice.
    stage.killed("API process", killed_so_far(stage) - before)


async def workers_killed(stage: Stage) -> None:
    """F2: workers end themselves at each step of a rebuild and of a derivation."""
    for worker in stage.site.workers:
        await worker.again(CSAPI_FAULTPOINTS=WORKER_POINTS)
    await until_killed(stage, stage.size)
    for worker in stage.site.workers:
        await worker.again(CSAPI_FAULTPOINTS=None)


async def workers_shot(stage: Stage) -> None:
    """F2 without points: anywhere, while they work."""
    for _ in range(stage.size):
        await asyncio.sleep(stage.dice.uniform(0.05, 0.8))
        process = stage.dice.choice(stage.site.workers).process
        if process is not None:
            process.send(signal.SIGKILL)


async def backend_pids(connection: asyncpg.Connection) -> list[int]:
    rows = await connection.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'csapi' "
        "AND pid <> pg_backend_pid() AND usename <> session_user"
    )
    return [row["pid"] for row in rows]


async def backends_killed(stage: Stage) -> None:
    """F3: each takes all connections with it, and PostgreSQL recovers."""
    for _ in range(stage.size):
        connection = await stage.site.connect()
        try:
            pids = await backend_pids(connection)
        finally:
            connection.terminate()
        if pids:
            kill_backend(stage, stage.dice.choice(pids))
        await asyncio.sleep(stage.dice.uniform(0.5, 2.0))


def kill_backend(stage: Stage, pid: int) -> None:
    """Only a child of our own server."""
    postmaster = stage.site.postgres.child.process
    if postmaster is None:
        return
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123  of the kernel
        parent = int(file.read().rpartition(")")[2].split()[1])
    if parent == postmaster.pid:
        os.kill(pid, signal.SIGKILL)
        stage.killed("PostgreSQL backend")


async def postmaster_killed(stage: Stage) -> None:
    """F3: the server and everything of it, as when the machine goes away."""
    for _ in range(stage.size):
        await asyncio.sleep(stage.dice.uniform(0.5, 2.0))
        await kill_postmaster(stage)
        await stage.site.ready()


async def kill_postmaster(stage: Stage) -> None:
    site = stage.site
    process = site.postgres.child.process
    assert process is not None
    os.killpg(process.pid, signal.SIGKILL)
    stage.killed("postmaster")
    await asyncio.to_thread(process.wait)
    await asyncio.to_thread(site.postgres.run, Progress())


async def redis_killed(stage: Stage) -> None:
    """F5: killed and started again, empty."""
    for _ in range(stage.size):
        await asyncio.sleep(stage.dice.uniform(0.3, 1.5))
        await asyncio.to_thread(stage.site.redis.child.stop, hard=True)
        stage.killed("Redis")
        await asyncio.sleep(stage.dice.uniform(0, 1))
        await asyncio.to_thread(stage.site.redis.start, Progress())
