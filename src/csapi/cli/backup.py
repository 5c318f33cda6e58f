import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import click
import msgspec

from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, lines_of
from csapi.cli.target import data_dir_option
from csapi.cli.verify import named, report_of, verify_all
from csapi.embedded.backup import Backup, Restored, Source, check, restored, take
from csapi.embedded.errors import EmbeddedError
from csapi.embedded.layout import DataDir
from csapi.embedded.process import Progress
from csapi.kit.db import WORKER, connect
from csapi.kit.settings import load_settings

BOOTSTRAP_ROLE = "SELECT current_database(), rolname::text FROM pg_roles WHERE oid = 10"
LOGIN = f"ALTER ROLE {WORKER} LOGIN"
# What a restored database must be besides its rows: closed to other tenants, and whole.
CATALOG = {
    "tables without forced row-level security": """
SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'csapi'::regnamespace AND c.relkind IN ('r', 'p')
  AND a.attname = 'tenant_id' AND NOT a.attisdropped
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity)""",
    "invalid indexes": """
SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'csapi'::regnamespace AND NOT (i.indisvalid AND i.indisready)""",
    "constraints not validated": """
SELECT count(*) FROM pg_constraint
WHERE connamespace = 'csapi'::regnamespace AND NOT convalidated""",
    "roles that see past row-level security": """
SELECT count(*) FROM pg_roles
WHERE rolname IN ('csapi_owner', 'csapi_api', 'csapi_worker') AND (rolsuper OR rolbypassrls)""",
}
REVISION = "SELECT version_num FROM csapi.alembic_version"

url_option = click.option(
    "--url",
    envvar="CSAPI_BACKUP_URL",
    default=None,
    help="Of a server of your own: a role with REPLICATION, on the database of csapi "
    "(CSAPI_BACKUP_URL). Without it, the embedded server of the data directory.",
)


class Voice(Progress):
    """Says on stderr what a long step does."""

    def say(self, message: str) -> None:
        click.echo(message, err=True)


@contextlib.contextmanager
def source_of(url: str | None, data_dir: Path | None) -> Iterator[Source]:
    if url is not None:
        database, superuser = asyncio.run(owner_of(url))
        yield Source(url, database, superuser)
        return
    from csapi.embedded.instance import open_instance

    folder = data_dir or Path(load_settings().data_dir)
    with open_instance(folder, progress=Voice()) as instance:
        database, superuser = asyncio.run(owner_of(instance.admin_url))
        credentials = DataDir(folder).credentials_file
        yield Source(instance.admin_url, database, superuser, credentials)


async def owner_of(url: str) -> tuple[str, str]:
    """The database's name, and the role that the cluster was made with."""
    connection = await connect(url)
    try:
        database, superuser = await connection.fetchrow(BOOTSTRAP_ROLE)
        return database, superuser
    finally:
        await connection.close()


def taken(source: Source, target: Path) -> Backup:
    with click.progressbar(length=100, label="backing up", file=sys.stderr) as bar:
        backup = take(source, target, lambda percent: bar.update(percent - bar.pos))
        bar.update(100 - bar.pos)
    return backup


@click.command()
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="A new folder.",
)
@url_option
@data_dir_option
@one_line_errors
def backup(target: Path, url: str | None, data_dir: Path | None) -> None:
    """Back up a running server into a new folder.

    All files are held against their checksums. What is committed when the backup ends is in it.
    Keep the folder as safe as the database: it holds all data, and of an embedded server its
    passwords.
    """
    began = time.monotonic()
    with source_of(url, data_dir) as source:
        made = taken(source, target.absolute())
    size = sum(each.stat().st_size for each in made.path.rglob("*") if each.is_file())
    click.echo(f"{made.path}: {size / 1e6:,.0f} MB in {time.monotonic() - began:.1f} s, verified")


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a restored copy was found to be."""

    verified: dict[str, int]
    wrong: list[str]
    catalog: dict[str, int]
    revision: str
    erasures: str

    @property
    def is_right(self) -> bool:
        return not (self.verified["mismatches"] or any(self.catalog.values()))


@click.command()
@click.option(
    "--backup",
    "backup_path",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=None,
    help="What `csapi backup` made. Without it, a backup is taken for the drill.",
)
@click.option(
    "--wal",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=None,
    help="An archive of write-ahead log, such as pg_receivewal writes, to go on from the backup.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]),
    default=None,
    help="With --wal: restore to this instant, such as 2027-01-01T00:00:00+0000.",
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=None,
    help="Where the copy is made, with room for all data (default: the folder for such files).",
)
@json_option
@url_option
@data_dir_option
@one_line_errors
def drill(
    backup_path: Path | None,
    wal: Path | None,
    until: datetime | None,
    scratch: Path | None,
    *,
    as_json: bool,
    url: str | None,
    data_dir: Path | None,
) -> None:
    """Prove a backup: restore it, and verify everything.

    It is restored into a scratch server, where who was erased is erased again. The copy is deleted
    afterwards, and the running server is only read. Exit code 1 if anything differs.
    """
    if until is not None and wal is None:
        raise EmbeddedError("--until needs --wal: a backup alone ends where it ends")
    voice = Voice()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="csapi-drill-", dir=scratch) as folder:
        place = Path(folder)
        if backup_path is None:
            with source_of(url, data_dir) as source:
                chosen = taken(source, place / "backup")
        else:
            chosen = Backup(backup_path.absolute())
            check(chosen)
        voice.say("restoring into a scratch server")
        with restored(chosen, place / "restored", voice, wal=wal, until=until) as copy:
            found = asyncio.run(drilled(copy))
            taken_at, seconds = copy.manifest.taken_at, copy.seconds
    report = {
        "backup_taken_at": taken_at.astimezone(UTC).isoformat(),
        "recovery_seconds": round(seconds, 1),
        "total_seconds": round(time.monotonic() - began, 1),
        "schema_revision": found.revision,
        "erasures": found.erasures,
        "catalog": found.catalog,
        **found.verified,
        "is_right": found.is_right,
    }
    show(report, found.wrong, as_json=as_json)
    sys.exit(0 if found.is_right else 1)


def show(report: dict[str, object], wrong: list[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
        return
    catalog = report.pop("catalog")
    click.echo(lines_of(report | (catalog if isinstance(catalog, dict) else {})))
    for line in wrong:
        click.echo(line)


async def drilled(copy: Restored) -> Drilled:
    """What is right and wrong of a restored copy."""
    admin = await connect(copy.url())
    try:
        await admin.execute(LOGIN)
        catalog = {name: await admin.fetchval(sql) for name, sql in CATALOG.items()}
        revision = await admin.fetchval(REVISION)
    except asyncpg.PostgresError as error:
        raise EmbeddedError(f"the restored copy cannot be read: {error}") from None
    finally:
        await admin.close()
    erasures = erased_again(copy)
    connection = await connect(copy.url(WORKER), WORKER)
    try:
        findings = await verify_all(connection, "verifying the copy")
    finally:
        await connection.close()
    return Drilled(report_of(findings), list(named(findings)), catalog, revision, erasures)


def erased_again(copy: Restored) -> str:
    """Run `csapi erasures reapply` on the copy, where this csapi has it."""
    from csapi.cli.main import COMMANDS

    if "erasures" not in COMMANDS:
        return "none: this csapi erases nobody"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CSAPI_")}
    done = subprocess.run(
        [sys.executable, "-m", "csapi", "erasures", "reapply"],
        env={**kept, "CSAPI_DATABASE_URL": copy.url(WORKER)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise EmbeddedError(f"erasing again on the copy failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
