"""The worker's part of reports: turns of schedules, late, lost, given up, changed under way."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.kit.zones import day_start, local_date
from csapi.reports.runs import store
from csapi.reports.runs.asking import ask_report
from csapi.reports.runs.job import MOST_ATTEMPTS, Reporter
from csapi.reports.runs.schemas import ReportRequest, ReportRun, RunTrigger
from csapi.reports.runs.timing import last_until, next_after
from csapi.reports.service import Desk

QUESTION = {"metrics": [{"id": "calls_offered"}], "time": {"range": {"preset": "yesterday"}}}
DAILY = {
    "name": "Days",
    "timezone": "Asia/Riyadh",
    "sections": [{"name": "calls", "query": QUESTION}],
    "schedule": {"every": "day", "at": "06:30"},
}


class Desks:
    """A tenant with a report whose turn comes every day, and who asks it."""

    def __init__(self, api: asyncpg.Pool, worker: asyncpg.Pool, tenant_id: UUID) -> None:
        self.api, self.worker, self.tenant_id = api, worker, tenant_id
        self.reporter = Reporter(worker, live_slots_max=1_000)
        self.report = msgspec.convert(DAILY, ReportRequest)

    @property
    def last(self) -> datetime:
        assert self.report.schedule
        return last_until(self.report.schedule, "Asia/Riyadh", now())

    async def add(self, turn: datetime) -> UUID:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            made = await store.add(connection, self.tenant_id, self.report, turn)
        assert made is not None
        return UUID(made.id)

    async def runs(self, report_id: UUID) -> list[ReportRun]:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT content::text FROM report_runs WHERE tenant_id = $1 AND report = $2 "
                "ORDER BY id",
                self.tenant_id,
                report_id,
            )
        return [msgspec.json.decode(row[0], type=ReportRun) for row in rows]

    async def mark(self, report_id: UUID) -> Any:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            return await connection.fetchrow(
                "SELECT turn, due_at, attempt FROM report_marks "
                "WHERE tenant_id = $1 AND report = $2",
                self.tenant_id,
                report_id,
            )


@pytest.fixture
def desks(api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID) -> Desks:
    return Desks(api_pool, worker_pool, tenant_id)


async def test_a_turn_is_asked_once_and_seen_from_its_time(desks: Desks) -> None:
    report_id = await desks.add(desks.last)
    await desks.reporter.sweep()
    assert await desks.reporter.sweep() == 0
    (run,) = await desks.runs(report_id)
    assert (run.as_of, run.trigger, run.timezone) == (
        desks.last,
        RunTrigger.schedule,
        "Asia/Riyadh",
    )
    answer = run.sections[0].answer
    assert answer is not None
    today = day_start("Asia/Riyadh", local_date("Asia/Riyadh", desks.last))
    asked = answer.meta.query["time"]["range"]
    assert [datetime.fromisoformat(asked[end]) for end in ("from", "to")] == [
        today - timedelta(days=1),
        today,
    ]
    assert desks.report.schedule
    following = next_after(desks.report.schedule, "Asia/Riyadh", desks.last)
    assert tuple(await desks.mark(report_id)) == (following, following, 0)


async def test_of_turns_that_were_missed_the_latest_is_asked(desks: Desks) -> None:
    report_id = await desks.add(desks.last - timedelta(days=9))
    await desks.reporter.sweep()
    (run,) = await desks.runs(report_id)
    assert run.as_of == desks.last
    assert (await desks.mark(report_id))["turn"] == desks.last + timedelta(days=1)


async def test_a_turn_that_is_yet_to_come_waits(desks: Desks) -> None:
    turn = now() + timedelta(hours=1)
    report_id = await desks.add(turn)
    await desks.reporter.sweep()
    assert await desks.runs(report_id) == []
    assert (await desks.mark(report_id))["turn"] == turn


async def test_two_workers_write_a_turn_once(desks: Desks) -> None:
    report_id = await desks.add(desks.last)
    place = (desks.worker, desks.tenant_id, report_id)
    first, second = await store.claim(*place, 0.0), await store.claim(*place, 60.0)
    assert first is not None
    assert second is not None
    assert await store.claim(*place, 60.0) is None
    desk = Desk(desks.worker, desks.tenant_id, "UTC", first.at, 1_000)
    for turn, is_kept in ((second, True), (first, False)):
        run, content = await ask_report(desk, report_id, turn.report, RunTrigger.schedule)
        assert await store.keep_turn(desks.worker, turn, run, content) is is_kept
    assert len(await desks.runs(report_id)) == 1


async def test_a_worker_that_stops_half_way_leaves_the_turn_to_another(desks: Desks) -> None:
    report_id = await desks.add(desks.last)
    assert await store.claim(desks.worker, desks.tenant_id, report_id, 0.0) is not None
    await desks.reporter.sweep()
    assert len(await desks.runs(report_id)) == 1


async def test_what_is_stopped_again_and_again_is_told(desks: Desks) -> None:
    report_id = await desks.add(desks.last)
    for _ in range(MOST_ATTEMPTS):
        assert await store.claim(desks.worker, desks.tenant_id, report_id, 0.0) is not None
    await desks.reporter.sweep()
    (run,) = await desks.runs(report_id)
    (section,) = run.sections
    assert section.answer is None
    assert section.problem is not None
    assert section.problem.code == "internal_error"
    assert (await desks.mark(report_id))["attempt"] == 0


async def test_a_report_that_is_deleted_under_way_gets_no_run(desks: Desks) -> None:
    report_id = await desks.add(desks.last)
    turn = await store.claim(desks.worker, desks.tenant_id, report_id, 60.0)
    assert turn is not None
    desk = Desk(desks.worker, desks.tenant_id, "UTC", turn.at, 1_000)
    run, content = await ask_report(desk, report_id, turn.report, RunTrigger.schedule)
    async with tenant_transaction(desks.api, desks.tenant_id) as connection:
        assert await store.remove(connection, desks.tenant_id, report_id)
        assert not await store.keep(connection, desks.tenant_id, run, content)
    assert not await store.keep_turn(desks.worker, turn, run, content)
    assert await desks.runs(report_id) == []


@pytest.mark.parametrize("is_same", [True, False])
async def test_a_report_that_is_replaced_keeps_the_turn_of_its_schedule(
    desks: Desks, *, is_same: bool
) -> None:
    report_id = await desks.add(desks.last)
    other = msgspec.structs.replace(desks.report, name="Else")
    if not is_same:
        other = msgspec.structs.replace(other, timezone="UTC")
    turn = now() + timedelta(days=1)
    async with tenant_transaction(desks.api, desks.tenant_id) as connection:
        made = await store.replace(connection, desks.tenant_id, report_id, other, turn)
    assert made is not None
    assert made.next_run_at == (desks.last if is_same else turn)
    await desks.reporter.sweep()
    assert [run.name for run in await desks.runs(report_id)] == (["Else"] if is_same else [])


async def test_only_the_latest_runs_are_kept(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "DROP_OLDEST", store.DROP_OLDEST.replace("OFFSET 1000", "OFFSET 2"))
    report_id = await desks.add(now() + timedelta(hours=1))
    desk = Desk(desks.api, desks.tenant_id, "UTC", now(), 1_000)
    names = []
    for _ in range(4):
        run, content = await ask_report(desk, report_id, desks.report, RunTrigger.request)
        names.append(run.id)
        async with tenant_transaction(desks.api, desks.tenant_id) as connection:
            assert await store.keep(connection, desks.tenant_id, run, content)
    assert [run.id for run in await desks.runs(report_id)] == names[2:]
