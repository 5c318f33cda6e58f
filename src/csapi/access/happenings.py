"""What webhooks carry: ids and a few figures, no text that a person wrote and no personal data.

Whoever wants more reads it with a key, which sees what it may see.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime

Path = Annotated[str, Meta(description="Where to read it")]


class ReportRunReady(msgspec.Struct, kw_only=True):
    """A report has run. `failed`: so many of its sections have no answer."""

    report_id: str
    run_id: str
    trigger: Annotated[str, Meta(description="request or schedule")]
    as_of: UtcDatetime
    sections: int
    failed: int
    path: Path


class ExportReady(msgspec.Struct, kw_only=True):
    """An export has ended. `problem`: the code of why there is no file, null if there is one."""

    export_id: str
    rows: int
    bytes: int
    expires_at: UtcDatetime
    problem: str | None
    path: Path


class DriverReferred(msgspec.Struct, kw_only=True):
    """A topic was handed to a department."""

    referral_id: str
    driver_id: str
    topic: str
    department: str
    due_on: date | None
    status: Annotated[str, Meta(description="As in the referral")]
    path: Path


class SlaAtRisk(msgspec.Struct, kw_only=True):
    """A target of a ticket is due within an hour and not decided. `ticket_id`: our id. It is told
    again only if it comes to be due at another time."""

    ticket_id: str
    source: str
    external_id: str
    target: Annotated[
        str, Meta(description="first_response, next_response, resolution or requester_wait")
    ]
    due_at: UtcDatetime
    seconds_left: float
    path: Path


class IssueKind(StrEnum):
    """As `kind` of GET /v1/radar."""

    first_seen = "first_seen"
    risen = "risen"
    resurging = "resurging"
    emerging_term = "emerging_term"


class IssueFound(msgspec.Struct, kw_only=True):
    """The radar found something that it did not know the night before. A topic with `driver_id`, or
    a term; `count`: contacts of the topic, or records with the term, from `start` to `end`."""

    kind: IssueKind
    driver_id: str | None
    topic: str | None
    term: str | None
    count: float
    customers: int
    first_seen_at: UtcDatetime | None
    start: UtcDatetime
    end: UtcDatetime
    path: Path


class GoalDrifting(msgspec.Struct, kw_only=True):
    """A metric is on its way to miss its goal, or has missed it. It is told once until the goal is
    on its way again."""

    goal_id: str
    status: Annotated[str, Meta(description="off_track or missed, as in the goal")]
    metric: str
    value: float | None
    target: float
    due_on: date
    as_of: UtcDatetime
    path: Path


class WebhookTest(msgspec.Struct, kw_only=True):
    """Nothing happened: somebody wanted to see whether it arrives."""

    webhook_id: str
