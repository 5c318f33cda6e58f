"""The trust report on the wire."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.kit.quantities import UtcDatetime
from csapi.reports.schemas import RecordRef


class QualitySeverity(StrEnum):
    """By the share of what was looked at, against the limits of the check. unknown: nothing was
    there to look at."""

    ok = "ok"
    notice = "notice"
    warning = "warning"
    unknown = "unknown"


class QualityCheckId(StrEnum):
    """What is looked at."""

    verification = "verification"
    late_records = "late_records"
    clock_ahead = "clock_ahead"
    duplicates = "duplicates"
    stale_versions = "stale_versions"
    rejected_items = "rejected_items"
    events_without_ticket = "events_without_ticket"
    missing_calls = "missing_calls"
    missing_feedback_requests = "missing_feedback_requests"
    unknown_agents = "unknown_agents"
    unlinked_feedback = "unlinked_feedback"
    snapshots_only = "snapshots_only"
    negative_durations = "negative_durations"
    impossible_calls = "impossible_calls"
    contacts_without_topic = "contacts_without_topic"
    contacts_without_tag = "contacts_without_tag"
    solves_without_agent = "solves_without_agent"
    calls_without_agent = "calls_without_agent"
    contacts_without_customer = "contacts_without_customer"
    bots_as_people = "bots_as_people"


class QualityCheck(msgspec.Struct, kw_only=True):
    """`count` of the `of` that were looked at. `share` above `notice_above` is a notice, above
    `warning_above` a warning. `metric`: whose parts these are; null: of the records themselves.
    `examples`: the latest of them, at most five. `remedy`: how to mend it."""

    id: QualityCheckId
    label: str
    severity: QualitySeverity
    count: int
    of: int
    share: float | None
    notice_above: float
    warning_above: float
    metric: str | None
    explanation: str
    remedy: str
    examples: list[RecordRef]


class ArrivalDelay(msgspec.Struct, kw_only=True):
    """How long records took from when they happened until they came. `late`: more than a day.
    History that is brought in at once is late, too."""

    resource: str
    n: int
    late: int
    p50_seconds: float | None
    p90_seconds: float | None
    p99_seconds: float | None


class ReceivedItems(msgspec.Struct, kw_only=True):
    """What became of the items that were sent, on the days of UTC that the range touches."""

    resource: str
    created: int
    updated: int
    duplicate: int
    stale: int
    rejected: int


class AuditDifference(msgspec.Struct, kw_only=True):
    """What was not as it should be: a subject, or a bucket of summaries by its start."""

    kind: str
    name: str


class Audit(msgspec.Struct, kw_only=True):
    """A night's verification: facts held against their records, summaries against facts.
    `pending`: what waited to be worked out, and was left out. `first_day`, `last_day`: local days
    whose summaries were looked at."""

    started_at: UtcDatetime
    finished_at: UtcDatetime
    subjects_checked: int
    buckets_checked: int
    pending: int
    mismatches: int
    first_day: date
    last_day: date
    examples: list[AuditDifference]


class VanityRule(StrEnum):
    """When a number looks better, or says less, than it seems to."""

    csat_few_asked = "csat_few_asked"
    csat_few_answers = "csat_few_answers"
    fcr_not_settled = "fcr_not_settled"
    deflection_unfollowed = "deflection_unfollowed"
    bot_resolution_undone = "bot_resolution_undone"
    repeat_unfollowed = "repeat_unfollowed"
    speed_without_quality = "speed_without_quality"


class VanityWarning(msgspec.Struct, kw_only=True):
    """A number of the range that misleads by itself. `value`: of `metric`; `beside`: what to read
    with it, with `beside_value`; `rule`: when this is said."""

    id: VanityRule
    metric: str
    value: float | None
    beside: str
    beside_value: float | None
    rule: str
    message: str


class DataQuality(msgspec.Struct, kw_only=True):
    """Checks, the worst first; records are those that first came in the range, and the parts of
    metrics those that happened in it. `last_audit`: null until the first night is over;
    `audits_with_mismatches`: of the nights of the last 90 days."""

    start: UtcDatetime
    end: UtcDatetime
    timezone: str
    checks: list[QualityCheck]
    arrival: list[ArrivalDelay]
    received: list[ReceivedItems]
    vanity: list[VanityWarning]
    last_audit: Audit | None
    audits: int
    audits_with_mismatches: int
    exact: bool
    severity: Annotated[QualitySeverity, Meta(description="The worst of all checks")]
