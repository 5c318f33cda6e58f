"""Golden numbers of people's time, from the wire in to the wire out."""

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import Tenant

DAY = {"from": "2026-01-05", "to": "2026-01-06"}


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    named = [
        {
            "source": "s",
            "external_id": f"{item.get('agent')}-{item['started_at']}",
            "agent": "a1",
            **item,
        }
        for item in items
    ]
    answer = tenant.http.post(f"/v1/{resource}/batch", json=named)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


def ask(
    tenant: Tenant, *metrics: Any, range_: Any = DAY, zone: str = "UTC", by: str | None = None
) -> Any:
    query = {
        "metrics": [{"id": each} if isinstance(each, str) else each for each in metrics],
        "time": {"range": range_, "timezone": zone},
        "dimensions": [] if by is None else [by],
    }
    answer = tenant.http.post("/v1/query", json=query)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]
    if by is None:
        return rows[0]["metrics"]
    return {row["dimensions"][by]["key"]: row["metrics"] for row in rows}


def value(tenant: Tenant, metric: str, **params: Any) -> float | None:
    found: float | None = ask(tenant, {"id": metric, "params": params})[metric]["value"]
    return found


def at(time: str) -> str:
    return f"2026-01-05T{time}:00Z"


def state(name: str, start: str, end: str | None = None, **more: Any) -> dict[str, Any]:
    ended = {} if end is None else {"ended_at": at(end)}
    return {"state": name, "started_at": at(start), **ended, **more}


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (
            "2026-01-05T22:30:00+01:00",
            "2026-01-06T06:15:00+01:00",
            {"2026-01-05": 5_400, "2026-01-06": 22_500},
        ),
        # The clocks go forward at 02:00: the second day is an hour shorter.
        (
            "2026-03-28T22:30:00+01:00",
            "2026-03-29T06:15:00+02:00",
            {"2026-03-28": 5_400, "2026-03-29": 18_900},
        ),
        # And an hour longer in autumn.
        (
            "2025-10-25T22:30:00+02:00",
            "2025-10-26T06:15:00+01:00",
            {"2025-10-25": 5_400, "2025-10-26": 26_100},
        ),
    ],
)
def test_a_night_shift_counts_on_two_days(
    tenant: Tenant, start: str, end: str, days: dict[str, int]
) -> None:
    send(tenant, "shifts", {"started_at": start, "ended_at": end})
    send(tenant, "presence", {"state": "available", "started_at": start, "ended_at": end})
    send(tenant, "work-sessions", {"started_at": start, "ended_at": end})
    metrics = ("scheduled_time", "paid_time", "agent_online_time", "work_session_time")
    first, last = sorted(days)
    range_ = {"from": first, "to": (date.fromisoformat(last) + timedelta(days=1)).isoformat()}
    rows = ask(
        tenant, *metrics, "shift_presence_rate", "shifts",
        range_=range_, zone="Europe/Berlin", by="time:day",
    )  # fmt: skip
    for metric in metrics:
        assert {day: cells[metric]["value"] for day, cells in rows.items()} == days
    assert [rows[day]["shift_presence_rate"]["value"] for day in days] == [1, 1]
    assert [rows[day]["shifts"]["value"] for day in days] == [0, 1]


@pytest.fixture
def working_day(tenant: Tenant) -> Tenant:
    """A shift of eight hours with a lunch of one, in states that end one another."""
    send(
        tenant,
        "shifts",
        {"started_at": at("09:00"), "ended_at": at("12:00")},
        {"started_at": at("12:00"), "ended_at": at("13:00"), "is_paid": False},
        {"started_at": at("13:00"), "ended_at": at("17:00")},
    )
    states = [
        state("available", "09:12"),
        state("handling", "09:30"),
        state("after_call_work", "11:30"),
        state("break", "12:00"),
        state("handling", "13:00"),
        state("meeting", "15:00"),
        state("available", "16:00"),
        state("offline", "17:30"),
    ]
    random.Random(3).shuffle(states)
    for each in states:
        send(tenant, "presence", each)
    return tenant


def test_states_end_one_another(working_day: Tenant) -> None:
    # 09:12-09:30 and 16:00-17:30; what is offline has not ended.
    assert value(working_day, "agent_available_time") == 1_080 + 5_400
    assert value(working_day, "agent_handling_time") == 4.5 * 3600
    assert value(working_day, "agent_online_time") == 29_880
    seconds = {"handling": 14_400, "after_call_work": 1_800, "break": 3_600, "offline": 0}
    for name, expected in seconds.items():
        assert value(working_day, "agent_state_time", state=name) == expected
    assert value(working_day, "average_agent_state_time", state="handling") == 7_200


def test_shares_of_the_day(working_day: Tenant) -> None:
    assert value(working_day, "occupancy") == 16_200 / 22_680
    assert value(working_day, "occupancy", denominator="logged_in") == 16_200 / 29_880
    assert value(working_day, "utilization") == 16_200 / 28_800
    assert value(working_day, "utilization", denominator="logged_in") == 16_200 / 29_880
    # Twelve minutes late; what comes after the shift does not count.
    assert value(working_day, "shift_presence_rate") == 7.8 / 8
    assert value(working_day, "shift_presence_rate", of="paid") == 6.8 / 7
    # Of 7 paid hours: 0.3 + 2 + 0.5 in the morning, 2 + 1 after lunch.
    found = ask(working_day, "shrinkage")["shrinkage"]
    assert (found["numerator"], found["denominator"]) == (1.2 * 3600, 7 * 3600)
    assert found["value"] == 1.2 / 7


def test_overlapping_presence_is_online_once(tenant: Tenant) -> None:
    send(
        tenant,
        "presence",
        state("available", "09:00", "12:00"),
        state("handling", "10:00", "10:30", channel="chat"),
        state("handling", "10:20", "10:40", channel="chat"),
        state("offline", "11:00", "11:05"),
        state("available", "09:00", "12:00", agent="a2"),
    )
    by_agent = ask(tenant, "agent_online_time", "agent_handling_time", by="agent")
    assert by_agent["a1"]["agent_online_time"]["value"] == 175 * 60
    assert by_agent["a1"]["agent_handling_time"]["value"] == 40 * 60
    assert by_agent["a2"]["agent_online_time"]["value"] == 180 * 60


def test_presence_that_never_ends_counts_nothing_after_a_month(tenant: Tenant) -> None:
    send(tenant, "presence", state("available", "09:00"))
    assert value(tenant, "agent_online_time") == 0
    later = {"state": "offline", "started_at": "2026-02-05T09:00:00.001Z"}
    send(tenant, "presence", later)
    assert value(tenant, "agent_online_time") == 0
    send(tenant, "presence", {**later, "external_id": "x", "started_at": "2026-02-05T09:00:00Z"})
    assert value(tenant, "agent_online_time") == 15 * 3600


def test_deleted_presence_gives_its_time_back(tenant: Tenant) -> None:
    send(tenant, "shifts", {"started_at": at("09:00"), "ended_at": at("11:00")})
    send(tenant, "presence", state("available", "09:00", "11:00"), state("away", "10:00", "10:30"))
    assert value(tenant, "agent_available_time") == 5_400
    assert value(tenant, "shrinkage") == 0.25
    send(tenant, "presence", state("away", "10:00", "10:30", deleted=True))
    assert value(tenant, "agent_available_time") == 7_200
    assert value(tenant, "shrinkage") == 0


def test_contacts_per_hour_and_work_on_tickets(tenant: Tenant) -> None:
    send(tenant, "presence", state("available", "09:00", "11:00"))
    for number in range(3):
        call = {
            "source": "s", "external_id": f"c{number}", "queue_entered_at": at("09:30"),
            "outcome": "answered", "agent": "a1",
        }  # fmt: skip
        assert tenant.http.post("/v1/calls", json=call).status_code == 201
    ticket = {
        "source": "s", "external_id": "t1", "created_at": at("08:00"), "channel": "chat",
        "milestones": {"first_reply_at": at("09:10"), "first_reply_by": "a1",
                       "first_solved_at": at("10:00"), "solved_by": "a1"},
    }  # fmt: skip
    assert tenant.http.post("/v1/tickets", json=ticket).status_code == 201
    session = {"ticket": "t1", "channel": "chat"}
    send(
        tenant,
        "work-sessions",
        {**session, "started_at": at("09:05"), "ended_at": at("09:20")},
        {**session, "started_at": at("09:50"), "ended_at": at("09:55")},
        {**session, "started_at": at("10:30")},
    )
    found = ask(tenant, "contacts_handled_per_hour")["contacts_handled_per_hour"]
    assert (found["value"], found["numerator"], found["denominator"], found["n"]) == (2, 4, 2, 4)
    chat = ask(
        tenant, "work_session_time", "average_work_session_time", "work_sessions",
        "work_time_per_solved_ticket", by="channel",
    )["chat"]  # fmt: skip
    assert {name: cell["value"] for name, cell in chat.items()} == {
        "work_session_time": 1_200,
        "average_work_session_time": 600,
        "work_sessions": 2,
        "work_time_per_solved_ticket": 1_200,
    }


def test_a_planned_shift_is_in_the_future(tenant: Tenant) -> None:
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=40)
    end = start + timedelta(hours=8)
    send(tenant, "shifts", {"started_at": start.isoformat(), "ended_at": end.isoformat()})
    send(tenant, "shifts", {"started_at": at("09:00"), "ended_at": at("09:10")})
    query = {
        "metrics": [{"id": "scheduled_time"}],
        "time": {"range": {"from": start.isoformat(), "to": end.isoformat()}},
    }
    answer = tenant.http.post("/v1/query", json=query).json()
    assert answer["data"][0]["metrics"]["scheduled_time"]["value"] == 28_800
    assert answer["meta"]["data_through"] == at("09:00")


def test_adherence_to_what_was_planned(tenant: Tenant) -> None:
    """Work from 9 to 12, a break until 13:00, a meeting until 14:00. The break began ten minutes
    late, the meeting ended twenty early."""
    send(
        tenant,
        "shifts",
        {"started_at": at("09:00"), "ended_at": at("12:00"), "activity": "desk"},
        {"started_at": at("12:00"), "ended_at": at("13:00"), "activity": "Break"},
        {"started_at": at("13:00"), "ended_at": at("14:00"), "activity": "meeting"},
    )
    send(
        tenant,
        "presence",
        state("handling", "09:00", "12:10"),
        state("break", "12:10", "13:00"),
        state("meeting", "13:00", "13:40"),
        state("available", "13:40", "14:00"),
    )
    assert value(tenant, "adherence") == 3.5 / 5
    cell = ask(tenant, {"id": "adherence", "params": {"schedule": "activities"}})["adherence"]
    assert (cell["numerator"], cell["denominator"]) == ((180 + 50 + 40) * 60, 5 * 3600)
