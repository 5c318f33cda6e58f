"""Real data through the front door: every figure of the references, exactly."""

import gzip
import json
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import SHARED_DATA, Product, with_loop
from tests.data import worked
from tests.data.figures import BANK, CALLS, PWC, SHOPZILLA, Figures, Source, differences, metric

from csapi.access.principals import Scope
from csapi.access.service import create_key, create_tenant
from csapi.kit.db import connect

pytestmark = pytest.mark.real_data

FEBRUARY = 33_066
MOST_KILLS = 6
MAPPINGS = Path(__file__).resolve().parents[2] / "examples" / "mappings"


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SHARED_DATA / "reference_developers.json").read_text())
    return found


@pytest.fixture(scope="module")
def shop(make_product: Callable[[], Product]) -> Product:
    return make_product()


def new_key(product: Product, timezone: str) -> str:
    keys: list[str] = []

    async def create() -> None:
        connection = await connect(product.database.api_url)
        try:
            tenant_id = await create_tenant(connection, "real", timezone)
            scopes = [scope.value for scope in Scope]
            keys.append((await create_key(connection, tenant_id, "test", scopes)).token)
        finally:
            await connection.close()

    with_loop(create)
    return keys[0]


def run_import(
    product: Product, key: str, file: Path, resource: str, mapping: str, rejects: Path
) -> dict[str, Any]:
    """`csapi import`, as a customer runs it; its summary."""
    done = subprocess.run(
        [
            sys.executable, "-m", "csapi", "import", str(file), "--as", resource,
            "--map", str(MAPPINGS / mapping), "--url", product.base_url, "--key", key,
            "--rejects", str(rejects), "--json",
        ],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stderr[-2000:]
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


def client(product: Product, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=product.base_url, headers={"Authorization": f"Bearer {key}"}, timeout=60
    )


def shuffled(file: Path, folder: Path, seed: int) -> Path:
    """The same rows in another order."""
    text = gzip.decompress(file.read_bytes()).decode("utf-8")
    header, *rows = text.splitlines(keepends=True)
    random.Random(seed).shuffle(rows)
    target = folder / f"shuffled-{seed}-{file.name.removesuffix('.gz')}"
    target.write_text(header + "".join(rows), encoding="utf-8", newline="")
    return target


def check_groups(
    source: Source, figures: Figures, groups: Mapping[str, Mapping[str, Any]], dimension: str
) -> None:
    """Every group of the reference is there, with every figure."""
    got = source.table(figures, dimension)
    wrong = []
    for name, expected in groups.items():
        key = None if name == "NO_SERVER" else name
        wrong += differences(expected, got.get(key, {"": "missing"}), f"{dimension}={name}")
        assert key in got, f"{dimension}={name} is missing"
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module")
def pwc(shop: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    key = new_key(shop, "UTC")
    file = SHARED_DATA / "pwc_calls.csv.gz"
    folder = tmp_path_factory.mktemp("pwc")
    summary = run_import(shop, key, file, "calls", "pwc_calls.toml", folder / "rejects")
    assert summary["items"]["calls"]["created"] == 5000
    assert summary["items"]["feedback"]["created"] == 4054
    with client(shop, key) as http:
        yield Source(http, "2021-01-01", "2021-04-01", "UTC")


def test_pwc_totals(pwc: Source, reference: dict[str, Any]) -> None:
    assert not differences(reference["pwc_calls"]["total"], pwc.table(PWC)[None], "total")


@pytest.mark.parametrize(
    ("group", "dimension"),
    [("by_agent", "agent"), ("by_month", "time:month"), ("by_topic", "topic")],
)
def test_pwc_groups(pwc: Source, reference: dict[str, Any], group: str, dimension: str) -> None:
    groups = reference["pwc_calls"][group]
    if dimension == "time:month":
        groups = {f"{month}-01": figures for month, figures in groups.items()}
    check_groups(pwc, PWC, groups, dimension)


def test_pwc_ratings(pwc: Source, reference: dict[str, Any]) -> None:
    rows = pwc.ask([metric("rating_distribution")], "rating")
    got = {
        row["dimensions"]["rating"]["key"]: row["metrics"]["rating_distribution"]["value"]
        for row in rows
    }
    expected = reference["pwc_calls"]["rating_distribution"]
    assert got == {star: count for star, count in expected.items() if star != "none"}


@pytest.fixture(scope="module")
def bank_key(shop: Product) -> str:
    return new_key(shop, "Asia/Jerusalem")


@contextmanager
def disturbed(product: Product) -> Iterator[list[str]]:
    """Kills API and worker in turn while the block runs; gives the list of kills."""
    stop = threading.Event()
    kills: list[str] = []

    def disturb() -> None:
        # So many that every part of the import is hit, and an end on a machine of any speed.
        while len(kills) < MOST_KILLS and not stop.wait(1.5):
            command = "worker" if len(kills) % 2 else "serve"
            product.kill(command)
            product.start(command)
            kills.append(command)
            # However slow the machine, the API is there for a while before it is killed again.
            product.wait_ready()

    killer = threading.Thread(target=disturb)
    killer.start()
    try:
        yield kills
    finally:
        stop.set()
        killer.join()


@pytest.fixture(scope="module")
def bank(
    shop: Product, bank_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Source]:
    """January in peace; in February, worker and API are killed again and again half way."""
    folder = tmp_path_factory.mktemp("bank")

    def month(number: str) -> dict[str, Any]:
        file = SHARED_DATA / f"anonymousbank_1999_{number}.txt.gz"
        return run_import(shop, bank_key, file, "calls", "anonymousbank.toml", folder / number)

    january = month("01")
    with disturbed(shop) as kills:
        february = month("02")
    shop.wait_ready()
    assert {"serve", "worker"} <= set(kills)
    assert january["items"]["calls"]["created"] == 64_425 - FEBRUARY
    counts = february["items"]["calls"]
    # What was committed when the API died is there already when it is sent again.
    assert counts["created"] + counts["duplicate"] == FEBRUARY
    assert counts["updated"] == counts["stale"] == counts["rejected"] == 0
    assert january["rows_skipped"] + february["rows_skipped"] == 518
    with client(shop, bank_key) as http:
        yield Source(http, "1999-01-01", "1999-03-01", "Asia/Jerusalem")


def check_bank(bank: Source, reference: dict[str, Any]) -> None:
    figures = reference["anonymousbank_jan_feb_1999"]
    assert not differences(figures["total"], bank.table(BANK)[None], "total")
    months = {f"{month}-01": each for month, each in figures["by_month"].items()}
    check_groups(bank, BANK, months, "time:month")
    check_groups(bank, BANK, figures["by_type"], "type")
    check_groups(bank, BANK, figures["by_priority"], "priority")


def test_bank(bank: Source, reference: dict[str, Any]) -> None:
    check_bank(bank, reference)


def test_bank_by_server_and_hour(bank: Source, reference: dict[str, Any]) -> None:
    figures = reference["anonymousbank_jan_feb_1999"]
    chosen = {**CALLS, **{name: BANK[name] for name in ("service_sum_s", "service_mean_s")}}
    check_groups(bank, chosen, figures["by_server"], "agent")
    hours = {str(int(hour)): each for hour, each in figures["by_hour_of_vru_entry"].items()}
    check_groups(bank, chosen, hours, "time:hour_of_day")


def test_bank_repeat_calls(bank: Source, reference: dict[str, Any]) -> None:
    expected = reference["anonymousbank_jan_feb_1999"]["repeat_calls_24h"]
    (row,) = bank.ask([metric("repeat_contact_rate", window_hours=24)])
    cell = row["metrics"]["repeat_contact_rate"]
    assert (cell["denominator"], cell["numerator"]) == (
        expected["identified_calls"],
        expected["repeat_within_24h"],
    )
    assert round(cell["value"] * 100, 4) == expected["pct"]


@pytest.fixture(scope="module")
def tickets(shop: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    key = new_key(shop, "Asia/Kolkata")
    file = SHARED_DATA / "shopzilla_csat_17k.csv.gz"
    folder = tmp_path_factory.mktemp("shopzilla")
    summary = run_import(shop, key, file, "tickets", "shopzilla.toml", folder / "rejects")
    assert summary["items"]["tickets"]["created"] == 17_182
    assert summary["items"]["feedback"]["created"] == 17_182
    with client(shop, key) as http:
        yield Source(http, "2023-07-01", "2023-10-01", "Asia/Kolkata")


def test_shopzilla_totals(tickets: Source, reference: dict[str, Any]) -> None:
    expected = reference["shopzilla_csat_17k"]["total"]
    assert not differences(expected, tickets.table(SHOPZILLA)[None], "total")


@pytest.mark.parametrize(
    ("group", "dimension"),
    [
        ("by_channel", "channel"),
        ("by_category", "type"),
        ("by_manager", "custom.manager"),
        ("by_supervisor", "custom.supervisor"),
        ("by_tenure", "custom.tenure"),
        ("by_shift", "custom.shift"),
        ("agents_top10_by_volume", "agent"),
    ],
)
def test_shopzilla_groups(
    tickets: Source, reference: dict[str, Any], group: str, dimension: str
) -> None:
    check_groups(tickets, SHOPZILLA, reference["shopzilla_csat_17k"][group], dimension)


def test_shopzilla_counts(tickets: Source, reference: dict[str, Any]) -> None:
    expected = reference["shopzilla_csat_17k"]
    created = {"tickets": SHOPZILLA["tickets"]}
    days = tickets.table(created, "time:day")
    assert {day: each["tickets"] for day, each in days.items() if each["tickets"]} == expected[
        "by_reported_day_count"
    ]
    months = tickets.table(created, "time:month")
    assert {month[:7]: each["tickets"] for month, each in months.items() if each["tickets"]} == (
        expected["by_reported_month"]
    )
    assert len(tickets.table(created, "agent")) == expected["agents"]
    assert len(tickets.table(created, "topic")) == expected["sub_categories"]


def test_shopzilla_drivers(tickets: Source, reference: dict[str, Any]) -> None:
    expected = reference["shopzilla_csat_17k"]
    topics = tickets.table(
        {"volume": SHOPZILLA["tickets"], "bad": SHOPZILLA["csat_bottom2"]}, "topic"
    )

    def top(name: str) -> list[list[Any]]:
        ordered = sorted(topics.items(), key=lambda each: -each[1][name])
        return [[topic, figures[name]] for topic, figures in ordered[:5]]

    assert top("volume") == expected["top5_drivers_by_volume"]
    assert top("bad") == expected["top5_drivers_of_low_csat_1_2"]
    rows = tickets.ask([metric("rating_distribution")], "rating")
    scores = {
        row["dimensions"]["rating"]["key"]: row["metrics"]["rating_distribution"]["value"]
        for row in rows
    }
    assert scores == expected["score_distribution"]


def test_shopzilla_top_drivers(tickets: Source, reference: dict[str, Any]) -> None:
    """GET /v1/drivers has the top five of the reference, by volume and by bad ratings."""
    expected = reference["shopzilla_csat_17k"]
    params: dict[str, Any] = {
        "from": tickets.start,
        "to": tickets.end,
        "timezone": tickets.timezone,
        "top": 5,
    }

    def top(weight: str) -> list[dict[str, Any]]:
        answer = tickets.http.get("/v1/drivers", params={**params, "weight": weight})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    volume = [[each["topic"], each["contacts"]["value"]] for each in top("contacts:1")]
    assert volume == expected["top5_drivers_by_volume"]
    bad = [[each["topic"], each["dissatisfied"]["numerator"]] for each in top("dissatisfaction:1")]
    assert bad == expected["top5_drivers_of_low_csat_1_2"]


@pytest.mark.parametrize(
    "table",
    [
        worked.top_drivers,
        worked.supervisors,
        worked.against_the_rest,
        partial(worked.agent_rows, sort="-csat_score"),
        partial(worked.agent_rows, sort="-csat_score.value"),
        worked.single_agents,
    ],
)
def test_worked_examples_of_tickets(tickets: Source, table: worked.Table) -> None:
    """What docs/worked-examples.md prints is what the engine answers."""
    assert not worked.missing(table(tickets))


def test_bank_forecast_beats_the_week_before(bank: Source) -> None:
    """The figures of docs/staffing.md, through the front door."""
    params: dict[str, Any] = {
        "from": bank.end,
        "days": 7,
        "interval": "30min",
        "timezone": bank.timezone,
    }
    answer = bank.http.get("/v1/staffing/forecast", params=params)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    tested = found["backtest"]
    own, other = tested["level_and_profile"], tested["seasonal_naive"]
    assert found["method"] == "level_and_profile"
    assert own["wape"] == pytest.approx(0.280, abs=5e-4)
    assert other["wape"] == pytest.approx(0.335, abs=5e-4)
    assert own["coverage80"] == pytest.approx(0.83, abs=5e-3)
    assert own["coverage95"] == pytest.approx(0.95, abs=5e-3)
    # Saturday is the day of rest there.
    weekly = [day["expected"] for day in found["data"]]
    assert min(weekly) == weekly[5]


@pytest.mark.parametrize(
    "table",
    [
        worked.service_levels,
        partial(worked.change_by, dimension="type"),
        partial(worked.change_by, dimension="priority"),
    ],
)
def test_worked_examples_of_calls(bank: Source, table: worked.Table) -> None:
    assert not worked.missing(table(bank))


def test_importing_again_in_another_order_changes_nothing(
    shop: Product, bank: Source, bank_key: str, reference: dict[str, Any], tmp_path: Path
) -> None:
    file = shuffled(SHARED_DATA / "anonymousbank_1999_02.txt.gz", tmp_path, seed=7)
    summary = run_import(shop, bank_key, file, "calls", "anonymousbank.toml", tmp_path / "rejects")
    assert summary["items"]["calls"]["duplicate"] == FEBRUARY
    assert summary["items"]["calls"]["created"] == 0
    check_bank(bank, reference)
