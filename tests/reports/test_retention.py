"""Setting how long records are kept; what comes of it: tests/rollup/test_retention.py."""

from collections.abc import Callable

from tests.access.commands import csapi
from tests.conftest import Product, Tenant

NOTHING_YET = {
    "keep_days": None, "refused_before": None, "frozen_before": None, "frozen_at": None,
    "removed_before": None, "removed": 0, "late_changes": 0,
}  # fmt: skip


def test_an_administrator_sets_it(tenant: Tenant) -> None:
    assert tenant.http.get("/v1/retention").json() == NOTHING_YET
    answer = tenant.http.put("/v1/retention", json={"keep_days": 730})
    assert (answer.status_code, answer.json()) == (200, NOTHING_YET | {"keep_days": 730})
    assert tenant.http.get("/v1/retention").json()["keep_days"] == 730
    (entry,) = tenant.http.get("/v1/audit-log", params={"limit": 1}).json()["data"]
    assert (entry["action"], entry["details"]) == ("retention.changed", {"keep_days": 730})
    for wrong in (89, 36_501, "730", 1.5):
        refused = tenant.http.put("/v1/retention", json={"keep_days": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/keep_days"
    missing = tenant.http.put("/v1/retention", json={})
    assert missing.status_code == 422
    assert tenant.http.put("/v1/retention", json={"keep_days": None}).json() == NOTHING_YET


def test_a_reader_sees_it(make_tenant: Callable[..., Tenant]) -> None:
    reader = make_tenant(scopes=["reports:read"])
    assert reader.http.get("/v1/retention").status_code == 200
    assert reader.http.put("/v1/retention", json={"keep_days": 730}).status_code == 403


def test_an_operator_sets_it_and_runs_it(product: Product, tenant: Tenant) -> None:
    name = str(tenant.tenant_id)
    words = ("set", "--tenant", name, "400", "--json")
    assert csapi(product.database.admin_url, "retention", *words).json["keep_days"] == 400
    done = csapi(product.database.worker_url, "retention", "run", "--tenant", name)
    assert done.code == 0, done.error
    assert "0 records removed" in done.output
    found = tenant.http.get("/v1/retention").json()
    assert found["frozen_before"] == found["removed_before"] == found["refused_before"]
    assert found["frozen_before"] < found["frozen_at"]
