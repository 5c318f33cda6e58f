from pathlib import Path

import asyncpg
import click
import msgspec

from csapi.access.service import AccessError
from csapi.cli.errors import one_line_errors
from csapi.cli.options import json_option
from csapi.cli.target import as_worker_pool, data_dir_option
from csapi.rollup.erasures.job import Eraser
from csapi.rollup.erasures.reapply import (
    ListedTenant,
    OtherKeyError,
    Reapplied,
    listed,
)
from csapi.rollup.erasures.reapply import reapply as begin_again


@click.group()
def erasures() -> None:
    """List who was erased, and erase them again after a restore."""


@erasures.command()
@data_dir_option
@one_line_errors
def export(data_dir: Path | None) -> None:
    """Print all erasures, one JSON object a line for each tenant.

    They are hashes and the key that these are made with, and no names. Keep them apart from
    backups, and as safe.
    """
    for tenant in as_worker_pool(data_dir, listed):
        click.echo(msgspec.json.encode(tenant).decode())


def read_list(path: Path) -> list[ListedTenant]:
    decoder = msgspec.json.Decoder(ListedTenant)
    try:
        return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]
    except (OSError, msgspec.MsgspecError) as error:
        raise AccessError(f"{path} is no list of erasures: {error}.") from None


@erasures.command()
@click.option(
    "--list",
    "list_path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=None,
    help="What `csapi erasures export` printed. Without it, what the database itself knows.",
)
@json_option
@data_dir_option
@one_line_errors
def reapply(list_path: Path | None, as_json: bool, data_dir: Path | None) -> None:
    """Erase again whoever was erased and is back, as after a restore.

    Where nobody is back it does nothing.
    """
    tenants = [] if list_path is None else read_list(list_path)

    async def work(pool: asyncpg.Pool) -> Reapplied:
        done = await begin_again(pool, tenants)
        await Eraser(pool).sweep()
        return done

    try:
        done = as_worker_pool(data_dir, work)
    except OtherKeyError:
        raise AccessError(
            "A tenant has erased people since the restore, under another key: apply the list "
            "before anybody is erased."
        ) from None
    if as_json:
        told = {"erasures": done.erasures, "customers": done.customers}
        click.echo(msgspec.json.encode(told).decode())
    else:
        click.echo(f"erased {done.customers} customers again, of {done.erasures} erasures")
