"""Alerts and their events on the wire."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from csapi.kit.quantities import UtcDatetime
from csapi.reports.alerts.detector import NoFinding, Side
from csapi.reports.goals.schemas import Amount
from csapi.reports.pages import Cursor
from csapi.reports.runs.schemas import Title
from csapi.reports.schemas import FilterNode, MetricRequest, QueryPage

MOST_ALERTS, MOST_EVENTS_KEPT = 100, 1_000
MOST_WINDOW_BUCKETS, MOST_WINDOW_DAYS = 168, 92

Note = Annotated[str, Meta(max_length=2_000)]


class AlertKind(StrEnum):
    """What is told of. threshold: a value beyond a bound. anomaly: a bucket out of its usual range.
    drift: weeks that move away from those before."""

    threshold = "threshold"
    anomaly = "anomaly"
    drift = "drift"


class AlertGrain(StrEnum):
    """How long the buckets are that are looked at, each once it is over."""

    hour = "hour"
    day = "day"
    week = "week"


class AlertBound(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Told of above it, or below it."""

    above: Amount | None = None
    below: Amount | None = None


class AlertRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to look at.

    `grain`: hour or day, day if absent; of drift always week. `bound` and `window` are of a
    threshold: the value of the latest so many buckets together lies beyond it. `side`, of the
    others: which way is told of; if absent, the way that is worse, or both where none is.
    `minimum_n`: of means and shares of fewer nothing is told.
    """

    name: Title
    kind: AlertKind
    metric: MetricRequest
    filters: FilterNode | None = None
    grain: AlertGrain | None = None
    bound: AlertBound | None = None
    window: Annotated[int, Meta(ge=1, le=MOST_WINDOW_BUCKETS)] | None = None
    side: Side | None = None
    minimum_n: Annotated[int, Meta(ge=0, le=1_000_000)] = 20
    is_enabled: bool = True


class AlertFinding(msgspec.Struct, kw_only=True):
    """What a look found. `expected`, `expected_low` and `expected_high`: the usual range. `score`:
    how many standard deviations it lies beyond; of drift the sum, negative downwards. `query`: the
    body with which POST /v1/query gives the value."""

    start: UtcDatetime
    end: UtcDatetime
    is_out: bool
    value: float | None
    n: int
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    score: float | None
    is_seasonal: bool
    reason: NoFinding | None
    query: dict[str, Any]


class SavedAlert(msgspec.Struct, kw_only=True):
    """An alert, and what the latest look found."""

    id: str
    alert: AlertRequest
    looked_at: UtcDatetime | None
    finding: AlertFinding | None
    created_at: UtcDatetime
    updated_at: UtcDatetime


class AlertList(msgspec.Struct, kw_only=True):
    """All alerts, the newest first."""

    data: list[SavedAlert]


class AlertState(StrEnum):
    """What people have done about an event. One whose cause has been away for three looks in a row
    is resolved by itself."""

    open = "open"
    acknowledged = "acknowledged"
    resolved = "resolved"


class AlertEvent(msgspec.Struct, kw_only=True):
    """Something that an alert told of. While `is_over` is false its cause goes on, and the alert
    tells of nothing new, whatever the state."""

    id: str
    alert_id: str
    name: str
    kind: AlertKind
    finding: AlertFinding
    state: AlertState
    is_over: bool
    note: str | None
    fired_at: UtcDatetime
    last_seen_at: UtcDatetime
    acknowledged_at: UtcDatetime | None
    resolved_at: UtcDatetime | None


class AlertEventPage(msgspec.Struct, kw_only=True):
    """Events, the newest first."""

    data: list[AlertEvent]
    page: QueryPage


class AlertEventChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What changes: what is absent stays, null clears the note."""

    state: AlertState | UnsetType = UNSET
    note: Note | UnsetType | None = UNSET


class AlertPath(msgspec.Struct, kw_only=True):
    alert_id: Annotated[UUID, Meta(description="Id of the alert")]


class AlertEventPath(msgspec.Struct, kw_only=True):
    event_id: Annotated[UUID, Meta(description="Id of the event")]


class AlertEventParams(msgspec.Struct, kw_only=True):
    """Which events."""

    alert_id: Annotated[UUID | None, Meta(description="Of this alert alone")] = None
    state: Annotated[AlertState | None, Meta(description="Of this state alone")] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class StoredEvent(msgspec.Struct, kw_only=True):
    """What is kept of an event when it fires."""

    name: str
    kind: AlertKind
    finding: AlertFinding
