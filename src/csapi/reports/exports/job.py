"""The worker's part: claims what is due, writes files, takes expired ones away."""

import asyncio
import logging
from contextlib import suppress
from uuid import UUID

import asyncpg

from csapi.access.tenancy import tenant_transaction
from csapi.kit.language import Language
from csapi.kit.problems import Problem
from csapi.kit.turns import Sweeps
from csapi.reports.exports.lines import Source
from csapi.reports.exports.schemas import MOST_BYTES, ExportProblem, ExportStatus
from csapi.reports.exports.sources import source_of
from csapi.reports.exports.store import (
    MOST_ATTEMPTS,
    Progress,
    SupersededError,
    Task,
    advance,
    claim,
    due,
    end,
    renew,
)
from csapi.reports.service import Desk, snapshot_of

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
CHUNK_BYTES = 512 * 1024
AT_ONCE = 2


def too_large(limit: int) -> Problem:
    return Problem(
        "range_too_long",
        f"The file would be larger than {limit // (1024 * 1024)} MiB: ask for a shorter range or "
        "fewer dimensions, or for several exports.",
    )


def check_attempts(task: Task) -> None:
    if task.attempt > MOST_ATTEMPTS:
        raise Problem("internal_error", "It was stopped too often before it was done.")


class Exporter:
    """Works off exports until none is due. Safe in any number of processes."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        live_slots_max: int,
        lease_seconds: float = LEASE_SECONDS,
        chunk_bytes: int = CHUNK_BYTES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._pool = pool
        self._live_slots_max = live_slots_max
        self._lease_seconds = lease_seconds
        self._chunk_bytes = chunk_bytes
        self._most_bytes = most_bytes
        self._sweeps = Sweeps(AT_ONCE)
        self._served: set[UUID] = set()

    async def sweep(self) -> int:
        """Do what is due; the number of exports looked at. Two at once in a process, of different
        tenants: a large file of one does not keep the others waiting. Another call leaves it to
        those."""
        return await self._sweeps.work_off(lambda: due(self._pool), self._serve)

    async def _serve(self, mark: tuple[UUID, UUID]) -> bool:
        """Whether the export was there to be made."""
        tenant_id, export = mark
        if tenant_id in self._served:
            return False
        self._served.add(tenant_id)
        try:
            task = await claim(self._pool, tenant_id, export, self._lease_seconds)
            if task is not None:
                await self._work(task)
            return task is not None
        finally:
            self._served.discard(tenant_id)

    async def _work(self, task: Task) -> None:
        """One attempt. What ends it early leaves its lease to run out: then it starts again."""
        writing = asyncio.create_task(self._write(task))
        try:
            while not writing.done():
                await asyncio.wait({writing}, timeout=self._lease_seconds / 3)
                if not writing.done() and not await renew(self._pool, task, self._lease_seconds):
                    break
        finally:
            if not writing.done():
                writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing

    async def _write(self, task: Task) -> None:
        try:
            check_attempts(task)
            desk = Desk(
                self._pool,
                task.tenant_id,
                task.timezone,
                task.asked_at,
                self._live_slots_max,
                language=task.request.language or Language.en,
            )
            async with snapshot_of(desk) as snapshot:
                await self._copy(task, await source_of(snapshot, task.request, task.asked_at))
        except Problem as problem:
            await self._fail(task, problem)
        except SupersededError:
            return
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            # The lease runs out, and it starts again.
            log.warning("export stopped: %s", type(error).__name__)
        except Exception:
            log.exception("export failed")
            await self._fail(task, Problem("internal_error", "Something went wrong on our side."))

    async def _copy(self, task: Task, source: Source) -> None:
        """Lines as pieces of the file; the last piece and the end of it in one transaction."""
        pending, most = bytearray(), source.most_bytes or self._most_bytes
        number = rows = size = 0
        async for line in source.lines:
            pending += line.content
            rows += line.is_row
            if size + len(pending) > most:
                raise too_large(most)
            if len(pending) >= self._chunk_bytes:
                size += len(pending)
                progress = Progress(rows, source.rows, size)
                async with tenant_transaction(self._pool, task.tenant_id) as connection:
                    await advance(connection, task, number, bytes(pending), progress)
                number += 1
                pending.clear()
        size += len(pending)
        async with tenant_transaction(self._pool, task.tenant_id) as connection:
            progress = Progress(rows, source.rows, size)
            await advance(connection, task, number, bytes(pending), progress)
            await end(connection, task, ExportStatus.done)

    async def _fail(self, task: Task, problem: Problem) -> None:
        told = ExportProblem(code=problem.code, detail=problem.detail)
        with suppress(SupersededError):
            async with tenant_transaction(self._pool, task.tenant_id) as connection:
                await end(connection, task, ExportStatus.failed, told)
