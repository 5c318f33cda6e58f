"""Annotations by time, and beside the numbers that they explain."""

from typing import Any
from uuid import UUID

import pytest
from tests.conftest import Tenant
from tests.ingest.samples import problem, refuse, sample
from tests.reference.conftest import Ask, Item, Send

NOTES: dict[str, Item] = {
    "before": {"starts_at": "2026-01-04T23:59:00Z"},
    "at": {"starts_at": "2026-01-05T00:00:00Z"},
    "over": {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-02-01T00:00:00Z"},
    "until": {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2026-01-05T00:00:00Z"},
    "after": {"starts_at": "2026-01-06T00:00:00Z"},
    "gone": {"starts_at": "2026-01-05T12:00:00Z", "deleted": True},
}


def test_they_are_listed_by_time(make_tenant: Any) -> None:
    tenant: Tenant = make_tenant("UTC")
    items = [
        {"source": "s", "external_id": name, "text": name, **each} for name, each in NOTES.items()
    ]
    assert tenant.http.post("/v1/annotations/batch", json=items).json()["summary"]["created"] == 6

    def listed(**params: str) -> set[str]:
        answer = tenant.http.get("/v1/annotations", params=params)
        assert answer.status_code == 200, answer.text
        return {each["external_id"] for each in answer.json()["data"]}

    assert listed() == NOTES.keys()
    assert listed(**{"from": "2026-01-05", "to": "2026-01-06"}) == {"at", "over"}
    assert listed(**{"from": "2026-01-05T12:00:00Z"}) == {"over", "after"}
    assert listed(to="2026-01-05") == {"before", "over", "until"}
    wrong = tenant.http.get("/v1/annotations", params={"from": "yesterday"})
    assert problem(wrong) == (422, "invalid_value")
    assert wrong.json()["errors"][0]["pointer"] == "/from"


def test_a_local_day_starts_in_the_tenants_zone(make_tenant: Any) -> None:
    tenant: Tenant = make_tenant("Asia/Riyadh")
    note = sample("annotations", starts_at="2026-01-04T21:00:00Z")
    assert tenant.http.post("/v1/annotations", json=note).status_code == 201
    answer = tenant.http.get("/v1/annotations", params={"from": "2026-01-05", "to": "2026-01-06"})
    assert len(answer.json()["data"]) == 1


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"ends_at": "2026-01-05T09:00:00Z"}, "/ends_at", "out_of_range"),
        ({"starts_at": "2040-01-01T00:00:00Z"}, "/starts_at", "out_of_range"),
        ({"text": ""}, "/text", "too_short"),
        ({"kind": "party"}, "/kind", "invalid_value"),
        (
            {"scope": [{"dimension": "team", "values": ["a"]}] * 2},
            "/scope/1/dimension",
            "invalid_value",
        ),
        ({"scope": [{"dimension": "team", "values": []}]}, "/scope/0/values", "too_short"),
    ],
)
def test_what_is_refused(tenant: Tenant, fields: Item, pointer: str, code: str) -> None:
    refuse(tenant, "annotations", sample("annotations", **fields), pointer, code)


def only(dimension: str, op: str, *values: str) -> Item:
    return {"dimension": dimension, "op": op, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (None, ["all", "chat", "both"]),
        (only("channel", "in", "chat", "sms"), ["all", "chat", "both"]),
        (only("channel", "in", "email"), ["all", "both"]),
        (only("channel", "not_in", "chat"), ["all", "both"]),
        (only("channel", "not_in", "chat", "email"), ["all"]),
        (only("channel", "is_null"), ["all"]),
        (only("team", "in", "a"), ["all", "chat", "both"]),
        ({"and": [only("channel", "in", "email"), only("team", "in", "a")]}, ["all", "both"]),
        ({"or": [only("channel", "in", "email")]}, ["all", "chat", "both"]),
        ({"not": only("channel", "in", "chat")}, ["all", "chat", "both"]),
    ],
)
async def test_beside_an_answer(
    filters: Item | None, names: list[str], tenant_id: UUID, send: Send, ask: Ask
) -> None:
    scopes = {"all": [], "chat": ["chat"], "both": ["chat", "email"], "late": []}
    for hour, (name, values) in enumerate(scopes.items()):
        at = f"2026-01-05T0{hour}:00:00Z" if name != "late" else "2026-01-06T00:00:00Z"
        scope = [{"dimension": "channel", "values": values}] if values else []
        note = {"external_id": name, "starts_at": at, "text": name, "scope": scope}
        await send(tenant_id, "annotations", note)
    time = {"from": "2026-01-05", "to": "2026-01-06"}
    found = await ask(
        tenant_id, "calls_offered", time=time, filters=filters, include=["annotations"]
    )
    assert [each["external_id"] for each in found["annotations"]] == names
    assert found["annotations"][0]["kind"] == "other"
    without = await ask(tenant_id, "calls_offered", time=time)
    assert without["annotations"] is None
