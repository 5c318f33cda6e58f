"""Holding a base backup against its manifest, as pg_verifybackup does.

The wheel's own pg_verifybackup ends with a segmentation fault whatever it is asked, so this reads
the manifest itself, and leaves the write-ahead log to pg_waldump.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from csapi.embedded.errors import EmbeddedError

MANIFEST = "backup_manifest"
ALGORITHM = "SHA256"
# Not in the manifest, or changed on purpose before a start.
FREE = ("backup_manifest", "postgresql.auto.conf", "standby.signal", "recovery.signal")


class File(msgspec.Struct, frozen=True, rename="pascal"):
    size: int
    path: str | None = None
    encoded_path: str | None = msgspec.field(name="Encoded-Path", default=None)
    checksum_algorithm: str | None = msgspec.field(name="Checksum-Algorithm", default=None)
    checksum: str | None = None

    @property
    def name(self) -> str:
        if self.path is not None:
            return self.path
        return bytes.fromhex(self.encoded_path or "").decode(errors="surrogateescape")


class WalRange(msgspec.Struct, frozen=True):
    """The log that a start from the backup needs."""

    timeline: int = msgspec.field(name="Timeline")
    start: str = msgspec.field(name="Start-LSN")
    end: str = msgspec.field(name="End-LSN")


class Listed(msgspec.Struct, frozen=True):
    files: list[File] = msgspec.field(name="Files")
    ranges: list[WalRange] = msgspec.field(name="WAL-Ranges")
    checksum: str = msgspec.field(name="Manifest-Checksum")


def read_manifest(cluster: Path) -> Listed:
    """Raises EmbeddedError where it is not there, or not as it was written."""
    try:
        content = (cluster / MANIFEST).read_bytes()
        listed = msgspec.json.decode(content, type=Listed)
    except (OSError, msgspec.MsgspecError) as error:
        raise EmbeddedError(f"the manifest of the backup cannot be read: {error}") from None
    told, _, _ = content.rstrip(b"\n").rpartition(b"\n")
    if hashlib.sha256(told + b"\n").hexdigest() != listed.checksum:
        raise EmbeddedError("the manifest of the backup was changed")
    return listed


def check_files(cluster: Path, files: Iterable[File]) -> None:
    """Raises EmbeddedError for the first file that is missing, changed, or not in the list."""
    for wrong in differing(cluster, {file.name: file for file in files}):
        raise EmbeddedError(f"the backup is not as it was taken: {wrong}")


def differing(cluster: Path, files: dict[str, File]) -> Iterator[str]:
    for name, file in files.items():
        if name in FREE:
            continue
        path = cluster / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != file.size:
            yield f"{name} has another size"
        elif file.checksum_algorithm != ALGORITHM:
            yield f"{name} has no checksum by {ALGORITHM}"
        else:
            with path.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            if found != file.checksum:
                yield f"{name} was changed"
    for path in cluster.rglob("*"):
        name = path.relative_to(cluster).as_posix()
        is_free = name in FREE or name.startswith("pg_wal/")
        if path.is_file() and not is_free and name not in files:
            yield f"{name} is not in its manifest"
