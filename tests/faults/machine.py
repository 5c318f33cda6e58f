"""What a fault needs of the machine: small disks, shims. Says why where it may not have it."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Launch

PAGE_BYTES = 4_096
SHIMS = Path(__file__).with_name("shims")


@contextmanager
def public_folder() -> Iterator[Path]:
    """A folder that the account of the servers can reach, whoever runs the tests."""
    folder = Path(tempfile.mkdtemp(prefix="csapi-faults-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def shim(name: str, folder: Path) -> Path:
    """The compiled shim; skips the test where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here (gcc or cc)")
    made = folder / f"{name}.so"
    source = SHIMS / f"{name}.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(made), str(source), "-ldl"], check=True
    )
    made.chmod(0o755)
    return made


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own; skips the test where the machine does not allow it."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "csapi", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no file system of our own: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


class Ballast:
    """A file that takes what is left of a disk."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder / "ballast"

    def fill(self) -> None:
        """Others write meanwhile: what does not fit is tried again in halves."""
        size = shutil.disk_usage(self._folder).free
        with self._file.open("ab") as file:
            while size >= PAGE_BYTES:
                end = os.fstat(file.fileno()).st_size
                try:
                    os.posix_fallocate(file.fileno(), end, size)
                except OSError:
                    size //= 2

    def drop(self) -> None:
        self._file.unlink(missing_ok=True)


class ShimmedPostgres(Postgres):
    """With a library loaded before all others; `control` is what it looks at."""

    def shimmed(self, library: Path, control: Path) -> "ShimmedPostgres":
        self._extra = {"LD_PRELOAD": str(library), "FAULT_CONTROL": str(control)}
        return self

    def _launch(self) -> Launch:
        launch = super()._launch()
        return replace(launch, env={**launch.env, **self._extra})


def move_wal(cluster: Path, place: Path) -> None:
    """Put the log of a stopped cluster elsewhere."""
    wal = cluster / "pg_wal"
    owner = wal.stat()
    target = place / "pg_wal"
    shutil.copytree(wal, target)
    for folder, folders, files in os.walk(target):
        for name in [".", *folders, *files]:
            os.chown(Path(folder) / name, owner.st_uid, owner.st_gid)
    target.chmod(0o700)
    shutil.rmtree(wal)
    wal.symlink_to(target)
