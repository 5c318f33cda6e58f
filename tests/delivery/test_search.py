"""Leaving out schedules that differ only in independent steps leaves out no outcome."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from tests.delivery.explorer import DEEP
from tests.delivery.lab import Lab, take_in
from tests.delivery.search import RedundantError, Systematic
from tests.delivery.stepping import Lane, Schedule

from csapi.access.tenancy import tenant_transaction

NAME = "UPDATE customers SET name = coalesce(name, '') || '{}' WHERE tenant_id = $1 AND external_id"
STATEMENTS = (
    "SELECT count(*) FROM marks WHERE tenant_id = $1",
    "INSERT INTO marks (tenant_id, grain, bucket) VALUES ($1, 1, 'epoch') RETURNING 1",
    "WITH eaten AS (DELETE FROM marks WHERE tenant_id = $1 RETURNING 1) SELECT count(*) FROM eaten",
    "SELECT name FROM customers WHERE tenant_id = $1 AND external_id = 'x'",
    NAME + " = 'x' RETURNING name",
    NAME + " = 'y' RETURNING name",
    "SELECT name FROM customers WHERE tenant_id = $1 AND external_id = 'x' FOR NO KEY UPDATE",
)
Program = Sequence[str]


@dataclass
class Seen:
    """What came out of all schedules, and every state that was ever committed."""

    schedules: int = 0
    outcomes: set[object] = field(default_factory=set)
    states: set[object] = field(default_factory=set)


def working(program: Program, tenant_id: UUID) -> Callable[[Any], Awaitable[object]]:
    async def work(pool: Any) -> list[object]:
        async with tenant_transaction(pool, tenant_id) as connection:
            return [await connection.fetchval(sql, tenant_id) for sql in program]

    return work


async def state_of(lab: Lab, tenant_id: UUID) -> tuple[object, ...]:
    names = await lab.admin.fetch(
        "SELECT external_id, name FROM customers WHERE tenant_id = $1 ORDER BY 1", tenant_id
    )
    marks = await lab.admin.fetchval("SELECT count(*) FROM marks WHERE tenant_id = $1", tenant_id)
    return (*(row["name"] for row in names), marks)


async def run_all(
    lab: Lab, original: UUID, programs: Sequence[Program], search: Systematic
) -> Seen:
    seen = Seen()
    connections = lab.lane_connections(["worker"] * len(programs))
    while not search.is_complete:
        tenant_id = await lab.copy_tenant(original)
        lanes = [
            Lane(str(number), connection, working(program, tenant_id))
            for number, (program, connection) in enumerate(zip(programs, connections, strict=True))
        ]

        async def look(tenant_id: UUID = tenant_id) -> None:
            seen.states.add(await state_of(lab, tenant_id))

        try:
            await Schedule(lanes, lab.monitor).run(search.choose, look)
        except RedundantError:
            pass
        else:
            seen.schedules += 1
            results = (repr(lane.error) if lane.error else str(lane.result) for lane in lanes)
            seen.outcomes.add((*results, await state_of(lab, tenant_id)))
        search.learn()
    return seen


@pytest.mark.parametrize("seed", range(30 if DEEP else 5))
async def test_reduced_search_finds_every_outcome(lab: Lab, seed: int) -> None:
    dice = random.Random(seed)
    lanes, length = (3, 2) if DEEP and seed % 10 == 0 else (2, 3)
    programs = [
        [sql.format(lane) for sql in dice.choices(STATEMENTS, k=length)] for lane in range(lanes)
    ]
    original = await lab.make_tenant()
    await take_in(lab.intake(), original, "customers", [{"external_id": "x"}, {"external_id": "y"}])

    every = await run_all(lab, original, programs, Systematic(reduced=False))
    fewer = await run_all(lab, original, programs, Systematic(seed))

    print(f"{fewer.schedules} of {every.schedules} schedules, {len(every.outcomes)} outcomes")
    assert fewer.outcomes == every.outcomes, programs
    assert fewer.states == every.states, programs
    assert fewer.schedules <= every.schedules
