"""What a customer's journey is made of, and how it is told."""

from enum import IntEnum, StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import (
    Box,
    CallOutcome,
    RequestOutcome,
    SearchOutcome,
    SessionOutcome,
    VoteOutcome,
)
from csapi.facts.wire import Survey
from csapi.kit.quantities import UtcDatetime
from csapi.reports.menus.customers import CustomerRef
from csapi.reports.pages import Cursor
from csapi.reports.schemas import QueryPage, RecordRef


class Step(StrEnum):
    """What happened."""

    ticket_opened = "ticket_opened"
    first_reply = "first_reply"
    ticket_solved = "ticket_solved"
    ticket_reopened = "ticket_reopened"
    call = "call"
    outbound_call = "outbound_call"
    feedback_requested = "feedback_requested"
    feedback = "feedback"
    form = "form"
    self_service_session = "self_service_session"
    bot_session = "bot_session"
    ivr_session = "ivr_session"
    kb_search = "kb_search"
    kb_view = "kb_view"
    kb_vote = "kb_vote"


STEPS: dict[Kind, Step] = {
    Kind.TICKET_CREATED: Step.ticket_opened,
    Kind.FIRST_RESPONSE: Step.first_reply,
    Kind.RESOLUTION: Step.ticket_solved,
    Kind.REOPEN: Step.ticket_reopened,
    Kind.CALL: Step.call,
    Kind.OUTBOUND_CALL: Step.outbound_call,
    Kind.FEEDBACK_REQUEST: Step.feedback_requested,
    Kind.CSAT: Step.feedback,
    Kind.CES: Step.feedback,
    Kind.NPS: Step.feedback,
    Kind.FCR: Step.feedback,
    Kind.FORM: Step.form,
    Kind.SELF_SERVICE_SESSION: Step.self_service_session,
    Kind.BOT_SESSION: Step.bot_session,
    Kind.IVR_SESSION: Step.ivr_session,
    Kind.KB_SEARCH: Step.kb_search,
    Kind.KB_VIEW: Step.kb_view,
    Kind.KB_VOTE: Step.kb_vote,
}
SURVEYS = {
    Kind.CSAT: Survey.csat,
    Kind.CES: Survey.ces,
    Kind.NPS: Survey.nps,
    Kind.FCR: Survey.fcr,
}
OUTCOMES: dict[Kind, type[IntEnum]] = {
    Kind.CALL: CallOutcome,
    Kind.OUTBOUND_CALL: CallOutcome,
    Kind.FEEDBACK_REQUEST: RequestOutcome,
    **dict.fromkeys(SURVEYS, Box),
    **dict.fromkeys(
        (Kind.SELF_SERVICE_SESSION, Kind.BOT_SESSION, Kind.IVR_SESSION), SessionOutcome
    ),
    Kind.KB_SEARCH: SearchOutcome,
    Kind.KB_VOTE: VoteOutcome,
}


class JourneyParams(msgspec.Struct, kw_only=True):
    """Which part of the journey; all of it if nothing is said."""

    from_: Annotated[str | None, Meta(description="First local day or instant")] = msgspec.field(
        name="from", default=None
    )
    to: Annotated[str | None, Meta(description="Until before this day or instant")] = None
    timezone: Annotated[str | None, Meta(description="IANA zone; the tenant's if absent")] = None
    step: Annotated[
        Annotated[list[Step], Meta(max_length=len(Step))],
        Meta(description="Only steps of these kinds"),
    ] = msgspec.field(default_factory=list)
    limit: Annotated[int, Meta(ge=1, le=1000, description="Page size")] = 100
    cursor: Cursor = None


class JourneyEntry(msgspec.Struct, kw_only=True):
    """A step. `record`: what it comes from, `ticket`: the ticket that it belongs to. `rating` is on
    the survey's own scale; `outcome` is a word of the kind of step, as that of a call or of a
    session. Null: not known, or the step has none."""

    step: Step
    occurred_at: UtcDatetime
    record: RecordRef | None
    ticket: RecordRef | None
    channel: str | None
    agent: str | None
    team: str | None
    topic: str | None
    type: str | None
    survey: Survey | None
    rating: float | None
    outcome: str | None


class Journey(msgspec.Struct, kw_only=True):
    """A customer's journey, the earliest step first. `merged`: who else is this customer."""

    customer: CustomerRef
    merged: list[CustomerRef]
    data: list[JourneyEntry]
    page: QueryPage
