"""Asking for erasures over HTTP, and their receipts."""

import time
from typing import Any

import httpx
import pytest
from tests.conftest import Tenant

CUSTOMER = {"source": "s", "external_id": "u1", "name": "Una", "email": "una@example.org"}
TICKET = {
    "source": "s", "external_id": "t1", "created_at": "2026-01-05T10:00:00Z", "customer": "u1",
    "subject": "Una's order",
}  # fmt: skip
FILTERED = {
    "metrics": [{"id": "tickets_created"}],
    "time": {"range": {"from": "2026-01-01", "to": "2026-02-01"}},
    "filters": {"dimension": "customer", "op": "in", "values": ["u1", "u2"]},
}


def done(http: httpx.Client, erasure: str) -> Any:
    for _ in range(300):
        receipt = http.get(f"/v1/erasures/{erasure}").json()
        if receipt["status"] == "done":
            return receipt
        time.sleep(0.1)
    raise AssertionError(receipt)


def test_a_customer_is_erased_and_stays_so(tenant: Tenant) -> None:
    http = tenant.http
    customer = http.post("/v1/customers", json=CUSTOMER).json()["id"]
    ticket = http.post("/v1/tickets", json=TICKET).json()["id"]
    assert http.put("/v1/queries/mine", json=FILTERED).status_code < 300
    asked = http.post("/v1/erasures", json={"source": "s", "external_id": "u1", "reference": "17"})
    assert asked.status_code == 202
    receipt = done(http, asked.json()["id"])
    assert asked.headers["location"] == f"/v1/erasures/{receipt['id']}"
    counts = {each["resource"]: each["overwritten"] for each in receipt["records"]}
    assert counts == {"customers": 1, "queries": 1, "tickets": 1}
    facts = receipt["facts"]
    assert facts["before"] == facts["after"] > 0
    assert facts["checksum_before"] == facts["checksum_after"]
    assert (receipt["mode"], receipt["reference"], receipt["names_kept_out"]) == (
        "overwrite",
        "17",
        1,
    )
    kept = http.get(f"/v1/customers/{customer}").json()
    name = f"erased-{customer}"
    assert (kept["external_id"], kept["name"], kept["email"]) == (name, None, None)
    kept = http.get(f"/v1/tickets/{ticket}").json()
    assert (kept["customer"], kept["subject"]) == (name, None)
    assert http.get("/v1/queries/mine").json()["query"]["filters"]["values"] == [name, "u2"]
    # Whoever sends it again is told so, and the answer of before is given again.
    again = http.post("/v1/customers", json=CUSTOMER)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "erased")
    for wish in ({"source": "s", "external_id": "u1"}, {"id": customer}):
        assert http.post("/v1/erasures", json=wish).json()["id"] == receipt["id"]
    assert [each["id"] for each in http.get("/v1/erasures").json()["data"]] == [receipt["id"]]
    acts = http.get("/v1/audit-log", params={"action": "erasure.requested"}).json()["data"]
    assert {each["subject"] for each in acts} == {receipt["id"]}
    # What was overwritten can be deleted.
    deleted = done(
        http, http.post("/v1/erasures", json={"id": customer, "mode": "delete"}).json()["id"]
    )
    assert {each["resource"]: each["deleted"] for each in deleted["records"]} == {
        "customers": 1, "tickets": 1,
    }  # fmt: skip
    assert http.get(f"/v1/customers/{customer}").status_code == 404
    again = http.post("/v1/tickets", json={**TICKET, "customer": None})
    assert again.json()["errors"][0]["code"] == "erased"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, ""),
        ({"source": "s"}, "/external_id"),
        ({"external_id": "u1"}, "/source"),
        ({"source": "s", "external_id": "nobody"}, "/external_id"),
        ({"id": "019b0000-0000-7000-8000-000000000000"}, "/id"),
        ({"source": "s", "external_id": "u1", "mode": "hide"}, "/mode"),
    ],
)
def test_what_is_wrong_is_named(tenant: Tenant, body: Any, where: str) -> None:
    answer = tenant.http.post("/v1/erasures", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, where)
