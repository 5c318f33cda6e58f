from pathlib import Path

import asyncpg
import click

from csapi.access.people.signing import add_key, living_keys
from csapi.access.service import AccessError
from csapi.cli.errors import one_line_errors
from csapi.cli.target import as_api, data_dir_option
from csapi.kit.clock import now


@click.group()
def auth() -> None:
    """The keys that sign access tokens."""


@auth.command("rotate-keys")
@click.option(
    "--at-once",
    is_flag=True,
    help="After a leak: the other keys end now, and with them all access tokens.",
)
@data_dir_option
@one_line_errors
def rotate_keys(at_once: bool, data_dir: Path | None) -> None:
    """Make a new key. It signs in a minute; what the others signed stays good until its end."""

    async def work(connection: asyncpg.Connection) -> bool:
        at = now()
        return await add_key(connection, await living_keys(connection, at), at, at_once=at_once)

    if not as_api(data_dir, work):
        raise AccessError("Another process has just made a key. Try again.")
    click.echo("rotated")
