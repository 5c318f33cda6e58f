"""Base backups with PostgreSQL's own programs, and scratch servers over what they give.

A backup is a folder: `cluster` is the server's files, backup.json says whose, and, of an embedded
server, credentials.json has the passwords, so that the folder is a data directory.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import msgspec

from csapi.embedded.account import service_account
from csapi.embedded.binaries import postgres_folder
from csapi.embedded.cluster import SERVER_ENV
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import DataDir, write_private
from csapi.embedded.manifest import ALGORITHM, check_files, read_manifest
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress
from csapi.kit.clock import now

PERCENT = re.compile(r"\((\d+)%\)")
TOLD_LINES = 5
WAL_FOLDER = "archive"
# Nobody connects before recovery is over: then its settings need not be those of the server.
SCRATCH_SETTINGS = {"cluster_name": "csapi-drill", "hot_standby": "off", "archive_mode": "off"}
# What a server's own files say is of its own machine; some keep them elsewhere.
CONFIGURATION = {"postgresql.conf": "", "postgresql.auto.conf": "", "pg_ident.conf": ""}
# The socket's folder is private to the user that the server runs as.
SCRATCH_HBA = "local all all trust\n"

Percent = Callable[[int], None]


class Manifest(msgspec.Struct, frozen=True):
    """Whose backup it is. superuser: the role that the cluster was made with."""

    taken_at: datetime
    database: str
    superuser: str


@dataclass(frozen=True, slots=True)
class Source:
    """A server to back up: `url` of a role that may replicate."""

    url: str
    database: str
    superuser: str
    credentials: Path | None = None


@dataclass(frozen=True, slots=True)
class Backup:
    path: Path

    @property
    def cluster(self) -> Path:
        return self.path / "cluster"

    def manifest(self) -> Manifest:
        try:
            return msgspec.json.decode((self.path / "backup.json").read_bytes(), type=Manifest)
        except (OSError, msgspec.MsgspecError):
            raise EmbeddedError(
                f"{self.path} is no backup of `csapi backup`; name the folder that it made"
            ) from None


def without_secret(url: str) -> tuple[str, str | None]:
    """The URL without its password, which every process list would show, and the password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = quote(unquote(parts.username or ""), safe="")
    query = [each for each in parse_qsl(parts.query) if each[0] != "password"]
    password = dict(parse_qsl(parts.query)).get("password") or parts.password
    netloc = f"{user}@{host}" if user else host
    rest = f"?{urlencode(query, safe='/')}" if query else ""
    plain = f"{parts.scheme}://{netloc}{parts.path}{rest}"
    return plain, None if password is None else unquote(password)


def run_tool(name: str, arguments: list[str], env: dict[str, str], percent: Percent) -> None:
    """Run one of PostgreSQL's programs to its end; raise EmbeddedError with its last words."""
    command = [str(postgres_folder(None) / name), *arguments]
    last: list[str] = []
    with subprocess.Popen(  # noqa: S603  our own program, arguments of ours
        command,
        env={**SERVER_ENV, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        bufsize=1,
    ) as process:
        for line in process.stderr or ():
            if found := PERCENT.search(line):
                percent(int(found[1]))
            elif line.strip():
                last = [*last, line.strip()][-TOLD_LINES:]
    if process.returncode != 0:
        raise EmbeddedError(f"{name} failed: {' '.join(last) or f'code {process.returncode}'}")


def take(source: Source, target: Path, percent: Percent) -> Backup:
    """Take a base backup of a running server, complete or not at all, and verify its checksums."""
    if target.exists() and any(target.iterdir()):
        raise EmbeddedError(f"{target} is not empty; name a new folder for the backup")
    draft = target.with_name(f"{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    url, password = without_secret(source.url)
    env = {} if password is None else {"PGPASSWORD": password}
    options = ["--checkpoint=fast", "--wal-method=stream", "--progress", "--no-password"]
    options += [f"--manifest-checksums={ALGORITHM}"]
    try:
        where = [f"--dbname={url}", f"--pgdata={draft / 'cluster'}"]
        run_tool("pg_basebackup", [*where, *options], env, percent)
        made = Manifest(now(), source.database, source.superuser)
        write_private(draft / "backup.json", msgspec.json.encode(made))
        if source.credentials is not None:
            write_private(draft / "credentials.json", source.credentials.read_bytes())
        check(Backup(draft))
        if target.exists():
            target.rmdir()
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Backup(target)


def check(backup: Backup) -> None:
    """Hold every file against the backup's manifest, and its write-ahead log against itself."""
    listed = read_manifest(backup.cluster)
    check_files(backup.cluster, listed.files)
    for each in listed.ranges:
        options = [f"--path={backup.cluster / 'pg_wal'}", f"--timeline={each.timeline}"]
        options += ["--quiet", f"--start={each.start}", f"--end={each.end}"]
        run_tool("pg_waldump", options, {}, lambda _: None)


@dataclass(frozen=True, slots=True)
class Restored:
    """A scratch server over a copy of a backup, which ends with it."""

    postgres: Postgres
    manifest: Manifest
    seconds: float

    def url(self, role: str | None = None) -> str:
        user = quote(role or self.manifest.superuser, safe="")
        folder = urlsplit(self.postgres.admin_url).query
        return f"postgresql://{user}@/{quote(self.manifest.database, safe='')}?{folder}"


def recovery_settings(archive: Path, until: datetime | None) -> dict[str, str]:
    """Where further log comes from; pg_receivewal calls the segment that it writes .partial."""
    fetch = f"cp {archive}/%f %p 2>/dev/null || cp {archive}/%f.partial %p"
    found = {"restore_command": fetch, "recovery_target_action": "promote"}
    if until is not None:
        found["recovery_target_time"] = until.isoformat()
    return found


def prepare(backup: Backup, scratch: Path, wal: Path | None, until: datetime | None) -> Postgres:
    """A copy of a backup's files that a server of ours can start over."""
    layout = DataDir(scratch)
    layout.create()
    layout.credentials()
    shutil.copytree(backup.cluster, layout.cluster, symlinks=True)
    for name in ("postmaster.pid", "postmaster.opts", "standby.signal"):
        (layout.cluster / name).unlink(missing_ok=True)
    for name, content in (*CONFIGURATION.items(), ("pg_hba.conf", SCRATCH_HBA)):
        (layout.cluster / name).write_text(content)
    settings = dict(SCRATCH_SETTINGS)
    if wal is not None:
        archive = layout.cluster / WAL_FOLDER
        shutil.copytree(wal, archive)
        (layout.cluster / "recovery.signal").touch()
        # The server's working directory is its cluster.
        settings |= recovery_settings(Path(WAL_FOLDER), until)
    account = service_account(backup.cluster) if os.geteuid() == 0 else None
    if account is not None:
        for folder, folders, files in os.walk(layout.cluster):
            for name in [*folders, *files]:
                place = Path(folder) / name
                os.chown(place, account.uid, account.gid, follow_symlinks=False)
        os.chown(layout.cluster, account.uid, account.gid)
    layout.cluster.chmod(0o700)
    return Postgres(scratch, settings=settings)


def start(postgres: Postgres, progress: Progress) -> None:
    """The log goes with the copy: what it says of a failure is told here."""
    try:
        postgres.start(progress)
    except EmbeddedError as error:
        last = " ".join(error.detail.splitlines()[-2:]) or str(error)
        raise EmbeddedError(f"the restored copy does not start: {last}") from None


@contextlib.contextmanager
def restored(
    backup: Backup,
    scratch: Path,
    progress: Progress,
    *,
    wal: Path | None = None,
    until: datetime | None = None,
) -> Iterator[Restored]:
    """Start a scratch server over a copy of a backup; it and the copy are gone afterwards."""
    manifest = backup.manifest()
    try:
        postgres = prepare(backup, scratch, wal, until)
        began = time.monotonic()
        try:
            start(postgres, progress)
            seconds = time.monotonic() - began
            yield Restored(postgres, manifest, seconds)
        finally:
            postgres.stop(hard=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
