"""A goal that will be missed is told once, to who wants to be told."""

from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from tests.conftest import Tenant
from tests.reports.compared import push
from tests.reports.test_goals import create, ratings

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.reports.goals.watching import look_at_goal
from csapi.reports.service import Desk
from csapi.reports.watching import Turn, Watch

KEEP = "UPDATE goals SET status = 'on_track' WHERE tenant_id = $1"
TOLD = "SELECT body FROM webhook_events WHERE tenant_id = $1 AND type = 'goal.drifting' ORDER BY id"


async def test_a_goal_that_drifts_is_told_once(tenant: Tenant, product_pool: asyncpg.Pool) -> None:
    push(tenant, "feedback", list(ratings()))
    wanted = {"url": "https://hooks.example.com", "events": ["goal.drifting"]}
    made = tenant.http.post("/v1/webhooks", json=wanted)
    assert made.status_code == 201, made.text
    goal = create(tenant, target=5.0)
    assert goal["state"]["status"] == "off_track"
    desk = Desk(product_pool, tenant.tenant_id, "UTC", now(), live_slots_max=1_000)

    async def looked() -> list[Any]:
        place = tenant.tenant_id, Watch.GOAL, UUID(goal["id"])
        turn = Turn(*place, at=desk.now, now=desk.now, timezone="UTC", attempt=1)
        outcome = await look_at_goal(desk, turn)
        async with tenant_transaction(product_pool, tenant.tenant_id) as connection:
            if outcome.write is not None:
                await outcome.write(connection)
            rows = await connection.fetch(TOLD, tenant.tenant_id)
        return [msgspec.json.decode(row["body"])["data"] for row in rows]

    assert await looked() == []
    async with tenant_transaction(product_pool, tenant.tenant_id) as connection:
        await connection.execute(KEEP, tenant.tenant_id)
    (told,) = await looked()
    assert (told["goal_id"], told["status"], told["target"]) == (goal["id"], "off_track", 5)
    assert told["value"] == goal["state"]["current"]["value"]["value"]
    assert tenant.http.get(told["path"]).json()["id"] == goal["id"]
    assert await looked() == [told]
