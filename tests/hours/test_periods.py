"""Which schedule is in force for whom, and how far schedules are expanded."""

from datetime import UTC, datetime
from uuid import UUID

import asyncpg
from tests.hours.conftest import Send, schedule, weekly

from csapi.facts.kinds import Scope
from csapi.facts.schedule_periods import Claim, resolved
from csapi.kit.clock import now
from csapi.rollup.schedules import extend_schedules

TEAM = (Scope.TEAM, 7)
INTERVALS = """
SELECT starts_at, ends_at, open_before_ms FROM business_intervals
WHERE tenant_id = $1 ORDER BY schedule, starts_at"""


def day(number: int) -> datetime:
    return datetime(2026, 1, number, tzinfo=UTC)


def in_force(*claims: Claim) -> list[tuple[int, int, int]]:
    """First day, day after the last, schedule."""
    found = list(resolved({TEAM: claims}))
    assert all(row[:2] == (1, 7) for row in found)
    return [(start.day, end.day, schedule) for _, _, start, end, schedule in found]


def test_the_schedule_that_came_last_is_in_force() -> None:
    assert in_force((day(1), day(9), 1), (day(3), day(5), 2)) == [(1, 3, 1), (3, 5, 2), (5, 9, 1)]


def test_of_two_that_began_together_the_first_by_name() -> None:
    assert in_force((day(1), day(5), 2), (day(1), day(9), 1)) == [(1, 5, 2), (5, 9, 1)]


def test_a_gap_stays_a_gap() -> None:
    assert in_force((day(1), day(3), 1), (day(5), day(6), 1)) == [(1, 3, 1), (5, 6, 1)]


async def test_the_horizon_moves_on_and_the_past_stays(
    tenant_id: UUID, send: Send, admin: asyncpg.Connection, worker_pool: asyncpg.Pool
) -> None:
    always = schedule(
        "always",
        {"weekly": weekly("00:00", "24:00", ("saturday", "sunday"))},
        timezone="Asia/Tokyo",
        is_default=True,
        teams=["x"],
    )
    await send(tenant_id, "schedules", always)
    next_year = datetime(now().year + 1, 6, 1, tzinfo=UTC)
    assert await extend_schedules(worker_pool, now()) == 0
    before = await admin.fetch(INTERVALS, tenant_id)
    assert await extend_schedules(worker_pool, next_year) >= 1
    after = await admin.fetch(INTERVALS, tenant_id)
    assert after[: len(before)] == before
    assert len(after) > len(before) + 50
    total = 0
    for row in after:
        assert row["open_before_ms"] == total
        total += round((row["ends_at"] - row["starts_at"]).total_seconds() * 1000)
    ends = await admin.fetch(
        "SELECT DISTINCT valid_to FROM schedule_periods WHERE tenant_id = $1", tenant_id
    )
    assert [row[0] for row in ends] == [datetime(now().year + 5, 1, 1, tzinfo=UTC)]
    assert await extend_schedules(worker_pool, next_year) == 0
