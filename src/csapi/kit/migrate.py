"""Roles, schema and migrations. Runs as an administrator; everything it makes csapi_owner owns."""

import asyncio
import random
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from csapi.kit.db import API, OLDEST_POSTGRES, OWNER, WORKER, StartupError, connect, one_line

MIGRATION_LOCK = 0x63736170
LOCK_TRIES = 5
# Roles belong to all databases of a server, so no lock of one database keeps two runs apart.
ROLE_RACES = (
    asyncpg.DuplicateObjectError,
    asyncpg.DuplicateSchemaError,
    asyncpg.UniqueViolationError,
    asyncpg.InternalServerError,  # "tuple concurrently updated"
)


def migrations_path() -> Path:
    """Where the migration scripts are: inside an installed wheel, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent.parent / "migrations"


async def prepare_roles(url: str, passwords: dict[str, str | None]) -> None:
    """Create the roles and the schema where they are missing; set the passwords that are given.

    Raises StartupError when PostgreSQL is too old or the role may not create roles.
    """
    connection = await connect(url)
    try:
        if connection.get_server_version().major < OLDEST_POSTGRES:
            raise StartupError(
                f"PostgreSQL {connection.get_server_version().major} is too old: "
                f"csapi needs {OLDEST_POSTGRES} or newer. Point CSAPI_DATABASE_URL at one."
            )
        for left in reversed(range(LOCK_TRIES)):
            try:
                await create_roles(connection, passwords)
            except ROLE_RACES:
                if left == 0:
                    raise
                await asyncio.sleep(random.uniform(0.05, 0.5))  # noqa: S311  spread, not secrecy
            else:
                return
    except asyncpg.InsufficientPrivilegeError as error:
        raise StartupError(
            f"The role of CSAPI_DATABASE_URL may not prepare the database ({one_line(error)}). "
            "Run csapi migrate with an administrator's URL (CREATEROLE and CREATE on the database)."
        ) from None
    finally:
        await connection.close()


async def create_roles(connection: asyncpg.Connection, passwords: dict[str, str | None]) -> None:
    for role in (OWNER, API, WORKER):
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        if password := passwords.get(role):
            quoted = await connection.fetchval("SELECT quote_literal($1)", password)
            await connection.execute(f"ALTER ROLE {role} LOGIN PASSWORD {quoted}")
    # A superuser may act as any role; another administrator must be a member first.
    await connection.execute(f"GRANT {OWNER}, {API}, {WORKER} TO CURRENT_USER WITH SET TRUE")
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS csapi AUTHORIZATION {OWNER}")
    await connection.execute(f"GRANT USAGE ON SCHEMA csapi TO {API}, {WORKER}")


def sqlalchemy_url(url: str) -> str:
    # str() of a SQLAlchemy URL hides the password
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def alembic_config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_path()))
    config.attributes["connection"] = connection
    return config


async def run_alembic(url: str, action: str, *arguments: str) -> None:
    """Run one alembic command (upgrade, downgrade, check) as csapi_owner, one process at a time.

    A lock that another session holds longer than the migration's lock_timeout is waited for with
    pauses: the migration gives way, not the traffic.
    """
    engine = create_async_engine(sqlalchemy_url(url))
    try:
        for left in reversed(range(LOCK_TRIES)):
            try:
                async with engine.connect() as connection:
                    await connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
                    await connection.exec_driver_sql(f"SET ROLE {OWNER}")
                    await connection.exec_driver_sql("SET search_path = csapi")
                    await connection.commit()
                    await connection.run_sync(
                        lambda sync: getattr(command, action)(alembic_config(sync), *arguments)
                    )
                    await connection.commit()
            except Exception as error:
                if left == 0 or "lock timeout" not in str(error):
                    raise
                await asyncio.sleep(2)
            else:
                return
    finally:
        await engine.dispose()


async def migrate(
    url: str, *, api_password: str | None = None, worker_password: str | None = None
) -> None:
    """Bring the database at `url` (an administrator's) to the newest schema."""
    await prepare_roles(url, {API: api_password, WORKER: worker_password})
    try:
        await run_alembic(url, "upgrade", "head")
    except CommandError as error:
        raise StartupError(
            f"The schema cannot be brought up to date: {one_line(error)}. "
            "Use the csapi that made it, or a newer one."
        ) from None
