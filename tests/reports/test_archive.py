"""All data of a tenant as a ZIP: the manifest counts what is there; sent again, it is the same."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.isolation import replay
from tests.isolation.keys import new_key

from csapi.facts.events import EVENTS
from csapi.facts.registry import RECORD_KINDS

WHOLE = {"format": "zip", "tenant_data": True}
TIME = {"range": {"from": "2026-01-01", "to": "2026-03-01"}}
PATIENCE_SECONDS = 60


def call(number: int) -> dict[str, Any]:
    return {
        "source": "pbx", "external_id": f"c{number}", "direction": "inbound",
        "queue_entered_at": f"2026-01-{number % 28 + 1:02}T10:{number % 60:02}:00Z",
        "outcome": "abandoned" if number % 5 == 0 else "answered",
        "wait_seconds": number % 90, "agent": f"a{number % 4}", "topic": f"Tōpic {number % 3}",
        "customer": f"u{number % 17}", "custom": {"tier": f"t{number % 2}"},
    }  # fmt: skip


def fill(tenant: Tenant) -> None:
    """A world: an example of everything, a few calls more, and something that was deleted."""
    http = tenant.http
    assert http.post("/v1/custom-attributes", json={"name": "tier", "label": "Tier"}).is_success
    setting = {"metric": "service_level", "valid_from": "2026-01-10"}
    params = {"threshold_seconds": 30}
    assert http.post("/v1/metric-settings", json={**setting, "params": params}).is_success
    for operation in replay.GUARDED:
        if operation.operation_id.startswith("ingest") and operation.method == "POST":
            for example in replay.examples_of(operation):
                answer = http.post(operation.path, json=example)
                assert answer.is_success, (operation.path, answer.text)
    sent = http.post("/v1/calls/batch", json=[call(number) for number in range(200)])
    assert sent.json()["summary"]["created"] == 200, sent.text
    gone = http.post("/v1/calls", json={**call(7), "deleted": True})
    assert gone.is_success, gone.text


def archive_of(tenant: Tenant) -> zipfile.ZipFile:
    made = tenant.http.post("/v1/exports", json=WHOLE)
    assert made.status_code == 202, made.text
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        found = tenant.http.get(made.headers["location"]).json()
        if found["status"] not in ("queued", "running"):
            break
        time.sleep(0.05)
    assert found["status"] == "done", found
    assert (found["rows"], found["progress"]) == (found["rows_total"], 1.0)
    file = httpx.get(f"{tenant.http.base_url}{found['download']['url']}")
    assert file.headers["content-type"] == "application/zip"
    assert len(file.content) == found["bytes"]
    return zipfile.ZipFile(io.BytesIO(file.content))


@pytest.fixture(scope="module")
def tenants(product: Product) -> Iterator[Callable[..., Tenant]]:
    with tenants_of(product) as make:
        yield make


@pytest.fixture(scope="module")
def world(tenants: Callable[..., Tenant]) -> tuple[Tenant, zipfile.ZipFile]:
    tenant = tenants("Asia/Riyadh")
    fill(tenant)
    return tenant, archive_of(tenant)


def lines(archive: zipfile.ZipFile, name: str) -> list[bytes]:
    return archive.read(name).splitlines()


def lines_of(archive: zipfile.ZipFile, name: str) -> list[Any]:
    return [json.loads(line) for line in lines(archive, name)]


async def test_the_manifest_counts_what_is_there(
    product: Product, world: tuple[Tenant, zipfile.ZipFile]
) -> None:
    tenant, archive = world
    manifest = json.loads(archive.read("manifest.json"))
    files = {each["resource"]: each for each in manifest["files"]}
    assert manifest["tenant"]["timezone"] == "Asia/Riyadh"
    assert {each["name"] for each in files.values()} | {"manifest.json"} == set(archive.namelist())
    assert manifest["rows"] == sum(each["rows"] for each in files.values())
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        for kind in (*RECORD_KINDS, EVENTS):
            file = files[kind.name]
            sql = f"SELECT count(*) FROM csapi.{kind.table} WHERE tenant_id = $1"
            there = await connection.fetchval(sql, tenant.tenant_id)
            assert file["rows"] == len(lines(archive, file["name"])) > 0, kind.name
            assert file["rows"] + file["mentioned"] == there, kind.name
    finally:
        await connection.close()
    assert files["calls"]["deleted"] == 1
    assert files["agents"]["mentioned"] > 0
    assert archive.testzip() is None


def send_again(tenant: Tenant, archive: zipfile.ZipFile) -> None:
    """As the manifest says, in its order."""
    for file in json.loads(archive.read("manifest.json"))["files"]:
        method, path = file["send_to"].split(" ")
        for item in lines_of(archive, file["name"]) if file["name"].startswith("settings") else ():
            if "{id}" in path:
                body, to = item["definition"], path.replace("{id}", item["id"])
            else:
                body, to = item, path
            assert tenant.http.request(method, to, json=body).is_success
        if file["name"].startswith("records") and file["rows"]:
            answer = tenant.http.request(
                method, path, content=archive.read(file["name"]),
                headers={"Content-Type": "application/x-ndjson"},
            )  # fmt: skip
            summary = answer.json()["summary"]
            assert summary["rejected"] == 0, (path, answer.text)
            assert summary["created"] == file["rows"], (path, summary)


def numbers_of(tenant: Tenant, each_nth: int) -> list[Any]:
    """Metrics of the catalog, alone and some by dimensions, once nothing waits any more."""
    metrics = tenant.http.get("/v1/metrics").json()["data"][::each_nth]
    queries = [{"metrics": [{"id": each["id"]}], "time": TIME} for each in metrics]
    offered = [{"id": "calls_offered"}, {"id": "service_level"}]
    by = ("custom.tier", "topic", "time:day")
    queries += [{"metrics": offered, "time": TIME, "dimensions": [each]} for each in by]
    found: list[Any] = []
    for start in range(0, len(queries), 20):
        asked = {f"q{start + n}": each for n, each in enumerate(queries[start : start + 20])}
        found += settled(tenant, asked)
    assert sum(data is not None for data, _ in found) > 100 // each_nth
    return found


def settled(tenant: Tenant, asked: dict[str, Any]) -> list[Any]:
    """Rows, or why there are none, of each question: without our own ids of records."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        answer = tenant.http.post("/v1/query/batch", json={"queries": asked})
        assert answer.status_code == 200, answer.text
        outcomes = answer.json()["results"].values()
        if all(each["answer"] is None or each["answer"]["meta"]["exact"] for each in outcomes):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("something still waits")
    return [(rows_of(each["answer"]), (each["problem"] or {}).get("code")) for each in outcomes]


def rows_of(answer: Any) -> Any:
    return None if answer is None else without_ids(answer["data"])


def without_ids(rows: list[Any]) -> list[Any]:
    for row in rows:
        for value in row["metrics"].values():
            (value.get("record") or {}).pop("id", None)
    return rows


# All of them in `make harden`.
@pytest.mark.parametrize("each_nth", [5, pytest.param(1, marks=pytest.mark.harden)])
def test_sent_again_it_answers_the_same(
    tenants: Callable[..., Tenant], world: tuple[Tenant, zipfile.ZipFile], each_nth: int
) -> None:
    tenant, archive = world
    other = tenants("Asia/Riyadh")
    send_again(other, archive)
    assert numbers_of(other, each_nth) == numbers_of(tenant, each_nth)
    again = archive_of(other)
    for name in archive.namelist():
        if name != "manifest.json":
            assert sorted(lines(again, name)) == sorted(lines(archive, name)), name


def test_few_are_kept_at_once(tenant: Tenant) -> None:
    def ask(body: Any) -> httpx.Response:
        return tenant.http.post("/v1/exports", json=body)

    limits = tenant.http.get("/v1/limits").json()["exports"]
    for _ in range(limits["archives"]):
        archive_of(tenant)
    refused = ask(WHOLE)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_exports")
    records = {"format": "csv", "records": {"resource": "calls"}}
    assert ask(records).status_code == 202
    (kept, *_) = [
        each
        for each in tenant.http.get("/v1/exports").json()["data"]
        if each["request"].get("tenant_data")
    ]
    assert tenant.http.delete(f"/v1/exports/{kept['id']}").status_code == 204
    assert ask(WHOLE).status_code == 202


def test_it_takes_the_scopes_of_all_that_it_holds(
    product: Product, world: tuple[Tenant, zipfile.ZipFile]
) -> None:
    tenant, _ = world
    everything = ("admin:write", "records:read", "names:read", "reports:read")
    for lacking in everything[:-1]:
        held = [each for each in everything if each != lacking]
        key = new_key(product, tenant.tenant_id, *held)
        headers = {"Authorization": f"Bearer {key}"}
        refused = tenant.http.post("/v1/exports", json=WHOLE, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient_scope")
        assert lacking in refused.json()["detail"]
        (made, *_) = tenant.http.get("/v1/exports", headers=headers).json()["data"]
        assert (made["status"], made["download"]) == ("done", None)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"format": "csv"}, "/format"),
        ({"format": "zip", "tenant_data": False}, ""),
        ({"records": {"resource": "calls"}}, ""),
        ({"tenant_data": False, "records": {"resource": "calls"}}, "/format"),
    ],
)
def test_what_it_cannot_be_is_refused(tenant: Tenant, change: Any, pointer: str) -> None:
    refused = tenant.http.post("/v1/exports", json={**WHOLE, **change})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == pointer
