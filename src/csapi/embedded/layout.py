"""A data directory: what is where, who may use it, where its sockets are."""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from csapi.embedded.errors import EmbeddedError
from csapi.embedded.process import Account

FREE_BYTES_NEEDED = 500_000_000
LOGS_KEPT = 3
LOG_BYTES_MAX = 50_000_000
LONGEST_SOCKET = ".s.PGSQL.5432.lock"
SOCKET_PATH_MAX = 100


class Credentials(msgspec.Struct, frozen=True):
    admin: str
    api: str
    worker: str


class DataDir:
    """Paths under one data directory. Nothing is made before `create`."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.cluster = self.path / "cluster"
        self.logs = self.path / "logs"
        self.runtime = self.path / "runtime.json"
        self.credentials_file = self.path / "credentials.json"

    def create(self, *, free_bytes_needed: int = FREE_BYTES_NEEDED) -> None:
        """Make it, or say in one line why it cannot be used."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            (self.path / "lock").touch(mode=0o600)
        except OSError as error:
            raise EmbeddedError(
                f"cannot write to the data directory {self.path}: {error.strerror}; "
                "choose another with --data-dir"
            ) from None
        free = shutil.disk_usage(self.path).free
        if free < free_bytes_needed:
            raise EmbeddedError(
                f"only {free // 1_000_000} MB are free for {self.path}, csapi needs "
                f"{free_bytes_needed // 1_000_000}; free some, or choose another --data-dir"
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """Hold the directory for this process; yields False if another process holds it."""
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(lock)

    def credentials(self) -> Credentials:
        """The stored passwords; made on the first call."""
        try:
            return msgspec.json.decode(self.credentials_file.read_bytes(), type=Credentials)
        except FileNotFoundError:
            if self.cluster.exists():
                raise EmbeddedError(
                    f"{self.credentials_file} is gone and with it the passwords of the database "
                    "beside it; restore it from a backup"
                ) from None
        except msgspec.DecodeError:
            raise EmbeddedError(
                f"{self.credentials_file} is damaged; restore it from a backup"
            ) from None
        made = Credentials(*(secrets.token_urlsafe(24) for _ in range(3)))
        write_private(self.credentials_file, msgspec.json.encode(made))
        return made

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def rotate_log(self, name: str) -> None:
        log = self.log(name)
        for number in range(LOGS_KEPT, 0, -1):
            older = log.with_suffix(f".log.{number}")
            newer = log.with_suffix(f".log.{number - 1}") if number > 1 else log
            if newer.exists():
                newer.replace(older)

    def cap_log(self, name: str) -> None:
        """Keep the log of a long run small; its writer appends and goes on in the emptied file."""
        log = self.log(name)
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > LOG_BYTES_MAX:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def socket_dir(self, account: Account | None) -> Path:
        """A private folder with a path short and plain enough for sockets and URLs."""
        state = self.path.stat()
        key = hashlib.sha256(f"{self.path}:{state.st_dev}:{state.st_ino}".encode()).hexdigest()
        name = f"csapi-{key[:12]}"
        tmp = Path("/tmp")  # noqa: S108
        if account is None:
            candidates = [self.path / "run", tmp / name]
        else:
            candidates = [Path("/run") / name, tmp / name]
        candidates.append(tmp / f"{name}-{secrets.token_hex(4)}")
        for candidate in candidates:
            if _short_and_plain(candidate) and _claimed(candidate, account):
                return candidate
        raise EmbeddedError(
            f"no folder for sockets: none of {', '.join(map(str, candidates))} can be used; "
            "make /tmp writable"
        )

    def drop_socket_dir(self, folder: Path) -> None:
        """Remove it unless another server still uses it."""
        with contextlib.suppress(OSError):
            folder.rmdir()


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` whole, readable by its owner only."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _short_and_plain(folder: Path) -> bool:
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(folder))
    return plain is not None and len(str(folder / LONGEST_SOCKET)) <= SOCKET_PATH_MAX


def _claimed(folder: Path, account: Account | None) -> bool:
    """True if `folder` is now private to the user the servers run as and takes sockets.

    Anybody can put a folder of that name into /tmp first, hence the look at the owner.
    """
    owner = account.uid if account else os.geteuid()
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if account:
                os.chown(folder, account.uid, account.gid)
        state = folder.lstat()
        private = stat.S_ISDIR(state.st_mode) and not state.st_mode & 0o077
        if not private or state.st_uid != owner:
            return False
        probe = folder / f"p{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as trial:
            trial.bind(str(probe))
        probe.unlink()
    except OSError:
        return False
    return True
