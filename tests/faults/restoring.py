"""F17: a copy of the database, taken while it is written to, started as a server of its own."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from tests.conftest import FAST, with_database
from tests.delivery.checks import take_snapshot, violations
from tests.faults.invariants import WRONG_BUCKETS, WRONGLY_COUNTED
from tests.faults.ledger import Reader, lost
from tests.faults.running import Stage
from tests.faults.site import DATABASE, Site

from csapi.embedded.binaries import postgres_folder
from csapi.embedded.postgres import Postgres
from csapi.embedded.process import Progress
from csapi.kit.db import SERVER_SETTINGS


async def restored(stage: Stage) -> None:
    """What was acknowledged before the copy began is in it, and all sums are right."""
    for number in range(stage.size):
        await asyncio.sleep(stage.dice.uniform(0, 2))
        lines = Reader(stage.site.ledger).news()
        async with copied(stage.site, number) as connection:
            stage.row.violations += await lost(connection, lines)
            for client in stage.site.clients:
                wrong = await connection.fetch(WRONG_BUCKETS, client.tenant_id, client.zone)
                twice = await connection.fetch(WRONGLY_COUNTED, client.tenant_id)
                stage.row.violations += [f"restored: {row}" for row in (*wrong, *twice)]
            first = stage.site.clients[0]
            snapshot = await take_snapshot(connection, first.tenant_id, first.zone)
            stage.row.violations += violations(snapshot)
        stage.row.notes.append(f"a copy held all of {len(lines)} acknowledgements")


@asynccontextmanager
async def copied(site: Site, number: int) -> AsyncIterator[asyncpg.Connection]:
    home = Path(tempfile.mkdtemp(prefix=f"restored{number}-", dir=site.home))
    server = Postgres(home, settings=FAST)
    server.layout.create()
    shutil.copyfile(site.postgres.layout.credentials_file, server.layout.credentials_file)
    await asyncio.to_thread(base_backup, site, server)
    await asyncio.to_thread(server.start, Progress())
    try:
        url = with_database(server.admin_url, DATABASE)
        connection = await asyncpg.connect(url, server_settings=SERVER_SETTINGS)
        try:
            yield connection
        finally:
            await connection.close()
    finally:
        await asyncio.to_thread(server.stop, hard=True)
        shutil.rmtree(home, ignore_errors=True)


def base_backup(site: Site, server: Postgres) -> None:
    programs = postgres_folder(site.postgres._account)
    copy = server.layout.cluster
    command = [str(programs / "pg_basebackup"), "-D", str(copy), "-X", "stream", "-c", "fast"]
    subprocess.run([*command, "-d", site.postgres.admin_url], check=True, capture_output=True)
    account = server._account
    if account is not None:
        for folder, folders, files in os.walk(copy):
            for name in [".", *folders, *files]:
                os.chown(Path(folder) / name, account.uid, account.gid)
