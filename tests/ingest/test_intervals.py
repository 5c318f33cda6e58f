"""What intervals of people's time may be, and who is told when one is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import Tenant
from tests.ingest.samples import AT, accept, refuse, sample

INTERVALS = ("presence", "shifts", "work-sessions")


@pytest.mark.parametrize("resource", INTERVALS)
def test_an_interval_has_an_order_and_a_length(sender: Tenant, resource: str) -> None:
    for ended_at in (AT, "2026-02-05T10:00:00Z", "2026-02-05T13:00:00+03:00"):
        assert accept(sender, resource, sample(resource, ended_at=ended_at))
    for ended_at, message in (
        ("2026-01-05T09:59:59.999999Z", "The end is before the start."),
        ("2026-01-05T10:00:00+00:01", "The end is before the start."),
        ("2026-02-05T10:00:00.000001Z", "An interval lasts 31 days at most."),
    ):
        item = sample(resource, ended_at=ended_at)
        found = refuse(sender, resource, item, "/ended_at", "out_of_range")
        assert found["message"] == message


def test_only_shifts_may_be_planned(sender: Tenant) -> None:
    start = datetime.now(UTC) + timedelta(days=300)
    ahead = {
        "started_at": start.isoformat(), "ended_at": (start + timedelta(hours=8)).isoformat()
    }  # fmt: skip
    assert accept(sender, "shifts", sample("shifts", **ahead))
    for resource in ("presence", "work-sessions"):
        refuse(sender, resource, sample(resource, **ahead), "/started_at", "out_of_range")
    too_far = (start + timedelta(days=70)).isoformat()
    found = refuse(
        sender, "shifts", sample("shifts", started_at=AT, ended_at=too_far),
        "/ended_at", "out_of_range",
    )  # fmt: skip
    assert found["message"] == "The instant is more than a year ahead."


@pytest.mark.parametrize(
    ("resource", "name", "value", "code"),
    [
        ("presence", "state", "lunch", "invalid_value"),
        ("presence", "state", "Available", "invalid_value"),
        ("presence", "agent", None, "wrong_type"),
        ("presence", "agent", "", "too_short"),
        ("shifts", "ended_at", None, "wrong_type"),
        ("shifts", "is_paid", "yes", "wrong_type"),
        ("work-sessions", "ticket", "x" * 256, "too_long"),
    ],
)
def test_fields_of_intervals(
    sender: Tenant, resource: str, name: str, value: Any, code: str
) -> None:
    refuse(sender, resource, sample(resource, **{name: value}), f"/{name}", code)


def test_a_session_may_come_before_its_ticket(sender: Tenant) -> None:
    item = sample("work-sessions", ticket="not-here-yet", ended_at="2026-01-05T10:04:00Z")
    assert accept(sender, "work-sessions", item)["ticket"] == "not-here-yet"
    listed = sender.http.get("/v1/tickets", params={"external_id": "not-here-yet"}).json()["data"]
    assert listed == []
