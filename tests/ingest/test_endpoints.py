"""The front door over real HTTP."""

import pytest
from tests.conftest import Tenant

from csapi.ingest.examples import EXAMPLES

SENT = [(name, item) for name, items in EXAMPLES.items() for item in items.values()]


@pytest.mark.parametrize(
    ("name", "item"), SENT, ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_example_is_created_once_and_read_back(
    tenant: Tenant, name: str, item: dict[str, object]
) -> None:
    first = tenant.http.post(f"/v1/{name}", json=item)
    assert (first.status_code, first.json()["status"]) == (201, "created")
    again = tenant.http.post(f"/v1/{name}", json=item)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    record = tenant.http.get(f"/v1/{name}/{first.json()['id']}").json()
    assert {key: record[key] for key in ("source",)} == {"source": item["source"]}
    for key, value in item.items():
        if not isinstance(value, dict | list):
            assert record[key] == value, key


def test_a_batch_names_the_bad_item_and_keeps_the_good_one(tenant: Tenant) -> None:
    good, bad = EXAMPLES["calls"]["call"], {**EXAMPLES["calls"]["call"], "external_id": "c2"}
    bad["legs"] = [{"talk_seconds": -1}]
    answer = tenant.http.post("/v1/calls/batch", json=[good, bad]).json()
    assert answer["summary"] == {
        "received": 2, "created": 1, "updated": 0, "duplicate": 0, "stale": 0, "rejected": 1,
    }  # fmt: skip
    assert answer["results"][1]["external_id"] == "c2"
    assert answer["results"][1]["errors"][0]["pointer"] == "/1/legs/0/talk_seconds"
    assert answer["results"][1]["errors"][0]["code"] == "out_of_range"
