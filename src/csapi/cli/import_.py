"""`csapi import`: a customer's own file through the public API."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from csapi.connect.mapping.errors import MappingError
from csapi.connect.mapping.mapping import read_mapping
from csapi.connect.mapping.shapes import RESOURCES
from csapi.connect.transfer.client import Patience
from csapi.connect.transfer.errors import ImportStoppedError
from csapi.connect.transfer.progress import Bar, Lines, Reporter
from csapi.connect.transfer.rejects import Rejects
from csapi.connect.transfer.run import Import, Target

SOME_REJECTED = 2
INTERRUPTED = 130


class CannotRunError(click.UsageError):
    """Exit code 2 says that rows were rejected, so a wrong call must not use it."""

    exit_code = 1


class ImportCommand(click.Command):
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise CannotRunError(error.format_message(), error.ctx) from None


def _echo(text: str) -> None:
    click.echo(text, err=True)


@click.command(name="import", cls=ImportCommand)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "resource",
    metavar="RESOURCE",
    help=f"What a row is: {', '.join(RESOURCES)}; or all. The mapping's side outputs go along.",
)
@click.option(
    "--map",
    "mapping",
    metavar="MAPPING",
    required=True,
    type=click.Path(path_type=Path),
    help="The mapping file, TOML (docs/import.md).",
)
@click.option("--url", metavar="URL", help="The server, such as http://127.0.0.1:8800.")
@click.option(
    "--key", metavar="KEY", envvar="CSAPI_KEY", show_envvar=True, help="A key that may write."
)
@click.option("--parallel", type=click.IntRange(1, 16), default=2, show_default=True)
@click.option("--batch-size", type=click.IntRange(1, 1000), default=1000, show_default=True)
@click.option(
    "--retry-for",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=300,
    show_default=True,
    help="How long to try again while the server is away or busy.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Read only so many rows.")
@click.option(
    "--rejects",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Rejected rows with reasons, NDJSON or .csv.  [default: FILE.rejects.ndjson here]",
)
@click.option("--dry-run", is_flag=True, help="Map and check everything, send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def import_(
    *,
    file: Path,
    resource: str | None,
    mapping: Path,
    url: str | None,
    key: str | None,
    parallel: int,
    batch_size: int,
    retry_for: float,
    limit: int | None,
    rejects: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import FILE (CSV, TSV or NDJSON, gzip too). Running it again counts nothing twice.

    Exit code 0: every row landed; 2: some rows were rejected, see the rejects file;
    1: it could not run or not go on; 130: interrupted.
    """
    target = None
    if not dry_run:
        if not url or not key:
            raise CannotRunError("--url and --key are needed, except with --dry-run")
        target = Target(url, key, Patience(give_up_after=retry_for), parallel, batch_size)
    rejects_path = rejects or Path(f"{file.name}.rejects.ndjson")
    try:
        with closing(Rejects(rejects_path, asked_for=rejects is not None)) as rejects_file:
            job = Import(file, read_mapping(mapping), resource, rejects_file)
            code = _run(job, target, limit, as_json=as_json)
    except (MappingError, ImportStoppedError) as error:
        _echo(f"csapi import: {error}")
        code = 1
    sys.exit(code)


def _run(job: Import, target: Target | None, limit: int | None, *, as_json: bool) -> int:
    """Import, show what happened, and give the exit code."""
    reporter = _reporter(job)
    preview: list[dict[str, Any]] = []
    failure, code = None, 0
    try:
        if target is None:
            preview = job.dry_run(reporter, limit)
        else:
            job.send(target, reporter, limit)
    except ImportStoppedError as error:
        failure, code = str(error), 1
    except KeyboardInterrupt:
        failure, code = "interrupted", INTERRUPTED
    finally:
        reporter.close()
        job.close()
    if not code and job.tally.rows_rejected:
        code = SOME_REJECTED
    for warning in job.warnings():
        _echo(warning)
    if as_json:
        _print_json(job, preview, failure, dry_run=target is None)
    else:
        _print_text(job, preview, dry_run=target is None)
    if failure is not None:
        _echo(f"csapi import: {failure}")
    return code


def _reporter(job: Import) -> Reporter:
    console = Console(stderr=True)
    if console.is_terminal:
        return Bar("importing", job.file.size, console)
    return Lines("csapi import", job.file.size, _echo)


def _print_json(
    job: Import, preview: list[dict[str, Any]], failure: str | None, *, dry_run: bool
) -> None:
    summary = job.tally.summary()
    if dry_run:
        summary |= {"mapped": dict(job.tally.mapped), "first_items": preview}
    if failure is not None:
        summary["error"] = failure
    click.echo(_json(summary))


def _print_text(job: Import, preview: list[dict[str, Any]], *, dry_run: bool) -> None:
    for example in preview:
        click.echo(_json(example))
    tally = job.tally
    summary = tally.summary()
    seconds = summary["seconds"]
    click.echo(
        f"{tally.rows_read:,} rows read in {seconds:.1f} s"
        f" ({tally.rows_read / max(seconds, 0.001):,.0f} rows/s):"
        f" {summary['rows_skipped']:,} skipped by rule, {tally.rows_rejected:,} rejected"
    )
    for rule, count in tally.skipped.items():
        click.echo(f"  skipped by rule {rule!r}: {count:,}")
    for resource, counts in summary["items"].items():
        mapped = {"mapped": tally.mapped[resource], "rejected": counts["rejected"]}
        shown = mapped if dry_run else counts
        parts = ", ".join(f"{count:,} {status}" for status, count in shown.items())
        click.echo(f"  {resource}: {parts}")
    for reason, count in tally.reasons.most_common(5):
        click.echo(f"  rejected: {count:,} x {reason}")
    if summary["rejects_file"]:
        click.echo(f"  rejected rows with reasons: {summary['rejects_file']}")


def _json(data: object) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(data).decode()
