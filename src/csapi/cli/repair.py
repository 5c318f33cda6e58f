import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import click
import msgspec

from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option, table_of
from csapi.cli.target import as_worker_pool, data_dir_option
from csapi.cli.verify import verify_all
from csapi.kit.db import acquire
from csapi.rollup.repair import repair as mark
from csapi.rollup.sweep import Drainer
from csapi.rollup.wrongs import Wrong, wrongs_of

CONNECTIONS = 2
HEADS = ("tenant", "where", "part", "was", "should be")


def table(wrongs: Sequence[Wrong]) -> str:
    return table_of(
        [HEADS, *((str(w.tenant_id), w.where, w.part, w.was, w.should) for w in wrongs)]
    )


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what is wrong, and change nothing.")
@json_option
@data_dir_option
@one_line_errors
def repair(dry_run: bool, as_json: bool, data_dir: Path | None) -> None:
    """Find what is wrong, mend it, and verify again.

    Exit code 0 if nothing is wrong at the end, else 1; with --dry-run, 1 if anything is wrong. An
    audit log that was changed cannot be mended.
    """

    async def work(pool: asyncpg.Pool) -> tuple[list[Wrong], int]:
        async with acquire(pool) as connection:
            findings = await verify_all(connection, "verifying")
            zones = await connection.fetch("SELECT tenant_id, timezone FROM tenants ORDER BY 1")
            wrongs = [
                wrong
                for tenant in zones
                for wrong in await wrongs_of(
                    connection, tenant["tenant_id"], tenant["timezone"], findings
                )
            ]
            if dry_run or not findings.mismatches:
                return wrongs, findings.mismatches
            await mark(connection, findings)
        await Drainer(pool, settled_seconds=0, rested=False).drain()
        async with acquire(pool) as connection:
            again = await verify_all(connection, "verifying again")
        return wrongs, again.mismatches

    wrongs, left = as_worker_pool(data_dir, work, size=CONNECTIONS)
    if as_json:
        report = {"dry_run": dry_run, "wrong": wrongs, "mismatches_left": left}
        click.echo(msgspec.json.encode(report).decode())
    else:
        if wrongs:
            click.echo(table(wrongs))
        was = "nothing was changed" if dry_run else "left after mending"
        click.echo(f"{len(wrongs)} differences found; {was}: {left} subjects, buckets and logs")
    sys.exit(1 if left else 0)
