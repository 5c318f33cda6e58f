"""What sessions do: the production coroutines, each on the pool of its lane."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from tests.delivery.explorer import Session, Trial, Work
from tests.delivery.lab import Item, Known, Lab, drain, take_in

from csapi.access.tenancy import tenant_transaction
from csapi.facts import sla_targets
from csapi.facts.attributes import declare_attribute
from csapi.facts.kinds import Grain
from csapi.facts.schedule_periods import ask_for_recompute
from csapi.ingest.service import Intake
from csapi.metrics.zones import day_start, local_date, month_start
from csapi.rollup.buckets import Bucket, rebuild
from csapi.rollup.subjects import derive_chunk, spread_attributes, spread_references

OLD_DAY = "2026-03-05"
RETRIES = 8


def ingest(name: str, resource: str, *items: Item) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        intake = Intake(pool, trial.known.directory(pool, trial.tenant_id))
        await take_in(intake, trial.tenant_id, resource, items)

    return Session(name, work)


def declare(name: str, attribute: str) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        async with tenant_transaction(pool, trial.tenant_id, lock="exclusive") as connection:
            await declare_attribute(connection, trial.tenant_id, attribute, attribute)

    return Session(name, work)


def reschedule(name: str, *items: Item) -> Session:
    """Schedules change, and what is there is to be measured again."""

    async def work(trial: Trial, pool: Any) -> None:
        intake = Intake(pool, trial.known.directory(pool, trial.tenant_id))
        await take_in(intake, trial.tenant_id, "schedules", items)
        async with tenant_transaction(pool, trial.tenant_id) as connection:
            await ask_for_recompute(connection, trial.tenant_id, 0)

    return Session(name, work)


def replace_policy(name: str, *items: Item) -> Session:
    """Policies change, and what is there is to be decided again."""

    async def work(trial: Trial, pool: Any) -> None:
        intake = Intake(pool, trial.known.directory(pool, trial.tenant_id))
        await take_in(intake, trial.tenant_id, "sla-policies", items)
        async with tenant_transaction(pool, trial.tenant_id) as connection:
            await sla_targets.ask_for_recompute(connection, trial.tenant_id)

    return Session(name, work)


def patient(work: Work) -> Work:
    """As the sweeper: what lost a deadlock is tried again, its marks are still there."""

    async def tried(trial: Trial, pool: Any) -> None:
        for left in reversed(range(RETRIES)):
            try:
                await work(trial, pool)
            except asyncpg.DeadlockDetectedError:
                if not left:
                    raise
                await asyncio.sleep(0)
            else:
                return

    return tried


def rebuild_of(name: str, grain: Grain, day: str = OLD_DAY) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        local = local_date(trial.timezone, datetime.fromisoformat(f"{day}T12:00:00+00:00"))
        first = day_start if grain is Grain.DAY else month_start
        bucket = Bucket(trial.tenant_id, trial.timezone, grain, first(trial.timezone, local))
        await rebuild(pool, bucket, rested=False)

    return Session(name, patient(work), "worker")


def rederive(name: str) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        await spread_references(pool, trial.tenant_id)
        await spread_attributes(pool, trial.tenant_id)
        await derive_chunk(pool, trial.tenant_id)

    return Session(name, patient(work), "worker")


Batch = tuple[str, list[Item]]


def prepared(
    *batches: Batch, then: tuple[Batch, ...] = ()
) -> Callable[[Lab, UUID], Awaitable[Known]]:
    """A tenant with `batches` taken in and drained, and `then` taken in but still marked."""

    async def prepare(lab: Lab, tenant_id: UUID) -> Known:
        intake = lab.intake()
        for resource, items in batches:
            await take_in(intake, tenant_id, resource, items)
        await drain(lab.worker, tenant_id)
        for resource, items in then:
            await take_in(intake, tenant_id, resource, items)
        await intake.directory.refresh(tenant_id)
        names = intake.directory._names(tenant_id)
        return Known(dict(names.known), dict(names.attributes or {}))

    return prepare


def at(time: str, day: str = OLD_DAY) -> str:
    return f"{day}T{time}:00Z"
