"""Declaring custom attributes, and the values that records give them."""

import asyncio
import time
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Product, Tenant
from tests.ingest.samples import accept, post, problem, sample

from csapi.access.tenancy import tenant_transaction
from csapi.facts.attributes import declare_attribute
from csapi.facts.call import CALLS
from csapi.facts.lookup import attribute_text
from csapi.ingest.directory import Directory
from csapi.ingest.service import Intake, ingest_records
from csapi.kit.clock import now

DRAINED_WITHIN_SECONDS = 20.0


def declare(tenant: Tenant, **fields: Any) -> Any:
    return post(tenant, "custom-attributes", fields)


def test_an_attribute_is_declared_once(tenant: Tenant) -> None:
    first = declare(tenant, name="manager", label="Manager")
    wanted = {"name": "manager", "label": "Manager", "dimension": "custom.manager"}
    assert (first.status_code, first.json()) == (201, wanted)
    again = declare(tenant, name="manager", label="Boss")
    assert (again.status_code, again.json()) == (200, wanted)
    plain = declare(tenant, name="shift")
    assert plain.json()["label"] == "shift"
    listed = tenant.http.get("/v1/custom-attributes").json()
    assert listed == {"data": [wanted, plain.json()], "limit": 8}


def test_there_is_room_for_eight(tenant: Tenant) -> None:
    for number in range(8):
        assert declare(tenant, name=f"a{number}").status_code == 201
    assert problem(declare(tenant, name="a8")) == (409, "conflict")
    assert declare(tenant, name="a7").status_code == 200


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a-b", "a b", "\u00e9", "a\n", "a" * 64, "_a", "custom.a", "a\0"]
)
def test_names_are_plain_words(tenant: Tenant, name: str) -> None:
    answer = declare(tenant, name=name)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/name"
    assert tenant.http.get("/v1/custom-attributes").json()["data"] == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "a", "label": ""}, "/label"),
        ({"name": "a", "label": "x" * 256}, "/label"),
        ({"name": "a", "slot": 1}, "/slot"),
        ({"label": "A"}, "/name"),
    ],
)
def test_a_declaration_is_checked(tenant: Tenant, fields: dict[str, Any], pointer: str) -> None:
    answer = declare(tenant, **fields)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(numbers | st.booleans() | st.text(max_size=5))
def test_a_value_reads_alike_before_and_after_the_declaration(value: Any) -> None:
    """attribute_text names the member at once; ->> on the stored item names it afterwards."""
    stored = msgspec.json.encode(value).decode()
    later = msgspec.json.decode(stored) if isinstance(value, str) else stored
    assert attribute_text(value) == later


SEEN = """
SELECT array(SELECT DISTINCT m.key FROM csapi.calls c LEFT JOIN csapi.members m
             ON m.tenant_id = c.tenant_id AND m.member = c.attr1 WHERE c.tenant_id = $1) AS keys,
  (SELECT count(*) FROM csapi.reference_marks WHERE tenant_id = $1) AS waiting"""


async def test_records_from_before_a_declaration_get_their_value(
    product: Product, tenant: Tenant
) -> None:
    accept(tenant, "calls", sample("calls", custom={"shift": "night"}))
    assert declare(tenant, name="shift").status_code == 201
    accept(tenant, "calls", sample("calls", custom={"shift": "night"}))
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        deadline = time.monotonic() + DRAINED_WITHIN_SECONDS
        while (seen := await connection.fetchrow(SEEN, tenant.tenant_id))["waiting"]:
            assert time.monotonic() < deadline, "the worker did not read the old records again"
            await asyncio.sleep(0.2)
    finally:
        await connection.close()
    assert seen["keys"] == ["night"]


async def test_a_process_that_missed_a_declaration_learns_of_it(
    api_pool: asyncpg.Pool, admin: asyncpg.Connection, tenant_id: UUID
) -> None:
    """Two API processes: one declares, the other has its own memory of what is declared."""
    late = Intake(api_pool, Directory(api_pool))
    raw = [msgspec.json.encode(sample("calls", custom={"shift": each})) for each in "ab"]
    await ingest_records(late, tenant_id, CALLS, raw[:1], now())
    async with tenant_transaction(api_pool, tenant_id, lock="exclusive") as connection:
        await declare_attribute(connection, tenant_id, "shift", "Shift")
    (outcome,) = await ingest_records(late, tenant_id, CALLS, raw[1:], now())
    assert outcome.status == "created"
    key = await admin.fetchval(
        "SELECT m.key FROM calls c JOIN members m ON m.tenant_id = c.tenant_id "
        "AND m.member = c.attr1 WHERE c.tenant_id = $1 AND c.id = $2",
        tenant_id,
        outcome.id,
    )
    assert key == "b"
