"""What an hour and a month cost, on cases that can be reckoned by hand."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.conftest import Tenant
from tests.delivery.lab import drain
from tests.ingest.samples import accept, problem, refuse, sample, stored
from tests.reference.conftest import Ask, Item, Send

from csapi.facts.kinds import Kind
from csapi.rollup.costs import extend_costs

DAY = {"from": "2026-03-02", "to": "2026-03-03"}
MARCH = {"from": "2026-03-01", "to": "2026-04-01"}
Derive = Callable[[UUID], Awaitable[int]]


def at(time: str, day: int = 2) -> str:
    return f"2026-03-{day:02}T{time}:00Z"


def shift(name: str, start: str, end: str, agent: str = "a1", **more: Any) -> Item:
    return {"external_id": name, "agent": agent, "started_at": start, "ended_at": end, **more}


def rate(name: str, hourly: float, since: str = "2026-01-01", **more: Any) -> Item:
    item = {"external_id": name, "currency": "EUR", "valid_from": since, "hourly_rate": hourly}
    return {**item, **more}


def monthly(key: str, amount: float, since: str, to: str | None, **more: Any) -> Item:
    item = {"external_id": key, "currency": "EUR", "valid_from": since, "valid_to": to}
    return {**item, "fixed_cost_per_month": amount, **more}


def cell(answer: Any, metric: str) -> Any:
    (row,) = answer["data"]
    return row["metrics"][metric]


async def cost(ask: Ask, tenant_id: UUID, metric: str = "staff_cost", **more: Any) -> float:
    found = await ask(tenant_id, metric, time=more.pop("time", DAY), **more)
    value: float = cell(found, metric)["value"]
    return value


async def by(ask: Ask, tenant_id: UUID, dimension: str, **more: Any) -> dict[str | None, float]:
    time = more.pop("time", DAY)
    found = await ask(tenant_id, "staff_cost", time=time, dimensions=[dimension], **more)
    return {
        row["dimensions"][dimension]["key"]: row["metrics"]["staff_cost"]["value"]
        for row in found["data"]
        if row["metrics"]["staff_cost"]["n"]
    }


async def test_the_agents_rate_beats_the_teams_and_that_the_default(
    tenant_id: UUID, send: Send, derive: Derive, ask: Ask
) -> None:
    members = [
        {"external_id": "a1", "team": "t1"},
        {"external_id": "a2", "memberships": [{"team": "t1", "to": at("12:00")},
                                              {"team": "t2", "from": at("12:00")}]},
        {"external_id": "a3"},
    ]  # fmt: skip
    await send(tenant_id, "agents", *members)
    shifts = [shift(f"s{n}", at("08:00"), at("16:00"), f"a{n}") for n in (1, 2, 3)]
    await send(tenant_id, "shifts", *shifts)
    rates = [rate("r1", 30, agent="a1"), rate("r2", 25, team="t1"), rate("r3", 10)]
    await send(tenant_id, "cost-book", *rates)
    await derive(tenant_id)
    assert await by(ask, tenant_id, "agent") == {"a1": 240, "a2": 140, "a3": 80}
    assert await by(ask, tenant_id, "team") == {"t1": 340, "t2": 40, None: 80}
    assert await by(ask, tenant_id, "time:hour") == {
        f"2026-03-02T{hour:02}:00:00+00:00": 65 if hour < 12 else 50 for hour in range(8, 16)
    }


@pytest.mark.parametrize("hourly", [33.3333, 0.0001, 19.99, 7_777_777.7777])
async def test_pieces_add_up_to_the_whole(
    hourly: float, tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "cost-book", rate("r1", hourly))
    await send(
        tenant_id,
        "shifts",
        shift("s1", "2026-03-02T08:07:13.457Z", "2026-03-02T16:52:01.001Z"),
    )
    ms = 31_487_544
    whole = round(round(hourly * 10_000) * ms / 3_600_000) / 10_000
    assert await cost(ask, tenant_id) == whole
    pieces = await by(ask, tenant_id, "time:15min")
    assert round(sum(pieces.values()), 4) == whole


async def test_a_late_rate_reaches_back_to_its_own_day_only(
    tenant_id: UUID, send: Send, derive: Derive, ask: Ask, worker_pool: asyncpg.Pool
) -> None:
    await send(tenant_id, "cost-book", rate("r1", 10))
    shifts = [shift(f"s{day}", at("20:00", day), at("04:00", day + 1)) for day in (1, 2, 3, 4)]
    await send(tenant_id, "shifts", *shifts)
    await drain(worker_pool, tenant_id)
    time = {"from": "2026-03-01", "to": "2026-03-06"}
    before = {1: 40, 2: 80, 3: 80, 4: 80, 5: 40}

    async def days() -> dict[int, float]:
        found = await by(ask, tenant_id, "time:day", time=time)
        return {int(str(day)[-2:]): value for day, value in found.items()}

    assert await days() == before
    await send(tenant_id, "cost-book", rate("r2", 20, "2026-03-03"))
    found = await ask(tenant_id, "staff_cost", time=time)
    assert (found["meta"]["exact"], found["meta"]["pending_subjects"]) == (False, 1)
    # Neither the shift of the first night nor any before it is looked at.
    assert await derive(tenant_id) == 3
    assert await days() == {**before, 3: 160, 4: 160, 5: 80}
    assert (await ask(tenant_id, "staff_cost", time=time))["meta"]["exact"]

    await send(tenant_id, "cost-book", rate("r2", 20, "2026-03-03", deleted=True))
    await derive(tenant_id)
    assert await days() == before


async def test_the_first_and_the_last_rate_tell_unrated_time_before_it(
    tenant_id: UUID, send: Send, derive: Derive, admin: asyncpg.Connection
) -> None:
    """Where nothing has a rate, paid time is not said to be without one."""

    async def unrated() -> int:
        found: int = await admin.fetchval(
            "SELECT count(*) FROM facts WHERE tenant_id = $1 AND kind = $2 AND value IS NULL",
            tenant_id, int(Kind.STAFF_COST),
        )  # fmt: skip
        return found

    await send(tenant_id, "shifts", shift("s1", at("08:00"), at("16:00")))
    assert await unrated() == 0
    await send(tenant_id, "cost-book", rate("r1", 10, "2026-03-09"))
    await derive(tenant_id)
    assert await unrated() > 0
    await send(tenant_id, "cost-book", rate("r1", 10, "2026-03-09", deleted=True))
    await derive(tenant_id)
    assert await unrated() == 0


async def test_days_of_rates_are_the_tenants(
    new_tenant: Callable[[str], Awaitable[UUID]], send: Send, ask: Ask
) -> None:
    tenant_id = await new_tenant("America/Los_Angeles")
    await send(tenant_id, "cost-book", rate("r1", 10), rate("r2", 20, "2026-03-02"))
    await send(tenant_id, "shifts", shift("s1", at("06:00"), at("10:00")))
    assert await cost(ask, tenant_id, time=MARCH, zone="America/Los_Angeles") == 60


async def test_presence_is_paid_where_no_shift_is_near(
    tenant_id: UUID, send: Send, ask: Ask
) -> None:
    await send(tenant_id, "cost-book", rate("r1", 10))
    presence = [
        ("p1", "available", "08:00", "10:00", 2),
        ("p2", "break", "10:00", "11:00", 2),
        ("p3", "offline", "11:00", "12:00", 2),
        ("p4", "handling", "23:00", "23:30", 3),
    ]
    items = [
        {"external_id": name, "agent": "a1", "state": state,
         "started_at": at(start, day), "ended_at": at(end, day)}
        for name, state, start, end, day in presence
    ]  # fmt: skip
    await send(tenant_id, "presence", *items)
    time = {"from": "2026-03-02", "to": "2026-03-05"}
    assert await cost(ask, tenant_id, time=time) == 35

    # Twelve hours before this shift it is 09:00: the two hours after that are no longer paid.
    unpaid = shift("s1", at("21:00"), at("22:00"), is_paid=False)
    await send(tenant_id, "shifts", unpaid)
    assert await cost(ask, tenant_id, time=time) == 15
    await send(tenant_id, "shifts", {**unpaid, "is_paid": True})
    assert await cost(ask, tenant_id, time=time) == 25
    await send(tenant_id, "shifts", {**unpaid, "deleted": True})
    assert await cost(ask, tenant_id, time=time) == 35


async def test_time_without_a_rate_is_told(tenant_id: UUID, send: Send, ask: Ask) -> None:
    await send(tenant_id, "cost-book", rate("r1", 10, agent="a1"))
    await send(tenant_id, "shifts", shift("s1", at("08:00"), at("12:00")))
    await send(tenant_id, "shifts", shift("s2", at("08:00"), at("20:00"), "a2"))
    found = await ask(tenant_id, "staff_cost", "staff_cost_coverage_rate", time=DAY)
    assert cell(found, "staff_cost")["value"] == 40
    assert cell(found, "staff_cost_coverage_rate")["value"] == 0.25


async def test_without_a_cost_book_that_is_said(tenant_id: UUID, send: Send, ask: Ask) -> None:
    await send(tenant_id, "shifts", shift("s1", at("08:00"), at("12:00")))
    found = await ask(tenant_id, "staff_cost", "paid_time", time=DAY)
    assert found["meta"]["columns"]["staff_cost"]["currency"] is None
    assert "no cost book" in found["meta"]["warnings"][0]
    assert (await ask(tenant_id, "paid_time", time=DAY))["meta"]["warnings"] == []


async def test_cost_per_contact(tenant_id: UUID, send: Send, derive: Derive, ask: Ask) -> None:
    """Abandoned calls and what bots answer are no contacts that were handled."""
    entries = [rate("r1", 25), monthly("rent", 9_300, "2026-03-01", "2026-04-01")]
    await send(tenant_id, "cost-book", *entries)
    await derive(tenant_id)
    await send(tenant_id, "shifts", shift("s1", at("08:00"), at("16:00")))
    await send(tenant_id, "agents", {"external_id": "bot", "kind": "bot"})
    calls = [
        {"external_id": f"c{n}", "queue_entered_at": at("09:00"), "agent": "a1",
         "outcome": "answered" if n < 30 else "abandoned", "direction":
         "outbound" if n == 40 else "inbound"}
        for n in range(41)
    ]  # fmt: skip
    await send(tenant_id, "calls", *calls)
    tickets = [{"external_id": f"t{n}", "created_at": at("09:00")} for n in range(12)]
    await send(tenant_id, "tickets", *tickets)
    replies = [
        {"event_id": f"e{n}", "ticket": f"t{n}", "type": "message", "occurred_at": at("09:10"),
         "direction": "outbound", "actor": "a1" if n < 10 else "bot",
         "actor_type": "agent" if n < 10 else "bot"}
        for n in range(12)
    ]  # fmt: skip
    await send(tenant_id, "ticket-events", *replies)
    staff = {"id": "cost_per_contact", "as": "staff", "params": {"costs": "staff"}}
    found = await ask(tenant_id, "cost_per_contact", staff, "fixed_cost", time=DAY)
    all_ = cell(found, "cost_per_contact")
    assert (all_["value"], all_["numerator"], all_["denominator"]) == (12.5, 500, 40)
    assert cell(found, "staff")["value"] == 5
    assert cell(found, "fixed_cost")["value"] == 300
    columns = found["meta"]["columns"]
    assert {columns[name]["currency"] for name in columns} == {"EUR"}
    assert columns["staff"]["unit"] == "money"


async def test_fixed_costs_are_spread_over_the_time_of_the_month(
    new_tenant: Callable[[str], Awaitable[UUID]], send: Send, derive: Derive, ask: Ask
) -> None:
    """The clocks go forward on the 29th: that day is shorter, and costs less."""
    tenant_id = await new_tenant("Europe/Berlin")
    rent = monthly("rent", 1_000.0001, "2026-03-01", "2026-04-01", name="rent")
    await send(tenant_id, "cost-book", rent)
    await derive(tenant_id)
    zone = {"zone": "Europe/Berlin", "time": MARCH}
    found = await ask(tenant_id, "fixed_cost", dimensions=["time:day"], include=["totals"], **zone)
    assert found["totals"]["fixed_cost"]["value"] == 1_000.0001
    days = [row["metrics"]["fixed_cost"]["value"] for row in found["data"]]
    assert days[0] == 32.3015
    assert days[28] == 30.9556
    assert round(sum(days), 4) == 1_000.0001


async def test_a_later_fixed_cost_of_the_same_name_takes_its_place(
    tenant_id: UUID, send: Send, derive: Derive, ask: Ask
) -> None:
    entries = [
        monthly("old", 310, "2026-03-01", "2026-04-01", name="rent"),
        monthly("new", 620, "2026-03-11", "2026-04-01", name="rent"),
        monthly("other", 3_100, "2026-03-31", "2026-04-01", name="fair"),
    ]
    for each in entries:
        await send(tenant_id, "cost-book", each)
    await derive(tenant_id)
    assert await cost(ask, tenant_id, "fixed_cost", time=MARCH) == 100 + 420 + 100
    await send(tenant_id, "cost-book", {**entries[1], "fixed_cost_per_month": 0})
    await derive(tenant_id)
    assert await cost(ask, tenant_id, "fixed_cost", time=MARCH) == 100 + 100


async def test_months_are_added_before_they_begin(
    tenant_id: UUID,
    send: Send,
    derive: Derive,
    admin: asyncpg.Connection,
    worker_pool: asyncpg.Pool,
) -> None:
    this_month = datetime.now(UTC).date().replace(day=1)
    await send(tenant_id, "cost-book", monthly("rent", 1, this_month.isoformat(), None))
    await derive(tenant_id)
    sql = "SELECT max(occurred_at) FROM facts WHERE tenant_id = $1 AND kind = $2"
    last = await admin.fetchval(sql, tenant_id, int(Kind.FIXED_COST))
    assert last > datetime.now(UTC)
    following = datetime(last.year + 1, 1, 20, tzinfo=UTC)
    assert await extend_costs(worker_pool, following) >= 1
    await derive(tenant_id)
    until = await admin.fetchval(sql, tenant_id, int(Kind.FIXED_COST))
    assert until.isoformat() == f"{following.year}-01-31T23:45:00+00:00"
    assert await extend_costs(worker_pool, following) == 0


def test_a_second_currency_is_refused(tenant: Tenant) -> None:
    entry = sample("cost-book")
    accept(tenant, "cost-book", entry)
    other = sample("cost-book", currency="USD")
    told = refuse(tenant, "cost-book", other, "/currency", "currency_mismatch")
    assert told["allowed"] == ["EUR"]
    assert stored(tenant, "cost-book", other) == []

    names = [each["external_id"] for each in tenant.http.get("/v1/cost-book").json()["data"]]
    gone = [{**entry, "external_id": name, "deleted": True} for name in names]
    assert tenant.http.post("/v1/cost-book/batch", json=gone).status_code == 200
    accept(tenant, "cost-book", other)


def test_the_first_entry_of_a_batch_decides(tenant: Tenant) -> None:
    batch = [sample("cost-book", currency=each) for each in ("SAR", "USD", "SAR")]
    answer = tenant.http.post("/v1/cost-book/batch", json=batch).json()
    assert [each["status"] for each in answer["results"]] == ["created", "rejected", "created"]
    assert answer["results"][1]["errors"][0]["pointer"] == "/1/currency"
    assert answer["results"][1]["external_id"] == batch[1]["external_id"]


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"hourly_rate": None}, "/hourly_rate", "required"),
        ({"fixed_cost_per_month": 3}, "/fixed_cost_per_month", "invalid_value"),
        ({"agent": "a", "team": "t"}, "/team", "invalid_value"),
        ({"name": "rent"}, "/name", "invalid_value"),
        (
            {"hourly_rate": None, "fixed_cost_per_month": 3, "agent": "a"},
            "/agent",
            "invalid_value",
        ),
        ({"valid_from": "2014-12-31"}, "/valid_from", "out_of_range"),
        ({"valid_to": "2026-01-01"}, "/valid_to", "out_of_range"),
        ({"valid_to": "2200-01-01"}, "/valid_to", "out_of_range"),
        ({"hourly_rate": -1}, "/hourly_rate", "out_of_range"),
    ],
)
def test_what_is_refused(tenant: Tenant, fields: Item, pointer: str, code: str) -> None:
    refuse(tenant, "cost-book", sample("cost-book", **fields), pointer, code)


def test_a_currency_has_three_letters(tenant: Tenant) -> None:
    for currency in ("eur", "EURO", "E", "EU\n"):
        answer = tenant.http.post("/v1/cost-book", json=sample("cost-book", currency=currency))
        assert problem(answer)[0] == 422
