"""PostgreSQL processes of an earlier run that outlived it: found by where they work, ended."""

import os
import signal
from pathlib import Path

import psutil

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Ending, Progress, live

FAST_THEN_HARD = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 10.0))
PATIENT_THEN_HARD = ((signal.SIGCONT, 5.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
HAS_PROC = Path("/proc/self/cwd").exists()


def end_postgres_of(cluster: Path, progress: Progress) -> None:
    """After this no process works in `cluster` and its lock file cannot stop a new server.

    The working directory identifies: every PostgreSQL process stays in its data directory.
    Call with the data directory locked.
    """
    named = _named_in_lock_file(cluster)
    found = postgres_processes(cluster)
    servers = [process for process in found if process.pid == named]
    if servers:
        progress.say("Stopping the PostgreSQL of an earlier run")
        Ending(FAST_THEN_HARD, progress.pause).end(servers)
    # Backends without a server leave by themselves, a busy one after its statement.
    left = Ending(PATIENT_THEN_HARD, progress.pause).end(postgres_processes(cluster))
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise EmbeddedError(f"PostgreSQL of an earlier run does not end; kill -9 {pids}")
    # A zombie, or a stranger with the same number, would make PostgreSQL refuse for ever.
    if named is not None and psutil.pid_exists(named):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def postgres_processes(cluster: Path) -> list[psutil.Process]:
    home = cluster.stat()
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] != "postgres" or live(process.pid) is None:
                continue
            place = Path(f"/proc/{process.pid}/cwd") if HAS_PROC else Path(process.cwd())
            if os.path.samestat(place.stat(), home):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def _named_in_lock_file(cluster: Path) -> int | None:
    try:
        return int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
