"""The example page in a real browser, on real answers: every mark has the figure of its answer.

CSAPI_TEST_PICTURES names a folder for pictures of the page.
"""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.dashboards.browser import CHROMIUM, Browser
from tests.dashboards.desk import fill

from csapi.kit.clock import now

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")

DASHBOARDS = Path(__file__).parents[2] / "examples/dashboards"
LANGUAGES = {"en": "ltr", "ar": "rtl", "zh-Hans": "ltr"}
SETS = {"en": "help_desk_home", "ar": "call_center", "zh-Hans": "executive"}
SEEN = """
[...document.querySelectorAll("section")].map((section) => ({
  id: section.id, answer: section.answer,
  title: section.querySelector("h2").textContent,
  labels: [...section.querySelectorAll("h3, .legend li")].map((each) => each.textContent),
  values: [...section.querySelectorAll("[data-value]")].map((each) => each.dataset.value),
  areas: [...section.querySelectorAll("[data-values]")].map((each) => each.dataset.values),
  totals: [...section.querySelectorAll("[data-total]")].map((each) => each.dataset.total),
  seen: [...section.querySelectorAll("[data-seen]")].map((each) => each.dataset.seen),
  days: [...section.querySelectorAll("[data-day]")].map((each) => each.dataset.day),
}))"""
UNDRAWN = """[...document.querySelectorAll("section")]
  .filter((each) => each.dataset.state !== "drawn").map((each) => each.id)"""


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@dataclass
class Site:
    """The page on a host of its own, and a browser."""

    tenant: Tenant
    browser: Browser
    origin: str
    api: str

    def open(self, language: str, screen: str = "e_commerce", **token: Any) -> None:
        made = self.tenant.http.post("/v1/portal-tokens", json=token)
        assert made.status_code == 201, made.text
        self.browser.said.clear()
        fragment = f"api={self.api}&token={made.json()['token']}&lang={language}"
        self.browser.open(f"{self.origin}/#{fragment}&range=last_7_days&set={screen}")


@pytest.fixture(scope="module")
def tenant(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        made = make(timezone="Europe/Berlin")
        fill(made, now())
        yield made


@pytest.fixture(scope="module")
def site(
    product: Product, tenant: Tenant, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(DASHBOARDS)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    tenant.http.put("/v1/browser-origins", json={"origins": [origin]})
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    browser.size(1280, 900)
    yield Site(tenant, browser, origin, product.base_url)
    browser.close()
    server.shutdown()
    server.server_close()


Found = list[float | None]


def numbers(*metrics: Any) -> Found:
    return [each["value"] for each in metrics]


def home(answer: Any) -> Found:
    return numbers(*answer["data"])


def marks(answer: Any) -> Found:
    """A mark for each value that there is."""
    return [value for each in answer["series"] for value in each["values"] if value is not None]


def cells(answer: Any) -> Found:
    metric = answer["matrix"]["metrics"][0]
    return [value for row in metric["averages"] for value in row]


def drivers(answer: Any) -> Found:
    found: Found = []
    for each in answer["data"]:
        parts = each["severity"], each["contacts"], each["customers"], {"value": each["share"]}
        found += numbers(*parts)
    return [*found, *numbers(answer["untagged"]["contacts"], answer["tag_coverage"])]


def agents(answer: Any) -> Found:
    columns = answer["meta"]["columns"]
    return [row["metrics"][name]["value"] for row in answer["data"] for name in columns]


def comparison(answer: Any) -> Found:
    cells_ = [metric for row in answer["data"] for metric in row["metrics"].values()]
    return [value for each in cells_ for value in numbers(each["compare"], each)]


def goals(answer: Any) -> Found:
    found: Found = []
    for each in answer["data"]:
        state = each["state"]
        found += numbers(state["current"]["value"])
        found += [each["goal"]["target"], state["progress"], state["planned"]]
        found += numbers(state["projection"])
    return found


def live(answer: Any) -> Found:
    found = numbers(*answer["now"].values(), *answer["today"].values())
    found += [each["agents"] for each in answer["agents"]]
    for part in ("queues", "channels", "types"):
        for row in answer[part]:
            found += numbers(*row["metrics"].values())
    return found


EXPECTED = {
    "home": home, "tickets": marks, "messages": marks, "arrivals": cells, "response": marks,
    "ratings": marks, "types": marks, "drivers": drivers, "comparison": comparison,
    "agents": agents, "goals": goals, "live": live,
}  # fmt: skip


def read(values: list[str]) -> Found:
    return [float(each) if each else None for each in values]


def drawn(site: Site) -> dict[str, Any]:
    site.browser.wait("document.querySelectorAll('section').length === 13")
    site.browser.wait(f"{UNDRAWN}.length === 0")
    return {each["id"]: each for each in site.browser.tell(SEEN)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_draws_the_figures_of_its_answer(site: Site, language: str) -> None:
    site.open(language, SETS[language])
    found = drawn(site)
    assert found["home"]["answer"]["set"] == SETS[language]
    assert site.browser.said == []
    for name, figures in EXPECTED.items():
        wanted = figures(found[name]["answer"])
        assert wanted, name
        assert any(wanted), name
        assert read(found[name]["values"]) == wanted, name
    areas = [read(each.split(" ")) for each in found["channels"]["areas"]]
    assert areas == [each["values"] for each in found["channels"]["answer"]["series"]]
    matrix = found["arrivals"]["answer"]["matrix"]["metrics"][0]
    assert read(found["arrivals"]["totals"]) == [each for row in matrix["values"] for each in row]
    rows = found["agents"]["answer"]["data"]
    assert found["agents"]["seen"] == [each["presence"]["last_seen_at"] or "" for each in rows]
    aims = found["goals"]["answer"]["data"]
    assert len(aims) == 3
    assert found["goals"]["days"] == [
        day or ""
        for each in aims
        for day in (each["state"]["projection"]["reaches_on"], each["goal"]["due_on"])
    ]
    direction = site.browser.tell("document.documentElement.dir")
    assert direction == LANGUAGES[language]
    labels = [each["label"] for each in found["home"]["answer"]["data"]]
    assert found["home"]["labels"] == labels
    in_words = site.tenant.http.get(
        "/v1/live", headers={"Accept-Language": language}, params={"timezone": "Europe/Berlin"}
    ).json()["columns"]
    assert found["live"]["answer"]["columns"] == in_words
    assert site.browser.tell("document.documentElement.scrollWidth <= innerWidth")
    if folder := os.environ.get("CSAPI_TEST_PICTURES"):
        Path(folder).mkdir(exist_ok=True)
        site.browser.picture(Path(folder) / f"{language}.png")


def test_the_board_follows_what_is_accepted(site: Site) -> None:
    if site.browser.tell("document.querySelectorAll('#live .today').length") == 0:
        site.open("en")
    drawn(site)
    offered = "document.querySelector('#live .today [data-id=calls_offered] .figure').dataset.value"
    before = float(site.browser.tell(offered))
    call = {
        "source": "pbx",
        "external_id": "seen live",
        "queue_entered_at": now().isoformat(),
        "outcome": "abandoned",
        "wait_seconds": 7,
        "queue": "seen live",
    }
    assert site.tenant.http.post("/v1/calls", json=call).status_code == 201
    began = time.monotonic()
    site.browser.wait(f"Number({offered}) === {before + 1}")
    assert time.monotonic() - began < 5
    assert site.browser.tell("document.querySelector('#live [data-key=\"seen live\"]') !== null")


def test_a_token_with_filters_sees_less_and_says_so(site: Site) -> None:
    only = {"dimension": "channel", "op": "in", "values": ["chat"]}
    site.open("en", filters=only)
    refused = ["drivers", "agents", "goals"]
    site.browser.wait(f"{UNDRAWN}.join() === {','.join(refused)!r}")
    for name in refused:
        text = site.browser.wait(f"document.querySelector('#{name} .problem')?.textContent")
        assert "portal token with filters" in text
    seen = next(each for each in site.browser.tell(SEEN) if each["id"] == "home")
    assert read(seen["values"]) == home(seen["answer"])
    channels = site.browser.tell("document.querySelector('#channels').answer.series")
    assert [each["key"] for each in channels] == ["chat"]


def test_a_token_that_is_over_is_told_on_every_screen(site: Site) -> None:
    site.browser.open(f"{site.origin}/#api={site.api}&token=csp_live_old&lang=en")
    count = "document.querySelectorAll('section[data-state=failed] .problem').length"
    site.browser.wait(f"{count} === 13")
    site.browser.open(site.origin)
    assert site.browser.wait("document.querySelector('#access')?.hidden === false")
