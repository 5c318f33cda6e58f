"""What a person should see in the demo of people's time, reviews and self-service."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from statistics import mean
from typing import Any

import pytest

from csapi.connect.demo.dataset import Dataset, generate
from csapi.connect.demo.people import NIGHT_CREW, WEAK_AGENT
from csapi.connect.demo.phrases import LANGUAGES, phrases
from csapi.connect.demo.reviews import CURT_AGENT, TONE
from csapi.connect.demo.span import ZONE, Span
from csapi.connect.demo.topics import NEW_TOPIC
from csapi.facts.presence import PresenceState

NOW = datetime(2026, 3, 18, 11, 20, tzinfo=UTC)

Item = dict[str, Any]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(Span(NOW))


def test_one_criterion_is_weak_everywhere_and_one_agent_in_another(data: Dataset) -> None:
    scores = defaultdict(list)
    by_agent = defaultdict(list)
    for review in data.others["quality-reviews"]:
        for each in review["criteria"]:
            if each.get("score") is not None:
                scores[each["criterion"]].append(each["score"])
                if each["criterion"] == TONE:
                    by_agent[review["agent"]].append(each["score"])
    averages = {name: mean(given) for name, given in scores.items()}
    assert min(averages, key=averages.__getitem__) == "next_steps"
    assert sorted(averages.values())[1] > averages["next_steps"] + 0.25
    often = {agent: mean(given) for agent, given in by_agent.items() if len(given) > 9}
    assert len(often) > 15
    assert min(often, key=often.__getitem__) == CURT_AGENT
    assert sorted(often.values())[1] > often[CURT_AGENT] + 0.2


def test_shifts_go_through_the_night_and_presence_lies_close_to_them(data: Dataset) -> None:
    shifts = {shift["external_id"][2:]: shift for shift in data.others["shifts"]}
    nightly = {
        shift["agent"]
        for shift in shifts.values()
        if shift["started_at"].astimezone(ZONE).date() < shift["ended_at"].astimezone(ZONE).date()
    }
    assert nightly == {agent.id for agent in NIGHT_CREW}
    late = defaultdict(list)
    for item in data.others["presence"]:
        name, _, number = item["external_id"][2:].rpartition("-")
        if number == "1":
            waited = item["started_at"] - shifts[name]["started_at"]
            late[item["agent"]].append(waited.total_seconds())
    assert max(late, key=lambda agent: mean(late[agent])) == WEAK_AGENT
    states = Counter(item["state"] for item in data.others["presence"])
    assert set(states) == set(PresenceState) - {PresenceState.offline}
    open_ended = [item for item in data.others["presence"] if item["ended_at"] is None]
    assert 5 < len(open_ended) < 20


def test_presence_of_an_agent_does_not_overlap(data: Dataset) -> None:
    last: dict[str, Item] = {}
    for item in data.others["presence"]:
        before = last.get(item["agent"])
        assert before is None or before["ended_at"] <= item["started_at"]
        last[item["agent"]] = item


def test_searches_in_three_languages_find_nothing_about_the_newest(data: Dataset) -> None:
    found = defaultdict(list)
    for event in data.others["kb-events"]:
        if event["type"] == "search":
            found[event["language"]].append(event)
    assert set(found) == set(LANGUAGES)
    for language, searches in found.items():
        counts = Counter(event["results_count"] > 0 for event in searches)
        assert counts[True] > counts[False] > 5
        term = phrases(language).searches[NEW_TOPIC]
        newest = [event for event in searches if event["term"] == term]
        assert newest or language == "zh"
        assert not any(event["results_count"] for event in newest)


def test_some_sessions_are_followed_by_a_contact(data: Dataset) -> None:
    kinds = Counter((session["kind"], session["outcome"]) for session in data.others["sessions"])
    for kind in ("self_service", "bot", "ivr"):
        assert {"resolved", "abandoned", "unknown"} <= {end for of, end in kinds if of == kind}
    linked = [session for session in data.others["sessions"] if session.get("ticket")]
    created = {ticket.id: ticket.created_at for ticket in data.tickets}
    assert len(linked) > 300
    assert all(session["ended_at"] <= created[session["ticket"]] for session in linked)
    unknown = sum(session["customer"] is None for session in data.others["sessions"])
    assert 0.05 < unknown / len(data.others["sessions"]) < 0.3


def test_tasks_are_handed_on_and_some_are_late(data: Dataset) -> None:
    tasks = data.others["tasks"]
    assert sum(len(task["assignments"]) == 2 for task in tasks) > 50
    done = [task for task in tasks if task["completed_at"]]
    late = [task for task in done if task["completed_at"] > task["due_at"]]
    assert 0.05 < len(late) / len(done) < 0.4
    assert len(done) < len(tasks)


def test_size(data: Dataset) -> None:
    """Enough to look at, and quick to send."""
    assert 15_000 < sum(map(len, data.others.values())) < 21_000
