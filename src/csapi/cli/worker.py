import asyncio

import click

from csapi.cli.errors import one_line_errors
from csapi.kit.settings import load_settings


@click.command()
@one_line_errors
def worker() -> None:
    """Run the background worker: summaries and derivations.

    Needs CSAPI_DATABASE_URL (the role csapi_worker) and, for wake-ups, CSAPI_REDIS_URL.
    """
    from csapi.kit.log import configure_logging
    from csapi.worker import run_worker

    settings = load_settings()
    configure_logging(settings.log_level)
    asyncio.run(run_worker(settings))
