"""Our mappings over the real files: what they make adds up to the reference figures."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.connect.mapped import Mapped, map_file

from csapi.connect.mapping.inputs import read_input_format
from csapi.connect.transfer.csv_rows import CsvRows
from csapi.connect.transfer.source import BadRow, InputFile

pytestmark = pytest.mark.real_data

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"

Item = dict[str, Any]
Group = Callable[[Item], object]


@cache
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "reference_developers.json").read_text())
    return found


@cache
def mapped(mapping: str, name: str, main: str) -> Mapped:
    text = (ROOT / "examples" / "mappings" / f"{mapping}.toml").read_text()
    return map_file(text, DATA / name, main=main)


def local(stamp: str, zone: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone))


def grouped(items: Iterable[Item], group: Group) -> dict[object, list[Item]]:
    groups = defaultdict(list)
    for item in items:
        groups[group(item)].append(item)
    return groups


def calls_match(calls: list[Item], expected: dict[str, Any], talk: str) -> None:
    answered = [call for call in calls if call["outcome"] == "answered"]
    found = {
        "offered": len(calls),
        "answered": len(answered),
        "abandoned": len(calls) - len(answered),
        "asa_sum_s": sum(call["wait_seconds"] for call in answered),
        talk: sum(leg["talk_seconds"] for call in answered for leg in call["legs"]),
        "answered_within_20s": sum(call["wait_seconds"] <= 20 for call in answered),
    }
    assert {key: found[key] for key in found if key in expected} == {
        key: expected[key] for key in found if key in expected
    }


def groups_match(calls: list[Item], group: Group, expected: dict[str, Any], talk: str) -> None:
    groups = grouped(calls, group)
    assert set(groups) == set(expected)
    for key, members in groups.items():
        calls_match(members, expected[str(key)], talk)


def test_pwc() -> None:
    found = mapped("pwc_calls", "pwc_calls.csv.gz", "calls")
    expected = reference()["pwc_calls"]
    calls, feedback = found.items["calls"], found.items["feedback"]
    assert (len(calls), len(feedback), found.rejects) == (5000, 4054, [])
    calls_match(calls, expected["total"], "talk_sum_s")
    assert sum(call["resolved"] for call in calls) == expected["total"]["resolved"]
    groups_match(calls, lambda call: call["agent"], expected["by_agent"], "talk_sum_s")
    groups_match(calls, lambda call: call["topic"], expected["by_topic"], "talk_sum_s")
    groups_match(
        calls, lambda call: call["queue_entered_at"][:7], expected["by_month"], "talk_sum_s"
    )
    top2 = grouped(feedback, lambda item: item["agent"])
    for agent, figures in expected["by_agent"].items():
        assert sum(item["rating"] >= 4 for item in top2[agent]) == figures["csat_top2"]


def test_pwc_stamps_agree_with_seconds() -> None:
    for call in mapped("pwc_calls", "pwc_calls.csv.gz", "calls").calls:
        if call["outcome"] == "abandoned":
            assert not {"wait_seconds", "answered_at", "ended_at", "legs"} & set(call)
            continue
        entered, answered, ended = (
            datetime.fromisoformat(call[name])
            for name in ("queue_entered_at", "answered_at", "ended_at")
        )
        assert answered - entered == timedelta(seconds=call["wait_seconds"])
        assert ended - answered == timedelta(seconds=call["legs"][0]["talk_seconds"])


def bank() -> list[Item]:
    found = [
        mapped("anonymousbank", f"anonymousbank_1999_0{month}.txt.gz", "calls") for month in (1, 2)
    ]
    assert [one.tally.summary()["skipped_by_rule"] for one in found] == [
        {"phantom calls": 240}, {"phantom calls": 278},
    ]  # fmt: skip
    assert [one.rejects for one in found] == [[], []]
    return found[0].calls + found[1].calls


def test_anonymousbank() -> None:
    calls = bank()
    expected = reference()["anonymousbank_jan_feb_1999"]
    entered = {
        call["external_id"]: local(call["queue_entered_at"], "Asia/Jerusalem") for call in calls
    }
    assert len(calls) == len(entered) == 64_425
    calls_match(calls, expected["total"], "service_sum_s")
    groups: dict[str, Group] = {
        "by_month": lambda call: f"{entered[call['external_id']]:%Y-%m}",
        "by_type": lambda call: call["type"],
        "by_priority": lambda call: call["priority"],
        "by_server": lambda call: call.get("agent", "NO_SERVER"),
        "by_hour_of_vru_entry": lambda call: f"{entered[call['external_id']]:%H}",
    }
    for name, group in groups.items():
        groups_match(calls, group, expected[name], "service_sum_s")
    assert all(call["topic"] == call["type"] for call in calls)


def test_anonymousbank_repeat_calls() -> None:
    known = [call for call in bank() if "customer" in call]
    repeats = 0
    for members in grouped(known, lambda call: call["customer"]).values():
        times = sorted(datetime.fromisoformat(call["queue_entered_at"]) for call in members)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        repeats += sum(gap <= timedelta(hours=24) for gap in gaps)
    expected = reference()["anonymousbank_jan_feb_1999"]["repeat_calls_24h"]
    assert (len(known), repeats) == (expected["identified_calls"], expected["repeat_within_24h"])


def test_anonymousbank_stamps_are_in_order_also_over_midnight() -> None:
    over_midnight = 0
    for call in bank():
        stamps = [
            datetime.fromisoformat(call[name])
            for name in ("queue_entered_at", "answered_at", "abandoned_at")
            if name in call
        ]
        assert stamps == sorted(stamps)
        assert stamps[-1] - stamps[0] < timedelta(hours=8)
        days = {stamp.astimezone(ZoneInfo("Asia/Jerusalem")).date() for stamp in stamps}
        over_midnight += len(days) > 1
    assert over_midnight > 0


def minutes(ticket: Item) -> float:
    replied = datetime.fromisoformat(ticket["milestones"]["first_reply_at"])
    return (replied - datetime.fromisoformat(ticket["created_at"])).total_seconds() / 60


def tickets_match(tickets: list[Item], ratings: dict[str, int], expected: dict[str, Any]) -> None:
    responses = [minutes(ticket) for ticket in tickets]
    scores = [ratings[ticket["external_id"]] for ticket in tickets]
    assert expected["tickets"] == len(tickets)
    assert expected["negative_response"] == sum(response < 0 for response in responses)
    assert expected["resp_sum_min_nonneg"] == sum(max(0, response) for response in responses)
    assert expected["csat_top2"] == sum(score >= 4 for score in scores)
    assert expected["csat_bottom2"] == sum(score <= 2 for score in scores)


def test_shopzilla() -> None:
    found = mapped("shopzilla", "shopzilla_csat_17k.csv.gz", "tickets")
    tickets, feedback = found.items["tickets"], found.items["feedback"]
    expected = reference()["shopzilla_csat_17k"]
    assert (len(tickets), len(feedback), found.rejects) == (17_182, 17_182, [])
    ratings = {item["ticket"]: item["rating"] for item in feedback}
    tickets_match(tickets, ratings, expected["total"])
    groups: dict[str, Group] = {
        "by_channel": lambda ticket: ticket["channel"],
        "by_category": lambda ticket: ticket["type"],
        "by_manager": lambda ticket: ticket["custom"]["manager"],
        "by_supervisor": lambda ticket: ticket["team"],
        "by_tenure": lambda ticket: ticket["custom"]["tenure"],
        "by_shift": lambda ticket: ticket["custom"]["shift"],
        "agents_top10_by_volume": lambda ticket: ticket["assignee"],
    }
    for name, group in groups.items():
        members = grouped(tickets, group)
        for key, figures in expected[name].items():
            tickets_match(members[key], ratings, figures)
    days = grouped(tickets, lambda ticket: f"{local(ticket['created_at'], 'Asia/Kolkata'):%F}")
    assert {day: len(some) for day, some in days.items()} == expected["by_reported_day_count"]
    topics = grouped(tickets, lambda ticket: ticket["topic"])
    busiest = sorted(((len(some), topic) for topic, some in topics.items()), reverse=True)
    assert [[topic, count] for count, topic in busiest[:5]] == expected["top5_drivers_by_volume"]
    assert sum("comment" in item for item in feedback) == 5833


def test_the_broken_record_of_the_twitter_file_is_one_named_row() -> None:
    file = InputFile(DATA / "twcs_first_5000.csv.gz")
    rows = list(CsvRows(file.binary, read_input_format({}), tabs=False).rows())
    file.close()
    bad = [(line, row.code) for line, row in rows if isinstance(row, BadRow)]
    assert bad == [(2589, "bare_carriage_return")]
    assert len(rows) == 5000
    file = InputFile(DATA / "twcs_first_5000.csv.gz")
    spaced = CsvRows(file.binary, read_input_format({"carriage_returns": "space"}), tabs=False)
    cells = [row for _, row in spaced.rows() if not isinstance(row, BadRow)]
    assert Counter(inbound for _, _, _, inbound, *_ in cells) == {"True": 2778, "False": 2222}
    file.close()
