"""PostgreSQL processes of an earlier run that outlived it: found by where they work, ended."""

import os
import signal
from pathlib import Path

import psutil

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Ending, Progress, live

FAST_THEN_HARD = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 10.0))
PATIENT_THEN_HARD = ((signal.SIGCONT, 5.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
START_SLACK_SECONDS = 5.0
HAS_PROC = Path("/proc/self/cwd").exists()


def end_postgres_of(cluster: Path, progress: Progress) -> None:
    """After this no process that we can know works in `cluster`. Needs the lock.

    The working directory identifies: every PostgreSQL process stays in its data directory.
    """
    named, started_at = _lock_file(cluster)
    servers = [process for process in postgres_processes(cluster) if process.pid == named]
    if servers:
        progress.say("Stopping the PostgreSQL of an earlier run")
        Ending(FAST_THEN_HARD, progress.pause).end(servers)
    elif named is not None and _is_hidden_server(cluster, named, started_at):
        progress.say("Stopping the PostgreSQL of an earlier run")
        Ending(FAST_THEN_HARD, progress.pause).end([psutil.Process(named)])
    # Backends without a server leave by themselves, a busy one after its statement.
    left = Ending(PATIENT_THEN_HARD, progress.pause).end(postgres_processes(cluster))
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise EmbeddedError(f"PostgreSQL of an earlier run does not end; kill -9 {pids}")
    # A zombie, or a stranger with the same number, would make PostgreSQL refuse for ever. The
    # file is also its guard against orphans: it stays while one might be hidden from us.
    if named is not None and psutil.pid_exists(named) and not _hidden():
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def postgres_processes(cluster: Path) -> list[psutil.Process]:
    home = cluster.stat()
    found = []
    for process in _all_postgres():
        place = _place(process)
        if place is not None and os.path.samestat(place, home):
            found.append(process)
    return found


def _all_postgres() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name"])
        if process.info["name"] == "postgres" and live(process.pid)
    ]


def _hidden() -> list[psutil.Process]:
    """Those whose working directory cannot be read: root in a container may lack that right."""
    return [process for process in _all_postgres() if _place(process) is None]


def _place(process: psutil.Process) -> os.stat_result | None:
    try:
        return Path(f"/proc/{process.pid}/cwd" if HAS_PROC else process.cwd()).stat()
    except (psutil.Error, OSError):
        return None


def _is_hidden_server(cluster: Path, pid: int, started_at: float) -> bool:
    for process in _hidden():
        if process.pid == pid:
            is_owner = process.uids().effective == cluster.stat().st_uid
            return is_owner and abs(process.create_time() - started_at) < START_SLACK_SECONDS
    return False


def _lock_file(cluster: Path) -> tuple[int | None, float]:
    """The process number and the start in postmaster.pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), float(lines[2])
    except (OSError, ValueError, IndexError):
        return None, 0.0
