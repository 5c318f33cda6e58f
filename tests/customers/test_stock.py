"""Customers as a stock: how many there are, and how many stay."""

from typing import Any
from uuid import UUID

import pytest
from tests.conftest import Tenant
from tests.customers.conftest import Ask, Item, Send, values
from tests.ingest.samples import refuse, sample

from csapi.metrics.catalog import METRICS

YEAR = {"from": "2026-01-01", "to": "2026-04-01"}
FEBRUARY = {"from": "2026-02-01", "to": "2026-03-01"}


def active(since: str, until: str | None = None) -> list[Item]:
    period = {"status": "active", "from": f"{since}T00:00:00Z"}
    if until is None:
        return [period]
    end = f"{until}T00:00:00Z"
    return [{**period, "to": end}, {"status": "churned", "from": end}]


# The worked example of the catalog: three active as February starts, one churns on the 10th,
# another one is won on the 20th.
CUSTOMERS: tuple[Item, ...] = (
    {
        "external_id": "a",
        "statuses": active("2026-01-03"),
        "type": "person",
        "registered": True,
        "segments": [
            {"segment": "basic", "to": "2026-02-05T00:00:00Z"},
            {"segment": "vip", "from": "2026-02-05T00:00:00Z"},
        ],
    },
    {"external_id": "b", "statuses": active("2026-01-04", "2026-02-10"), "segment": "vip"},
    {"external_id": "c", "statuses": active("2026-01-05"), "type": "company", "registered": True},
    {"external_id": "d", "statuses": active("2026-02-20"), "registered": False},
    {"external_id": "e", "created_at": "2026-01-20T00:00:00Z"},
    {"external_id": "f", "name": "Nobody knows since when"},
)


@pytest.fixture
async def filled(tenant_id: UUID, send: Send) -> UUID:
    await send(tenant_id, "customers", *CUSTOMERS)
    return tenant_id


async def test_the_worked_example(filled: UUID, ask: Ask) -> None:
    names = ("customer_retention_rate", "churn_rate", "customers_total", "customers_active")
    found = await ask(filled, *names, time=FEBRUARY)
    cells = found["data"][0]["metrics"]
    retention = cells["customer_retention_rate"]
    assert (retention["numerator"], retention["denominator"], retention["n"]) == (2, 3, 3)
    assert retention["value"] == pytest.approx(2 / 3)
    assert cells["churn_rate"]["value"] == pytest.approx(1 / 3)
    assert (cells["customers_total"]["value"], cells["customers_active"]["value"]) == (5, 3)


async def test_month_by_month_and_all_in_all(filled: UUID, ask: Ask) -> None:
    names = ("customers_active", "customers_total", "customer_retention_rate")
    found = await ask(filled, *names, time=YEAR, dimensions=["time:month"], include=["totals"])
    assert values(found, "customers_active") == {"2026-01-01": 3, "2026-02-01": 3, "2026-03-01": 3}
    assert values(found, "customers_total") == {"2026-01-01": 4, "2026-02-01": 5, "2026-03-01": 5}
    rates = values(found, "customer_retention_rate")
    assert rates == {"2026-01-01": None, "2026-02-01": pytest.approx(2 / 3), "2026-03-01": 1}
    assert found["data"][0]["metrics"]["customer_retention_rate"]["null_reason"]
    # Nobody was active when the year began.
    assert found["totals"]["customer_retention_rate"]["denominator"] == 0


async def test_by_what_customers_are(filled: UUID, ask: Ask) -> None:
    async def totals(dimension: str, metric: str = "customers_total") -> dict[Any, Any]:
        found = await ask(filled, metric, time=FEBRUARY, dimensions=[dimension])
        return values(found, metric)

    assert await totals("customer.registered") == {"false": 1, "true": 2, None: 2}
    assert await totals("customer.type") == {"company": 1, "person": 1, None: 3}
    assert await totals("segment") == {"basic": 0, "vip": 2, None: 3}
    assert await totals("current.segment") == {"vip": 2, None: 3}
    # The cohort is that of the segment at the start; who stayed may be in another one now.
    rates = await totals("segment", "customer_retention_rate")
    assert (rates["basic"], rates["vip"]) == (1, 0)


async def test_the_best_segment_month_by_month(filled: UUID, ask: Ask) -> None:
    found = await ask(
        filled,
        "customer_retention_rate",
        time={"from": "2026-02-01", "to": "2026-04-01"},
        dimensions=["time:month", "segment"],
        top={"n": 1, "by": "customer_retention_rate"},
    )
    assert values(found, "customer_retention_rate") == {("2026-02-01", "basic"): 1}


async def test_merged_and_deleted_ones_are_no_customers_of_their_own(
    filled: UUID, send: Send, ask: Ask, derive: Any
) -> None:
    await send(filled, "customers/merge", {"from": "b", "into": "a"})
    await send(filled, "customers", {"external_id": "c", "deleted": True})
    await derive(filled)
    found = await ask(filled, "customers_total", "churn_rate", time=FEBRUARY)
    cells = found["data"][0]["metrics"]
    assert cells["customers_total"]["value"] == 3
    assert (cells["churn_rate"]["value"], cells["churn_rate"]["n"]) == (0, 1)


async def test_who_comes_back_in_time_has_stayed(tenant_id: UUID, send: Send, ask: Ask) -> None:
    back = [*active("2026-01-03", "2026-02-03")[:1], *active("2026-02-20")]
    await send(tenant_id, "customers", {"external_id": "a", "statuses": back})
    found = await ask(tenant_id, "customer_retention_rate", time=FEBRUARY)
    assert found["data"][0]["metrics"]["customer_retention_rate"]["value"] == 1
    by_week = await ask(
        tenant_id, "customer_retention_rate", time=FEBRUARY, dimensions=["time:week"]
    )
    assert 0 in values(by_week, "customer_retention_rate").values()


def test_what_cannot_be_asked_or_sent(tenant: Tenant) -> None:
    for dimensions in (["time:hour_of_day"], ["time:day", "time:month"]):
        query = {
            "metrics": [{"id": "churn_rate"}],
            "time": {"range": FEBRUARY},
            "dimensions": dimensions,
        }
        answer = tenant.http.post("/v1/query", json=query)
        assert answer.json()["errors"][0]["code"] == "dimension_not_allowed"
    overlapping = [*active("2026-01-03"), *active("2026-01-04")]
    item = sample("customers", statuses=overlapping)
    refuse(tenant, "customers", item, "/statuses", "invalid_value")
    both = sample("customers", segment="a", segments=[{"segment": "b"}])
    refuse(tenant, "customers", both, "/segments", "invalid_value")
    far = sample("customers", statuses=active("2199-01-01"))
    refuse(tenant, "customers", far, "/statuses/0/from", "out_of_range")


def test_retention_and_churn_are_of_one_whole() -> None:
    retention, churn = (
        METRICS[name].build({}) for name in ("customer_retention_rate", "churn_rate")
    )
    assert retention.denominator == churn.denominator
