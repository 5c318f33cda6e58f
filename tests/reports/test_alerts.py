"""Alerts: over HTTP, and as the worker looks at them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from tests.conftest import Product, Tenant, tenants_of
from tests.hours.conftest import Send, send
from tests.reports.compared import push

from csapi.access.tenancy import tenant_transaction
from csapi.kit.clock import now
from csapi.reports.alerts import store
from csapi.reports.alerts.detector import NoFinding
from csapi.reports.alerts.looking import look as look_in
from csapi.reports.alerts.schemas import AlertEvent, AlertGrain, AlertRequest
from csapi.reports.alerts.timing import last_end, next_look, start_of
from csapi.reports.alerts.watching import look_at_alert
from csapi.reports.goals import store as goals
from csapi.reports.goals.endpoints import seen_by
from csapi.reports.goals.schemas import GoalRequest, GoalStatus
from csapi.reports.goals.watching import look_at_goal
from csapi.reports.schemas import MetricRequest
from csapi.reports.service import Desk, Snapshot, snapshot_of
from csapi.reports.watching import Next, Watch, Watcher, set_mark

__all__ = ["send"]

TODAY = now().date()
YESTERDAY = TODAY - timedelta(days=1)
DAYS = 64


def calls() -> Iterator[dict[str, Any]]:
    """Ten to twelve a day; yesterday forty."""
    for place in range(DAYS):
        day = TODAY - timedelta(days=DAYS - place)
        count = 40 if day == YESTERDAY else 10 + place % 3
        for number in range(count):
            yield {
                "source": "pbx",
                "external_id": f"{place}-{number}",
                "queue_entered_at": f"{day}T{8 + number % 12:02}:{number:02}:00Z",
                "outcome": "abandoned" if day == YESTERDAY and number % 2 else "answered",
                "wait_seconds": 20,
                "queue": "care",
            }


@pytest.fixture(scope="module")
def shop(product: Product) -> Iterator[Tenant]:
    with tenants_of(product) as make:
        tenant = make()
        push(tenant, "calls", list(calls()))
        yield tenant


def alert(**more: Any) -> dict[str, Any]:
    return {"name": "Rush", "kind": "anomaly", "metric": {"id": "calls_offered"}, **more}


def create(tenant: Tenant, **more: Any) -> Any:
    answer = tenant.http.post("/v1/alerts", json=alert(**more))
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/v1/alerts/{answer.json()['id']}"
    return answer.json()


def look(tenant: Tenant, made: Any) -> Any:
    answer = tenant.http.post(f"/v1/alerts/{made['id']}/looks")
    assert answer.status_code == 200, answer.text
    return answer.json()["finding"]


def events(tenant: Tenant, made: Any, **params: Any) -> list[Any]:
    answer = tenant.http.get("/v1/alert-events", params={"alert_id": made["id"], **params})
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["data"]
    return found


def test_a_day_out_of_its_range_is_told_once_with_its_query(shop: Tenant) -> None:
    made = create(shop)
    assert (made["looked_at"], made["finding"]) == (None, None)
    found = look(shop, made)
    assert found["is_out"]
    assert found["value"] == 40
    assert found["expected_low"] < found["expected"] < found["expected_high"] < 40
    assert found["start"] == f"{YESTERDAY}T00:00:00Z"
    look(shop, made)
    (event,) = events(shop, made)
    assert event["finding"] == found
    assert (event["state"], event["is_over"], event["kind"]) == ("open", False, "anomaly")
    (row,) = shop.http.post("/v1/query", json=found["query"]).json()["data"]
    assert row["metrics"]["calls_offered"]["value"] == 40
    assert shop.http.get(f"/v1/alerts/{made['id']}").json()["finding"] == found


def test_a_bound_of_a_share(shop: Tenant) -> None:
    rate = {"kind": "threshold", "metric": {"id": "abandonment_rate"}, "name": "Lost"}
    low, high = (create(shop, **rate, bound={"above": bound}) for bound in (0.4, 0.6))
    assert look(shop, low)["value"] == pytest.approx(0.5)
    assert not look(shop, high)["is_out"]
    assert (len(events(shop, low)), len(events(shop, high))) == (1, 0)
    few = create(shop, **rate, bound={"above": 0.4}, minimum_n=41)
    assert look(shop, few)["reason"] == "too_few"
    week = look(shop, create(shop, **rate, bound={"above": 0.4}, window=7))
    assert (week["is_out"], week["start"]) == (False, f"{TODAY - timedelta(days=7)}T00:00:00Z")
    hour = look(shop, create(shop, **rate, bound={"below": 0.4}, window=2, grain="hour"))
    assert hour["reason"] == "no_value"


def test_drift_and_hours_say_what_they_lack(shop: Tenant) -> None:
    assert look(shop, create(shop, kind="drift"))["reason"] in ("short_history", None)
    hours = look(shop, create(shop, grain="hour"))
    assert not hours["is_out"]
    side = create(shop, metric={"id": "abandonment_rate"}, side="down")
    assert not look(shop, side)["is_out"]


def test_people_say_what_they_have_done(shop: Tenant) -> None:
    made = create(shop)
    look(shop, made)
    (event,) = events(shop, made)
    path = f"/v1/alert-events/{event['id']}"
    seen = shop.http.patch(path, json={"state": "acknowledged", "note": "Kim"}).json()
    assert (seen["state"], seen["note"]) == ("acknowledged", "Kim")
    assert seen["acknowledged_at"] is not None
    done = shop.http.patch(path, json={"state": "resolved"}).json()
    assert (done["note"], done["acknowledged_at"]) == ("Kim", seen["acknowledged_at"])
    assert done["resolved_at"] is not None
    # Its cause goes on: that it was resolved makes it no new one.
    assert done["is_over"] is False
    look(shop, made)
    assert len(events(shop, made)) == 1
    assert events(shop, made, state="open") == []
    again = shop.http.patch(path, json={"state": "open", "note": None}).json()
    assert (again["acknowledged_at"], again["resolved_at"], again["note"]) == (None, None, None)
    assert shop.http.get(path).json() == again
    assert shop.http.delete(f"/v1/alerts/{made['id']}").status_code == 204
    assert shop.http.get(path).status_code == 404
    for method, rest in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/looks")):
        body = alert() if method == "PUT" else None
        gone = shop.http.request(method, f"/v1/alerts/{made['id']}{rest}", json=body)
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found"), (method, rest)


def test_another_definition_begins_anew(shop: Tenant) -> None:
    made = create(shop)
    look(shop, made)
    path = f"/v1/alerts/{made['id']}"
    changed = shop.http.put(path, json=alert(name="Else", is_enabled=False)).json()
    assert (changed["alert"]["name"], changed["finding"]) == ("Else", None)
    (event,) = events(shop, made)
    assert (event["name"], event["state"], event["is_over"]) == ("Rush", "resolved", True)
    assert made["id"] in [each["id"] for each in shop.http.get("/v1/alerts").json()["data"]]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"kind": "threshold"}, "/bound", "required"),
        ({"kind": "threshold", "bound": {}}, "/bound", "invalid_value"),
        ({"kind": "threshold", "bound": {"above": 1, "below": 0}}, "/bound", "invalid_value"),
        ({"kind": "threshold", "bound": {"above": 1}, "side": "up"}, "/side", "not_supported"),
        ({"kind": "threshold", "bound": {"above": 1}, "window": 93}, "/window", "out_of_range"),
        ({"bound": {"above": 1}}, "/bound", "not_supported"),
        ({"window": 2}, "/window", "not_supported"),
        ({"grain": "week"}, "/grain", "not_supported"),
        ({"kind": "drift", "grain": "day"}, "/grain", "not_supported"),
        ({"metric": {"id": "longest_queue_wait"}}, "/metric", "not_supported"),
        ({"metric": {"id": "nothing"}}, "/metric/id", "unknown_metric"),
        ({"filters": {"dimension": "x", "op": "is_null"}}, "/filters/dimension",
         "unknown_dimension"),
        ({"kind": "surprise"}, "/kind", "invalid_value"),
    ],
)  # fmt: skip
def test_what_is_refused(shop: Tenant, change: dict[str, Any], pointer: str, code: str) -> None:
    answer = shop.http.post("/v1/alerts", json=alert(**change))
    assert answer.status_code == 422, answer.text
    error = answer.json()["errors"][0]
    assert (error["pointer"], error["code"]) == (pointer, code), answer.text


def test_buckets_are_local() -> None:
    zone, at = "Asia/Kathmandu", datetime.fromisoformat("2026-03-04T18:20:00+00:00")
    assert last_end(AlertGrain.hour, zone, at).isoformat() == "2026-03-04T18:15:00+00:00"
    midnight = last_end(AlertGrain.day, zone, at)
    assert midnight.isoformat() == "2026-03-04T18:15:00+00:00"
    assert (midnight - start_of(AlertGrain.day, zone, midnight)) == timedelta(days=1)
    monday = last_end(AlertGrain.week, zone, at)
    assert monday.isoformat() == "2026-03-01T18:15:00+00:00"
    weekly = msgspec.convert(alert(kind="drift"), AlertRequest)
    following = next_look(weekly, zone, monday)
    assert following is not None
    assert following.turn - monday == timedelta(weeks=1)
    off = msgspec.structs.replace(weekly, is_enabled=False)
    assert next_look(off, zone, monday) is None


class Desks:
    """A tenant with an alert of each day, and who looks at it."""

    def __init__(self, api: asyncpg.Pool, worker: asyncpg.Pool, tenant_id: UUID) -> None:
        self.api, self.worker, self.tenant_id = api, worker, tenant_id
        looks = {Watch.GOAL: look_at_goal, Watch.ALERT: look_at_alert}
        self.watcher = Watcher(worker, looks, live_slots_max=1_000)

    async def add(self, turn: datetime, **more: Any) -> UUID:
        request = {"kind": "threshold", "bound": {"above": 2}, **more}
        text = msgspec.json.encode(alert(**request)).decode()
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            row = await connection.fetchrow(store.ADD, self.tenant_id, text)
            place = self.tenant_id, Watch.ALERT, row["id"]
            await set_mark(connection, *place, Next(turn, turn))
        id_: UUID = row["id"]
        return id_

    async def events(self, id_: UUID) -> list[AlertEvent]:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            rows = await connection.fetch(store.EVENTS, self.tenant_id, id_, None, None, 100)
        return [store.event_of(row) for row in rows]

    async def mark(self, id_: UUID) -> Any:
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            return await connection.fetchrow(
                "SELECT turn, due_at FROM watch_marks WHERE tenant_id = $1 AND id = $2",
                self.tenant_id, id_,
            )  # fmt: skip

    async def again(self, id_: UUID) -> None:
        """As if the turn had come that is waited for."""
        async with tenant_transaction(self.api, self.tenant_id) as connection:
            await connection.execute(
                "UPDATE watch_marks SET due_at = now() WHERE tenant_id = $1 AND id = $2",
                self.tenant_id, id_,
            )  # fmt: skip


@pytest.fixture
def desks(api_pool: asyncpg.Pool, worker_pool: asyncpg.Pool, tenant_id: UUID) -> Desks:
    return Desks(api_pool, worker_pool, tenant_id)


def midnight() -> datetime:
    return last_end(AlertGrain.day, "UTC", now())


async def call(send: Send, tenant_id: UUID, day: date, count: int) -> None:
    for number in range(count):
        await send(
            tenant_id,
            "calls",
            {
                "external_id": f"{day}-{number}", "outcome": "answered", "wait_seconds": 1,
                "queue_entered_at": f"{day}T10:0{number}:00Z",
            },
        )  # fmt: skip


async def test_a_turn_is_looked_at_once(desks: Desks, send: Send, tenant_id: UUID) -> None:
    await call(send, tenant_id, YESTERDAY, 3)
    id_ = await desks.add(midnight())
    await desks.watcher.sweep()
    (event,) = await desks.events(id_)
    assert (event.finding.value, event.finding.end) == (3, midnight())
    assert event.finding.expected_high == 2
    turn, due_at = await desks.mark(id_)
    assert turn == midnight() + timedelta(days=1)
    assert due_at > turn
    assert await desks.watcher.sweep() == 0
    await desks.again(id_)
    await desks.watcher.sweep()
    assert await desks.events(id_) == [event]


async def test_two_workers_write_a_turn_once(desks: Desks, send: Send, tenant_id: UUID) -> None:
    await call(send, tenant_id, YESTERDAY, 3)
    id_ = await desks.add(midnight())
    desks.watcher._lease_seconds = 0.0
    place = tenant_id, Watch.ALERT, id_
    first, second = await desks.watcher.claim(*place), await desks.watcher.claim(*place)
    assert first is not None
    assert second is not None
    desk = Desk(desks.worker, tenant_id, "UTC", now(), 1_000)
    outcomes = [await look_at_alert(desk, turn) for turn in (first, second)]
    kept = [
        await desks.watcher.finish(turn, outcome)
        for turn, outcome in zip((first, second), outcomes, strict=True)
    ]
    assert kept == [True, False]
    assert len(await desks.events(id_)) == 1


async def test_of_turns_that_were_missed_the_latest_is_looked_at(
    desks: Desks, send: Send, tenant_id: UUID
) -> None:
    await call(send, tenant_id, YESTERDAY - timedelta(days=5), 4)
    id_ = await desks.add(midnight() - timedelta(days=5))
    await desks.watcher.sweep()
    assert await desks.events(id_) == []
    assert (await desks.mark(id_))["turn"] == midnight() + timedelta(days=1)


async def test_what_went_away_is_over_after_three_quiet_days(
    desks: Desks, send: Send, tenant_id: UUID
) -> None:
    """Each day looked at in its turn; looking again at a day counts for nothing."""
    first = YESTERDAY - timedelta(days=6)
    await call(send, tenant_id, first, 3)
    await call(send, tenant_id, YESTERDAY, 3)
    id_ = await desks.add(midnight())
    seen = []
    for days in range(7):
        end = midnight() - timedelta(days=6 - days)
        desk = Desk(desks.worker, tenant_id, "UTC", end + timedelta(hours=2), 1_000)
        for _ in range(2):
            async with tenant_transaction(desks.worker, tenant_id) as connection:
                row = await connection.fetchrow(store.ONE, tenant_id, id_)
                found, _ = await look_in(Snapshot(connection, desk), store.request_of(row), end)
                await store.keep_look(connection, tenant_id, row, found, desk.now)
        seen.append([(each.is_over, each.state.value) for each in await desks.events(id_)])
    calm, over = (False, "open"), (True, "resolved")
    assert seen == [[calm], [calm], [calm], [over], [over], [over], [calm, over]]


async def test_days_before_the_first_record_are_no_history(
    desks: Desks, send: Send, tenant_id: UUID
) -> None:
    for day in range(9):
        await call(send, tenant_id, YESTERDAY - timedelta(days=day), 3)
    request = msgspec.convert(alert(side="both"), AlertRequest)
    desk = Desk(desks.worker, tenant_id, "UTC", now(), 1_000)
    async with snapshot_of(desk) as snapshot:
        found, _ = await look_in(snapshot, request, midnight())
    assert (found.value, found.reason) == (3, NoFinding.short_history)


async def test_an_alert_that_is_gone_leaves_no_mark(desks: Desks, tenant_id: UUID) -> None:
    id_ = await desks.add(midnight())
    async with tenant_transaction(desks.api, tenant_id) as connection:
        await connection.execute(store.DROP, tenant_id, id_)
    await desks.watcher.sweep()
    assert await desks.mark(id_) is None


async def test_a_goal_is_looked_at_each_day(desks: Desks, send: Send, tenant_id: UUID) -> None:
    await call(send, tenant_id, YESTERDAY, 3)
    goal = GoalRequest(
        title="Calls", metric=MetricRequest(id="calls_offered"), target=3, baseline=9,
        starts_on=YESTERDAY - timedelta(days=3), due_on=TODAY + timedelta(days=9), window_days=1,
    )  # fmt: skip
    desk = Desk(desks.api, tenant_id, "UTC", now(), 1_000)
    state, _ = await seen_by(desk, goal)
    assert state.status is GoalStatus.reached
    unknown = msgspec.structs.replace(state, status=GoalStatus.cannot_tell)
    async with tenant_transaction(desks.api, tenant_id) as connection:
        row = await goals.add(connection, tenant_id, goal, unknown, now())
        turn = Next(midnight(), midnight())
        await set_mark(connection, tenant_id, Watch.GOAL, row["id"], turn)
    await desks.watcher.sweep()
    async with tenant_transaction(desks.api, tenant_id) as connection:
        kept = await connection.fetchval("SELECT status FROM goals WHERE id = $1", row["id"])
    assert kept == "reached"
    assert (await desks.mark(row["id"]))["turn"] == midnight() + timedelta(days=1)
