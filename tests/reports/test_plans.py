"""Which reads run on plans that are kept, and which are planned for the very question."""

from typing import Any

import asyncpg
import msgspec
import pytest
from tests.conftest import Tenant
from tests.reports.calls import TIME, push_calls

from csapi.access.tenancy import PLAN_ANEW
from csapi.kit.clock import now
from csapi.reports.schemas import Query
from csapi.reports.service import Desk, answer


@pytest.mark.parametrize(
    ("asked", "anew"),
    [
        ({"dimensions": ["time:day"]}, []),
        ({"dimensions": ["agent"], "include": ["totals"]}, []),
        ({"dimensions": ["queue", "topic"]}, [PLAN_ANEW]),
        ({"dimensions": ["topic.parent"]}, [PLAN_ANEW]),
        ({"metrics": [{"id": "average_speed_of_answer", "agg": "p90"}]}, [PLAN_ANEW]),
        ({"metrics": [{"id": "average_speed_of_answer", "agg": "max"}]}, [PLAN_ANEW]),
    ],
)
async def test_only_sums_of_summaries_keep_their_plan(
    asked: Any,
    anew: list[str],
    tenant: Tenant,
    product_pool: asyncpg.Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    push_calls(tenant)
    sent: list[str] = []
    execute = asyncpg.Connection.execute

    async def noted(self: Any, query: str, *args: Any, **kwargs: Any) -> Any:
        sent.append(query)
        return await execute(self, query, *args, **kwargs)

    monkeypatch.setattr(asyncpg.Connection, "execute", noted)
    body = {"metrics": [{"id": "calls_offered"}], "time": TIME} | asked
    desk = Desk(product_pool, tenant.tenant_id, "UTC", now(), live_slots_max=1000)
    found = await answer(desk, msgspec.convert(body, Query))
    assert found.data
    assert "force_generic_plan" in sent[0]
    assert [each for each in sent if each == PLAN_ANEW] == anew
