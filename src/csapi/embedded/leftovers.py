"""PostgreSQL processes of an earlier run that outlived it: found by where they work, ended."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Ending, Progress, live

FAST_THEN_HARD = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 20.0), (signal.SIGKILL, 10.0))
PATIENT_THEN_HARD = ((signal.SIGCONT, 5.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


def end_postgres_of(cluster: Path, progress: Progress) -> None:
    """After this no PostgreSQL process works in `cluster`. Needs the lock.

    The working directory identifies: every PostgreSQL process stays in its data directory.
    """
    lock_file = cluster / "postmaster.pid"
    named = _first_number(lock_file)
    servers = [process for process in postgres_processes(cluster) if process.pid == named]
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
        lock_file.unlink(missing_ok=True)


def postgres_processes(cluster: Path) -> list[psutil.Process]:
    """Raises EmbeddedError when it cannot be told whether a process belongs to `cluster`."""
    home = cluster.stat()
    found = []
    with _seeing_as(home.st_uid, home.st_gid):
        for process in psutil.process_iter(["name"]):
            try:
                if process.info["name"] != "postgres" or live(process.pid) is None:
                    continue
                # Only its owner can have opened the cluster.
                if process.uids().effective != home.st_uid:
                    continue
                linux = Path(f"/proc/{process.pid}/cwd")
                place = linux if sys.platform == "linux" else Path(process.cwd())
                if os.path.samestat(place.stat(), home):
                    found.append(process)
            except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
                continue
            except (psutil.AccessDenied, PermissionError):
                raise EmbeddedError(
                    f"cannot tell whether PostgreSQL process {process.pid} uses {cluster}; "
                    "stop it, or choose another --data-dir"
                ) from None
    return found


@contextlib.contextmanager
def _seeing_as(uid: int, gid: int) -> Iterator[None]:
    """Read /proc as that user: root in a container may not look at others' processes."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsgid(gid)
    libc.setfsuid(uid)
    try:
        yield
    finally:
        libc.setfsuid(os.geteuid())
        libc.setfsgid(os.getegid())


def _first_number(lock_file: Path) -> int | None:
    try:
        return int(lock_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
