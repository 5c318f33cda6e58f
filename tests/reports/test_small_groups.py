"""Numbers about few customers are hidden, also from those who can add and subtract."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Tenant

from csapi.access.service import create_key
from csapi.kit.db import connect
from csapi.reports.suppression import NOTHING, hidden_keys, lines_of

TIME = {"range": {"from": "2026-01-05", "to": "2026-01-06"}, "timezone": "UTC"}
# How many customers called about each topic; each called twice.
TOPICS = {"billing": 6, "delivery": 5, "secret": 2}
KEYS = st.tuples(st.integers(0, 4), st.integers(0, 4))


@given(st.dictionaries(KEYS, st.integers(NOTHING, 12), max_size=25), st.integers(2, 6))
def test_no_line_gives_away_a_small_cell(counts: Mapping[Any, int], smallest: int) -> None:
    """A total less what is shown of its line is about a large group, or the line has none."""
    hidden = hidden_keys(counts, smallest)
    assert {keys for keys, count in counts.items() if NOTHING < count < smallest} <= hidden
    assert not any(counts[keys] == NOTHING for keys in hidden)
    for keys in hidden:
        for line in lines_of(keys):
            cells = [each for each in counts if line in lines_of(each)]
            large = [each for each in cells if counts[each] >= smallest]
            assert not large or any(each in hidden for each in large)


def test_without_small_cells_nothing_is_hidden() -> None:
    assert hidden_keys({(1,): 5, (2,): NOTHING, (3,): 9}, 5) == set()


@pytest.fixture
def reader(tenant: Tenant, product: Any) -> httpx.Client:
    """A key that only reads, of the tenant whose calls are in."""
    calls = [
        {"source": "p", "external_id": f"{topic}-{n}-{again}", "topic": topic,
         "queue_entered_at": f"2026-01-05T1{again}:00:00Z", "outcome": "answered",
         "wait_seconds": n, "customer": f"{topic}-{n}"}
        for topic, people in TOPICS.items() for n in range(people) for again in range(2)
    ]  # fmt: skip
    calls.append({**calls[0], "external_id": "nobody", "topic": "unnamed", "customer": None})
    assert tenant.http.post("/v1/calls/batch", json=calls).json()["summary"]["created"] == 27
    return tenant.http


def hide(tenant: Tenant, smallest: int | None) -> None:
    answer = tenant.http.put("/v1/privacy-settings", json={"smallest_group": smallest})
    assert answer.status_code == 200, answer.text
    assert tenant.http.get("/v1/privacy-settings").json() == {"smallest_group": smallest}


async def read_only(product: Any, tenant: Tenant) -> httpx.Client:
    connection = await connect(product.database.api_url)
    key = await create_key(connection, tenant.tenant_id, "reader", ["reports:read"])
    await connection.close()
    headers = {"Authorization": f"Bearer {key.token}"}
    return httpx.Client(base_url=product.base_url, headers=headers, timeout=30)


def ask(http: httpx.Client, metric: Any = "calls_offered", **more: Any) -> Any:
    asked = [{"id": metric} if isinstance(metric, str) else metric]
    answer = http.post("/v1/query", json={"metrics": asked, "time": TIME, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_topic(answer: Any, name: str = "calls_offered") -> dict[str, Any]:
    return {
        row["dimensions"]["topic"]["key"]: row["metrics"][name]["value"] for row in answer["data"]
    }


async def test_small_cells_and_what_gives_them_away(
    tenant: Tenant, reader: httpx.Client, product: Any
) -> None:
    everything = {"billing": 12, "delivery": 10, "secret": 4, "unnamed": 1}
    hide(tenant, 5)
    assert by_topic(ask(tenant.http, dimensions=["topic"])) == everything
    with await read_only(product, tenant) as http:
        answer = ask(http, dimensions=["topic"], include=["totals"])
        # delivery goes with it: the total less billing is about more than five customers.
        shown = {"billing": 12, "delivery": None, "secret": None, "unnamed": None}
        assert by_topic(answer) == shown
        cells = {row["dimensions"]["topic"]["key"]: row["metrics"]["calls_offered"]
                 for row in answer["data"]}  # fmt: skip
        assert cells["secret"] == {
            "value": None, "n": 0, "numerator": None, "denominator": None,
            "null_reason": "suppressed", "precision": "exact", "relative_error": None,
            "excluded": {"negative_duration": 0},
        }  # fmt: skip
        assert cells["delivery"]["null_reason"] == "suppressed"
        assert cells["billing"]["value"] == 12
        assert answer["totals"]["calls_offered"]["value"] == 27
        # Asked for alone, it is as hidden.
        secret = {"dimension": "topic", "op": "in", "values": ["secret"]}
        assert ask(http, filters=secret)["data"][0]["metrics"]["calls_offered"]["value"] is None


async def test_no_layout_shows_more(tenant: Tenant, reader: httpx.Client, product: Any) -> None:
    hide(tenant, 5)
    with await read_only(product, tenant) as http:
        series = ask(http, dimensions=["topic"], shape="series")["series"][0]
        assert series["values"][:3] == [12, None, None]
        assert series["n"][:3] == [12, 0, 0]
        matrix = ask(http, dimensions=["topic", "time:day"], shape="matrix")["matrix"]
        assert [line[0] for line in matrix["metrics"][0]["values"]][2] is None
        top = {"n": 1, "by": "calls_offered", "other": True}
        ranked = ask(http, dimensions=["topic"], top=top)
        assert by_topic(ranked) == {"billing": 12}
        few = [{"by": "calls_offered", "op": "lt", "value": 10}]
        assert "secret" not in by_topic(ask(http, dimensions=["topic"], having=few))
        p90 = {"id": "average_speed_of_answer", "as": "p90", "agg": "p90"}
        assert by_topic(ask(http, p90, dimensions=["topic"]), "p90")["secret"] is None
        page = ask(http, dimensions=["topic"], limit=1)
        assert page["page"]["next_cursor"]


async def test_off_by_default_and_off_again(
    tenant: Tenant, reader: httpx.Client, product: Any
) -> None:
    with await read_only(product, tenant) as http:
        assert by_topic(ask(http, dimensions=["topic"]))["secret"] == 4
        hide(tenant, 3)
        assert by_topic(ask(http, dimensions=["topic"]))["secret"] is None
        hide(tenant, None)
        assert by_topic(ask(http, dimensions=["topic"]))["secret"] == 4


@pytest.mark.parametrize("smallest", [1, 0, -1, 1001, "5", 2.5])
def test_a_smallest_group_is_a_number_of_people(tenant: Tenant, smallest: Any) -> None:
    answer = tenant.http.put("/v1/privacy-settings", json={"smallest_group": smallest})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/smallest_group"


async def test_terms_that_few_people_search_for(
    tenant: Tenant, make_tenant: Callable[..., Tenant], product: Any
) -> None:
    searches = [
        {"source": "s", "event_id": f"{term}-{n}", "external_id": f"{term}-{n}", "type": "search",
         "occurred_at": "2026-01-05T10:00:00Z", "term": term, "results_count": 1,
         "customer": f"u{n % people}"}
        for term, people in (("refund", 5), ("affair", 2)) for n in range(6)
    ]  # fmt: skip
    for each in searches:
        del each["event_id"]
    assert tenant.http.post("/v1/kb-events/batch", json=searches).json()["summary"]["created"] == 12
    hide(tenant, 5)
    params = {"from": "2026-01-05", "to": "2026-01-06"}

    def terms(http: httpx.Client) -> list[str]:
        answer = http.get("/v1/kb/terms", params=params)
        assert answer.status_code == 200, answer.text
        return [each["term"] for each in answer.json()["data"]]

    assert terms(tenant.http) == ["affair", "refund"]
    with await read_only(product, tenant) as http:
        assert terms(http) == ["refund"]


async def test_terms_of_comments_of_few_people(tenant: Tenant, product: Any) -> None:
    """Of one who wrote five times, once through a ticket and once as who was merged into them,
    nobody learns a word; of five people everybody does."""
    ticket = {
        "source": "s", "external_id": "t1", "created_at": "2026-01-05T09:00:00Z", "customer": "u0",
    }  # fmt: skip
    assert tenant.http.post("/v1/tickets", json=ticket).status_code in (200, 201)
    answers = [
        {"source": "s", "external_id": f"{comment}-{n}", "survey": "csat", "rating": 1,
         "responded_at": "2026-01-05T10:00:00Z", "comment": comment, "language": language,
         **({"ticket": "t1"} if n == 4 else {"customer": f"u{n % people}"})}
        for comment, language, people in (("refund", "en", 5), ("affair", "fr", 1))
        for n in range(5)
    ]  # fmt: skip
    assert tenant.http.post("/v1/feedback/batch", json=answers).json()["summary"]["created"] == 10
    hide(tenant, 4)
    params = {"from": "2026-01-05", "to": "2026-01-06"}

    def report(http: httpx.Client, **more: str) -> Any:
        answer = http.get("/v1/feedback/terms", params=params | more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def terms(http: httpx.Client) -> list[str]:
        return [each["term"] for each in report(http)["data"]]

    assert terms(tenant.http) == ["affair", "refund"]
    with await read_only(product, tenant) as http:
        assert terms(http) == ["refund"]
        assert report(http)["totals"]["negative"] == 10
        assert set(report(http, language="fr")["totals"].values()) == {None}
        assert report(tenant.http, language="fr")["totals"]["negative"] == 5
