"""What is looked at, from where on it is worth a word, and how to mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from csapi.reports.trust.raw import Counted
from csapi.reports.trust.schemas import QualityCheck, QualityCheckId, QualitySeverity

ORDER = (
    QualitySeverity.warning,
    QualitySeverity.notice,
    QualitySeverity.ok,
    QualitySeverity.unknown,
)


@dataclass(frozen=True, slots=True)
class Check:
    """notice, warning: the shares above which it is one."""

    id: QualityCheckId
    label: str
    notice: float
    warning: float
    explanation: str
    remedy: str
    metric: str | None = None


CHECKS = (
    Check(
        QualityCheckId.verification,
        "Differences found by the last audit",
        0.0,
        0.0,
        "Facts and summaries that were not what their records give, of those that the last night "
        "looked at.",
        "Nothing of yours is wrong: tell us. csapi verify --repair mends them.",
    ),
    Check(
        QualityCheckId.late_records,
        "Records later than a day",
        0.05,
        0.5,
        "Records that came more than 24 hours after they happened. Numbers of days that seemed to "
        "be over change. History that is brought in at once is late, too.",
        "Send records as they happen; GET /v1/metrics and `meta.revised_buckets` say which days "
        "were counted again.",
    ),
    Check(
        QualityCheckId.clock_ahead,
        "Records from the future",
        0.001,
        0.01,
        "Records that came before the instant at which they say that they happened: the clock of "
        "their source is ahead. More than five minutes is refused.",
        "Set the clock of the source by NTP, and send times with their offset.",
    ),
    Check(
        QualityCheckId.duplicates,
        "Items sent again as they were",
        0.2,
        0.8,
        "Items that we had already. They change nothing.",
        "Send what has changed since the last time.",
    ),
    Check(
        QualityCheckId.stale_versions,
        "Items older than what we have",
        0.01,
        0.1,
        "Versions of records that came after newer ones. They change nothing; without "
        "`source_updated_at` the order of receipt decides, and a late one wins.",
        "Send `source_updated_at`, and changes in their order.",
    ),
    Check(
        QualityCheckId.rejected_items,
        "Items that were rejected",
        0.001,
        0.02,
        "Items of batches that could not be taken. What they say is in no number.",
        "Look at `errors` of the answers to batches: each names the field.",
    ),
    Check(
        QualityCheckId.events_without_ticket,
        "Tickets that never came",
        0.001,
        0.02,
        "Tickets that others name (events, calls, feedback) and that were not sent themselves "
        "within an hour. They have no creation, channel or topic, and are in few numbers.",
        "Send the ticket as well as its events, with the same source and external id.",
    ),
    Check(
        QualityCheckId.missing_calls,
        "Calls that never came",
        0.001,
        0.02,
        "Calls that feedback names and that were not sent.",
        "Send the call, with the same source and external id.",
    ),
    Check(
        QualityCheckId.missing_feedback_requests,
        "Requests for feedback that never came",
        0.001,
        0.02,
        "Requests that feedback answers and that were not sent: response rates are wrong.",
        "Send each request when it is made, before the answer to it.",
    ),
    Check(
        QualityCheckId.unknown_agents,
        "Agents that nobody described",
        0.0,
        0.2,
        "Agents that records name and that were not sent: no name, no team, and a bot among them "
        "counts as a person.",
        "Send them as agents, with their teams, and `kind` bot for machines.",
    ),
    Check(
        QualityCheckId.unlinked_feedback,
        "Feedback about nothing",
        0.05,
        0.5,
        "Feedback that names no ticket, call or request: it cannot be split by what it is about.",
        "Send `ticket`, `call` or `request` with it.",
    ),
    Check(
        QualityCheckId.snapshots_only,
        "Sources without events",
        0.0,
        0.99,
        "Sources whose tickets came without a single event: what happened to them on the way is "
        "not told, and metrics of it are null (`not_sent`).",
        "Send ticket-events of these sources.",
    ),
    Check(
        QualityCheckId.negative_durations,
        "Negative durations",
        0.0,
        0.01,
        "Durations that end before they begin. They are left out of means and counted beside them "
        "(`excluded.negative_duration`).",
        "Look at the times of the records behind: POST /v1/query/records with `include` excluded.",
        "first_response_time, response_time, full_resolution_time, average_speed_of_answer, "
        "average_handle_time",
    ),
    Check(
        QualityCheckId.impossible_calls,
        "Impossible calls",
        0.0,
        0.01,
        "Calls that ended before they came, waited for less than nothing, or lasted for more than "
        "twelve hours.",
        "Look at how the source writes times: offsets, and seconds against milliseconds.",
    ),
    Check(
        QualityCheckId.contacts_without_topic,
        "Contacts without a topic",
        0.1,
        0.3,
        "Contacts of which nobody knows what they are about. They are in no driver.",
        "Ask for a topic when a ticket is solved, or let a model give one.",
        "contacts",
    ),
    Check(
        QualityCheckId.contacts_without_tag,
        "Contacts without a tag",
        0.5,
        0.95,
        "Contacts without any tag.",
        "Tags are optional: split by what most contacts have.",
        "contacts",
    ),
    Check(
        QualityCheckId.solves_without_agent,
        "Resolutions by nobody",
        0.05,
        0.2,
        "Resolutions of which nobody knows who made them. They are in no agent's numbers.",
        "Send `actor` of status changes, or `solved_by` of the milestones.",
        "ticket_resolutions",
    ),
    Check(
        QualityCheckId.calls_without_agent,
        "Answered calls without an agent",
        0.02,
        0.1,
        "Calls that were answered by nobody knows whom.",
        "Send `agent`, or `legs` with theirs.",
        "calls_answered",
    ),
    Check(
        QualityCheckId.contacts_without_customer,
        "Contacts without a customer",
        0.05,
        0.3,
        "Contacts by nobody knows whom: repeat contacts and first contact resolution cannot see "
        "them again.",
        "Send `customer`, the same for the same person on all channels.",
        "unidentified_contacts",
    ),
    Check(
        QualityCheckId.bots_as_people,
        "Agents that are like bots",
        0.0,
        0.1,
        "Agents that count as people and are called like machines, or whose median reply takes "
        "less than five seconds over at least twenty replies: they flatter the times of people.",
        "Send them as agents with `kind` bot: their history is worked out again.",
        "response_time",
    ),
)


def severity_of(check: Check, count: int, of: int) -> QualitySeverity:
    if of <= 0:
        return QualitySeverity.unknown
    share = count / of
    if share > check.warning:
        return QualitySeverity.warning
    return QualitySeverity.notice if share > check.notice else QualitySeverity.ok


def told(check: Check, found: Counted) -> QualityCheck:
    return QualityCheck(
        id=check.id,
        label=check.label,
        severity=severity_of(check, found.count, found.of),
        count=found.count,
        of=found.of,
        share=found.count / found.of if found.of > 0 else None,
        notice_above=check.notice,
        warning_above=check.warning,
        metric=check.metric,
        explanation=check.explanation,
        remedy=check.remedy,
        examples=list(found.examples),
    )


def all_told(found: Mapping[QualityCheckId, Counted]) -> list[QualityCheck]:
    """The worst first; of the same severity in the order of the list."""
    checks = [told(check, found[check.id]) for check in CHECKS]
    return sorted(checks, key=lambda each: ORDER.index(each.severity))


def worst(checks: Iterable[QualityCheck]) -> QualitySeverity:
    return min((each.severity for each in checks), key=ORDER.index)
