"""csapi explain: what was read where, with the plans of the very statements."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.access.commands import Done, csapi
from tests.conftest import Product, Tenant
from tests.reports.calls import TIME, push_calls


@pytest.fixture
def calls(tenant: Tenant) -> Tenant:
    return push_calls(tenant)


def explain(product: Product, tenant: Tenant, folder: Path, **more: Any) -> Done:
    path = folder / "query.json"
    path.write_text(json.dumps({"metrics": [{"id": "calls_offered"}], "time": TIME} | more))
    url = product.database.api_url
    return csapi(url, "explain", str(path), "--tenant", str(tenant.tenant_id))


def test_the_answer_and_each_statement_with_its_plan(
    product: Product, calls: Tenant, tmp_path: Path
) -> None:
    done = explain(product, calls, tmp_path, dimensions=["queue"])
    assert (done.code, done.error) == (0, "")
    lines = done.output.splitlines()
    assert "range     2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z" in lines
    assert "cuboid    5 (queue)" in lines
    assert any(line.startswith("answer    2 rows from ") for line in lines)
    assert sum(line.startswith("statement ") for line in lines) == 3
    assert sum("Execution Time" in line for line in lines) == 3
    assert any("Index Cond: ((tenant_id = " in line for line in lines)


def test_where_no_cuboid_covers_the_question(
    product: Product, calls: Tenant, tmp_path: Path
) -> None:
    done = explain(product, calls, tmp_path, dimensions=["queue", "topic"])
    lines = done.output.splitlines()
    assert "cuboid    none covers this question: facts answer it" in lines
    assert "facts     2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z" in lines


def test_a_wrong_query_is_one_line(product: Product, calls: Tenant, tmp_path: Path) -> None:
    done = explain(product, calls, tmp_path, dimensions=["colour"])
    assert done.code == 1
    assert done.error.startswith("csapi: /dimensions/0: ")
    assert done.error.count("\n") == 1
