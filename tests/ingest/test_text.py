"""Text of all scripts: stored as it was sent; names compare in NFC and fit into 255 bytes."""

import json
import unicodedata
from typing import Any

import asyncpg
import pytest
from tests.conftest import Product, Tenant
from tests.ingest.samples import accept, post, problem, refuse, sample, stored

TEXTS = {
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "flag": "\U0001f1f8\U0001f1e6",
    "skin tone": "\U0001f44d\U0001f3fd",
    "Arabic": "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643\u0645",
    "Arabic with marks": "\u0628\u0650\u0633\u0652\u0645\u0650",
    "Chinese": "\u5ba2\u6237\u670d\u52a1",
    "outside the BMP": "\U00020000\U0001f600",
    "Hebrew and digits": "\u05e9\u05dc\u05d5\u05dd 123",
    "bidi controls": "a\u202eb\u2066c\u2069",
    "Hindi": "\u0928\u092e\u0938\u094d\u0924\u0947",
    "Zalgo": "Z\u0351\u036b\u0343a\u0300\u0301l",
    "controls": "tab\tline\nreturn\rbell\x07escape\x1b[31m\x7f",
    "last code point": "\U0010ffff",
    "private use": "\ue000",
    "not a character": "\ufffe",
    "zero width": "a\u200bb\ufeffc",
    "SQL": "'; DROP TABLE calls; --",
    "braces": '{{7*7}} ${x} <script>&amp;"\\',
}


@pytest.mark.parametrize("name", TEXTS)
def test_text_is_returned_as_it_was_sent(sender: Tenant, name: str) -> None:
    text = TEXTS[name]
    fields: dict[str, Any] = {
        "subject": text,
        "topic": text,
        "tags": [text],
        "custom": {text: text},
    }
    item = sample("tickets", **fields)
    record = accept(sender, "tickets", item)
    assert {key: record[key] for key in fields} == fields
    escaped = json.dumps(item, ensure_ascii=True).encode()
    assert post(sender, "tickets", escaped).json()["status"] == "duplicate"


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_a_name(sender: Tenant, name: str) -> None:
    text = TEXTS[name]
    item = sample("teams", source=text, external_id=f"{text}-{name}")
    accept(sender, "teams", item)
    assert len(stored(sender, "teams", item)) == 1


NFD, NFC = "Ame\u0301lie \u1112\u1161\u11ab", "Am\u00e9lie \ud55c"


def test_two_spellings_are_one_name(sender: Tenant) -> None:
    assert unicodedata.normalize("NFC", NFD) == NFC
    first = post(sender, "teams", sample("teams", source=NFD, external_id=NFC))
    second = post(sender, "teams", sample("teams", source=NFC, external_id=NFD, name="n"))
    assert (first.json()["status"], second.json()["status"]) == ("created", "updated")
    assert first.json()["id"] == second.json()["id"]
    for spelling in (NFD, NFC):
        names = {"source": spelling, "external_id": spelling}
        assert len(sender.http.get("/v1/teams", params=names).json()["data"]) == 1


def test_two_spellings_in_one_batch_are_one_record(sender: Tenant) -> None:
    items = [sample("calls", external_id=f"{each} b", topic=each) for each in (NFD, NFC)]
    summary = post(sender, "calls/batch", items).json()["summary"]
    assert (summary["created"], summary["stale"]) == (1, 1)


def test_two_spellings_of_an_event_are_one_event(sender: Tenant) -> None:
    sent = [sample("ticket-events", event_id=f"{each} e", ticket="t") for each in (NFD, NFC)]
    statuses = [post(sender, "ticket-events", item).json()["status"] for item in sent]
    assert statuses == ["created", "duplicate"]


LABELS = {"topic": NFD, "type": NFD, "priority": NFD, "queue": NFD}
REFERENCES = {"agent": NFD, "team": NFD, "customer": NFD, "ticket": NFD}


async def members(product: Product, tenant: Tenant) -> dict[str, list[str]]:
    """Every name that the tenant's facts can point at."""
    connection = await asyncpg.connect(product.database.admin_url)
    try:
        found = {}
        for table, name in (
            ("members", "dimension || ' ' || key"),
            ("agents", "source || ' ' || external_id"),
            ("teams", "source || ' ' || external_id"),
            ("customers", "source || ' ' || external_id"),
            ("tickets", "source || ' ' || external_id"),
        ):
            rows = await connection.fetch(
                f"SELECT {name} AS name FROM csapi.{table} WHERE tenant_id = $1", tenant.tenant_id
            )
            found[table] = [row["name"] for row in rows]
    finally:
        await connection.close()
    return found


async def test_one_spelling_is_one_member(product: Product, tenant: Tenant) -> None:
    item = {**sample("calls"), **LABELS, **REFERENCES}
    other = {
        **sample("calls"),
        **{key: unicodedata.normalize("NFC", value) for key, value in item.items()},
    }
    other["external_id"] = "other"
    accept(tenant, "calls", item)
    accept(tenant, "calls", other)
    for names in (await members(product, tenant)).values():
        assert len(names) == len(set(names))
        assert all(unicodedata.is_normalized("NFC", name) for name in names)
        assert len([name for name in names if "Am" in name]) in (1, len(LABELS))


async def test_the_source_of_a_reference_has_one_spelling(product: Product, tenant: Tenant) -> None:
    accept(tenant, "agents", {"source": NFC, "external_id": "a1", "name": "n"})
    for number, spelling in enumerate((NFD, NFC)):
        accept(tenant, "calls", sample("calls", source=spelling, agent="a1", topic=str(number)))
    assert (await members(product, tenant))["agents"] == [f"{NFC} a1"]


LONG = {
    "ASCII": "x" * 255,
    "two bytes": "\u00e9" * 127,
    "three bytes": "\u5ba2" * 85,
    "four bytes": "\U0001f600" * 63,
    "joined": "\U0001f468\u200d\U0001f469" * 23,
}
TOO_LONG = {
    "ASCII": "x" * 256,
    "two bytes": "\u00e9" * 128,
    "three bytes": "\u5ba2" * 86,
    "four bytes": "\U0001f600" * 64,
    "longer in NFC": "\ufb2c" * 85,
}
NAMES: list[tuple[str, str]] = [
    ("calls", "external_id"), ("calls", "source"), ("calls", "agent"), ("calls", "topic"),
    ("calls", "ticket"), ("ticket-events", "event_id"), ("ticket-events", "channel"),
    ("customers", "segment"), ("feedback", "request"),
]  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_names_have_up_to_255_bytes(sender: Tenant, name: str) -> None:
    for resource, field in NAMES:
        assert accept(sender, resource, sample(resource, **{field: LONG[name]}))
    accept(sender, "calls", sample("calls", custom={LONG[name]: LONG[name]}))


@pytest.mark.parametrize("name", TOO_LONG)
def test_names_have_no_more_than_255_bytes(sender: Tenant, name: str) -> None:
    text = TOO_LONG[name]
    for resource, field in NAMES:
        refuse(sender, resource, sample(resource, **{field: text}), f"/{field}", "too_long")
    for resource, fields, pointer in (
        ("calls", {"legs": [{}, {"agent": text}]}, "/legs/1/agent"),
        ("calls", {"tags": ["x", text]}, "/tags/1"),
        ("feedback", {"reasons": [text]}, "/reasons/0"),
        ("tickets", {"milestones": {"solved_by": text}}, "/milestones/solved_by"),
        ("agents", {"memberships": [{"team": text}]}, "/memberships/0/team"),
        ("ticket-events", {"type": "topic_changed", "from": text, "to": "x"}, "/from"),
    ):
        refuse(sender, resource, sample(resource, **fields), pointer, "too_long")


def test_long_texts_have_their_own_limit(sender: Tenant) -> None:
    assert accept(sender, "tickets", sample("tickets", subject="\u5ba2" * 65_536))
    item = sample("tickets", subject="x" * 65_537)
    refuse(sender, "tickets", item, "/subject", "too_long")


def test_names_that_an_index_cannot_compress_are_refused(sender: Tenant) -> None:
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(3000))
    refuse(sender, "calls", sample("calls", topic=noise), "/topic", "too_long")


NULS: list[tuple[dict[str, Any], str]] = [
    ({"topic": "a\0b"}, "/topic"),
    ({"external_id": "\0"}, "/external_id"),
    ({"tags": ["x", "\0"]}, "/tags/1"),
    ({"custom": {"a": "\0"}}, "/custom/a"),
    ({"legs": [{"agent": "a\0"}]}, "/legs/0/agent"),
]


@pytest.mark.parametrize(("fields", "pointer"), NULS, ids=range(len(NULS)))
def test_nul_is_refused(sender: Tenant, fields: dict[str, Any], pointer: str) -> None:
    refuse(sender, "calls", sample("calls", **fields), pointer, "nul_character")


def test_nul_in_a_name_of_ones_own_is_refused(sender: Tenant) -> None:
    answer = post(sender, "calls", sample("calls", custom={"a\0": 1}))
    assert problem(answer) == (422, "nul_character")
    assert "\\u0000" not in answer.text


def test_an_escaped_backslash_is_no_nul(sender: Tenant) -> None:
    assert accept(sender, "calls", sample("calls", topic="\\u0000"))["topic"] == "\\u0000"
