"""A data directory of `csapi up`: who may read it, what an earlier run left, its programs."""

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil

from csapi.cli.checks.finding import Finding, failed, ok, warning
from csapi.embedded.account import service_account
from csapi.embedded.binaries import postgres_folder, redis_server
from csapi.embedded.cluster import SERVER_ENV
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import DataDir
from csapi.embedded.leftovers import postgres_processes
from csapi.embedded.postgres import MAJOR_VERSION
from csapi.embedded.process import Account, session_members
from csapi.embedded.runtime import RUN_MARKER, Runtime, read_runtime

PROGRAM_SECONDS = 20.0
OTHERS_MAY = 0o077


def running(layout: DataDir) -> Runtime | None:
    """The `csapi up` that has the directory, once it is ready."""
    runtime = read_runtime(layout)
    return runtime if runtime and runtime.ready and runtime.supervisor.find() else None


def look_at_programs(layout: DataDir) -> Iterator[Finding]:
    """Whether the servers in the wheels run here, as the user whom they would run as."""
    account = service_account(layout.cluster)
    try:
        programs = {
            "PostgreSQL": postgres_folder(account) / "postgres",
            "Redis": redis_server(account),
        }
    except EmbeddedError as error:
        yield failed("programs", str(error), "Install the wheels again.")
        return
    for name, program in programs.items():
        yield _tried(name, program, account)


def _tried(name: str, program: Path, account: Account | None) -> Finding:
    mend = "Install the wheels for this machine, or set CSAPI_DATABASE_URL and CSAPI_REDIS_URL."
    try:
        done = subprocess.run(  # noqa: S603  a program of our own wheels
            [program, "--version"],
            env=SERVER_ENV,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
            check=False,
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return failed("programs", f"{name} of the wheel does not run: {error}", mend)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return failed("programs", f"{name} of the wheel does not run: {last}", mend)
    return ok("programs", f"{name} of the wheel runs ({done.stdout.strip()})")


def look_at_data(layout: DataDir) -> Iterator[Finding]:
    if not layout.path.exists():
        yield ok("data", f"there is no {layout.path} yet; csapi up makes it")
        return
    yield from _permissions(layout)
    if not layout.cluster.exists():
        return
    version = (layout.cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        text = f"{layout.cluster} was made by PostgreSQL {version}, csapi runs {MAJOR_VERSION}"
        yield failed("data", text, "Use the csapi that made it, or another --data-dir.")
    try:
        layout.credentials()
    except EmbeddedError as error:
        yield failed("data", str(error), "Restore the file from a backup.")
    except OSError as error:
        mend = "Run csapi as the user who made it."
        yield failed("data", f"{layout.credentials_file}: {error.strerror}", mend)


def _permissions(layout: DataDir) -> Iterator[Finding]:
    if not os.access(layout.path, os.W_OK | os.X_OK):
        mend = "Run csapi as the user who owns it, or choose another --data-dir."
        yield failed("permissions", f"{layout.path} cannot be written to", mend)
        return
    private = [layout.path, layout.logs, layout.cluster, layout.credentials_file, layout.runtime]
    wide = [each for each in private if each.exists() and _mode(each) & OTHERS_MAY]
    for each in wide:
        # PostgreSQL does not start on a directory that others may enter.
        text = f"others may read {each} (mode {_mode(each):04o})"
        yield failed("permissions", text, f"Run chmod go= {each}")
    if not wide:
        yield ok("permissions", f"only its owner can read {layout.path}")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def look_at_leftovers(layout: DataDir) -> Iterator[Finding]:
    """Processes of a run whose `csapi up` is gone."""
    if not layout.path.exists():
        return
    runtime = read_runtime(layout)
    if runtime is not None and runtime.supervisor.find():
        state = "is ready" if runtime.ready else "is starting"
        yield ok("processes", f"csapi up {state} (process {runtime.supervisor.pid})")
        return
    left: dict[int, str] = {}
    try:
        if layout.cluster.exists():
            left |= {each.pid: "postgres" for each in postgres_processes(layout.cluster)}
    except EmbeddedError as error:
        yield warning("processes", str(error), "Look at it as root.")
    if runtime is not None:
        left |= {each.pid: name for name, each in _left_of(runtime)}
    if not left:
        yield ok("processes", "csapi up does not run here, and nothing of an earlier run is left")
        return
    named = ", ".join(f"{name} {pid}" for pid, name in sorted(left.items()))
    text = f"an earlier csapi up is gone and left processes: {named}"
    yield warning("processes", text, "Start csapi up again: it ends them first.")


def _left_of(runtime: Runtime) -> Iterator[tuple[str, psutil.Process]]:
    for name, identity in runtime.processes.items():
        process = identity.find()
        if process is not None:
            yield name, process
        for each in session_members(identity.pid, (RUN_MARKER, runtime.run_id)):
            yield name, each
