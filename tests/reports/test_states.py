"""What is open, who waits and how long, from the wire in to the wire out, counted by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.conftest import Tenant

RANGE = {"from": "2026-01-05", "to": "2026-01-09"}
THURSDAY = {"from": "2026-01-05", "to": "2026-01-08T12:00:00Z"}


def ticket(name: str, created: str, **more: Any) -> dict[str, Any]:
    return {"source": "s", "external_id": name, "created_at": created, **more}


def event(name: str, on: str, kind: str, at: str, **more: Any) -> dict[str, Any]:
    return {
        "source": "s", "event_id": name, "ticket": on, "type": kind, "occurred_at": at, **more,
    }  # fmt: skip


def asks(name: str, on: str, at: str) -> dict[str, Any]:
    return event(name, on, "message", at, direction="inbound", actor_type="customer")


def replies(name: str, on: str, at: str, agent: str = "a1") -> dict[str, Any]:
    return event(name, on, "message", at, direction="outbound", actor_type="agent", actor=agent)


def turns(name: str, on: str, at: str, old: str, new: str) -> dict[str, Any]:
    return event(name, on, "status_changed", at, **{"from": old, "to": new})


TICKETS = (
    ticket("t1", "2026-01-05T10:00:00Z", team="north", channel="email", type="question"),
    ticket("t2", "2026-01-06T10:00:00Z", team="south", channel="chat", type="question"),
    ticket("t3", "2026-01-07T10:00:00Z", team="south", channel="email", type="problem"),
    ticket("t4", "2026-01-07T11:00:00Z", team="north", channel="email", type="problem"),
)
EVENTS = (
    asks("e1", "t1", "2026-01-05T10:00:00Z"),
    replies("e2", "t1", "2026-01-05T12:00:00Z"),
    turns("e3", "t1", "2026-01-05T14:00:00Z", "open", "solved"),
    turns("e4", "t1", "2026-01-06T14:00:00Z", "solved", "open"),
    asks("e5", "t1", "2026-01-06T14:00:00Z"),
    asks("e6", "t1", "2026-01-07T08:00:00Z"),
    asks("e7", "t2", "2026-01-06T10:00:00Z"),
    event("e8", "t2", "assigned", "2026-01-06T10:30:00Z", agent="a1"),
    event("e9", "t2", "assigned", "2026-01-06T11:00:00Z", agent="a2"),
    replies("f1", "t2", "2026-01-06T16:00:00Z", "a2"),
    turns("f2", "t2", "2026-01-06T18:00:00Z", "open", "solved"),
    asks("f3", "t3", "2026-01-07T10:00:00Z"),
    turns("f4", "t3", "2026-01-08T10:00:00Z", "open", "closed"),
)


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    answer = tenant.http.post(f"/v1/{resource}/batch", json=items)
    assert answer.json()["summary"]["rejected"] == 0, answer.text


@pytest.fixture
def filled(make_tenant: Callable[..., Tenant]) -> Tenant:
    tenant = make_tenant("UTC")
    send(tenant, "ticket-events", *EVENTS)
    send(tenant, "tickets", *TICKETS)
    return tenant


def ask(tenant: Tenant, *metrics: Any, by: tuple[str, ...] = (), **more: Any) -> Any:
    query = {
        "metrics": [{"id": each} if isinstance(each, str) else each for each in metrics],
        "time": {"range": more.pop("range_", RANGE)},
        "dimensions": by,
        **more,
    }
    answer = tenant.http.post("/v1/query", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cell(tenant: Tenant, metric: Any, **more: Any) -> Any:
    (row,) = ask(tenant, metric, **more)["data"]
    (found,) = row["metrics"].values()
    return found


def column(answer: Any, metric: str, part: str = "value") -> dict[Any, Any]:
    return {
        tuple(each["key"] for each in row["dimensions"].values()): row["metrics"][metric][part]
        for row in answer["data"]
    }


HOUR = 3600


def test_the_age_of_what_is_open_at_an_instant(filled: Tenant) -> None:
    """Thursday noon: t1 is 74 hours old, t4 is 25; t3 was closed two hours before."""
    found = cell(filled, "backlog_age", range_=THURSDAY)
    assert (found["value"], found["n"], found["numerator"]) == (49.5 * HOUR, 2, 99 * HOUR)
    oldest = cell(filled, {"id": "backlog_age", "agg": "max"}, range_=THURSDAY)
    assert oldest["value"] == 74 * HOUR
    assert oldest["record"]["resource"] == "tickets"
    assert (oldest["record"]["source"], oldest["record"]["external_id"]) == ("s", "t1")
    assert filled.http.get(f"/v1/tickets/{oldest['record']['id']}").status_code == 200
    middle = cell(filled, {"id": "backlog_age", "agg": "p50"}, range_=THURSDAY)
    assert middle["value"] == 49.5 * HOUR


def test_the_age_at_the_end_of_each_day(filled: Tenant) -> None:
    """t1 was solved on Monday night and open on the others; t3 was open on Wednesday night."""
    answer = ask(filled, "backlog_age", "backlog_open", by=("time:day",), include=["totals"])
    days = [f"2026-01-0{n}" for n in (5, 6, 7, 8)]
    assert [column(answer, "backlog_age")[day,] for day in days] == [
        None, 38 * HOUR, (62 + 14 + 13) * HOUR / 3, (86 + 37) / 2 * HOUR,
    ]  # fmt: skip
    assert column(answer, "backlog_age", "n") == column(answer, "backlog_open")
    assert answer["totals"]["backlog_age"]["value"] == (86 + 37) / 2 * HOUR


def test_open_is_open_before_and_what_came_and_went(filled: Tenant) -> None:
    """open(t1) = open(t0) + created + reopened - solved."""
    parts = ("tickets_created", "tickets_reopened", "ticket_resolutions", "backlog_open")
    answer = ask(filled, *parts, by=("time:day",))
    before = 0
    for row in answer["data"]:
        created, reopened, solved, left = (row["metrics"][name]["value"] for name in parts)
        assert left == before + created + reopened - solved
        before = left
    send(filled, "tickets", {**TICKETS[3], "deleted": True})
    last = ask(filled, "backlog_open")["data"][0]["metrics"]["backlog_open"]["value"]
    assert last == before - 1


def test_who_waits_now_and_whose_wait_is_the_longest(filled: Tenant) -> None:
    """On Wednesday at noon t1 has waited since Tuesday 14:00, t3 for two hours, t4 for one."""
    noon = {"from": "2026-01-07", "to": "2026-01-07T12:00:00Z"}
    found = cell(filled, "current_wait", range_=noon)
    assert (found["value"], found["n"]) == (25 * HOUR / 3, 3)
    longest = cell(filled, "current_longest_wait", range_=noon)
    assert (longest["value"], longest["record"]["external_id"]) == (22 * HOUR, "t1")
    by_team = ask(filled, "tickets_waiting", "current_longest_wait", by=("team",), range_=noon)
    assert column(by_team, "tickets_waiting") == {("north",): 2, ("south",): 1}
    assert column(by_team, "current_longest_wait") == {("north",): 22 * HOUR, ("south",): 2 * HOUR}


def test_how_long_we_have_owed_something_so_far(filled: Tenant) -> None:
    """t1 was open for 4 hours, solved, and is open again since Tuesday 14:00; t4 is new since
    Wednesday 11:00; t3 was open from Wednesday to Thursday 10:00, t2 on Tuesday 10:00 to 18:00."""

    def at(end: str) -> Any:
        range_ = {"from": "2026-01-05", "to": end}
        found = cell(filled, "requester_wait_time_in_flight", range_=range_)
        return found["numerator"], found["n"]

    assert at("2026-01-05T13:00:00Z") == (3 * HOUR, 1)
    assert at("2026-01-06T12:00:00Z") == (2 * HOUR, 1)
    assert at("2026-01-07T12:00:00Z") == ((26 + 2 + 1) * HOUR, 3)
    assert at("2026-01-08T12:00:00Z") == ((50 + 25) * HOUR, 2)
    longest = {"id": "requester_wait_time_in_flight", "agg": "max"}
    found = cell(filled, longest, range_=THURSDAY)
    assert (found["value"], found["record"]["external_id"]) == (50 * HOUR, "t1")
    send(filled, "ticket-events", turns("f5", "t1", "2026-01-08T09:00:00Z", "open", "pending"))
    assert at("2026-01-08T12:00:00Z") == (25 * HOUR, 1)
    # A source of snapshots does not tell how long a ticket was in its status.
    send(filled, "tickets", {**TICKETS[3], "milestones": {"messages_in": 1}})
    assert at("2026-01-08T12:00:00Z") == (0, 0)


def test_a_wait_that_ended_later_is_one_until_then(filled: Tenant) -> None:
    """t2 waited on Tuesday from 10:00 to the reply at 16:00."""

    def at(end: str) -> Any:
        return cell(filled, "tickets_waiting", range_={"from": "2026-01-06", "to": end})["value"]

    assert at("2026-01-06T10:00:00Z") == 0
    assert at("2026-01-06T12:00:00Z") == 1
    assert at("2026-01-06T16:00:00Z") == 2
    assert at("2026-01-06T16:00:01Z") == 1


def test_what_lasts_is_looked_at_now_where_the_range_reaches_further(filled: Tenant) -> None:
    ahead = {"from": "2026-01-05", "to": "2035-01-01"}
    assert cell(filled, "tickets_waiting", range_=ahead)["value"] == 2
    assert cell(filled, "backlog_age", range_={"from": "2198-01-01", "to": "2199-01-01"}) == {
        "value": None, "n": 0, "numerator": 0, "denominator": 0, "null_reason": "no_observations",
        "precision": "exact", "relative_error": None, "excluded": {"negative_duration": 0},
    }  # fmt: skip


@pytest.mark.parametrize("by", [["time:hour_of_day"], ["time:day", "time:day_of_week"]])
def test_an_instant_is_no_cycle(tenant: Tenant, by: list[str]) -> None:
    query = {"metrics": [{"id": "current_wait"}], "time": {"range": RANGE}, "dimensions": by}
    answer = tenant.http.post("/v1/query", json=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "dimension_not_allowed")


def test_waits_that_last_count_for_as_long_as_they_are_seen(
    make_tenant: Callable[..., Tenant],
) -> None:
    """Replies after 1 and 5 hours; one ticket solved unanswered after 2, one after 9."""
    tenant = make_tenant("UTC")
    starts = "2026-01-05T00:00:00Z"
    send(tenant, "tickets", *(ticket(name, starts) for name in "abcd"))
    ends = (("c", "2026-01-05T02:00:00Z"), ("d", "2026-01-05T09:00:00Z"))
    send(
        tenant,
        "ticket-events",
        *(asks(f"q{name}", name, starts) for name in "abcd"),
        replies("ra", "a", "2026-01-05T01:00:00Z"),
        replies("rb", "b", "2026-01-05T05:00:00Z"),
        *(turns(f"s{name}", name, end, "open", "solved") for name, end in ends),
    )
    for hours, share in ((0.5, 1), (1, 0.75), (4, 0.75), (6, 0.375), (100, 0.375)):
        params = {"threshold_seconds": hours * HOUR}
        found = cell(tenant, {"id": "still_waiting_rate", "params": params})
        assert found["value"] == share, hours
        assert (found["numerator"], found["denominator"], found["n"]) == (2, 4, 4)
    assert cell(tenant, "median_wait")["value"] == 5 * HOUR
    assert cell(tenant, "waits_dropped")["value"] == 2


def test_the_slowest_response_names_its_record(filled: Tenant) -> None:
    slowest = cell(filled, "slowest_response_time")
    assert (slowest["value"], slowest["record"]["external_id"]) == (6 * HOUR, "t2")
    fastest = cell(filled, {"id": "response_time", "agg": "min"})
    assert (fastest["value"], fastest["record"]["external_id"]) == (2 * HOUR, "t1")
    answer = ask(filled, "slowest_response_time", by=("channel",), include=["totals"])
    records = column(answer, "slowest_response_time", "record")
    assert {key: each and each["external_id"] for key, each in records.items()} == {
        ("chat",): "t2", ("email",): "t1",
    }  # fmt: skip
    assert answer["totals"]["slowest_response_time"]["record"]["external_id"] == "t2"
    assert "record" not in cell(filled, "response_time")


def test_of_several_that_lasted_as_long_the_earliest_is_the_record(filled: Tenant) -> None:
    send(filled, "ticket-events", replies("r6", "t3", "2026-01-07T16:00:00Z"))
    slowest = cell(filled, "slowest_response_time")
    assert (slowest["value"], slowest["record"]["external_id"]) == (6 * HOUR, "t2")


def test_requests_are_held_against_all_days(filled: Tenant) -> None:
    found = cell(filled, "requests_per_day", range_={"from": "2026-01-01", "to": "2026-01-11"})
    assert (found["value"], found["denominator"], found["n"]) == (0.4, 10, 4)
    by_weekday = ask(
        filled,
        "requests_per_day",
        by=("time:day_of_week",),
        range_={"from": "2026-01-05", "to": "2026-01-14"},
    )
    assert column(by_weekday, "requests_per_day", "denominator") == {
        ("1",): 2, ("2",): 2, ("3",): 1, ("4",): 1, ("5",): 1, ("6",): 1, ("7",): 1,
    }  # fmt: skip
    assert column(by_weekday, "requests_per_day")["1",] == 0.5
    by_day = ask(filled, "requests_per_day", by=("time:day",))
    assert list(column(by_day, "requests_per_day").values()) == [1, 1, 2, 0]


def test_shares_are_of_all_members_together(filled: Tenant) -> None:
    by_channel = ask(filled, "contact_mix", by=("channel",), limit=1)
    assert column(by_channel, "contact_mix") == {("chat",): 0.25}
    by_type = ask(filled, "contact_mix", by=("type",), include=["totals"])
    assert column(by_type, "contact_mix") == {("problem",): 0.5, ("question",): 0.5}
    assert by_type["totals"]["contact_mix"]["value"] == 1
    by_day = ask(filled, "contact_mix", by=("time:day", "channel"))
    assert column(by_day, "contact_mix")["2026-01-06", "chat"] == 1
    assert column(by_day, "contact_mix", "n")["2026-01-07", "email"] == 2


def test_a_ticket_is_closed_while_its_last_solve_stands(filled: Tenant) -> None:
    def closed() -> Any:
        return column(ask(filled, "tickets_closed", by=("time:day",)), "tickets_closed")

    days = [f"2026-01-0{n}" for n in (5, 6, 7, 8)]
    assert closed() == dict(zip([(day,) for day in days], (0, 1, 0, 1), strict=True))
    send(filled, "ticket-events", turns("z", "t2", "2026-01-08T20:00:00Z", "solved", "open"))
    assert sum(closed().values()) == 1


def test_assignments_that_were_followed_by_a_reply(filled: Tenant) -> None:
    answer = ask(filled, "handled_share_of_assigned", by=("agent",))
    assert column(answer, "handled_share_of_assigned") == {("a1",): 0, ("a2",): 1}
    assert cell(filled, "handled_share_of_assigned")["value"] == 0.5


def test_the_bot_is_left_out_of_the_resolution(filled: Tenant) -> None:
    """t2: assigned 10:30, solved 18:00. t1: replied Monday 12:00, solved 14:00."""
    found = cell(filled, "resolution_time_ex_bot")
    assert (found["numerator"], found["n"]) == ((7.5 + 2) * HOUR, 2)


def test_reopenings_by_one_update_can_be_left_out(filled: Tenant) -> None:
    send(
        filled,
        "ticket-events",
        turns("y1", "t4", "2026-01-08T09:00:00Z", "open", "solved"),
        turns("y2", "t4", "2026-01-08T09:00:00Z", "solved", "open"),
    )
    assert cell(filled, "tickets_reopened")["value"] == 2
    chosen = {"id": "tickets_reopened", "params": {"exclude_same_update": True}}
    assert cell(filled, chosen)["value"] == 1
    assert cell(filled, "reopened_tickets")["value"] == 2
