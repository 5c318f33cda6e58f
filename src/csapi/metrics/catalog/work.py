"""Work: contacts handled in the time online, and work sessions on e-mail and chat."""

from csapi.facts.kinds import Kind
from csapi.facts.outcomes import CallOutcome, ResolutionOutcome
from csapi.metrics.catalog.people import ONLINE
from csapi.metrics.catalog.vocabulary import (
    ACTOR,
    HIGHER,
    LOWER,
    Params,
    averaged,
    counted,
    lasted,
)
from csapi.metrics.formulas import MS_PER_SECOND, Facts, Formula
from csapi.metrics.metric import MergeClass, Metric, TimeBasis, Unit

MS_PER_HOUR = 3600 * MS_PER_SECOND
SESSIONS = Facts(Kind.WORK_SESSION_INTERVAL)


# Contacts that a person handled.
HANDLED = Facts(Kind.CALL, (CallOutcome.ANSWERED,)).count() + Facts(Kind.FIRST_RESPONSE).count()


def handled_per_hour(_: Params) -> Formula:
    return Formula(
        numerator=HANDLED,
        denominator=ONLINE.duration(),
        n=HANDLED,
        denominator_scale=MS_PER_HOUR,
    )


def work_per_solved_ticket(_: Params) -> Formula:
    first = (ResolutionOutcome.ONLY, ResolutionOutcome.FIRST)
    solved = Facts(Kind.RESOLUTION, first).count()
    return Formula(
        numerator=Facts(Kind.WORK_SESSION).duration(),
        denominator=solved,
        n=solved,
        numerator_scale=MS_PER_SECOND,
    )


WORK_METRICS = (
    Metric(
        id="contacts_handled_per_hour",
        label="Contacts handled per hour",
        description="Answered inbound calls and first responses to tickets, per hour online.",
        formula_text="(calls answered + first responses) / online hours",
        unit=Unit.COUNT,
        direction=HIGHER,
        time_basis=TimeBasis.event,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=handled_per_hour,
        example="18 calls answered and 6 tickets first responded to in 8 h online: 3.",
        pitfalls="A call counts when it entered the queue, a ticket at its first response only, "
        "outbound calls not at all; a call about a ticket counts beside it. By channel it "
        "needs presence that names its channel.",
    ),
    lasted(
        "work_session_time",
        "Work session time",
        lambda _: Facts(Kind.WORK_SESSION),
        "The wall-clock time of work sessions on tickets, such as e-mails and chats.",
        pitfalls="Sessions at the same time are each counted in full.",
    ),
    counted(
        "work_sessions",
        "Work sessions",
        SESSIONS,
        "Work sessions that ended, in the bucket of their end.",
    ),
    averaged(
        "average_work_session_time",
        "Average work session time",
        SESSIONS,
        "The mean wall-clock length of a work session; by channel, what one sitting on an e-mail "
        "or a chat takes.",
        pitfalls="A ticket can take several sessions: see the time per solved ticket.",
    ),
    Metric(
        id="work_time_per_solved_ticket",
        label="Work time per solved ticket",
        description="Work session time per ticket solved for the first time: by channel, the "
        "handle time of e-mail and of chat.",
        formula_text="work session time / tickets solved for the first time",
        unit=Unit.SECONDS,
        direction=LOWER,
        time_basis=TimeBasis.event,
        merge_class=MergeClass.mean,
        attribution=ACTOR,
        build=work_per_solved_ticket,
        example="4,800 s of chat sessions and 12 chats solved: 400 s.",
        pitfalls="Work and solutions are those of the same range, not of the same tickets. The "
        "channel is that of the session above and that of the ticket below. By agent, work on "
        "tickets that others solve makes it long.",
        caution_by_agent="the work is whose it was, the ticket that of whoever solved it",
    ),
)
