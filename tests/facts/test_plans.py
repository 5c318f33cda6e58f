"""How derivations find what they need: by an index, and never all of a tenant's records."""

from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest
from tests.plans import Node, nodes

from csapi.access.tenancy import tenant_transaction
from csapi.facts.kinds import Resource
from csapi.facts.registry import SUBJECT_KINDS

# What a tenant has a few of: they may be read as a whole.
FEW = {
    "agents", "teams", "sla_targets", "cost_rates", "schedule_periods", "business_intervals",
    "tenants",
}  # fmt: skip


def is_scan(node: Node) -> bool:
    return "Relation Name" in node or node["Node Type"] == "Bitmap Index Scan"


@pytest.mark.parametrize("resource", list(SUBJECT_KINDS), ids=lambda each: each.name)
async def test_no_derivation_reads_all_records_of_a_tenant(
    resource: Resource, api_pool: asyncpg.Pool, tenant_id: UUID
) -> None:
    kind = SUBJECT_KINDS[resource]
    async with tenant_transaction(api_pool, tenant_id) as connection:
        # The tables are empty here: without this a scan of all of them is the right plan.
        await connection.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan"
        )
        found: list[Node] = []
        for sql in filter(None, (kind.derivation, kind.people)):
            plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", tenant_id, [uuid4()])
            found += filter(is_scan, nodes(msgspec.json.decode(plan)[0]["Plan"]))
    assert found
    for node in found:
        if node.get("Relation Name") in FEW or node["Node Type"] == "Bitmap Heap Scan":
            continue
        condition = node.get("Index Cond", "")
        assert condition.count("=") + condition.count("<") + condition.count(">") > 1, node
