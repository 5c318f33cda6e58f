"""The worker's part: asks reports whose turn has come."""

import logging
from uuid import UUID

import asyncpg
import msgspec

from csapi.kit.problems import Problem
from csapi.kit.turns import Sweeps
from csapi.reports.runs.asking import ask_report, told, unanswered
from csapi.reports.runs.schemas import ReportRun, RunTrigger
from csapi.reports.runs.store import Turn, claim, due, keep_turn
from csapi.reports.service import Desk

log = logging.getLogger(__name__)

LEASE_SECONDS = 300.0
MOST_ATTEMPTS = 3


def check_attempts(turn: Turn) -> None:
    if turn.attempt > MOST_ATTEMPTS:
        raise Problem("internal_error", "It was stopped too often before it was done.")


class Reporter:
    """Works off turns until none is due. Safe in any number of processes."""

    def __init__(
        self, pool: asyncpg.Pool, *, live_slots_max: int, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._pool = pool
        self._live_slots_max = live_slots_max
        self._lease_seconds = lease_seconds
        self._sweeps = Sweeps()

    async def sweep(self) -> int:
        """Ask what is due; the number of reports asked. One at a time in a process: another call
        leaves it to the first."""
        return await self._sweeps.work_off(lambda: due(self._pool), self._serve)

    async def _serve(self, mark: tuple[UUID, UUID]) -> bool:
        turn = await claim(self._pool, *mark, self._lease_seconds)
        if turn is not None:
            await self._work(turn)
        return turn is not None

    async def _work(self, turn: Turn) -> None:
        """One attempt. What ends it early leaves its lease to run out: then it starts again."""
        try:
            check_attempts(turn)
            desk = Desk(self._pool, turn.tenant_id, turn.timezone, turn.at, self._live_slots_max)
            run, content = await ask_report(desk, turn.report_id, turn.report, RunTrigger.schedule)
            await keep_turn(self._pool, turn, run, content)
        except Problem as problem:
            await self._fail(turn, problem)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("report stopped: %s", type(error).__name__)
        except Exception:
            log.exception("report failed")

    async def _fail(self, turn: Turn, problem: Problem) -> None:
        """A run that says why it has no answers: no turn goes by in silence."""
        run = ReportRun(
            id=str(turn.run_id),
            report_id=str(turn.report_id),
            name=turn.report.name,
            description=turn.report.description,
            timezone=turn.report.timezone or turn.timezone,
            language=turn.report.language,
            trigger=RunTrigger.schedule,
            as_of=turn.at,
            created_at=turn.at,
            sections=[unanswered(each, told(problem)) for each in turn.report.sections],
        )
        await keep_turn(self._pool, turn, run, msgspec.json.encode(run))
