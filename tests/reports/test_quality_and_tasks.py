"""Quality reviews, tasks and what surrounds feedback, from the item to the number."""

import math
from typing import Any

import pytest
from tests.conftest import Tenant

TIME = {"range": {"from": "2026-01-01", "to": "2026-02-01"}, "timezone": "UTC"}
AT = "2026-01-05T10:00:00Z"


def send(tenant: Tenant, resource: str, *items: dict[str, Any]) -> None:
    named = [{"source": "s", "external_id": f"x{n}", **item} for n, item in enumerate(items)]
    answer = tenant.http.post(f"/v1/{resource}/batch", json=named)
    assert answer.json()["summary"]["created"] == len(items), answer.text


def ask(tenant: Tenant, metric: str, dimension: str | None = None, **params: Any) -> Any:
    """The cell of a metric, or its cells by the members of a dimension."""
    asked = {
        "metrics": [{"id": metric, "params": params}],
        "time": TIME,
        "dimensions": [dimension] if dimension else [],
    }
    answer = tenant.http.post("/v1/query", json=asked)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["data"]
    if dimension is None:
        return rows[0]["metrics"][metric]
    return {row["dimensions"][dimension]["key"]: row["metrics"][metric] for row in rows}


def by(tenant: Tenant, metric: str, dimension: str, **params: Any) -> dict[str | None, Any]:
    return {key: cell["value"] for key, cell in ask(tenant, metric, dimension, **params).items()}


def review(agent: str, *criteria: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"criterion": f"c{n}", **each} for n, each in enumerate(criteria)]
    return {"reviewed_at": AT, "agent": agent, "criteria": named, **more}


GOOD = ({"weight": 3, "score": 1}, {"weight": 1, "score": 0.5})
FATAL = {"is_auto_fail": True, "has_failed": True}


def test_a_review_is_the_mean_of_its_criteria_by_weight(tenant: Tenant) -> None:
    send(tenant, "quality-reviews", review("a1", *GOOD))
    assert ask(tenant, "quality_score")["value"] == 0.875


def test_failing_what_must_not_fail_gives_zero(tenant: Tenant) -> None:
    send(tenant, "quality-reviews", review("a1", *GOOD, FATAL), review("a1", *GOOD))
    score = ask(tenant, "quality_score")
    assert (score["value"], score["n"], score["numerator"]) == (0.4375, 2, 0.875)
    assert ask(tenant, "quality_auto_fail_rate")["value"] == 0.5


def test_what_does_not_apply_weighs_nothing(tenant: Tenant) -> None:
    nothing = {"weight": 100, "score": None}
    send(
        tenant,
        "quality-reviews",
        review("a1", *GOOD, nothing),
        review("a2", nothing),
        review("a3", {"score": 0, "has_failed": True}, {"score": 1}),
    )
    assert by(tenant, "quality_score", "agent") == {"a1": 0.875, "a2": None, "a3": 0.5}
    assert by(tenant, "quality_reviews", "agent") == {"a1": 1, "a2": 1, "a3": 1}
    assert ask(tenant, "quality_score")["n"] == 2


def test_scores_are_rounded_once_and_halves_up(tenant: Tenant) -> None:
    thirds = ({"score": 1}, {"score": 1}, {"score": 0})
    # The written numbers, not their binary neighbours: the mean is 0.33335, a half exactly.
    half = ({"weight": 0.1, "score": 0.33335}, {"weight": 0.2, "score": 0.33335})
    send(tenant, "quality-reviews", review("a1", *thirds), review("a2", *half))
    assert by(tenant, "quality_score", "agent") == {"a1": 0.6667, "a2": 0.3334}


def test_criteria_are_grouped_by_name(tenant: Tenant) -> None:
    send(
        tenant,
        "quality-reviews",
        review("a1", *GOOD, channel="phone", form="sales"),
        review("a2", {"score": 0}, {"score": None}, channel="chat", form="care"),
        {**review("a3", *GOOD), "deleted": True},
    )
    assert by(tenant, "quality_criterion_score", "topic") == {"c0": 0.5, "c1": 0.5}
    assert ask(tenant, "quality_criterion_score", "topic")["c1"]["n"] == 1
    assert by(tenant, "quality_score", "channel") == {"phone": 0.875, "chat": 0}
    assert by(tenant, "quality_score", "type") == {"sales": 0.875, "care": 0}


def hour(number: int) -> str:
    return f"2026-01-05T{number:02}:00:00Z"


def held(*agents: str | None) -> list[dict[str, Any]]:
    """Assignments an hour apart, from eight o'clock on."""
    return [{"agent": agent, "at": hour(8 + n)} for n, agent in enumerate(agents)]


@pytest.fixture
def tasks(tenant: Tenant) -> Tenant:
    send(
        tenant,
        "tasks",
        {"assignments": held("kim", "lee"), "completed_at": hour(12), "due_at": hour(12)},
        {"assignments": held("kim"), "completed_at": hour(12), "due_at": hour(11)},
        {"assignee": "lee", "assigned_at": hour(8), "kind": "call back"},
        {"assignments": held("lee", None)},
        {"title": "not for anybody yet"},
    )
    return tenant


def test_handing_on_is_not_completing(tasks: Tenant) -> None:
    assert by(tasks, "tasks_assigned", "agent") == {"kim": 2, "lee": 3}
    assert by(tasks, "tasks_completed", "agent") == {"kim": 1, "lee": 1}
    assert by(tasks, "task_completion_rate", "agent") == {"kim": 1 / 2, "lee": 1 / 3}
    assert ask(tasks, "task_completion_rate")["value"] == 2 / 5
    assert by(tasks, "tasks_assigned", "type") == {"call back": 1, None: 4}


def test_the_time_of_the_holder_counts(tasks: Tenant) -> None:
    assert by(tasks, "task_time_to_complete", "agent") == {"kim": 4 * 3600, "lee": 3 * 3600}


def test_exactly_when_due_is_in_time(tasks: Tenant) -> None:
    assert by(tasks, "tasks_overdue_rate", "agent") == {"kim": 1, "lee": 0}


def test_a_reassignment_after_the_fact_changes_no_completion(tenant: Tenant) -> None:
    send(tenant, "tasks", {"assignments": held("kim", "lee"), "completed_at": hour(8)})
    assert by(tenant, "task_completion_rate", "agent") == {"kim": 1, "lee": 0}
    assert by(tenant, "tasks_completed", "agent") == {"kim": 1}


def test_a_completion_before_the_assignment_is_kept_apart(tenant: Tenant) -> None:
    send(tenant, "tasks", {"assignments": held("kim"), "completed_at": hour(7)})
    cell = ask(tenant, "task_time_to_complete")
    assert (cell["value"], cell["excluded"]) == (None, {"negative_duration": 1})


def rated(survey: str, *ratings: float, **more: Any) -> list[dict[str, Any]]:
    return [
        {"external_id": f"{survey}{n}", "survey": survey, "rating": rating, "responded_at": AT}
        | more
        for n, rating in enumerate(ratings)
    ]


def test_net_promoters(tenant: Tenant) -> None:
    send(tenant, "feedback", *rated("nps", 9, 9, 9, 10, 10, 10, 7, 8, 0, 6))
    cell = ask(tenant, "nps")
    assert (cell["value"], cell["n"], cell["numerator"], cell["denominator"]) == (40, 10, 400, 10)


def test_zero_is_a_detractor(tenant: Tenant) -> None:
    send(tenant, "feedback", *rated("nps", 0))
    assert ask(tenant, "nps")["value"] == -100


def test_surveys_are_counted_apart(tenant: Tenant) -> None:
    send(tenant, "feedback", *rated("ces", 7, 6, 2), *rated("csat", 5), *rated("nps", 1, 2))
    assert ask(tenant, "ces_score")["value"] == 5
    assert ask(tenant, "ces_top_box_rate")["value"] == 2 / 3
    counts = {name: ask(tenant, f"{name}_responses")["value"] for name in ("csat", "ces", "nps")}
    assert counts == {"csat": 1, "ces": 3, "nps": 2}


def test_reviews_of_a_site_need_no_request(tenant: Tenant) -> None:
    send(
        tenant,
        "feedback",
        *rated("csat", 5, site="app-store", comment="nice"),
        *rated("csat", 1, external_id="y", site="play", comment=" "),
        *rated("csat", 4, external_id="z", site="play", ticket="t1"),
    )
    send(tenant, "tickets", {"external_id": "t1", "created_at": AT, "channel": "email"})
    assert by(tenant, "rating_average", "channel") == {"app-store": 5, "play": 1, "email": 4}
    assert ask(tenant, "comment_rate")["value"] == 1 / 3


def test_requests_are_three_series(tenant: Tenant) -> None:
    send(
        tenant,
        "feedback-requests",
        {"sent_at": AT, "created_at": "2026-01-04T10:00:00Z", "delivered_at": hour(11)},
        {"sent_at": AT},
    )
    days = {
        step: by(tenant, f"feedback_requests_{step}", "time:day")
        for step in ("created", "sent", "delivered")
    }
    fourth, fifth = "2026-01-04", "2026-01-05"
    assert {step: (found[fourth], found[fifth]) for step, found in days.items()} == {
        "created": (1, 1), "sent": (0, 2), "delivered": (0, 1),
    }  # fmt: skip


def test_sentiment_of_words_wherever_they_come_from(tenant: Tenant) -> None:
    negative = {"sentiment_label": "negative", "sentiment_score": -0.25}
    message = {"ticket": "t1", "type": "message", "direction": "inbound", "occurred_at": AT}
    send(tenant, "tickets", {"external_id": "t1", "created_at": AT, "assignee": "kim"})
    answer = tenant.http.post(
        "/v1/ticket-events", json={"source": "s", "event_id": "e1", **message, **negative}
    )
    assert answer.status_code == 201, answer.text
    send(
        tenant,
        "calls",
        {"queue_entered_at": AT, "agent": "lee", "sentiment_label": "positive"},
        {"queue_entered_at": AT, "agent": "lee"},
    )
    send(tenant, "feedback", *rated("csat", 5, agent="lee", sentiment_score=0.5))
    assert ask(tenant, "sentiment_share")["value"] == 0.5
    assert by(tenant, "sentiment_share", "agent", label="positive") == {"kim": 0, "lee": 1}
    average = ask(tenant, "sentiment_average")
    assert (average["value"], average["n"]) == (0.125, 2)


def test_ratings_of_two_scales_on_one(tenant: Tenant) -> None:
    """3 of 1 to 5 is in the middle; 9 of 1 to 10 is 8 / 9, and 1 of 0 to 3 a third."""
    send(
        tenant,
        "feedback",
        *rated("csat", 3),
        *rated("csat", 9, external_id="y", scale_min=1, scale_max=10),
        *rated("csat", 1, external_id="z", scale_min=0, scale_max=3),
        *rated("nps", 9, external_id="n", scale_min=9),
    )
    assert ask(tenant, "rating_average")["null_reason"] == "mixed_scales"
    cell = ask(tenant, "rating_average", scale="normalized")
    assert (cell["numerator"], cell["n"]) == (0.5 + 0.8889 + 0.3333, 3)


def test_a_rating_on_the_finest_of_scales(tenant: Tenant) -> None:
    finest = {"scale_min": 0.00015, "scale_max": math.nextafter(0.00015, 1)}
    send(tenant, "feedback", *rated("csat", 0.00015, **finest))
    assert ask(tenant, "rating_average", scale="normalized")["value"] == 0
