"""Situations in which history itself is changed: a new derivation, and people who are erased.

`further` of a scenario is what must hold beside the invariants of checks.py.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from tests.delivery.explorer import Scenario, Session, Trial
from tests.delivery.items import call, ticket
from tests.delivery.lab import SOURCE, Known, Lab, drain
from tests.delivery.sessions import at, ingest, patient, prepared, rebuild_of

from csapi.access.tenancy import tenant_transaction
from csapi.facts.derive_sql import SLOT
from csapi.facts.erasures import ErasureMode, Wish, begin_erasure, customers_named
from csapi.facts.kinds import Grain, Kind, MarkReason, Resource
from csapi.facts.registry import SUBJECT_KINDS, fingerprints
from csapi.rollup import definitions
from csapi.rollup.erasures.job import carry_out
from csapi.rollup.erasures.steps import (
    Step,
    delete_customers,
    deleting,
    overwrite_customers,
    overwriting,
)
from csapi.rollup.subjects import derive_chunk

MANY = 20
OLD_FINGERPRINT = 1
LEASE = 60.0

OTHERWISE = f"""
WITH moved AS (
  UPDATE facts SET duration_ms = duration_ms + 1000
  WHERE tenant_id = $1 AND kind = {Kind.CALL} RETURNING occurred_at)
INSERT INTO marks (tenant_id, grain, bucket)
SELECT DISTINCT $1::uuid, {Grain.SLOT}::smallint, {SLOT} FROM moved"""
DERIVED_BY = "UPDATE definitions SET fingerprint = $3 WHERE tenant_id = $1 AND resource = $2"


def derived_otherwise(
    prepare: Callable[[Lab, UUID], Awaitable[Known]],
) -> Callable[[Lab, UUID], Awaitable[Known]]:
    """A tenant whose calls were derived by an older version: waits were a second longer."""

    async def run(lab: Lab, tenant_id: UUID) -> Known:
        known = await prepare(lab, tenant_id)
        await lab.admin.execute(OTHERWISE, tenant_id)
        await drain(lab.worker, tenant_id)
        await lab.admin.execute(definitions.ADD_MISSING, tenant_id, *fingerprints())
        await lab.admin.execute(DERIVED_BY, tenant_id, int(Resource.CALL), OLD_FINGERPRINT)
        return known

    return run


def redefine(name: str) -> Session:
    """All subjects get marks; then it is seen whether they are through."""

    async def work(trial: Trial, pool: Any) -> None:
        for _ in range(3):
            await definitions.mark_some(pool, trial.tenant_id, Resource.CALL)

    return Session(name, patient(work), "worker")


def derive_marked(name: str) -> Session:
    async def work(trial: Trial, pool: Any) -> None:
        await derive_chunk(pool, trial.tenant_id)

    return Session(name, patient(work), "worker")


async def never_mixed(trial: Trial, is_end: bool) -> list[str]:  # noqa: FBT001  a hook
    """A definition that is said to be through is: no fact of the older one is left, and no summary
    of such facts. In the end it is said."""
    connection, tenant_id = trial.lab.admin, trial.tenant_id
    kind = SUBJECT_KINDS[Resource.CALL]
    if is_end:
        await definitions.mark_some(trial.lab.worker, tenant_id, Resource.CALL)
        await definitions.mark_some(trial.lab.worker, tenant_id, Resource.CALL)
    row = await connection.fetchrow(
        "SELECT fingerprint, target FROM definitions WHERE tenant_id = $1 AND resource = $2",
        tenant_id,
        int(Resource.CALL),
    )
    if (row["fingerprint"], row["target"]) != (kind.fingerprint, None):
        return ["the definition is not through"] if is_end else []
    ids = [each["id"] for each in await connection.fetch(
        "SELECT id FROM calls WHERE tenant_id = $1", tenant_id
    )]  # fmt: skip
    waits = "SELECT subject, duration_ms FROM ({}) AS f WHERE kind = $3"
    fresh = await connection.fetch(waits.format(kind.derivation), tenant_id, ids, int(Kind.CALL))
    stored = "SELECT * FROM facts WHERE tenant_id = $1 AND subject = ANY($2::uuid[])"
    kept = await connection.fetch(waits.format(stored), tenant_id, ids, int(Kind.CALL))
    late = await connection.fetchval(
        "SELECT count(*) FROM marks WHERE tenant_id = $1 "
        f"AND reason & {MarkReason.DERIVED_AGAIN} <> 0",
        tenant_id,
    )
    found = [] if sorted(map(tuple, fresh)) == sorted(map(tuple, kept)) else ["facts are of two"]
    return [*found, *(["summaries are of two"] if late else [])]


REDEFINED = Scenario(
    "calls are derived by a changed definition while one moves, and a rebuild",
    derived_otherwise(prepared(("calls", [call("c1", at("09:00")), call("c2", at("12:00"))]))),
    [
        redefine("redefine"),
        derive_marked("derive"),
        ingest("move", "calls", call("c1", at("10:00"), 1)),
        rebuild_of("rebuild", Grain.DAY),
    ],
    limit=MANY,
    further=never_mixed,
)

# What a scenario has records for. A step without a record is a transaction without an effect.
STEPS: Mapping[str, Sequence[Step]] = {
    ErasureMode.overwrite.value: (overwriting("tickets"), overwrite_customers),
    ErasureMode.delete.value: (deleting(Resource.CALL), delete_customers),
}


def erase(name: str, who: str, mode: ErasureMode) -> Session:
    """Somebody is erased, from the wish to the last step."""

    async def work(trial: Trial, pool: Any) -> None:
        tenant_id = trial.tenant_id
        async with tenant_transaction(pool, tenant_id, lock="exclusive") as connection:
            people = await customers_named(connection, tenant_id, SOURCE, who)
            wish = Wish(mode, None, "operator", None)
            erasure = await begin_erasure(connection, tenant_id, people, wish)
        await carry_out(pool, tenant_id, erasure, LEASE, STEPS)

    return Session(name, work, "worker")


LEFT = """
SELECT 'customers' AS place, count(*) FROM customers
WHERE tenant_id = $1 AND external_id = 'u1' HAVING count(*) > 0
UNION ALL SELECT 'calls', count(*) FROM calls r
WHERE tenant_id = $1 AND strpos(r::text, '"u1"') > 0 HAVING count(*) > 0
UNION ALL SELECT 'tickets', count(*) FROM tickets r
WHERE tenant_id = $1 AND strpos(r::text, 'words') > 0 HAVING count(*) > 0"""


async def nobody_is_back(trial: Trial, is_end: bool) -> list[str]:  # noqa: FBT001  a hook
    """Once it is done, nothing of the person is left, and what has come since brings nothing."""
    if not is_end:
        return []
    rows = await trial.lab.admin.fetch(LEFT, trial.tenant_id)
    return [f"{row['place']} still tell who it was" for row in rows]


DELETED = Scenario(
    "somebody is deleted while a call of theirs comes in, and a rebuild",
    prepared(
        ("customers", [{"external_id": "u1", "name": "Una"}]),
        ("calls", [call("c1", at("09:00"), customer="u1"), call("c2", at("12:00"))]),
    ),
    [
        erase("erase", "u1", ErasureMode.delete),
        ingest("call", "calls", call("c3", at("10:00"), customer="u1")),
        rebuild_of("rebuild", Grain.DAY),
    ],
    limit=MANY,
    further=nobody_is_back,
)

OVERWRITTEN = Scenario(
    "somebody is overwritten while their ticket changes, and a rebuild",
    prepared(
        ("tickets", [ticket("t1", at("09:00"), customer="u1", subject="words")]),
        then=(("tickets", [ticket("t2", at("11:00"), customer="u2")]),),
    ),
    [
        erase("erase", "u1", ErasureMode.overwrite),
        ingest(
            "ticket", "tickets", ticket("t1", at("10:00"), 1, customer="u1", subject="more words")
        ),
        rebuild_of("rebuild", Grain.DAY),
    ],
    limit=MANY,
    further=nobody_is_back,
)

REBUILD_SCENARIOS = (REDEFINED, DELETED, OVERWRITTEN)
