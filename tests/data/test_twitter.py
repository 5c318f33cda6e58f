"""Threads of tweets: tickets found by who answers whom, replies before what they answer."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import SHARED_DATA, Product
from tests.data.figures import PRINTED, Source, metric
from tests.data.test_reference import client, new_key, reference, run_import, shop

pytestmark = pytest.mark.real_data
__all__ = ["reference", "shop"]

FILE = SHARED_DATA / "twcs_first_5000.csv.gz"
# A thread, says the reference, starts with a customer's tweet that answers none.
THREADS = {"dimension": "type", "op": "in", "values": ["thread"]}
PAIRS = {"pairing": "in_reply_to"}


def import_tweets(product: Product, key: str, folder: Path) -> dict[str, Any]:
    mapping = "twitter_support.toml"
    return run_import(product, key, FILE, "ticket-events", mapping, folder / "rejects")


@pytest.fixture(scope="module")
def key(shop: Product) -> str:
    return new_key(shop, "UTC")


@pytest.fixture(scope="module")
def tweets(shop: Product, key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    summary = import_tweets(shop, key, tmp_path_factory.mktemp("twitter"))
    assert summary["items"]["ticket-events"]["created"] == 5_000
    with client(shop, key) as http:
        yield Source(http, "2011-01-01", "2018-01-01", "UTC")


@pytest.fixture(scope="module")
def expected(reference: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = reference["twcs_first_5000"]
    return found


def cells(
    source: Source,
    metrics: Mapping[str, dict[str, Any]],
    dimension: str | None = None,
    filters: dict[str, Any] | None = None,
) -> dict[Any, dict[str, Any]]:
    body = {
        "metrics": [{**each, "as": name} for name, each in metrics.items()],
        "time": {"range": {"from": source.start, "to": source.end}, "timezone": source.timezone},
        "dimensions": [dimension] if dimension else [],
        "filters": filters,
    }
    rows = source.settled(body)["data"]
    return {
        row["dimensions"][dimension]["key"] if dimension else None: row["metrics"] for row in rows
    }


FIRST = {
    "first": metric("first_response_time"),
    "median": metric("first_response_time", agg="p50"),
    "p90": metric("first_response_time", agg="p90"),
}


def test_threads_and_messages(tweets: Source, expected: dict[str, Any]) -> None:
    said = {"in": metric("messages_in"), "out": metric("messages_out")}
    whole = cells(tweets, said)[None]
    assert (whole["in"]["value"], whole["out"]["value"]) == (
        expected["inbound"],
        expected["outbound"],
    )
    threads = cells(tweets, {**said, "threads": metric("tickets_created")}, None, THREADS)[None]
    assert threads["threads"]["value"] == expected["root_threads"]
    mean = (threads["in"]["value"] + threads["out"]["value"]) / threads["threads"]["value"]
    assert abs(mean - expected["messages_per_thread_mean"]) < PRINTED
    months = cells(tweets, said, "time:month")
    assert {
        month[:7]: said["in"]["value"] + said["out"]["value"]
        for month, said in months.items()
        if said["in"]["value"] + said["out"]["value"]
    } == expected["by_day"]


def test_first_replies(tweets: Source, expected: dict[str, Any]) -> None:
    found = cells(tweets, FIRST, None, THREADS)[None]
    assert found["first"]["n"] == expected["threads_with_brand_reply"]
    assert found["first"]["excluded"]["negative_duration"] == expected["first_reply_negative"]
    for name, figure in (("first", "mean"), ("median", "median"), ("p90", "p90")):
        assert abs(found[name]["value"] - expected[f"first_reply_{figure}_s"]) < PRINTED, name
    unanswered = cells(
        tweets, {"u": metric("unanswered_tickets", window_hours=8760)}, None, THREADS
    )
    assert unanswered[None]["u"]["n"] == expected["root_threads"]


def test_first_replies_by_brand(tweets: Source, expected: dict[str, Any]) -> None:
    found = cells(tweets, FIRST, "agent", THREADS)
    for brand, figures in expected["first_reply_by_brand_top10"].items():
        assert found[brand]["first"]["n"] == figures["threads"], brand
        assert abs(found[brand]["first"]["value"] - figures["mean_s"]) < PRINTED, brand
        assert abs(found[brand]["median"]["value"] - figures["median_s"]) < PRINTED, brand


def test_reply_pairs(tweets: Source, expected: dict[str, Any]) -> None:
    asked = {
        "pairs": metric("response_time", **PAIRS),
        "median": metric("response_time", agg="p50", **PAIRS),
    }
    found = cells(tweets, asked)[None]
    assert found["pairs"]["n"] == expected["reply_pairs"]
    assert abs(found["pairs"]["value"] - expected["reply_mean_s"]) < PRINTED
    assert abs(found["median"]["value"] - expected["reply_median_s"]) < PRINTED


def test_brands(tweets: Source, expected: dict[str, Any]) -> None:
    said = cells(tweets, {"out": metric("messages_out")}, "agent")
    brands = {name: row["out"]["value"] for name, row in said.items() if row["out"]["value"]}
    assert len(brands) == expected["brands"]
    ordered = sorted(brands.items(), key=lambda each: -each[1])
    assert [list(each) for each in ordered[:10]] == expected["top10_brands_outbound"]


def test_importing_again_changes_nothing(
    shop: Product, key: str, tweets: Source, expected: dict[str, Any], tmp_path: Path
) -> None:
    summary = import_tweets(shop, key, tmp_path)
    assert summary["items"]["ticket-events"]["duplicate"] == 5_000
    test_first_replies(tweets, expected)
    test_reply_pairs(tweets, expected)
