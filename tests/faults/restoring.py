"""F17: a backup, taken while it is written to, started as a server of its own."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
from tests.faults.invariants import WRONG_BUCKETS, WRONGLY_COUNTED, wrong_as_a_whole
from tests.faults.ledger import Reader, lost
from tests.faults.running import Stage
from tests.faults.site import DATABASE, Site

from csapi.cli.backup import drilled
from csapi.embedded.backup import Restored, Source, restored, take
from csapi.embedded.cluster import ADMIN
from csapi.embedded.process import Progress
from csapi.kit.db import SERVER_SETTINGS


async def restored_again(stage: Stage) -> None:
    """What was acknowledged before the backup began is in it, all sums are right, and what
    `csapi drill` looks at is too."""
    for _ in range(stage.size):
        await asyncio.sleep(stage.dice.uniform(0, 2))
        lines = Reader(stage.site.ledger).news()
        async with copied(stage.site) as (copy, connection):
            stage.row.violations += await lost(connection, lines)
            for client in stage.site.clients:
                wrong = await connection.fetch(WRONG_BUCKETS, client.tenant_id, client.zone)
                twice = await connection.fetch(WRONGLY_COUNTED, client.tenant_id)
                stage.row.violations += [f"restored: {row}" for row in (*wrong, *twice)]
            first = stage.site.clients[0]
            stage.row.violations += await wrong_as_a_whole(connection, first.tenant_id, first.zone)
            # It has a loop of its own since it waits for a command.
            found = await asyncio.to_thread(asyncio.run, drilled(copy))
            if not found.is_right:
                stage.row.violations.append(f"F17 drilled: {found}")
        stage.row.notes.append(f"a copy held all of {len(lines)} acknowledgements")


@asynccontextmanager
async def copied(site: Site) -> AsyncIterator[tuple[Restored, asyncpg.Connection]]:
    with ExitStack() as stack:
        copy = await asyncio.to_thread(stack.enter_context, copy_of(site))
        connection = await asyncpg.connect(copy.url(), server_settings=SERVER_SETTINGS)
        try:
            yield copy, connection
        finally:
            await connection.close()
            await asyncio.to_thread(stack.close)


@contextmanager
def copy_of(site: Site) -> Iterator[Restored]:
    """What `csapi backup` takes, started as `csapi drill` does."""
    folder = Path(tempfile.mkdtemp(prefix="restored-", dir=site.home))
    try:
        backup = take(Source(site.admin_url, DATABASE, ADMIN), folder / "backup", lambda _: None)
        with restored(backup, folder / "scratch", Progress()) as copy:
            yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)
