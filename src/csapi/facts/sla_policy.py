"""SLA policies: how soon tickets are to be answered and solved, from which day on.

A policy holds from a day on. A later one of the same position takes its place from its own day on,
so what is there need never be edited.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.kinds import Dimension
from csapi.facts.lookup import Lookup
from csapi.facts.outcomes import SlaMetric
from csapi.facts.resource import Column, RecordKind
from csapi.facts.sla_tables import sla_policies
from csapi.facts.wire import Custom, Key, Record, Text, normalized
from csapi.kit.quantities import UtcDatetime

FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2199, 12, 31)
Members = Annotated[list[Key], Meta(max_length=100)]
TargetSeconds = Annotated[
    int, Meta(ge=1, le=31_536_000, description="Exactly so many seconds are still in time.")
]
Position = Annotated[int, Meta(ge=0, le=1_000_000)]
Rule = tuple[str, str, str]


class SlaTargetMetric(StrEnum):
    """From the first message to the first reply; from the first unanswered message of a later run
    to its reply; from creation or reopening to the solve; the part of that in which we were
    waited for."""

    first_response = "first_response"
    next_response = "next_response"
    resolution = "resolution"
    requester_wait = "requester_wait"


class TargetHours(StrEnum):
    """Which clock a target is measured by: that on the wall, or business hours alone."""

    calendar = "calendar"
    business = "business"


class SlaTarget(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A target for tickets of a priority; without one, for those of every other priority."""

    metric: SlaTargetMetric
    seconds: TargetSeconds
    priority: Key | None = None
    hours: TargetHours = TargetHours.calendar


class SlaPolicy(Record):
    """Targets for the tickets that all its conditions hold for, from the local day `valid_from`
    until before `valid_to`. An empty condition holds for every ticket.

    Of the policies that have a target for a ticket, the one with the lowest position counts, of
    those the one that began last, of those the first by source and external_id.
    """

    valid_from: date
    targets: Annotated[list[SlaTarget], Meta(min_length=1, max_length=100)]
    source_updated_at: UtcDatetime | None = None
    valid_to: date | None = None
    name: Text | None = None
    position: Position = 0
    channels: Members = []
    inboxes: Members = []
    types: Members = []
    priorities: Members = []
    teams: Members = []
    custom: Custom = {}
    deleted: bool = False


class StoredTarget(msgspec.Struct):
    metric: int
    target_ms: int
    is_business: bool
    priority: int | None


class StoredRule(msgspec.Struct):
    """Conditions and targets of a policy, by members."""

    channels: list[int]
    inboxes: list[int]
    types: list[int]
    priorities: list[int]
    teams: list[int]
    targets: list[StoredTarget]


CONDITIONS = ("channels", "inboxes", "types", "priorities", "teams")
METRICS = {each: SlaMetric[each.name.upper()] for each in SlaTargetMetric}


def check_days(policy: SlaPolicy) -> Rule | None:
    for name, day in (("valid_from", policy.valid_from), ("valid_to", policy.valid_to)):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            message = f"Policies hold from {FIRST_DAY} until {LAST_DAY}."
            return f"/{name}", "out_of_range", message
    if policy.valid_to is not None and policy.valid_to <= policy.valid_from:
        return "/valid_to", "out_of_range", "A policy must end after it starts."
    return None


def check_targets(policy: SlaPolicy) -> Rule | None:
    """One target of a metric for each priority."""
    seen: set[tuple[SlaTargetMetric, str | None]] = set()
    for place, target in enumerate(policy.targets):
        priority = None if target.priority is None else normalized(target.priority)
        if (target.metric, priority) in seen:
            message = "There is a target of this metric for this priority already."
            return f"/targets/{place}", "invalid_value", message
        seen.add((target.metric, priority))
    return None


def policy_row(policy: SlaPolicy, lookup: Lookup) -> tuple[object, ...]:
    def members(dimension: Dimension, keys: list[str]) -> list[int]:
        return [lookup.label(dimension, key) or 0 for key in keys]

    rule = StoredRule(
        channels=members(Dimension.CHANNEL, policy.channels),
        inboxes=members(Dimension.INBOX, policy.inboxes),
        types=members(Dimension.TYPE, policy.types),
        priorities=members(Dimension.PRIORITY, policy.priorities),
        teams=[lookup.team(policy.source, team) or 0 for team in policy.teams],
        targets=[
            StoredTarget(
                metric=int(METRICS[target.metric]),
                target_ms=target.seconds * 1000,
                is_business=target.hours is TargetHours.business,
                priority=lookup.label(Dimension.PRIORITY, target.priority),
            )
            for target in policy.targets
        ],
    )
    return (
        policy.name,
        policy.position,
        policy.valid_from,
        policy.valid_to,
        msgspec.json.encode(rule).decode(),
        False,
    )


SLA_POLICIES = RecordKind(
    name="sla-policies",
    table=sla_policies.name,
    item=SlaPolicy,
    columns=(
        Column("name", "text"),
        Column("position", "integer"),
        Column("valid_from", "date"),
        Column("valid_to", "date"),
        Column("rule", "jsonb"),
        Column("is_applied", "boolean"),
    ),
    row=policy_row,
    instants=(),
    checks=(check_days, check_targets),
    returning=("old.is_applied AS was_applied",),
)
