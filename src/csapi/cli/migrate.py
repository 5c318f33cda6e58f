import asyncio
import os

import click

from csapi.cli.errors import one_line_errors
from csapi.kit.db import StartupError
from csapi.kit.settings import load_settings


@click.command()
@one_line_errors
def migrate() -> None:
    """Bring the database to the newest schema.

    CSAPI_DATABASE_URL names it, and an administrator. CSAPI_API_PASSWORD and CSAPI_WORKER_PASSWORD,
    where set, become the passwords of the roles csapi_api and csapi_worker, which `csapi serve` and
    `csapi worker` log in as.
    """
    from csapi.kit.migrate import migrate as run_migrations

    url = load_settings().database_url
    if url is None:
        raise StartupError("Set CSAPI_DATABASE_URL to an administrator's URL, then run this again.")
    asyncio.run(
        run_migrations(
            url,
            api_password=os.environ.get("CSAPI_API_PASSWORD"),
            worker_password=os.environ.get("CSAPI_WORKER_PASSWORD"),
        )
    )
    click.echo("The database is up to date.")
