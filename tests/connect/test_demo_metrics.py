"""The demo has a number for every metric of the catalog, also by two dimensions."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import Product, Tenant

from csapi.connect.demo.seed import fill
from csapi.connect.demo.span import Span
from csapi.metrics.catalog import METRICS
from csapi.metrics.metric import Unit
from csapi.metrics.parts import Hours

DAYS, ENOUGH, MOST_METRICS = 30, 30, 20
SPAN = Span(datetime(2026, 3, 18, 11, 20, tzinfo=UTC), days=DAYS + 1)
PAIRS = [("team", "channel"), ("agent", "time:day")]
# What has no agent, team or channel of its own is looked at otherwise, and why.
OTHER_PAIRS = {
    # A customer's message or a machine's has no agent, nor has what a machine solved.
    **dict.fromkeys(
        ("messages_in", "customers_who_wrote", "auto_replies", "waits_dropped"),
        ("channel", "topic"),
    ),
    # A call that nobody answered has no agent.
    **dict.fromkeys(
        (
            "calls_abandoned",
            "calls_short_abandoned",
            "calls_flowed_out",
            "average_abandon_time",
            "abandonment_rate",
        ),
        ("queue", "time:day"),
    ),
    # A task has no channel, nor has a shift.
    **dict.fromkeys(
        (
            "tasks_assigned",
            "distinct_tasks_assigned",
            "tasks_completed",
            "task_completion_rate",
            "task_time_to_complete",
            "tasks_overdue_rate",
        ),
        ("team", "type"),
    ),
    **dict.fromkeys(
        ("scheduled_time", "paid_time", "shifts", "shift_presence_rate", "shrinkage", "adherence"),
        ("team", "time:day"),
    ),
    "utilization": ("agent", "time:day"),
    # What is at risk is that at the end of the range.
    "sla_at_risk": ("team", "channel"),
    # Shifts have no channel, and what a month costs is nobody's.
    **dict.fromkeys(
        ("staff_cost", "staff_cost_coverage_rate", "cost_per_contact"), ("agent", "time:day")
    ),
    "fixed_cost": ("time:week", "time:day_of_week"),
    # Would you recommend us: that is about no agent and no contact.
    **dict.fromkeys(("nps", "nps_responses"), ("segment", "custom.region")),
    # Nobody of ours is a customer.
    **dict.fromkeys(
        ("customers_total", "customers_active", "customer_retention_rate", "churn_rate"),
        ("segment", "customer.registered"),
    ),
    # Nobody of ours takes part in self-service.
    **dict.fromkeys(
        ("kb_searches", "kb_zero_result_rate", "kb_no_click_rate"), ("custom.region", "time:day")
    ),
    **dict.fromkeys(("kb_views", "kb_votes", "kb_helpful_rate"), ("topic", "custom.region")),
    "forms_received": ("type", "custom.region"),
    **dict.fromkeys(
        (
            "self_service_sessions",
            "bot_sessions",
            "ivr_sessions",
            "bot_resolution_rate",
            "bot_handoff_rate",
            "durable_bot_resolution_rate",
            "ivr_containment_rate",
            "deflection_rate",
            "unidentified_sessions",
            "search_to_ticket_rate",
        ),
        ("topic", "channel"),
    ),
}
# The range ends at midnight, before days of holidays: it takes long until what waits is due.
PARAMS = {"sla_at_risk": {"within_seconds": 14 * 86_400}}
GROUPS = 4

Row = dict[str, Any]


class Silent:
    """Tells nobody."""

    def say(self, message: str) -> None:
        assert message

    def amount(self, title: str, done: int, total: int) -> None:
        assert done <= total, title


class Asked:
    """Questions about the last days of a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.http = tenant.http
        since, until = SPAN.today - timedelta(days=DAYS - 1), SPAN.today + timedelta(days=1)
        self.time = {"range": {"from": str(since), "to": str(until)}}

    def rows(self, metrics: list[Row], dimensions: Sequence[str] = ()) -> list[Row]:
        question = {"metrics": metrics, "dimensions": [*dimensions], "time": self.time}
        answer = self.http.post("/v1/query", json={**question, "limit": 10_000})
        assert answer.status_code == 200, answer.text
        found: list[Row] = answer.json()["data"]
        return found


@pytest.fixture
def asked(product: Product, make_tenant: Callable[..., Tenant]) -> Asked:
    tenant = make_tenant("Asia/Riyadh")
    fill(product.base_url, tenant.key, SPAN, Silent())
    return Asked(tenant)


def batches(names: Sequence[str]) -> Iterator[list[Row]]:
    for start in range(0, len(names), MOST_METRICS):
        yield [
            {"id": name, "params": PARAMS.get(name, {})}
            for name in names[start : start + MOST_METRICS]
        ]


def pairs_of(metric: str) -> list[tuple[str, str]]:
    return [OTHER_PAIRS[metric]] if metric in OTHER_PAIRS else PAIRS


def check_totals(asked: Asked) -> None:
    for batch in batches([*METRICS]):
        (row,) = asked.rows(batch)
        for name, cell in row["metrics"].items():
            assert cell["value"] is not None, (name, cell)
            assert cell["n"] >= ENOUGH, (name, cell)


def check_groups(asked: Asked) -> None:
    """Several groups, all of whose members are known, have a value."""
    by_pair = defaultdict(list)
    for name in METRICS:
        for pair in pairs_of(name):
            by_pair[pair].append(name)
    for pair, names in by_pair.items():
        filled = dict.fromkeys(names, 0)
        for batch in batches(names):
            for row in asked.rows(batch, pair):
                if all(member["key"] is not None for member in row["dimensions"].values()):
                    for name, cell in row["metrics"].items():
                        filled[name] += cell["value"] is not None and cell["n"] > 0
        few = {name: amount for name, amount in filled.items() if amount < GROUPS}
        assert not few, pair


def check_tags(asked: Asked) -> None:
    for metric, pair in (
        ("tickets_created", ("tag", "channel")),
        ("calls_offered", ("tag", "customer.registered")),
        ("messages_in", ("tag", "current.segment")),
        ("repeat_contact_rate", ("customer.country", "customer.type")),
    ):
        rows = asked.rows([{"id": metric}], pair)
        known = [
            row
            for row in rows
            if all(member["key"] is not None for member in row["dimensions"].values())
        ]
        assert sum(row["metrics"][metric]["n"] >= ENOUGH for row in known) >= GROUPS, (metric, pair)


def check_business_hours(asked: Asked) -> None:
    names = [name for name, metric in METRICS.items() if Hours.business in metric.hours]
    assert {"first_response_time", "full_resolution_time"} <= {*names}
    for batch in batches(names):
        (calendar,) = asked.rows(batch)
        (business,) = asked.rows([metric | {"hours": "business"} for metric in batch])
        for name, cell in business["metrics"].items():
            assert cell["value"] is not None, name
            assert cell["n"] >= ENOUGH, name
            if METRICS[name].unit is Unit.SECONDS:
                assert cell["value"] <= calendar["metrics"][name]["value"], name


def check_staffing(asked: Asked) -> None:
    """The models have everything that they need, and a verdict comes of it."""
    channels = [{"channel": each} for each in ("phone", "chat", "email")]
    answer = asked.http.post(
        "/v1/staffing/what-if",
        json={"channels": channels, "time": asked.time, "interval": "hour"},
    )
    assert answer.status_code == 200, answer.text
    for each in answer.json()["channels"]:
        known = each["inputs"]
        for name in ("handle_seconds", "shrinkage", "cost_per_hour"):
            assert known[name]["value"], (each["channel"], name)
        for side in ("required", "present"):
            assert each["totals"][side]["hours"], (each["channel"], side)
            assert each["totals"][side]["cost"], (each["channel"], side)
            assert 0 < each["totals"][side]["service_level"] <= 1
        assert not any("presence" in text for text in each["warnings"] if "model" not in text)
    hours: dict[str, Any] = {"interval": "hour", **asked.time["range"]}
    ahead: dict[str, Any] = {"interval": "hour", "from": str(SPAN.today), "days": 7}
    for path, params in (("diagnosis", hours), ("forecast", ahead)):
        found = asked.http.get(f"/v1/staffing/{path}", params=params)
        assert found.status_code == 200, found.text
        if path == "diagnosis":
            assert found.json()["verdict"] != "cannot_tell"
            assert found.json()["load"]["gini"] is not None
            assert len(found.json()["busiest_hours"]) == 10
        else:
            assert found.json()["backtest"] is not None
            assert all(each["expected"] > 5 for each in found.json()["data"])


@pytest.mark.harden
def test_every_metric_has_numbers(asked: Asked) -> None:
    check_totals(asked)
    check_staffing(asked)
    check_groups(asked)
    check_tags(asked)
    check_business_hours(asked)


def test_every_exception_is_a_metric() -> None:
    assert set(OTHER_PAIRS) <= set(METRICS)
