"""Which database a command works on: CSAPI_DATABASE_URL, else the one in the data directory."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import click

from csapi.kit.db import API, WORKER, StartupError, connect, one_line, open_pool
from csapi.kit.settings import load_settings

T = TypeVar("T")

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where `csapi up` keeps its data (default: CSAPI_DATA_DIR or .csapi).",
)


def as_api(data_dir: Path | None, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    return on_database(data_dir, API, work)


def as_worker(data_dir: Path | None, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    return on_database(data_dir, WORKER, work)


def as_api_pool(data_dir: Path | None, work: Callable[[asyncpg.Pool], Awaitable[T]]) -> T:
    """The same on a pool of one connection, for what the API does with one."""
    return _on_pool(data_dir, API, work, 1, load_settings().statement_timeout_ms)


def as_worker_pool(
    data_dir: Path | None, work: Callable[[asyncpg.Pool], Awaitable[T]], *, size: int = 1
) -> T:
    """The same for what the worker does, which may take as long as it takes."""
    return _on_pool(data_dir, WORKER, work, size, 0)


def _on_pool(
    data_dir: Path | None,
    role: str,
    work: Callable[[asyncpg.Pool], Awaitable[T]],
    size: int,
    statement_timeout_ms: int,
) -> T:
    async def with_pool(url: str) -> T:
        pool = await open_pool(url, size=size, statement_timeout_ms=statement_timeout_ms)
        try:
            return await work(pool)
        finally:
            await pool.close()

    return on_url(data_dir, role, with_pool)


def on_database(
    data_dir: Path | None, role: str, work: Callable[[asyncpg.Connection], Awaitable[T]]
) -> T:
    """Run `work` on a connection that acts as `role`. Raises StartupError or EmbeddedError."""

    async def with_connection(url: str) -> T:
        connection = await connect(url, role)
        try:
            return await work(connection)
        finally:
            await connection.close()

    return on_url(data_dir, role, with_connection)


def on_url(data_dir: Path | None, role: str, work: Callable[[str], Awaitable[T]]) -> T:
    """Run `work` with the URL of the database. Raises StartupError or EmbeddedError."""
    settings = load_settings()
    if data_dir is None and settings.database_url is not None:
        return asyncio.run(_one_line_failures(settings.database_url, work))
    from csapi.embedded.instance import open_instance

    with open_instance(data_dir or Path(settings.data_dir)) as instance:
        url = instance.api_url if role == API else instance.worker_url
        return asyncio.run(_one_line_failures(url, work))


async def _one_line_failures(url: str, work: Callable[[str], Awaitable[T]]) -> T:
    try:
        return await work(url)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        raise StartupError(
            "The database has no csapi tables yet. Run `csapi migrate` first."
        ) from None
    except (asyncpg.PostgresError, OSError) as error:
        raise StartupError(f"The database failed: {one_line(error)}. Try again.") from None
