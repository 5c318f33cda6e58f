"""Now on the wire."""

from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.presence import PresenceState
from csapi.kit.quantities import UtcDatetime
from csapi.reports.layouts import DimensionValue
from csapi.reports.schemas import ColumnInfo, MetricValue
from csapi.reports.work_params import Values


class LiveParams(msgspec.Struct, kw_only=True):
    """Which work counts, and whose day it is."""

    team: Annotated[Values, Meta(description="Work of these teams alone")] = msgspec.field(
        default_factory=list
    )
    channel: Annotated[Values, Meta(description="Work on these channels alone")] = msgspec.field(
        default_factory=list
    )
    inbox: Annotated[Values, Meta(description="Work in these inboxes alone")] = msgspec.field(
        default_factory=list
    )
    timezone: Annotated[str | None, Meta(description="IANA zone; the tenant's if absent")] = None


class LiveRow(msgspec.Struct, kw_only=True):
    """A member with its numbers."""

    member: DimensionValue
    metrics: dict[str, MetricValue]


class AgentsInState(msgspec.Struct, kw_only=True):
    """How many agents are in a state now. Null: presence says nothing about them."""

    state: PresenceState | None
    label: str | None
    agents: int


class LiveReport(msgspec.Struct, kw_only=True):
    """Today so far and what there is now, from one snapshot: `today` has the numbers of the day,
    `now` what is open, waits or is at risk at `as_of`; `queues`, `channels` and `types` the same by
    member, those with most first. `agents` are all active ones of the tenant, whatever work is
    chosen, and none for a token with filters. Each number is what POST /v1/query answers at that
    moment. `columns` says what each is."""

    as_of: UtcDatetime
    timezone: str
    start: UtcDatetime
    today: dict[str, MetricValue]
    now: dict[str, MetricValue]
    queues: list[LiveRow]
    channels: list[LiveRow]
    types: list[LiveRow]
    agents: list[AgentsInState]
    columns: dict[str, ColumnInfo]
    exact: bool
    pending_buckets: int
    pending_subjects: int
    data_through: UtcDatetime | None
