"""PostgreSQL: its version and settings, who we are there, the schema, and what waits."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
from alembic.script import ScriptDirectory

from csapi.cli.checks.finding import Finding, State, failed, ok, warning
from csapi.cli.checks.skew import Reading, here, skew_of
from csapi.kit.db import OLDEST_POSTGRES, OWNER, WORKER, StartupError, connect, refuse_unsafe_role
from csapi.kit.migrate import alembic_config
from csapi.kit.settings import Settings
from csapi.rollup.behind import BEHIND, MOST_COUNTED, OLDEST_TRANSACTION

LATE_SECONDS, STUCK_SECONDS = 60.0, 300.0
OLD_TRANSACTION_SECONDS = 600.0
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
LOST = {
    "fsync": "a crash of the machine may damage the database",
    "full_page_writes": "a crash of the machine may damage the database",
    "synchronous_commit": "a crash may lose what was answered with 200",
    "data_checksums": "damage by the disk would not be noticed",
}
# Whoever owns a table passes its policies where they are not forced.
UNFORCED = """
SELECT c.relname FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
WHERE c.relnamespace = to_regnamespace('csapi') AND c.relkind IN ('r', 'p')
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"""
WORKERS = "SELECT count(*) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()"
USED = """
SELECT count(*) AS used, current_setting('max_connections')::int AS most
FROM pg_stat_activity WHERE backend_type = 'client backend'"""


async def look_at_database(url: str, settings: Settings) -> AsyncIterator[Finding]:
    """All that can be seen as whoever `url` logs in as."""
    try:
        connection = await connect(url)
    except StartupError as error:
        text, _, mend = str(error).rpartition(". ")
        yield failed("database", text, mend)
        return
    try:
        async for each in _looks(connection, settings):
            yield each
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        text = f"the database failed while it was looked at ({type(error).__name__})"
        yield failed("database", text, "Try again; if it stays so, look into PostgreSQL's log.")
    finally:
        await connection.close()


async def _looks(connection: asyncpg.Connection, settings: Settings) -> AsyncIterator[Finding]:
    version = connection.get_server_version()
    text = f"PostgreSQL {version.major}.{version.micro} answers"
    if version.major < OLDEST_POSTGRES:
        mend = f"Use PostgreSQL {OLDEST_POSTGRES} or newer."
        yield failed("database", f"{text}, which is too old", mend)
        return
    yield ok("database", text)
    before = here()
    there = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    yield skew_of("PostgreSQL", Reading(before, there, here()))
    for each in await _settings(connection):
        yield each
    yield await _connections(connection, settings)
    schema = await _schema(connection)
    yield schema
    if schema.state is not State.FAILED:
        yield await role_of(connection)
        async for each in _data(connection):
            yield each


async def role_of(connection: asyncpg.Connection) -> Finding:
    """Whether `csapi serve` and `csapi worker` would start as this role."""
    login = await connection.fetchval("SELECT session_user::text")
    try:
        await refuse_unsafe_role(connection, OWNER)
    except StartupError as error:
        text, _, mend = str(error).partition(". ")
        return failed("role", f"as {login}: {text}", mend)
    return ok("role", f"{login} cannot see past row-level security")


async def _settings(connection: asyncpg.Connection) -> list[Finding]:
    rows = await connection.fetch(
        "SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[])", list(SAFE)
    )
    found = [
        warning(
            "settings",
            f"{row['name']} is {row['setting']}: {LOST[row['name']]}",
            "Run pg_checksums --enable while PostgreSQL is stopped."
            if row["name"] == "data_checksums"
            else f"Set {row['name']} = {SAFE[row['name']]} in PostgreSQL's configuration.",
        )
        for row in rows
        # remote_apply and its like promise more.
        if row["setting"] in ("off", "local")
    ]
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        text = "the server is a standby, which takes no writes"
        found.append(failed("settings", text, "Point CSAPI_DATABASE_URL at the primary."))
    if (encoding := await connection.fetchval("SHOW server_encoding")) != "UTF8":
        mend = "Create the database anew with ENCODING 'UTF8'."
        found.append(failed("settings", f"the database is encoded in {encoding}", mend))
    return found or [ok("settings", "what is answered with 200 survives a crash")]


async def _connections(connection: asyncpg.Connection, settings: Settings) -> Finding:
    row = await connection.fetchrow(USED)
    needed = settings.pool_size * (settings.api_workers + 1)
    text = (
        f"{needed} connections for {settings.api_workers} API processes and a worker; "
        f"{row['used']} of {row['most']} are in use"
    )
    if needed + 10 > row["most"]:
        mend = f"Raise max_connections to {needed + 20} or more, or lower CSAPI_POOL_SIZE."
        return failed("connections", text, mend)
    return ok("connections", text)


async def _schema(connection: asyncpg.Connection) -> Finding:
    heads = ScriptDirectory.from_config(alembic_config())
    head = heads.get_current_head()
    try:
        found = await connection.fetchval("SELECT version_num FROM csapi.alembic_version")
    except asyncpg.InsufficientPrivilegeError:
        login = await connection.fetchval("SELECT session_user::text")
        mend = "Use the URL of csapi_api or csapi_worker, after csapi migrate."
        return failed("migrations", f"{login} may not use the schema csapi", mend)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        found = None
    if found is None:
        mend = "Run csapi migrate with an administrator's CSAPI_DATABASE_URL."
        return failed("migrations", "the database has no csapi tables", mend)
    if found == head:
        return ok("migrations", f"the schema is that of this csapi ({head})")
    if found in {script.revision for script in heads.walk_revisions()}:
        mend = "Run csapi migrate with an administrator's CSAPI_DATABASE_URL."
        return failed("migrations", f"the schema is at {found}, this csapi needs {head}", mend)
    text = f"the schema is at {found}, which this csapi ({head}) does not know"
    return failed("migrations", text, "Install the csapi that made it, or a newer one.")


async def _data(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    unforced = [row["relname"] for row in await connection.fetch(UNFORCED)]
    if unforced:
        text = f"row-level security is not forced on {', '.join(unforced)}"
        mend = (
            "Run ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY as csapi_owner."
        )
        yield failed("row-level security", text, mend)
    else:
        yield ok("row-level security", "forced on every table of tenants")
    if await connection.fetchval(WORKERS, WORKER):
        yield ok("worker", "a worker is connected")
    else:
        yield warning("worker", "no worker is connected: summaries wait", "Start csapi worker.")
    oldest = float(await connection.fetchval(OLDEST_TRANSACTION) or 0)
    if oldest > OLD_TRANSACTION_SECONDS:
        text = f"a transaction has been open for {oldest:.0f} s: nothing is cleaned up behind it"
        yield warning("transactions", text, "Find it in pg_stat_activity, and end it.")
    for each in await lag_of(connection):
        yield each


async def lag_of(connection: asyncpg.Connection) -> list[Finding]:
    """How long the oldest mark of each queue has waited. Only the worker's role sees them all."""
    try:
        if await connection.fetchval("SELECT current_user") != WORKER:
            await connection.execute(f"SET ROLE {WORKER}")
    except asyncpg.PostgresError:
        text = "this role cannot see what waits for the worker"
        return [ok("lag", f"{text}; with CSAPI_WORKER_DATABASE_URL it is looked at")]
    found = [
        finding
        for queue, statement in BEHIND.items()
        for finding in _lag(queue, await connection.fetchrow(statement, MOST_COUNTED))
    ]
    return found or [ok("lag", "nothing has waited for the worker for long")]


def _lag(queue: str, row: asyncpg.Record) -> Iterator[Finding]:
    age = float(row["oldest"] or 0)
    text = f"{row['waiting']} {queue.replace('_', ' ')} wait, the oldest for {age:.0f} s"
    mend = "See that csapi worker runs, and what it logs; more workers share the work."
    if age > STUCK_SECONDS:
        yield failed("lag", text, mend)
    elif age > LATE_SECONDS:
        yield warning("lag", text, mend)
