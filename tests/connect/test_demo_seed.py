"""The demo through the real API: all of it lands, once, and can be read back."""

import shlex
import shutil
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.connect.api_double import Answer, Request, reject, running, status

from csapi.cli.up import ACCESS, Voice
from csapi.connect.demo import DemoAccess, seed
from csapi.connect.demo.access import FILE_NAME, keep, read_kept
from csapi.connect.demo.dataset import generate
from csapi.connect.demo.deliveries import deliveries_of
from csapi.connect.demo.seed import Admin, fill
from csapi.connect.demo.sending import DemoError, Teller
from csapi.connect.demo.span import Span
from csapi.embedded.instance import Instance

NOW = datetime(2026, 3, 18, 11, 20, tzinfo=UTC)
SPAN = Span(NOW, days=10, volume=0.3)

Item = dict[str, Any]


class Heard:
    """What a person was told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.amounts: list[tuple[int, int]] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def amount(self, title: str, done: int, total: int) -> None:
        assert title
        self.amounts.append((done, total))


def by_status(statuses: Counter[tuple[str, str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, each), amount in statuses.items():
        found[each] += amount
    return found


def records(http: httpx.Client, resource: str) -> Iterator[Item]:
    cursor = None
    while True:
        params = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
        answer = http.get(f"/v1/{resource}", params=params)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        yield from body["data"]
        cursor = body["page"]["next_cursor"]
        if cursor is None:
            return


@pytest.fixture(scope="module")
def filled(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        yield fill_new(product, make("Asia/Riyadh"))


def fill_new(product: Product, tenant: Tenant) -> Tenant:
    heard = Heard()
    sender = fill(product.base_url, tenant.key, SPAN, heard)
    counts = by_status(sender.statuses)
    assert counts["rejected"] == 0
    assert counts.total() == deliveries_of(generate(SPAN)).amount
    assert min(counts["updated"], counts["duplicate"], counts["stale"]) > 0
    assert [done for done, _ in heard.amounts] == sorted(done for done, _ in heard.amounts)
    assert heard.amounts[-1] == (counts.total(), counts.total())
    return tenant


def name_of(item: Item) -> tuple[str, str]:
    return item["source"], item.get("event_id") or item.get("external_id") or item["from"]


def test_all_lands_and_texts_stay_as_they_were_sent(filled: Tenant) -> None:
    texts = {"tickets": "subject", "ticket-events": "body", "feedback": "comment"}
    texts |= {"kb-articles": "title", "kb-events": "term", "tasks": "title"}
    sent: dict[str, list[Item]] = defaultdict(list)
    for batch in deliveries_of(generate(SPAN)).batches:
        sent[batch.resource] += batch.items
    assert len(sent) == 27
    for resource, items in sent.items():
        stored = [*records(filled.http, resource)]
        assert {name_of(item) for item in stored} == {name_of(item) for item in items}
        if field := texts.get(resource):
            written = {(name_of(item), item.get(field)) for item in items}
            assert {(name_of(item), item.get(field)) for item in stored} <= written
            letters = {letter for item in stored for letter in item.get(field) or ""}
            assert "a" in letters
            assert any("\u0600" <= letter <= "\u06ff" for letter in letters)
            assert any("\u4e00" <= letter <= "\u9fff" for letter in letters)


def test_sending_it_again_changes_nothing(product: Product, filled: Tenant) -> None:
    counts = by_status(fill(product.base_url, filled.key, SPAN, Heard()).statuses)
    assert counts["created"] == counts["updated"] == counts["rejected"] == 0
    assert counts["stale"] < 0.02 * counts["duplicate"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def access(product: Product, folder: Path) -> DemoAccess:
    """A demo tenant that is kept in `folder`."""
    return seed(product.base_url, folder, product.database, Heard(), days=8, volume=0.2)


@pytest.fixture
def copied(access: DemoAccess, folder: Path, tmp_path: Path) -> Path:
    """A folder of the test's own in which the same tenant is kept."""
    shutil.copy(folder / FILE_NAME, tmp_path)
    assert access.read_key in (tmp_path / FILE_NAME).read_text()
    return tmp_path


def test_seed_once(product: Product, access: DemoAccess, folder: Path) -> None:
    heard = Heard()
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert seed(product.base_url, folder, product.database, heard) == access
    assert not heard.amounts
    assert "is there" in heard.said[-1]


def test_fits_csapi_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teller: Teller = Voice(is_plain=True)
    admin: Admin = Instance(data_dir=tmp_path, admin_url="a", api_url="b", worker_url="c")
    teller.amount("Adding", 1, 2)
    assert capsys.readouterr().err == "Adding: 50 %\n"
    assert admin.api_url == "b"
    assert set(ACCESS) == set(DemoAccess.__dataclass_fields__)


def test_the_curl_line_answers_with_numbers(access: DemoAccess) -> None:
    words = shlex.split(access.curl)
    assert words[:2] == ["curl", "-s"]
    assert words[3] == "-H"
    name, _, value = words[4].partition(": ")
    answer = httpx.get(words[2], headers={name: value})
    assert answer.status_code == 200, answer.text
    values = {each["id"]: each["value"] for each in answer.json()["data"]}
    assert values["tickets_created"] > 50
    assert 0.5 < values["csat_score"] < 1
    assert None not in values.values()


def test_keys_may_only_do_their_part(product: Product, access: DemoAccess) -> None:
    def answer(key: str, method: str, path: str) -> int:
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        body = b"[]" if method == "POST" else b""
        url = f"{product.base_url}/v1/{path}"
        return httpx.request(method, url, headers=headers, content=body).status_code

    assert answer(access.read_key, "GET", "tickets") == 200
    assert answer(access.read_key, "POST", "tickets/batch") == 403
    assert answer(access.ingest_key, "POST", "tickets/batch") == 422
    assert answer(access.ingest_key, "GET", "tickets") == 403


def test_seeding_that_was_interrupted_is_finished(
    product: Product, access: DemoAccess, copied: Path
) -> None:
    kept = read_kept(copied)
    assert kept
    assert kept.complete
    keep(copied, msgspec.structs.replace(kept, complete=False))
    heard = Heard()
    assert seed(product.base_url, copied, product.database, heard) == access
    assert heard.amounts
    assert read_kept(copied) == kept


@pytest.mark.parametrize("damage", ["{", '{"now": 5}', None])
def test_a_database_that_knows_no_such_keys_is_seeded(
    product: Product, access: DemoAccess, copied: Path, damage: str | None
) -> None:
    kept = read_kept(copied)
    assert kept
    if damage is None:
        keep(copied, msgspec.structs.replace(kept, read_key="csk_live_gone"))
    else:
        (copied / FILE_NAME).write_text(damage)
    other = seed(product.base_url, copied, product.database, Heard(), days=2, volume=0.1)
    assert other.read_key != access.read_key
    now_kept = read_kept(copied)
    assert now_kept
    assert now_kept.tenant_id != kept.tenant_id


def test_a_rejected_item_stops_it() -> None:
    with running() as api:
        api.script = [status(201)] * 2
        api.always = reject("billing")(api)
        message = "1 of teams are rejected, first billing: /1/agent At most 255 bytes"
        with pytest.raises(DemoError, match=message):
            fill(api.url, "key", SPAN, Heard())
        assert api.paths()[2:] == ["/v1/teams/batch"]


def test_a_rejected_item_stops_all_lanes() -> None:
    with running() as api:
        ticket = generate(SPAN).tickets[0].id
        api.script = [status(201)] * 2
        reply, refused = reject(ticket)(api), threading.Event()

        def in_turn(request: Request) -> Answer | None:
            """What follows tickets waits until the ticket is refused, however lanes are run."""
            if request.path == "/v1/calls/batch":
                assert refused.wait(30)
            found = reply(request)
            if ticket in str(request.body):
                refused.set()
            return found

        api.always = in_turn
        with pytest.raises(DemoError, match=ticket):
            fill(api.url, "key", SPAN, Heard())
        assert len(api.requests) < len(deliveries_of(generate(SPAN)).batches) / 2


def test_a_key_that_may_not_stops_it() -> None:
    with running() as api:
        api.always = status(403, detail="The key lacks admin:write.")
        with pytest.raises(DemoError, match="403: The key lacks admin:write"):
            fill(api.url, "key", SPAN, Heard())


def test_a_server_that_is_busy_is_asked_again() -> None:
    with running() as api:
        api.script = [status(201), status(201), status(503, retry_after="0")]
        sender = fill(api.url, "key", SPAN, Heard())
        assert by_status(sender.statuses)["rejected"] == 0
        assert api.paths().count("/v1/teams/batch") == 2
