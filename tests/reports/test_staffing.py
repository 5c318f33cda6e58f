"""Staffing over HTTP: six weeks of a call center that is known to the call."""

import csv
import io
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from tests.conftest import Listen, Product, Tenant
from tests.isolation.keys import new_key, new_tenant_client
from tests.reports.compared import push

from csapi.kit.clock import now
from csapi.reports.service import Desk
from csapi.reports.staffing.schemas import StaffingInterval
from csapi.reports.staffing.what_if import what_if
from csapi.reports.staffing.what_if_schemas import WhatIf, WhatIfChannel

FIRST, WEEKS = date(2026, 3, 2), 6
END = FIRST + timedelta(weeks=WEEKS)
RANGE: dict[str, Any] = {"from": str(FIRST), "to": str(END)}
TIME = {"range": RANGE, "timezone": "UTC"}
OPENS, CLOSES = 9, 17
WAIT, LEFT, HANDLE = 10, 60, 300
# The mornings are busier.
MEANS = {hour: 6 if hour < 13 else 3 for hour in range(OPENS, CLOSES)}
RATE = 34


def working_days() -> list[date]:
    days = [FIRST + timedelta(days=number) for number in range(7 * WEEKS)]
    return [day for day in days if day.weekday() < 5]


def calls() -> Iterator[dict[str, Any]]:
    """By chance as many as the hour has at the mean; every tenth gives up, a1 has three of four."""
    rng, number = random.Random(5), 0
    for day in working_days():
        for hour, mean in MEANS.items():
            for _ in range(sum(rng.random() < mean / 20 for _ in range(20))):
                number += 1
                at = datetime(day.year, day.month, day.day, hour, rng.randrange(60), tzinfo=UTC)
                is_lost = number % 10 == 0
                ended = {"outcome": "abandoned", "wait_seconds": LEFT}
                if not is_lost:
                    leg = {
                        "agent": "a2" if number % 4 == 0 else "a1", "talk_seconds": HANDLE - 60,
                        "after_call_work_seconds": 60,
                    }  # fmt: skip
                    ended = {
                        "outcome": "answered", "wait_seconds": WAIT, "agent": leg["agent"],
                        "legs": [leg],
                    }  # fmt: skip
                yield {
                    "source": "pbx", "external_id": f"c{number}", "customer": f"u{number % 7}",
                    "queue": "q1", "queue_entered_at": at.isoformat(), **ended,
                }  # fmt: skip


CALLS = list(calls())
ANSWERED = [each for each in CALLS if each["outcome"] == "answered"]


def spell(agent: str, day: date, state: str, hours: tuple[int, int]) -> dict[str, Any]:
    start, end = (f"{day}T{hour:02}:00:00Z" for hour in hours)
    return {
        "source": "pbx", "external_id": f"{agent}-{start}", "agent": agent, "state": state,
        "started_at": start, "ended_at": end,
    }  # fmt: skip


def presence() -> Iterator[dict[str, Any]]:
    """Both are there from nine to five; a1 is busy for six hours, a2 for two."""
    for day in working_days():
        for agent, busy in (("a1", 15), ("a2", 11)):
            yield spell(agent, day, "handling", (OPENS, busy))
            yield spell(agent, day, "available", (busy, CLOSES))


def shifts() -> Iterator[dict[str, Any]]:
    """Paid for half an hour more than they are there."""
    for day in working_days():
        for agent in ("a1", "a2"):
            yield {
                "source": "pbx", "external_id": f"s-{agent}-{day}", "agent": agent,
                "started_at": f"{day}T09:00:00Z", "ended_at": f"{day}T17:30:00Z",
            }  # fmt: skip


@pytest.fixture(scope="module")
def center(product: Product) -> Iterator[Tenant]:
    tenant = new_tenant_client(product)
    rate = {
        "source": "s", "external_id": "r", "currency": "EUR", "valid_from": "2026-01-01",
        "hourly_rate": RATE,
    }  # fmt: skip
    push(tenant, "cost-book", [rate])
    push(tenant, "shifts", list(shifts()))
    push(tenant, "presence", list(presence()))
    push(tenant, "calls", CALLS)
    deadline = time.monotonic() + 30
    while not planned(tenant)["meta"]["exact"] and time.monotonic() < deadline:
        time.sleep(0.2)
    yield tenant
    tenant.http.close()


def planned(tenant: Tenant, status: int = 200, *channels: Any, **more: Any) -> Any:
    wanted = {"time": TIME, "interval": "hour", "channels": list(channels) or [{}], **more}
    answer = tenant.http.post("/v1/staffing/what-if", json=wanted)
    assert answer.status_code == status, answer.text
    return answer.json()


def get(tenant: Tenant, path: str, status: int = 200, **params: Any) -> Any:
    answer = tenant.http.get(f"/v1/staffing/{path}", params={"interval": "hour", **params})
    assert answer.status_code == status, answer.text
    return answer.json()


def ahead(tenant: Tenant, first: object, **params: Any) -> Any:
    return get(tenant, "forecast", 200, **params | {"from": str(first)})


def found_at(channel: Any, day: str, hour: int) -> Any:
    return next(
        each
        for each in channel["intervals"]
        if (each["day"], each["from"]) == (day, f"{hour:02}:00")
    )


def came_at(weekday: int, hour: int) -> int:
    times = [datetime.fromisoformat(each["queue_entered_at"]) for each in CALLS]
    return sum((each.weekday(), each.hour) == (weekday, hour) for each in times)


def test_a_calculator_gives_the_golden_numbers(tenant: Tenant) -> None:
    golden = (
        ({"arrivals": 200, "handle_seconds": 240, "agents": 30}, 30, 31, 0.7180, 30.8),
        ({"arrivals": 200, "handle_seconds": 240, "agents": 31}, 30, 31, 0.8135, 17.8),
        ({"arrivals": 100, "handle_seconds": 600, "agents": 39}, 20, 40, 0.7897, 26.9),
        ({"arrivals": 100, "handle_seconds": 600, "agents": 40}, 20, 40, 0.8473, 17.2),
    )
    channels = [
        {
            "model": "erlang_c", "given": given,
            "targets": {"within_seconds": within, "max_occupancy": None},
        }
        for given, within, *_ in golden
    ]  # fmt: skip
    day = {"range": {"from": "2026-03-02", "to": "2026-03-03"}}
    answer = planned(tenant, 200, *channels, interval="30min", time=day)
    for found, (given, _, agents, share, wait) in zip(answer["channels"], golden, strict=True):
        assert len(found["intervals"]) == 7 * 48
        for each in (found["intervals"][0], found["intervals"][-1]):
            assert each["required"]["agents"] == agents
            assert each["present"]["service_level"] == pytest.approx(share, abs=5e-5)
            assert each["present"]["average_wait_seconds"] == pytest.approx(wait, abs=0.05)
            assert each["arrivals"] == {"value": given["arrivals"], "n": None, "source": "given"}
        assert found["intervals"][-1]["to"] == "24:00"


def test_everything_is_measured_where_nothing_is_given(center: Tenant) -> None:
    answer = planned(center)
    assert answer["meta"]["currency"] == "EUR"
    (found,) = answer["channels"]
    inputs = found["inputs"]
    assert inputs["handle_seconds"] == {
        "value": HANDLE, "n": len(ANSWERED), "source": "measured"
    }  # fmt: skip
    lost = len(CALLS) - len(ANSWERED)
    patience = (WAIT * len(ANSWERED) + LEFT * lost) / lost
    assert inputs["patience_seconds"]["value"] == pytest.approx(patience)
    assert inputs["patience_seconds"]["n"] == lost
    assert inputs["shrinkage"]["value"] == pytest.approx(0.5 / 8.5)
    assert inputs["cost_per_hour"]["value"] == pytest.approx(RATE)
    monday = found_at(found, "monday", 9)
    came = came_at(0, 9)
    assert monday["arrivals"] == {"value": came / WEEKS, "n": came, "source": "measured"}
    assert monday["occurrences"] == WEEKS
    assert monday["offered_load"] == pytest.approx(came / WEEKS * HANDLE / 3600)
    assert monday["present"]["agents"] == 2
    paid = monday["required"]["agents"] / (1 - 0.5 / 8.5)
    assert monday["required"]["paid_agents"] == pytest.approx(paid)
    assert monday["required"]["cost"] == pytest.approx(paid * RATE)
    assert found_at(found, "sunday", 9)["required"]["agents"] == 0
    totals = found["totals"]
    assert totals["contacts"] == pytest.approx(len(CALLS) / WEEKS)
    assert totals["work_hours"] == pytest.approx(len(CALLS) / WEEKS * HANDLE / 3600)
    assert totals["present"]["hours"] == pytest.approx(2 * 8 * 5)
    assert totals["present"]["paid_hours"] == pytest.approx(2 * 8.5 * 5)
    assert totals["present"]["cost"] == pytest.approx(2 * 8.5 * 5 * RATE)
    assert answer["present_cost"] == totals["present"]["cost"]
    assert found["baseline"] is None
    measured = found["measured"]
    assert measured["service_level"]["value"] == pytest.approx(len(ANSWERED) / len(CALLS))
    assert measured["abandonment_rate"]["value"] == pytest.approx(lost / len(CALLS))
    # Two agents for a third of an erlang answer nearly everybody at once; here calls waited.
    assert any("presence names no channel" in each for each in found["warnings"])
    assert found["assumptions"]


def test_what_if_is_held_against_what_was(center: Tenant) -> None:
    (before,) = planned(center)["channels"]
    change = {"arrivals": 0.5, "handle_seconds": 100, "agents": -1}
    (found,) = planned(center, 200, {"change": change})["channels"]
    assert found["baseline"] == before["totals"]
    assert found["totals"]["contacts"] == pytest.approx(1.5 * before["totals"]["contacts"])
    assert found["inputs"]["handle_seconds"]["value"] == HANDLE + 100
    monday = found_at(found, "monday", 9)
    assert monday["present"]["agents"] == 1
    assert monday["missing"] == monday["required"]["agents"] - 1
    assert found["totals"]["present"]["hours"] == pytest.approx(8 * 5)
    assert found["totals"]["required"]["hours"] > before["totals"]["required"]["hours"]
    old, new = before["totals"]["present"], found["totals"]["present"]
    assert new["service_level"] < old["service_level"]
    assert new["occupancy"] > 2 * old["occupancy"]


def test_chat_and_mail_have_models_of_their_own(center: Tenant) -> None:
    hours = [{"day": "monday", "from": "08:00", "to": "18:00"}]
    chat = {
        "channel": "chat",
        "given": {"arrivals": 30, "handle_seconds": 600, "concurrency": 2, "stretch": 0.5},
        "targets": {"max_occupancy": None},
    }
    mail = {
        "channel": "email",
        "given": {"arrivals": 12, "handle_seconds": 300, "agents": 4},
        "working_hours": hours,
        "targets": {"within_seconds": 14_400, "max_occupancy": 1},
    }
    chats, mails = planned(center, 200, chat, mail)["channels"]
    assert (chats["model"], mails["model"]) == ("concurrency", "deferred")
    # 30 an hour, 10 minutes each, half as long again with two at a time: 7.5 slots, 3.75 agents.
    assert chats["intervals"][0]["offered_load"] == pytest.approx(3.75)
    assert chats["intervals"][0]["required"]["agents"] >= 5
    # A whole week of mail is done on Monday: 168 hours of one erlang in ten.
    opened = [each for each in mails["intervals"] if each["required"]["agents"]]
    assert [each["from"] for each in opened] == [f"{hour:02}:00" for hour in range(8, 18)]
    assert mails["totals"]["work_hours"] == pytest.approx(168)
    assert sum(each["required"]["agents"] for each in opened) >= 168
    assert any("backlog grows by 128.0 hours" in each for each in mails["warnings"])
    assert mails["totals"]["present"]["service_level"] < 0.1


def test_a_day_of_history_is_a_day_of_the_week(center: Tenant) -> None:
    day = {"range": {"from": "2026-03-03", "to": "2026-03-04"}, "timezone": "UTC"}
    (found,) = planned(center, 200, {}, time=day)["channels"]
    assert {each["day"] for each in found["intervals"]} == {"tuesday"}
    assert len(found["intervals"]) == 24
    came = [each for each in CALLS if each["queue_entered_at"].startswith("2026-03-03")]
    assert found["totals"]["contacts"] == len(came)
    assert found["totals"]["present"]["hours"] == pytest.approx(16)
    assert any("does not have every interval" in each for each in found["warnings"])


def test_what_is_not_known_is_null_and_said(tenant: Tenant) -> None:
    (found,) = planned(tenant)["channels"]
    assert found["inputs"]["handle_seconds"] == {"value": None, "n": 0, "source": "measured"}
    assert found["totals"]["required"]["hours"] is None
    assert found["intervals"] == []
    told = " ".join(found["warnings"])
    assert "handle time is not known" in told
    assert "presence says nothing" in told


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"channels": []}, "/channels"),
        ({"interval": "5min"}, "/interval"),
        ({"time": {"range": {"from": "2026-01-01", "to": "2026-06-01"}}}, "/time/range/to"),
        ({"time": {"range": RANGE, "timezone": "Mars"}}, "/time/timezone"),
        ({"time": {"range": {"from": "2026-01-01"}}}, "/time/range/to"),
        ({"channels": [{"targets": {"service_level": 1.5}}]}, "/channels/0/targets/service_level"),
        ({"channels": [{"given": {"handle_seconds": 0}}]}, "/channels/0/given/handle_seconds"),
        ({"channels": [{"wrong": 1}]}, "/channels/0/wrong"),
        (
            {"channels": [{}, {"filters": {"dimension": "nothing", "op": "is_null"}}]},
            "/channels/1/filters/dimension",
        ),
    ],
)
def test_what_is_wrong_is_named(tenant: Tenant, change: Any, pointer: str) -> None:
    wanted = {"channels": [{}], **change}
    answer = tenant.http.post("/v1/staffing/what-if", json=wanted)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("path", "params", "pointer"),
    [
        ("forecast", {"days": 29}, "/days"),
        ("forecast", {"from": "2999-01-01"}, "/from"),
        ("forecast", {"from": "1980-01-01"}, "/from"),
        ("forecast", {"from": "tomorrow"}, "/from"),
        ("forecast", {"timezone": "Mars"}, "/timezone"),
        ("diagnosis", {"from": "2026-01-01", "to": "2026-06-01"}, "/to"),
        ("diagnosis", {"preset": "last_365_days"}, "/preset"),
        ("diagnosis", {"from": "2026-01-01"}, "/to"),
        ("diagnosis", {"timezone": "Mars"}, "/timezone"),
        ("diagnosis", {"service_level": 0}, "/service_level"),
    ],
)
def test_a_wrong_parameter_is_named(tenant: Tenant, path: str, params: Any, pointer: str) -> None:
    answer = tenant.http.get(f"/v1/staffing/{path}", params=params)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_the_diagnosis_adds_up(center: Tenant) -> None:
    found = get(center, "diagnosis", **RANGE, timezone="UTC", max_occupancy=1)
    hours = found["hours"]
    days = len(working_days())
    assert hours["present"] == pytest.approx(2 * 8 * days)
    assert hours["required"] - hours["missing"] + hours["spare"] == pytest.approx(hours["present"])
    intervals = found["intervals"]
    weekly = sum(each["required_agents"] * each["occurrences"] for each in intervals)
    assert weekly == pytest.approx(hours["required"])
    assert sum(each["contacts"] * each["occurrences"] for each in intervals) == len(CALLS)
    assert found["verdict"] in {each["verdict"] for each in found["findings"]} | {"enough"}
    held = [each["verdict"] for each in found["findings"] if each["holds"]]
    assert found["verdict"] == (held[0] if held else "enough")


def test_verdicts_follow_the_rule(center: Tenant) -> None:
    few = get(center, "diagnosis", **RANGE, handle_seconds=3000)
    assert few["verdict"] == "too_few_people"
    covered, missing, _ = few["findings"]
    assert covered["value"] == few["hours"]["present"] / few["hours"]["required"] < 0.95
    assert missing["value"] == few["hours"]["missing"] / few["hours"]["required"]
    # With next to no work two are always enough; but one is three times as busy as the other.
    easy = get(center, "diagnosis", **RANGE, handle_seconds=1)
    assert easy["hours"]["under"] == 0
    assert easy["load"]["agents"] == 2
    assert easy["load"]["gini"] is None
    assert [each["occupancy"] for each in easy["load"]["data"]] == [0.75, 0.25]
    assert easy["verdict"] == "enough"
    served = Counter(each["agent"] for each in ANSWERED)
    assert [each["contacts"] for each in easy["load"]["data"]] == [served["a1"], served["a2"]]


def test_it_says_what_is_missing_for_a_verdict(tenant: Tenant) -> None:
    found = get(tenant, "diagnosis", **RANGE)
    assert found["verdict"] == "cannot_tell"
    missing = {"no_presence", "no_handle_time", "too_few_contacts", "no_requirement"}
    assert set(found["cannot_tell"]) == missing
    assert found["hours"]["required"] is None
    assert found["busiest_hours"] == found["intervals"] == []


def test_the_busiest_hours_are_those_of_the_engine(center: Tenant) -> None:
    found = get(center, "diagnosis", **RANGE, top=168)["busiest_hours"]
    assert len(found) == 5 * 8
    rates = [each["contacts_per_hour"] for each in found]
    assert rates == sorted(rates, reverse=True)
    assert [each["rank"] for each in found] == list(range(1, 41))
    days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    for each in found:
        came = came_at(days.index(each["day"]), int(each["from"][:2]))
        assert each["contacts"]["value"] == came
        assert each["occurrences"] == WEEKS
        assert each["offered_load"] == pytest.approx(came / WEEKS * HANDLE / 3600)
        assert each["average_speed_of_answer"]["value"] == WAIT


def test_the_forecast_knows_weekdays_and_says_how_good_it_is(center: Tenant) -> None:
    found = ahead(center, END, days=7, timezone="UTC")
    assert found["history_days"] == 7 * WEEKS
    tested = found["backtest"]
    assert len(tested["origins"]) == 3
    assert tested["horizon_days"] == 7
    own, other = tested["level_and_profile"], tested["seasonal_naive"]
    assert own["wape"] < other["wape"]
    assert (found["method"], found["reason"]) == ("level_and_profile", "better_in_backtest")
    assert own["mase"] < 1
    assert own["covered_n"] > 40
    data = found["data"]
    assert [each["date"] for each in data] == [str(END + timedelta(days=n)) for n in range(7)]
    assert data[5]["expected"] == data[6]["expected"] == 0
    assert sum(each["expected"] for each in data) == pytest.approx(len(CALLS) / WEEKS, rel=0.15)
    monday = data[0]["intervals"]
    assert len(monday) == 24
    nine = monday[9]
    low, high = nine["band80"]
    assert low < nine["expected"] < high < nine["band95"][1]
    assert nine["required_agents_high"] >= nine["required_agents"] >= 1
    assert monday[3]["expected"] == monday[3]["required_agents"] == 0
    assert data[0]["required_hours"] == sum(each["required_agents"] for each in monday)


def test_a_forecast_uses_nothing_from_later(center: Tenant) -> None:
    """In the middle of the history it is what it would have been then."""
    found = ahead(center, "2026-03-16", days=1)
    assert found["history_days"] == 14
    assert (found["method"], found["reason"]) == ("seasonal_naive", "too_little_history")
    assert found["backtest"] is None
    (day,) = found["data"]
    week_before = [each for each in CALLS if each["queue_entered_at"].startswith("2026-03-09")]
    assert day["expected"] == len(week_before)
    assert day["intervals"][9]["band80"] is None
    assert ahead(center, "2026-03-02")["reason"] == "no_contacts"
    assert ahead(center, "2026-03-04")["reason"] == "too_little_history"


def test_events_are_taken_out_and_repeated(center: Tenant) -> None:
    """A sale of two past days comes again; a holiday was never seen."""
    notes = [
        {
            "source": "s", "external_id": f"n{start}", "kind": "campaign", "text": "Big sale",
            "starts_at": f"{start}T00:00:00Z", "ends_at": f"{end}T00:00:00Z",
        }
        for start, end in (("2026-03-23", "2026-03-25"), ("2026-04-14", "2026-04-15"))
    ]  # fmt: skip
    push(center, "annotations", notes)
    schedule = {
        "source": "s", "external_id": "hours", "timezone": "UTC", "is_default": True,
        "versions": [
            {
                "weekly": [{"day": "monday", "from": "09:00", "to": "17:00"}],
                "extra_dates": [{"date": "2026-04-13"}],
            }
        ],
    }  # fmt: skip
    push(center, "schedules", [schedule])
    found = ahead(center, END, days=7, timezone="UTC")
    sale, holiday = (
        next(each for each in found["events"] if each["kind"] == kind)
        for kind in ("campaign", "holiday")
    )
    assert (sale["text"], sale["days_seen"], sale["days"]) == ("Big sale", 2, ["2026-04-14"])
    assert 0.4 < sale["factor"] < 2
    assert (holiday["days"], holiday["factor"]) == (["2026-04-13"], None)
    assert found["data"][0]["events"] == ["holiday"]
    assert found["data"][1]["events"] == ["campaign"]
    if found["method"] == "level_and_profile":
        assert any("fewer than two days" in each for each in found["warnings"])


def test_tables_have_the_same_rows(center: Tenant) -> None:
    headers = {"Accept": "text/csv"}

    def table(answer: httpx.Response) -> list[dict[str, str]]:
        assert answer.status_code == 200, answer.text
        lines = list(csv.reader(io.StringIO(answer.text)))
        assert {len(each) for each in lines} == {len(lines[0])}
        return [dict(zip(lines[0], each, strict=True)) for each in lines[1:]]

    wanted = {"time": TIME, "interval": "hour", "channels": [{"change": {"agents": -1}}]}
    rows = table(center.http.post("/v1/staffing/what-if", json=wanted, headers=headers))
    assert Counter(each["row"] for each in rows) == {"data": 168, "totals": 1, "baseline": 1}
    (found,) = planned(center, 200, {"change": {"agents": -1}})["channels"]
    assert float(rows[168]["present.agents"]) == found["totals"]["present"]["hours"]
    assert float(rows[9]["offered_load"]) == found["intervals"][9]["offered_load"]
    params = {"interval": "hour", **RANGE}
    path = "/v1/staffing/diagnosis"
    rows = table(center.http.get(path, params=params, headers=headers))
    kinds = Counter(each["row"] for each in rows)
    assert (kinds["finding"], kinds["agent"], kinds["hour"]) == (3, 2, 10)
    params = {"interval": "hour", "from": str(END), "days": "2"}
    rows = table(center.http.get("/v1/staffing/forecast", params=params, headers=headers))
    assert len(rows) == 48


async def test_as_many_statements_whatever_the_interval(
    api_pool: asyncpg.Pool, tenant_id: UUID, listen: Listen
) -> None:
    """A channel is six questions to the engine, whether of hours or of quarters."""
    sent = listen()
    counts = []
    for interval in StaffingInterval:
        before = len(sent)
        wanted = WhatIf(channels=[WhatIfChannel()], interval=interval)
        await what_if(Desk(api_pool, tenant_id, "UTC", now(), 1000), wanted)
        counts.append(sum("SELECT" in each for each in sent[before:]))
    assert counts[0] == counts[1] == counts[2] <= 30, counts


def test_small_groups_are_not_told_through_a_model(center: Tenant, product: Product) -> None:
    key = new_key(product, center.tenant_id, "reports:read")
    assert center.http.put("/v1/privacy-settings", json={"smallest_group": 5}).status_code == 200
    try:
        headers = {"Authorization": f"Bearer {key}"}
        for answer in (
            center.http.post(
                "/v1/staffing/what-if", json={"time": TIME, "channels": [{}]}, headers=headers
            ),
            center.http.get("/v1/staffing/diagnosis", params=RANGE, headers=headers),
            center.http.get("/v1/staffing/forecast", params={"from": str(END)}, headers=headers),
        ):
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["pointer"] == "/interval"
        assert planned(center)["channels"]
    finally:
        center.http.put("/v1/privacy-settings", json={"smallest_group": None})
