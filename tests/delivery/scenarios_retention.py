"""Situations in which records are removed, and what they were counted to must stay as it was."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from tests.delivery.explorer import Scenario, Session, Trial
from tests.delivery.items import call
from tests.delivery.lab import KINDS, SOURCE, Item, Known, Lab
from tests.delivery.sessions import at, patient, prepared, rebuild_of

from csapi.access.scans import Look
from csapi.facts.kinds import Grain, Kind
from csapi.ingest.service import Intake, ingest_records
from csapi.rollup.retention import keep_to

MANY = 20
KEEP_DAYS, NIGHT = 100, datetime(2026, 7, 20, tzinfo=UTC)
# Two nights make up for what the first one could not freeze.
NIGHTS = 2

WANTED = "INSERT INTO retention (tenant_id, keep_days) VALUES ($1, $2)"
# What summaries before the horizon say, what they must say, and what was done to them afterwards.
FROZEN = f"""
SELECT h.at IS NOT NULL AS is_frozen,
  (SELECT coalesce(sum(s.n), 0) FROM summaries s WHERE s.tenant_id = $1 AND s.cuboid = 1
   AND s.grain = {Grain.DAY:d} AND s.kind = {Kind.CALL:d} AND s.bucket < h.at) AS days,
  (SELECT coalesce(sum(s.n), 0) FROM summaries s WHERE s.tenant_id = $1 AND s.cuboid = 1
   AND s.grain = {Grain.MONTH:d} AND s.kind = {Kind.CALL:d} AND s.bucket < h.at) AS months,
  (SELECT count(*) FROM calls c WHERE c.tenant_id = $1 AND c.queue_entered_at < h.at) AS here,
  (SELECT r.removed FROM retention r WHERE r.tenant_id = $1) AS removed,
  (SELECT count(*) FROM rollup_buckets b
   WHERE b.tenant_id = $1 AND b.bucket < h.at AND b.computed_at > h.since) AS again,
  (SELECT count(*) FROM dead_marks d WHERE d.tenant_id = $1) AS dead
FROM (SELECT max(frozen_before) AS at, max(frozen_at) AS since FROM freezes WHERE tenant_id = $1)
  AS h"""


def wanting_less(
    prepare: Callable[[Lab, UUID], Awaitable[Known]],
) -> Callable[[Lab, UUID], Awaitable[Known]]:
    """A tenant that has wanted its old records removed for some time."""

    async def run(lab: Lab, tenant_id: UUID) -> Known:
        known = await prepare(lab, tenant_id)
        await lab.admin.execute(WANTED, tenant_id, KEEP_DAYS)
        return known

    return run


async def keep(pool: Any, tenant_id: UUID) -> bool:
    look = Look(tenant_id, "UTC", NIGHT)
    for _ in range(NIGHTS):
        if (await keep_to(pool, look)).is_done:
            return True
    return False


def removal(name: str) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        await keep(pool, trial.tenant_id)

    return Session(name, patient(work), "worker")


def late(name: str, *items: Item) -> Session:
    """Calls that come late: taken in, or refused as too old."""

    async def work(trial: Trial, pool: Any) -> None:
        intake = Intake(pool, trial.known.directory(pool, trial.tenant_id))
        raw = [msgspec.json.encode({"source": SOURCE, **item}) for item in items]
        outcomes = await ingest_records(
            intake, trial.tenant_id, KINDS["calls"], raw, datetime.now(UTC)
        )
        refused = [error.code for each in outcomes for error in each.errors]
        assert set(refused) <= {"event_too_old"}, refused

    return Session(name, work)


async def all_stays_counted(trial: Trial, is_end: bool) -> list[str]:  # noqa: FBT001  a hook
    """From the freeze on, each call that was taken in is counted, whether or not it is still here,
    and nobody counts again."""
    if is_end and not await keep(trial.lab.worker, trial.tenant_id):
        return ["records were not removed"]
    row = await trial.lab.admin.fetchrow(FROZEN, trial.tenant_id)
    if not row["is_frozen"]:
        return ["nothing was frozen"] if is_end else []
    counted = row["here"] + row["removed"]
    found = [
        f"{counted} calls, {row[grain]} of them in frozen {grain}"
        for grain in ("days", "months")
        if row[grain] != counted
    ]
    found += [f"{row[what]} frozen {what}" for what in ("again", "dead") if row[what]]
    return [*found, *(["calls were not removed"] if is_end and row["here"] else [])]


TWO_CALLS = ("calls", [call("c1", at("09:00")), call("c2", at("12:00"))])
LATE_CALL = late("late", call("c3", at("10:00")))

REMOVED = Scenario(
    "what is old is removed while a call comes late, and a rebuild",
    wanting_less(prepared(TWO_CALLS)),
    [removal("remove"), LATE_CALL, rebuild_of("rebuild", Grain.DAY)],
    limit=MANY,
    further=all_stays_counted,
)

REMOVED_BY_TWO = Scenario(
    "what is old is removed by two workers while a call comes late",
    wanting_less(prepared(TWO_CALLS)),
    [removal("one"), removal("other"), LATE_CALL],
    limit=MANY,
    further=all_stays_counted,
)

RETENTION_SCENARIOS = (REMOVED, REMOVED_BY_TWO)
