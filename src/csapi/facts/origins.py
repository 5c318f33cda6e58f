"""Whose derivations make the facts of a kind."""

from collections.abc import Iterable, Mapping

from csapi.facts.kinds import SLA_KINDS, Kind, Resource
from csapi.facts.registry import SUBJECT_KINDS

OF_TICKETS = frozenset(
    {
        Kind.TICKET_CREATED, Kind.CONTACT, Kind.MESSAGE, Kind.FIRST_RESPONSE, Kind.RESOLUTION,
        Kind.REOPEN, Kind.RESPONSE, Kind.REPLY_PAIR, Kind.AGENT_RESPONSE, Kind.AGENT_ASSIGNED,
        Kind.TEAM_ASSIGNED, Kind.AWAITED, Kind.SOLVE_EFFORT, Kind.INTERACTIONS,
        Kind.AGENTS_INVOLVED, Kind.ROUTED, Kind.TIME_IN_STATUS, Kind.ACKNOWLEDGED, Kind.SOLVED,
        Kind.BACKLOG, Kind.SENTIMENT, Kind.CLOSED, Kind.HUMAN_RESOLUTION, Kind.WAITING,
        Kind.WAIT_DROPPED, Kind.OPEN_TICKET, Kind.OPEN_ENDED, Kind.OPEN_STATUS, Kind.OWED,
        Kind.OWED_ENDED, *SLA_KINDS,
    }
)  # fmt: skip
OF_CALLS = frozenset(
    {
        Kind.CALL, Kind.CALL_FROM_START, Kind.CONTACT, Kind.OUTBOUND_CALL, Kind.TALK, Kind.HOLD,
        Kind.AFTER_CALL_WORK, Kind.HANDLE, Kind.SENTIMENT,
    }
)  # fmt: skip
OF_AGENTS_TIME = frozenset(
    {
        Kind.PRESENCE, Kind.PRESENCE_INTERVAL, Kind.SHIFT, Kind.SHIFT_INTERVAL, Kind.SHIFT_ONLINE,
        Kind.SHIFT_READY, Kind.SHIFT_KEPT, Kind.SHIFT_WORKED, Kind.STAFF_COST,
    }
)  # fmt: skip

KINDS_OF: Mapping[Resource, frozenset[Kind]] = {
    Resource.TICKET: OF_TICKETS,
    Resource.CALL: OF_CALLS,
    Resource.FEEDBACK_REQUEST: frozenset(
        {
            Kind.FEEDBACK_REQUEST,
            Kind.FEEDBACK_REQUEST_CREATED,
            Kind.FEEDBACK_REQUEST_DELIVERED,
        }
    ),
    Resource.FEEDBACK: frozenset(
        {
            Kind.CSAT,
            Kind.CES,
            Kind.NPS,
            Kind.FCR,
            Kind.RATING_NORMALIZED,
            Kind.FEEDBACK_COMMENT,
            Kind.SENTIMENT,
        }
    ),
    Resource.QUALITY_REVIEW: frozenset({Kind.QUALITY_REVIEW, Kind.QUALITY_CRITERION}),
    Resource.TASK: frozenset({Kind.TASK_ASSIGNED, Kind.TASK_COMPLETED}),
    Resource.PRESENCE: OF_AGENTS_TIME,
    Resource.SHIFT: OF_AGENTS_TIME,
    Resource.WORK_SESSION: frozenset({Kind.WORK_SESSION, Kind.WORK_SESSION_INTERVAL}),
    Resource.FORM: frozenset({Kind.FORM}),
    Resource.KB_EVENT: frozenset({Kind.KB_SEARCH, Kind.KB_VIEW, Kind.KB_VOTE}),
    Resource.SESSION: frozenset(
        {Kind.SELF_SERVICE_SESSION, Kind.BOT_SESSION, Kind.IVR_SESSION, Kind.SEARCH_SESSION}
    ),
    Resource.COST_ENTRY: frozenset({Kind.FIXED_COST}),
    Resource.CUSTOMER: frozenset({Kind.CUSTOMER}),
}
LISTED = frozenset[Kind]().union(*KINDS_OF.values())


def resources_of(kinds: Iterable[Kind]) -> list[Resource]:
    """The resources that facts of the kinds come from, in the order of their numbers. A kind that
    is not listed may come from any."""
    wanted = frozenset(kinds)
    if not wanted <= LISTED:
        return sorted(SUBJECT_KINDS)
    return [each for each in sorted(SUBJECT_KINDS) if wanted & KINDS_OF.get(each, LISTED)]
