"""A new PostgreSQL cluster: made once, complete or not at all."""

import os
import shutil
import signal
from pathlib import Path

from csapi.embedded.account import named_account
from csapi.embedded.binaries import postgres_folder
from csapi.embedded.layout import DataDir
from csapi.embedded.process import Account, Launch, Progress, failure, run_to_end

ADMIN = "csapi_admin"
DATABASE = "csapi"
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
INITDB_SECONDS = 600.0
HAS_PROC = Path("/proc/self/fd").is_dir()


def create_cluster(
    layout: DataDir, account: Account | None, progress: Progress, *, is_synced: bool = True
) -> None:
    """In a draft folder that is renamed when complete, so a kill half way leaves nothing."""
    maker = named_account(account)
    draft = layout.path / "cluster.new"
    if draft.exists():
        shutil.rmtree(draft)
    draft.mkdir(mode=0o700)
    _give(draft, maker)
    fd = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
    try:
        data = data_argument(fd, draft)
        _initdb(layout, maker, (fd, data), progress, [] if is_synced else ["--no-sync"])
        _create_database(layout, maker, (fd, data), progress, [] if is_synced else ["-F"])
    finally:
        os.close(fd)
    for folder, folders, files in os.walk(draft):
        for name in [*folders, *files]:
            _give(Path(folder) / name, account)
    _give(draft, account)
    draft.rename(layout.cluster)
    parent = os.open(layout.path, os.O_RDONLY)
    os.fsync(parent)
    os.close(parent)


def data_argument(fd: int, folder: Path) -> str:
    """`folder`, open as `fd`, as a path that needs no access to the folders above it.

    The server may run as a user who cannot enter those (a clone in /root, mode 0700).
    """
    return f"/proc/self/fd/{fd}" if HAS_PROC else str(folder)


def _initdb(
    layout: DataDir,
    account: Account | None,
    place: tuple[int, str],
    progress: Progress,
    options: list[str],
) -> None:
    fd, data = place
    reader, writer = os.pipe()
    try:
        if account:
            os.fchown(reader, account.uid, account.gid)
        os.write(writer, f"{layout.credentials().admin}\n".encode())
        os.close(writer)
        command = [
            str(postgres_folder(account) / "initdb"),
            f"--pgdata={data}",
            f"--username={ADMIN}",
            f"--pwfile=/dev/fd/{reader}",
            "--auth=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *options,
        ]
        _run(layout, Launch(command, SERVER_ENV, account, (fd, reader), cwd="/"), progress)
    finally:
        os.close(reader)


def _create_database(
    layout: DataDir,
    account: Account | None,
    place: tuple[int, str],
    progress: Progress,
    options: list[str],
) -> None:
    fd, data = place
    command = [
        str(postgres_folder(account) / "postgres"),
        "--single",
        "-D",
        data,
        "-c",
        "exit_on_error=on",
        *options,
        "postgres",
    ]
    launch = Launch(command, SERVER_ENV, account, (fd,), signal.SIGTERM, cwd="/")
    _run(layout, launch, progress, f"CREATE DATABASE {DATABASE}\n".encode())


def _run(layout: DataDir, launch: Launch, progress: Progress, stdin: bytes = b"") -> None:
    log = layout.log("initdb")
    code = run_to_end(launch, log, progress, seconds=INITDB_SECONDS, stdin=stdin)
    if code != 0:
        raise failure(f"PostgreSQL could not create its files in {layout.path}", code, log)


def _give(path: Path, account: Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
